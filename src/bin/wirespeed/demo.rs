//! `wirespeed demo`: a feed and its client in one process, over loopback TCP.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};

use wirespeed::{
    WebSocketClient, WebSocketConnection, WebSocketError, WebSocketListener,
    deflate::DeflateOptions,
};

use crate::{
    Outcome,
    args::{DemoArgs, LONGEST_DEMO},
    digest::FeedDigest,
    endpoint,
    error::ToolError,
    feed::{
        CLOSE_PATIENCE, End,
        hub::Hub,
        publisher::{self, Bounds, Plan},
        source::Source,
        subscriber,
    },
    intake::{Figures, Intake, LiveLine, SendLog},
    interrupt::Interrupt,
    report::{
        output,
        progress::{self, Progress},
        style::Style,
        summary,
    },
    tls::{MadeCertificate, TlsSetupError},
};

/// What may wait for the client: little, so that a feed that runs flat out
/// measures the connection and not a queue.
const QUEUE_BYTES: usize = 256 << 10;

/// The demo drops nobody: it waits for its client, unless something is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// The paced part of a synthetic demo; the rest of the time it runs flat out.
const PACED_PART: f64 = 0.6;

/// Runs the command.
pub(crate) fn run(args: &DemoArgs, interrupt: &Interrupt) -> Result<Outcome, ToolError> {
    let certificate = match args.tls {
        true => Some(MadeCertificate::new(Ipv4Addr::LOCALHOST.into())?),
        false => None,
    };
    let mut results = Vec::new();
    for leg in legs(args)? {
        if interrupt.is_raised() {
            break;
        }
        results.push(leg.run(args.deflate, certificate.as_ref(), interrupt)?);
    }
    output::show(&report(&results))?;
    if interrupt.is_raised() {
        return Ok(Outcome::Interrupted);
    }
    results.iter().try_for_each(LegResult::verify)?;
    let verdict = "every message arrived, in order and byte for byte";
    progress::log(format_args!("{}", Style::of_stderr().green(verdict)));
    Ok(Outcome::Done)
}

/// A part of the demo: one feed on one connection.
struct Leg {
    name: &'static str,
    source: Source,
    duration: Option<Duration>,
    log: Option<Arc<SendLog>>,
}

fn legs(args: &DemoArgs) -> Result<Vec<Leg>, ToolError> {
    if args.source.replay.is_some() {
        let flat_out = args.source.speed.is_none();
        let mut source = Source::from_args(&args.source, flat_out)?;
        source.end_within(LONGEST_DEMO);
        // Replayed messages stay as they are, so their sending times are kept aside.
        let log = source.remaining().map(|messages| Arc::new(SendLog::new(messages)));
        let name = if flat_out { "flat out" } else { "paced" };
        return Ok(vec![Leg { name, source, duration: None, log }]);
    }
    let mut legs = Vec::new();
    for (name, flat_out, part) in
        [("market pace", false, PACED_PART), ("flat out", true, 1.0 - PACED_PART)]
    {
        let source = Source::from_args(&args.source, flat_out)?;
        legs.push(Leg { name, source, duration: Some(args.duration.mul_f64(part)), log: None });
    }
    Ok(legs)
}

impl Leg {
    fn run(
        self,
        deflate: bool,
        certificate: Option<&MadeCertificate>,
        interrupt: &Interrupt,
    ) -> Result<LegResult, ToolError> {
        let (listener, client, addr) = endpoints(certificate)?;
        let scheme = if certificate.is_some() { "wss" } else { "ws" };
        let url = format!("{scheme}://{addr}/");
        progress::log(format_args!("{}: {url}", self.name));
        let listener = listener.options(endpoint::publishing(deflate));
        let stop = listener.stop_handle();
        let hub = Arc::new(Hub::new(QUEUE_BYTES, None));
        let server = thread::spawn({
            let hub = Arc::clone(&hub);
            move || listener.serve(move |connection| subscriber::serve(connection, &hub))
        });

        // Given the address, it is dialled past any proxy of the environment.
        let mut builder = client.websocket(&url).address(addr);
        if deflate {
            builder = builder.deflate(DeflateOptions::for_client());
        }
        let connection = builder.connect();
        let connection = connection.map_err(|source| ToolError::Connect { url, source })?;
        let intake = Intake::new();
        let receiver = thread::spawn({
            let (hub, intake, log) = (Arc::clone(&hub), intake.clone(), self.log.clone());
            move || {
                let received = receive_all(connection, &intake, log.as_deref());
                // Without its client there is nothing left to publish.
                hub.end(End::Gone);
                received
            }
        });
        let mut line = LiveLine::new(&intake, Style::of_stderr().unicode);
        let progress = Progress::start(move || line.next());

        let total = self.source.remaining().map(|messages| messages as u64);
        let plan = Plan {
            source: self.source,
            bounds: Bounds { duration: self.duration, messages: None },
            subscribers: 1,
            patience: PATIENCE,
        };
        let mut index = 0;
        let published = publisher::publish(plan, &hub, interrupt, |group| {
            if let Some(log) = &self.log {
                (index..).take(group.len()).for_each(|index| log.note(index));
                index += group.len() as u64;
            }
        });
        let received = receiver.join();
        hub.wait_until_empty(CLOSE_PATIENCE);
        stop.stop();
        let served = server.join();
        drop(progress);
        served.map_err(|_| ToolError::Panicked("server"))??;
        received.map_err(|_| ToolError::Panicked("client"))??;
        Ok(LegResult { name: self.name, total, sent: published.digest, figures: intake.figures() })
    }
}

/// What became of a leg.
struct LegResult {
    name: &'static str,
    /// How many messages the capture has.
    total: Option<u64>,
    sent: FeedDigest,
    figures: Figures,
}

impl LegResult {
    /// Whether all was sent and what arrived is what was sent.
    fn verify(&self) -> Result<(), ToolError> {
        let (sent, received) = (self.sent, self.figures.digest);
        if sent != received {
            return Err(ToolError::Changed { sent, received });
        }
        match self.total.filter(|total| *total != sent.messages) {
            Some(total) => Err(ToolError::Incomplete { sent: sent.messages, total }),
            None => Ok(()),
        }
    }
}

/// A server on a free port of the loopback interface, a client that trusts it, the address.
fn endpoints(
    certificate: Option<&MadeCertificate>,
) -> Result<(WebSocketListener, WebSocketClient, SocketAddr), ToolError> {
    let addr = (Ipv4Addr::LOCALHOST, 0).into();
    let fail = |source| ToolError::Listen { addr, source };
    let socket = TcpListener::bind(addr).map_err(fail)?;
    let addr = socket.local_addr().map_err(fail)?;
    let listener = WebSocketListener::from_listener(socket)?;
    let client = WebSocketClient::new();
    Ok(match certificate {
        None => (listener, client, addr),
        Some(made) => {
            let server = made.server().map_err(TlsSetupError::from)?;
            let trusting = made.client().map_err(TlsSetupError::from)?;
            (listener.tls(Arc::clone(server.config())), client.tls(trusting), addr)
        }
    })
}

/// Receives until the connection is closed.
fn receive_all(
    mut connection: WebSocketConnection,
    intake: &Intake,
    log: Option<&SendLog>,
) -> Result<(), WebSocketError> {
    while let Some(message) = connection.receive_ref()? {
        if let Some(seen) = intake.see(&message, log) {
            intake.record(seen, connection.read_at());
        }
    }
    intake.note_deflate(connection.deflate_totals().map(|(_, received)| received));
    Ok(())
}

fn report(results: &[LegResult]) -> String {
    let style = Style::of_stdout();
    let columns: Vec<(&str, &Figures)> =
        results.iter().map(|result| (result.name, &result.figures)).collect();
    let mut text = summary::table("demo", &columns, &style);
    if let Some(first) = results.first() {
        text.push_str(&summary::delays(&first.figures, &style));
    }
    text
}

#[cfg(test)]
mod tests {
    use wirespeed::{MessageRef, Opcode};

    use super::*;

    fn result(sent: &[&str], received: &[&str], total: u64) -> LegResult {
        let intake = Intake::new();
        for text in received {
            intake.see(&MessageRef::Binary(&mut text.as_bytes().to_vec()), None).unwrap();
        }
        let mut digest = FeedDigest::default();
        sent.iter().for_each(|text| digest.add(Opcode::Binary, text.as_bytes()));
        LegResult { name: "leg", total: Some(total), sent: digest, figures: intake.figures() }
    }

    #[test]
    fn a_feed_that_arrives_changed_or_incomplete_is_an_error() {
        assert!(result(&["a", "b"], &["a", "b"], 2).verify().is_ok());
        for (sent, received) in [(["a", "b"], &["a", "c"][..]), (["a", "b"], &["a"])] {
            let verdict = result(&sent, received, 2).verify();
            assert!(matches!(verdict, Err(ToolError::Changed { .. })), "{received:?}");
        }
        let verdict = result(&["a"], &["a"], 2).verify();
        assert!(matches!(verdict, Err(ToolError::Incomplete { sent: 1, total: 2 })));
    }
}
