//! `wirespeed feed`: publishes a feed to every subscriber.

mod burst;
pub(crate) mod capture;
pub(crate) mod hub;
mod outbox;
pub(crate) mod profile;
pub(crate) mod publisher;
mod sbe;
mod shapes;
pub(crate) mod source;
pub(crate) mod subscriber;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Outcome,
    args::FeedArgs,
    endpoint,
    error::ToolError,
    interrupt::Interrupt,
    report::{output, progress, tally::per_second, units},
};
use hub::Hub;
pub(crate) use outbox::End;
use profile::{Generator, Profile};
use publisher::{Bounds, Plan, Published};
use source::Source;

/// How long a feed that runs flat out waits for a subscriber who takes nothing.
const FLAT_OUT_PATIENCE: Duration = Duration::from_secs(5);

/// How long the last messages may take to leave, and the connections to close.
pub(crate) const CLOSE_PATIENCE: Duration = Duration::from_secs(15);

/// Runs the command.
pub(crate) fn run(args: &FeedArgs, interrupt: &Interrupt) -> Result<Outcome, ToolError> {
    let source = Source::from_args(&args.source, args.flat_out)?;
    let socket = endpoint::bind(args.listen, &args.tls)?;
    let url = socket.url.clone();
    let listener = socket.listener()?.options(endpoint::publishing(args.deflate));
    let stop = listener.stop_handle();
    // Who comes late would not know the order book that the changes refer to.
    let snapshot = args.source.replay.is_none() && args.source.profile == Profile::Snapshot;
    let greeting = snapshot.then(|| Generator::new(Profile::Snapshot, args.source.seed).next(None));
    let queue = usize::try_from(args.queue).unwrap_or(usize::MAX);
    let hub = Arc::new(Hub::new(queue, greeting));
    let ca = args.tls.save_cert.as_ref().map(|path| format!(" --ca {}", path.display()));
    let ca = ca.unwrap_or_default();
    progress::log(format_args!("feeding {url}; receive it with: wirespeed tail {url}{ca}"));

    let server = thread::spawn({
        let hub = Arc::clone(&hub);
        move || listener.serve(move |connection| subscriber::serve(connection, &hub))
    });
    let plan = Plan {
        source,
        bounds: Bounds { duration: args.duration, messages: args.messages },
        subscribers: args.subscribers as usize,
        patience: if args.flat_out { FLAT_OUT_PATIENCE } else { Duration::ZERO },
    };
    let mut published = publisher::publish(plan, &hub, interrupt, |_| {});
    let queued = Instant::now();
    hub.wait_until_empty(CLOSE_PATIENCE);
    // Published is what has left the queues.
    published.elapsed += queued.elapsed();
    stop.stop();
    server.join().map_err(|_| ToolError::Panicked("server"))??;
    output::show(&summary(&published))?;
    Ok(Outcome::Done)
}

fn summary(published: &Published) -> String {
    let Published { digest, elapsed } = published;
    format!(
        "published {digest}, {} and {}/s on average\n",
        units::rate(per_second(digest.messages, *elapsed)),
        units::bytes(per_second(digest.bytes, *elapsed)),
    )
}
