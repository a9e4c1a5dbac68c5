//! Loopback echo over tokio: a server on one core, the load on the other.

use std::rc::Rc;

use super::Build;
use crate::{
    echo::{Library, Load, Server},
    timing::Group,
    traffic::{Lengths, bytes},
};

const SIZES: [usize; 4] = [20, 200, 1 << 10, 16 << 10];
pub const CLIENTS: [usize; 3] = [1, 64, 1000];

/// Messages of a connection under way at once.
pub const WINDOWS: [usize; 2] = [1, 16];

/// Windows that a run sends at least: the ends of a run, when not all connections
/// are at work, are not to weigh.
const LEAST_WINDOWS: usize = 400;

const SERVER_CORE: usize = 0;

pub fn groups() -> Vec<Build> {
    let mut builds = Vec::new();
    for window in WINDOWS {
        for clients in CLIENTS {
            for len in SIZES {
                let cell = move |id: &str| echo(id, len, clients, window);
                builds.push(Build::new(id(clients, window), cell));
            }
        }
    }
    builds
}

pub fn id(clients: usize, window: usize) -> String {
    format!("echo/tokio/window {window}/connections {clients}")
}

fn echo(id: &str, len: usize, clients: usize, window: usize) -> Group {
    let mut group = Group::new(id, Lengths::Fixed(len).name(), len as f64);
    for library in Library::ALL {
        let server = Rc::new(Server::start(library, library.drive(len, window), SERVER_CORE));
        let load = Load::connect(server.address(), clients, len, window);
        let mut load = load.unwrap_or_else(|error| {
            panic!("{} with messages of {}: {error}", library.name(), bytes(len))
        });
        let windows = LEAST_WINDOWS.max(clients);
        let used = Rc::clone(&server);
        group
            .add(library.name(), windows * window, move || load.run(windows).expect("answers"))
            .used(move || used.used());
    }
    group
}
