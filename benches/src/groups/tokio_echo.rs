//! Loopback echo over tokio: a server on one core, the load on the other.

use std::{cell::RefCell, rc::Rc, time::Duration};

use super::Build;
use crate::{
    echo::{Drive, Library, Load, Server},
    machine::SERVER_CORE,
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

/// The entry that reads no more at once than by default, where the other one does.
pub const DEFAULT_POOL: &str = "wirespeed, default pool";

/// The entry that spins before it sleeps.
pub const SPINNING: &str = "wirespeed, spinning";
const SPIN: Duration = Duration::from_micros(100);

pub fn groups() -> Vec<Build> {
    let mut builds = Vec::new();
    for window in WINDOWS {
        for clients in CLIENTS {
            for len in SIZES {
                let cell = move |id: &str| echo(id, entries(len, window), len, clients, window);
                builds.push(Build::new(id(clients, window), cell));
            }
        }
    }
    for window in WINDOWS {
        for len in SIZES {
            let cell = move |id: &str| echo(id, spinning_entries(len, window), len, 1, window);
            builds.push(Build::new(spinning_id(window), cell));
        }
    }
    builds
}

pub fn id(clients: usize, window: usize) -> String {
    format!("echo/tokio/window {window}/connections {clients}")
}

/// One connection that spins, where with many the server does not get to sleep. A group
/// of its own, for a core that is kept awake is still faster to wake for who comes next.
pub fn spinning_id(window: usize) -> String {
    format!("echo/tokio/spinning/window {window}")
}

type Entry = (&'static str, Library, Drive);

fn echo(id: &str, entries: Vec<Entry>, len: usize, clients: usize, window: usize) -> Group {
    let mut group = Group::new(id, Lengths::Fixed(len).name(), len as f64);
    for (name, library, drive) in entries {
        let windows = LEAST_WINDOWS.max(clients);
        let open = move || Echo::open(name, library, drive, len, clients, window);
        let echo = Rc::new(RefCell::new(open()));
        let [run, used, renewed] = [(); 3].map(|()| Rc::clone(&echo));
        group
            .add(name, windows * window, move || {
                run.borrow_mut().load.run(windows).expect("answers");
            })
            .used(move || used.borrow().server.used())
            .renewed_by(move || *renewed.borrow_mut() = open());
    }
    group
}

/// A server and its load. Which memory the system gives to their sockets makes some of
/// them take twice as long as others for large messages, whatever the library.
struct Echo {
    load: Load,
    server: Server,
}

impl Echo {
    fn open(
        name: &str,
        library: Library,
        drive: Drive,
        len: usize,
        clients: usize,
        window: usize,
    ) -> Self {
        let server = Server::start(library, drive, SERVER_CORE);
        let load = Load::connect(server.address(), clients, len, window);
        let load =
            load.unwrap_or_else(|error| panic!("{name} with messages of {}: {error}", bytes(len)));
        Self { load, server }
    }
}

fn entries(len: usize, window: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    for library in Library::ALL {
        let drive = library.drive(len, window);
        entries.push((library.name(), library, drive));
        let read = library.default_read();
        if library == Library::Wirespeed && drive.read != read {
            entries.push((DEFAULT_POOL, library, Drive { read, ..drive }));
        }
    }
    entries
}

fn spinning_entries(len: usize, window: usize) -> Vec<Entry> {
    let entry = |library: Library| match library.drive(len, window) {
        drive if library == Library::Wirespeed => {
            (SPINNING, library, Drive { spin: SPIN, ..drive })
        }
        drive => (library.name(), library, drive),
    };
    Library::ALL.map(entry).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_pool_is_held_against_the_default_one() {
        let reads = |len, window| -> Vec<(&str, usize)> {
            let entries = entries(len, window).into_iter();
            let ours = entries.filter(|(_, library, _)| *library == Library::Wirespeed);
            ours.map(|(name, _, drive)| (name, drive.read)).collect()
        };
        assert_eq!(reads(1 << 10, 16), [("wirespeed", 64 << 10)]);
        assert_eq!(
            reads(16 << 10, 16),
            [("wirespeed", 16 * ((16 << 10) + 14)), (DEFAULT_POOL, 64 << 10)]
        );
    }
}
