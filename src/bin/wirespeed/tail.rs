//! `wirespeed tail`: receives a feed.

use std::{
    io::{self, BufWriter, ErrorKind, StdoutLock, Write},
    sync::{Arc, OnceLock},
};

use wirespeed::{
    CloseCode, MessageRef, WebSocketError, WebSocketReader, WebSocketWriter, deflate::DeflateTotals,
};

use crate::{
    Outcome,
    args::TailArgs,
    endpoint,
    error::ToolError,
    intake::{Intake, LiveLine},
    interrupt::{INTERRUPTED, Interrupt},
    print::{Escaped, Line},
    report::{
        output,
        progress::{self, Progress},
        style::Style,
        summary,
    },
};

/// Runs the command.
pub(crate) fn run(args: &TailArgs, interrupt: &Interrupt) -> Result<Outcome, ToolError> {
    let subscribed = end_on_raise(interrupt);
    let connection = endpoint::subscribe(args)?;
    if let Some(subprotocol) = connection.subprotocol() {
        progress::log(format_args!("connected with subprotocol {}", Escaped(subprotocol)));
    }
    if args.deflate && connection.deflate_totals().is_none() {
        progress::log(format_args!("the server declined permessage-deflate"));
    }
    let (mut reader, writer) = connection.split();
    for message in &args.messages {
        writer.send(message)?;
    }
    let writer = subscribed.get_or_init(|| writer);

    let mut output = Output::new(args.stats);
    let end = receive(&mut reader, &mut output, args.count);
    let end = match end.and_then(|end| output.flush().map(|()| end)) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Outcome::Done),
        end => end.map_err(ToolError::Output)?,
    };
    if let End::Enough = end {
        // Nothing that goes wrong from here on takes away what was received.
        let _ = writer.close(CloseCode::NORMAL, "");
        while let Ok(Some(_)) = reader.receive_ref() {}
    }
    output.note_deflate(reader.deflate_totals());
    output.finish()?;
    if interrupt.is_raised() { Ok(Outcome::Done) } else { judge(end) }
}

/// Lets an interrupt close the connection, once it is there; until then there is nothing
/// to be closed, and what is waited for can take long.
fn end_on_raise(interrupt: &Interrupt) -> Arc<OnceLock<WebSocketWriter>> {
    let subscribed = Arc::new(OnceLock::<WebSocketWriter>::new());
    interrupt.on_raise({
        let subscribed = Arc::clone(&subscribed);
        move || match subscribed.get() {
            // If it is closed already, that is what is wanted.
            Some(writer) => drop(writer.close(CloseCode::NORMAL, "")),
            None => std::process::exit(i32::from(INTERRUPTED)),
        }
    });
    subscribed
}

/// How a connection came to its end.
enum End {
    /// We had what we wanted.
    Enough,
    /// The other side closed it.
    Closed(CloseCode, String),
    /// It failed.
    Failed(WebSocketError),
}

fn judge(end: End) -> Result<Outcome, ToolError> {
    match end {
        End::Enough => Ok(Outcome::Done),
        End::Closed(code, reason) => match code {
            CloseCode::NORMAL | CloseCode::GOING_AWAY | CloseCode::NO_STATUS => {
                progress::log(format_args!("closed by the server: {code} {}", Escaped(&reason)));
                Ok(Outcome::Done)
            }
            _ => Err(ToolError::ClosedWith { code, reason }),
        },
        End::Failed(error) => Err(error.into()),
    }
}

/// What becomes of the messages.
enum Output {
    /// They are printed.
    Messages(BufWriter<StdoutLock<'static>>),
    /// They are counted; a line of figures is shown meanwhile.
    Figures(Intake, Progress),
}

impl Output {
    fn new(stats: bool) -> Self {
        if !stats {
            return Self::Messages(BufWriter::new(io::stdout().lock()));
        }
        let intake = Intake::new();
        let mut line = LiveLine::new(&intake, Style::of_stderr().unicode);
        Self::Figures(intake, Progress::start(move || line.next()))
    }

    fn note_deflate(&self, totals: Option<DeflateTotals>) {
        if let Self::Figures(intake, _) = self {
            intake.note_deflate(totals);
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Messages(out) => out.flush(),
            Self::Figures(..) => Ok(()),
        }
    }

    fn finish(self) -> Result<(), ToolError> {
        match self {
            Self::Messages(_) => Ok(()),
            Self::Figures(intake, progress) => {
                drop(progress);
                let summary = summary::of_one("received", &intake.figures(), &Style::of_stdout());
                output::show(&summary)
            }
        }
    }
}

/// Receives until the connection ends or `count` messages are there.
fn receive(
    reader: &mut WebSocketReader,
    output: &mut Output,
    count: Option<u64>,
) -> io::Result<End> {
    let mut received = 0;
    while Some(received) != count {
        let message = match reader.receive_ref() {
            Ok(Some(MessageRef::Close(code, reason))) => {
                return Ok(End::Closed(code, reason.to_owned()));
            }
            Ok(Some(message)) if message.is_data() => message,
            Ok(Some(_)) => continue,
            Ok(None) => return Ok(End::Failed(WebSocketError::ConnectionClosed)),
            Err(error) => return Ok(End::Failed(error)),
        };
        received += 1;
        match output {
            Output::Messages(out) => {
                writeln!(out, "{}", Line(&message))?;
                if !reader.has_buffered_message() {
                    out.flush()?;
                }
            }
            Output::Figures(intake, _) => {
                if let Some(seen) = intake.see(&message, None) {
                    intake.record(seen, reader.read_at());
                }
            }
        }
    }
    Ok(End::Enough)
}
