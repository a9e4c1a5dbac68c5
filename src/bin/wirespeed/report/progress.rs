//! What happens meanwhile, on the standard error: events in lines of their own,
//! and one line that shows how far things are.

use std::{
    fmt,
    io::Write,
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
    time::Duration,
};

use super::style::Style;

/// How often a terminal's line is drawn anew.
const LIVE_INTERVAL: Duration = Duration::from_millis(200);

/// How often a line is added to what is not a terminal.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

const CLEAR_LINE: &str = "\r\x1b[K";

/// Reports an event in a line of its own.
pub(crate) fn log(event: fmt::Arguments<'_>) {
    // One write for the whole line, which may replace a progress line.
    let clear = if Style::of_stderr().live { CLEAR_LINE } else { "" };
    // A closed standard error is no reason to stop working.
    let _ = std::io::stderr().write_all(format!("{clear}{event}\n").as_bytes());
}

/// Shows a line until it is dropped, which wipes it off a terminal.
pub(crate) struct Progress {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to show what `line` says: over and over in one place on a terminal,
    /// as a line a second elsewhere.
    pub(crate) fn start(line: impl FnMut() -> String + Send + 'static) -> Self {
        let style = Style::of_stderr();
        let interval = if style.live { LIVE_INTERVAL } else { LOG_INTERVAL };
        Self::start_on(std::io::stderr(), style, interval, line)
    }

    fn start_on(
        out: impl Write + Send + 'static,
        style: Style,
        interval: Duration,
        line: impl FnMut() -> String + Send + 'static,
    ) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::spawn(move || show(out, style, interval, line, &stopped));
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // Nothing is lost but the line if its thread panicked.
            let _ = thread.join();
        }
    }
}

fn show(
    mut out: impl Write,
    style: Style,
    interval: Duration,
    mut line: impl FnMut() -> String,
    stopped: &mpsc::Receiver<()>,
) {
    while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
        let line = line();
        let _ = if style.live {
            write!(out, "{CLEAR_LINE}{}", fit(&line, style.width))
        } else {
            writeln!(out, "{line}")
        };
        let _ = out.flush();
    }
    if style.live {
        let _ = write!(out, "{CLEAR_LINE}");
        let _ = out.flush();
    }
}

/// What fits into one line, so that it can be drawn over.
fn fit(line: &str, width: usize) -> &str {
    let end = line.char_indices().nth(width.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
    &line[..end]
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn shown(style: Style) -> String {
        let sink = Sink::default();
        let (called, calls) = mpsc::channel();
        let interval = Duration::from_millis(1);
        let progress = Progress::start_on(sink.clone(), style, interval, move || {
            let _ = called.send(());
            "half way".to_owned()
        });
        calls.recv().unwrap();
        drop(progress);
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_terminal_line_is_drawn_over_and_wiped() {
        let shown = shown(Style { live: true, ..Style::UNICODE });
        assert!(shown.starts_with("\r\x1b[Khalf way"), "{shown:?}");
        assert!(shown.ends_with("\r\x1b[K") && !shown.contains('\n'), "{shown:?}");
    }

    #[test]
    fn elsewhere_it_is_plain_lines() {
        let shown = shown(Style::PLAIN);
        assert!(shown.starts_with("half way\n") && !shown.contains('\x1b'), "{shown:?}");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        assert_eq!(fit("µµµµ", 4), "µµµ");
        assert_eq!(fit("short", 80), "short");
        assert_eq!(fit("x", 0), "");
    }
}
