//! `wirespeed`: publish WebSocket feeds, receive them, and measure both.

mod args;
mod bench;
mod demo;
mod digest;
mod echo;
mod endpoint;
mod error;
mod feed;
mod intake;
mod interrupt;
mod print;
mod report;
mod stamp;
mod tail;
mod tls;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use error::ToolError;
use interrupt::{INTERRUPTED, Interrupt};
use report::{progress, style::Style};

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// It was cut short.
    Interrupted,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) => {
            progress::log(format_args!("{} {error}", Style::of_stderr().red("wirespeed:")));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<Outcome, ToolError> {
    let interrupt = Interrupt::install()?;
    match command {
        Command::Echo(args) => echo::run(&args, &interrupt),
        Command::Feed(args) => feed::run(&args, &interrupt),
        Command::Tail(args) => tail::run(&args, &interrupt),
        Command::Demo(args) => demo::run(&args, &interrupt),
        Command::Bench(args) => bench::run(&args, &interrupt),
    }
}
