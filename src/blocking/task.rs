//! A connection on a thread of its own.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use super::WebSocketWriter;
use crate::{
    client::WebSocketBuilder,
    error::WebSocketError,
    frame::CloseCode,
    message::MessageRef,
    protocol::{Outgoing, WebSocketState},
};

/// A connection that is made and read by a thread of its own, made by
/// [`WebSocketBuilder::spawn`].
///
/// ```no_run
/// use wirespeed::WebSocketClient;
///
/// let task = WebSocketClient::new()
///     .websocket("wss://example.com/feed")
///     .spawn(|_, message| println!("{:?}", message.as_text()))?;
/// task.send(r#"{"op":"subscribe"}"#)?; // waits until the connection is open
/// task.close(1000, "")?;
/// task.join()?;
/// # Ok::<(), wirespeed::WebSocketError>(())
/// ```
#[derive(Debug)]
pub struct WebSocketTask {
    progress: Arc<Progress>,
    thread: JoinHandle<Result<(), WebSocketError>>,
}

/// What the thread tells the task.
#[derive(Debug)]
struct Progress {
    stage: Mutex<Stage>,
    changed: Condvar,
}

#[derive(Debug)]
enum Stage {
    Connecting,
    Open(WebSocketWriter),
    Over,
}

impl WebSocketBuilder {
    /// Connects on a thread of its own and calls `handler` there for each
    /// message, with a writer to answer on, until the connection is closed.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::IoError`] if there is no thread to be had. What goes
    /// wrong on it is returned by [`join`](WebSocketTask::join).
    pub fn spawn<H>(self, mut handler: H) -> Result<WebSocketTask, WebSocketError>
    where
        H: FnMut(&WebSocketWriter, MessageRef<'_>) + Send + 'static,
    {
        let progress =
            Arc::new(Progress { stage: Mutex::new(Stage::Connecting), changed: Condvar::new() });
        let over = WhenOver(Arc::clone(&progress));
        let run = move || {
            let (mut reader, writer) = self.connect()?.split();
            over.0.set(Stage::Open(writer.clone()));
            while let Some(message) = reader.receive_ref()? {
                handler(&writer, message);
            }
            Ok(())
        };
        let thread = thread::Builder::new().name("websocket".into()).spawn(run)?;
        Ok(WebSocketTask { progress, thread })
    }
}

impl WebSocketTask {
    /// How far the connection is.
    pub fn state(&self) -> WebSocketState {
        match &*self.progress.lock() {
            Stage::Connecting => WebSocketState::Connecting,
            Stage::Open(writer) => writer.state(),
            Stage::Over => WebSocketState::Closed,
        }
    }

    /// The writer, as soon as the connection is open.
    ///
    /// # Errors
    ///
    /// [`ConnectionClosed`](WebSocketError::ConnectionClosed) if there is no
    /// connection, or none any more; [`join`](Self::join) says why.
    pub fn writer(&self) -> Result<WebSocketWriter, WebSocketError> {
        let mut stage = self.progress.lock();
        loop {
            match &*stage {
                Stage::Open(writer) => return Ok(writer.clone()),
                Stage::Over => return Err(WebSocketError::ConnectionClosed),
                Stage::Connecting => {
                    let waited = self.progress.changed.wait(stage);
                    stage = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Sends a message, as soon as the connection is open.
    ///
    /// # Errors
    ///
    /// As [`writer`](Self::writer) and [`WebSocketWriter::send`].
    pub fn send(&self, message: impl Outgoing) -> Result<(), WebSocketError> {
        self.writer()?.send(message)
    }

    /// Sends a close frame, as soon as the connection is open. The handler sees
    /// what the peer still sends, and its close frame.
    ///
    /// # Errors
    ///
    /// As [`writer`](Self::writer) and [`WebSocketWriter::close`].
    pub fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), WebSocketError> {
        self.writer()?.close(code, reason)
    }

    /// Waits for the end of the connection.
    ///
    /// # Errors
    ///
    /// Why the connection could not be made, or did not end in a close frame;
    /// [`WebSocketError::IoError`] if the handler panicked.
    pub fn join(self) -> Result<(), WebSocketError> {
        let ended = self.thread.join();
        ended.unwrap_or_else(|_| Err(io::Error::other("the handler panicked").into()))
    }
}

impl Progress {
    fn set(&self, stage: Stage) {
        *self.lock() = stage;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that the connection is over, however its thread ends.
struct WhenOver(Arc<Progress>);

impl Drop for WhenOver {
    fn drop(&mut self) {
        self.0.set(Stage::Over);
    }
}
