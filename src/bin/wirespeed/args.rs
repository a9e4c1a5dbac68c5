//! The command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::feed::profile::Profile;

/// WebSocket feeds at wire speed: publish, receive, measure.
#[derive(Debug, Parser)]
#[command(name = "wirespeed", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done; echo, feed and tail also after Ctrl-C
  1    failed: no connection, an error on it, or a feed that arrived changed
  2    wrong usage
  130  demo or bench interrupted, tail while it connects, or a second Ctrl-C";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve connections and send every message back
    Echo(EchoArgs),
    /// Publish a synthetic or recorded feed to every subscriber
    Feed(FeedArgs),
    /// Connect to a feed and print its messages, or figures about them
    Tail(TailArgs),
    /// Run a feed and its client over loopback and show how they do
    Demo(DemoArgs),
    /// Measure this machine: frames in memory, and round trips over loopback
    Bench(BenchArgs),
}

#[derive(Debug, Args)]
pub(crate) struct EchoArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9001", value_parser = parse_address)]
    pub(crate) listen: SocketAddr,

    /// Largest message to accept, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_message: u64,

    /// Most fragments to accept in one message
    #[arg(long, value_name = "COUNT", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_fragments: u32,

    /// Agree to permessage-deflate where a client offers it
    #[arg(long)]
    pub(crate) deflate: bool,

    /// Subprotocol to speak, if a client offers it; repeat for several
    #[arg(long = "subprotocol", value_name = "NAME")]
    pub(crate) subprotocols: Vec<String>,

    /// What drives the connections: a thread for each, or tokio, if it is built in
    #[arg(long, value_enum, default_value_t = Runtime::Blocking)]
    pub(crate) runtime: Runtime,

    #[command(flatten)]
    pub(crate) tls: ServerTlsArgs,
}

/// A driver of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    Blocking,
    Tokio,
}

#[derive(Debug, Args)]
pub(crate) struct FeedArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9002", value_parser = parse_address)]
    pub(crate) listen: SocketAddr,

    #[command(flatten)]
    pub(crate) source: SourceArgs,

    /// Send as fast as the slowest subscriber takes it, instead of at the feed's pace
    #[arg(long, conflicts_with_all = ["speed", "rate"])]
    pub(crate) flat_out: bool,

    /// End after this time, such as 10s, 500ms or 2m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) duration: Option<Duration>,

    /// End after this many messages
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) messages: Option<u64>,

    /// Payload bytes that a subscriber may be behind before it is dropped
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20, value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    pub(crate) queue: u64,

    /// Start when this many subscribers are there
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) subscribers: u32,

    /// Agree to permessage-deflate where a subscriber offers it
    #[arg(long)]
    pub(crate) deflate: bool,

    #[command(flatten)]
    pub(crate) tls: ServerTlsArgs,
}

/// What a feed sends.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// Shapes and sizes of the synthetic messages
    #[arg(long, value_enum, default_value_t = Profile::Mixed)]
    pub(crate) profile: Profile,

    /// Send a capture instead: a file of "microseconds TAB text" lines
    #[arg(long, value_name = "FILE", conflicts_with_all = ["profile", "rate", "seed"])]
    pub(crate) replay: Option<PathBuf>,

    /// Replay this many times faster than recorded
    #[arg(long, value_name = "FACTOR", requires = "replay", value_parser = parse_positive)]
    pub(crate) speed: Option<f64>,

    /// Mean number of synthetic messages a second; about 2,400 without this
    #[arg(long, value_name = "PER_SECOND", value_parser = parse_positive)]
    pub(crate) rate: Option<f64>,

    /// Seed of the synthetic feed; the same seed gives the same messages and bursts
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ServerTlsArgs {
    /// Serve wss with a certificate made at the start
    #[arg(long)]
    pub(crate) tls: bool,

    /// Write the certificate made at the start to a file, for tail --ca
    #[arg(long, value_name = "FILE", requires = "tls", conflicts_with = "cert")]
    pub(crate) save_cert: Option<PathBuf>,

    /// Serve wss with this certificate chain (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,

    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// Where to connect: a ws or wss URL
    pub(crate) url: String,

    /// Show rates and latencies instead of messages
    #[arg(long)]
    pub(crate) stats: bool,

    /// Offer permessage-deflate
    #[arg(long)]
    pub(crate) deflate: bool,

    /// Header to send with the handshake; repeat for several
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = parse_header)]
    pub(crate) headers: Vec<(String, String)>,

    /// Subprotocol to offer; repeat for several, the preferred one first
    #[arg(long = "subprotocol", value_name = "NAME")]
    pub(crate) subprotocols: Vec<String>,

    /// Trust the certificates in this file (PEM) instead of the usual authorities
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,

    /// End after this many messages
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,

    /// Text message to send first, such as a subscription; repeat for several
    #[arg(long = "send", value_name = "TEXT")]
    pub(crate) messages: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,

    /// How long the synthetic feed runs, such as 8s; a replay runs to its end,
    /// as fast as possible, or with --speed at that pace if it ends within 28s
    #[arg(long, value_name = "TIME", default_value = "8s", value_parser = parse_demo_duration, conflicts_with = "replay")]
    pub(crate) duration: Duration,

    /// Compress the feed with permessage-deflate
    #[arg(long)]
    pub(crate) deflate: bool,

    /// Run over TLS, with a certificate made for it
    #[arg(long)]
    pub(crate) tls: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Time for each measurement, such as 300ms
    #[arg(long, value_name = "TIME", default_value = "300ms", value_parser = parse_duration)]
    pub(crate) time: Duration,
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    const HELP: &str = "give an IP address and a port, such as 127.0.0.1:9001 or [::1]:9001";
    text.parse().map_err(|_| HELP.into())
}

/// A demo ends within half a minute.
pub(crate) const LONGEST_DEMO: Duration = Duration::from_secs(28);

fn parse_demo_duration(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        duration if duration > LONGEST_DEMO => {
            Err("a demo lasts 28s at most; use feed and tail".into())
        }
        duration => Ok(duration),
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    const HELP: &str = "give a number and its unit, such as 500ms, 10s, 2m or 1h";
    let unit_at = text.find(|letter: char| letter.is_ascii_alphabetic()).ok_or(HELP)?;
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(HELP.into()),
    };
    let number: f64 = number.trim_end().parse().map_err(|_| HELP)?;
    match Duration::try_from_secs_f64(number * seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("the time must be more than nothing".into()),
    }
}

fn parse_positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (1e-3..=1e9).contains(&number) => Ok(number),
        _ => Err("give a number from 0.001 to 1000000000".into()),
    }
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once(':').ok_or("write the name, a colon and the value: 'X-Key: secret'")?;
    Ok((name.to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Cli::try_parse_from(line.split(' ')).map(|cli| cli.command)
    }

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_units() {
        for (text, millis) in [("500ms", 500), ("1.5s", 1_500), ("2m", 120_000), ("1h", 3_600_000)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
        }
        for text in ["", "10", "s", "10 days", "-1s", "0s", "nans", "1e400s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn headers_are_split_at_the_first_colon() {
        assert_eq!(parse_header("X-Time: 12:30 "), Ok(("X-Time".into(), "12:30".into())));
        assert!(parse_header("X-Time").is_err());
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        for line in [
            "wirespeed feed --replay f --profile tiny",
            "wirespeed feed --speed 2",
            "wirespeed feed --replay f --speed 2 --flat-out",
            "wirespeed feed --flat-out --rate 5",
            "wirespeed feed --rate 0",
            "wirespeed echo --cert f",
            "wirespeed echo --save-cert f",
            "wirespeed demo --duration 29s",
            "wirespeed tail",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn repeated_options_keep_their_order() {
        let command = parse("wirespeed tail ws://h --send a --send b -H A:1 -H B:2").unwrap();
        let Command::Tail(args) = command else { panic!("{command:?}") };
        assert_eq!(args.messages, ["a", "b"]);
        assert_eq!(args.headers, [("A".into(), "1".into()), ("B".into(), "2".into())]);
    }
}
