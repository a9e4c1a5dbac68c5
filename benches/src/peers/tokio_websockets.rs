//! tokio-websockets: asynchronous, `Stream` and `Sink`; its messages own their bytes.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Waker},
};

use bytes::Bytes;
use futures_util::{Sink as _, Stream as _};
use tokio_websockets::{ClientBuilder, Message, ServerBuilder, WebSocketStream};
use wirespeed::Role;

use super::{Receive, Send, Sink};
use crate::{memory::Aligned, wire::Wire};

pub struct TokioWebsockets {
    connection: WebSocketStream<Wire>,
    wire: Wire,
    text: Bytes,
}

impl Receive for TokioWebsockets {
    const NAME: &str = "tokio-websockets";

    fn new(role: Role) -> Self {
        <Self as Send>::new(role, "")
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        self.wire.arrive(wire);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..messages {
            match Pin::new(&mut self.connection).poll_next(&mut context) {
                std::task::Poll::Ready(Some(Ok(message))) => sink.payload(message.as_payload()),
                other => panic!("no message: {other:?}"),
            }
        }
    }
}

impl Send for TokioWebsockets {
    const NAME: &str = "tokio-websockets";

    fn new(role: Role, text: &'static str) -> Self {
        let wire = Wire::default();
        let connection = match role {
            Role::Client => ClientBuilder::new().take_over(wire.clone()),
            Role::Server => ServerBuilder::new().serve(wire.clone()),
        };
        Self { connection, wire, text: Bytes::from_static(text.as_bytes()) }
    }

    fn send(&mut self, messages: usize, sink: Option<&mut Vec<u8>>) {
        if sink.is_some() {
            self.wire.keep();
        }
        let mut context = Context::from_waker(Waker::noop());
        let mut connection = Pin::new(&mut self.connection);
        for _ in 0..messages {
            let ready = connection.as_mut().poll_ready(&mut context);
            assert!(matches!(ready, std::task::Poll::Ready(Ok(()))));
            connection.as_mut().start_send(Message::text(self.text.clone())).expect("room");
        }
        let flushed = connection.as_mut().poll_flush(&mut context);
        assert!(matches!(flushed, std::task::Poll::Ready(Ok(()))));
        if let Some(sink) = sink {
            *sink = self.wire.kept();
        }
    }
}
