//! What an idle connection costs a server, library by library.
//!
//! ```text
//! cargo run --release --manifest-path benches/Cargo.toml --bin idle -- [CONNECTIONS] [OUT]
//! ```
//!
//! Every server is a process of its own. Each connection echoes one message of 20
//! bytes and falls silent; then the memory is looked at. A connection takes a descriptor
//! on either side: the hard limit (`ulimit -Hn`) has to be above their number. `OUT` is
//! the directory for `idle.md` and `idle.svg`.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    error::Error,
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use wirespeed_benches::{
    echo::{Library, Load, runtime},
    machine::raise_descriptor_limit,
    report::chart::{Bars, Series},
};

const CONNECTIONS: usize = 10_000;
const MESSAGE: usize = 20;

/// After the last echo: for tasks to begin to wait.
const SETTLE: Duration = Duration::from_millis(500);

fn main() -> Result<(), Box<dyn Error>> {
    raise_descriptor_limit();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [command, name] = &arguments[..]
        && command == "serve"
    {
        let library = Library::ALL.into_iter().find(|library| library.name() == name);
        return serve(library.ok_or("no such library")?);
    }
    let connections = arguments.first().map_or(Ok(CONNECTIONS), |count| count.parse())?;
    let mut costs = Vec::new();
    for library in Library::ALL {
        let cost = Cost::of(library, connections)?;
        eprintln!(
            "{:20} {:>8} resident, {:>8} allocated",
            cost.name, cost.resident, cost.allocated
        );
        costs.push(cost);
    }
    let report = table(&costs, connections);
    println!("{report}");
    if let Some(out) = arguments.get(1) {
        fs::create_dir_all(out)?;
        fs::write(Path::new(out).join("idle.md"), report)?;
        fs::write(Path::new(out).join("idle.svg"), chart(&costs, connections))?;
    }
    Ok(())
}

/// Bytes for each connection.
struct Cost {
    name: &'static str,
    /// That the process has more of the machine's memory.
    resident: usize,
    /// That its allocator has handed out.
    allocated: usize,
}

impl Cost {
    fn of(library: Library, connections: usize) -> Result<Self, Box<dyn Error>> {
        let mut server = Server::start(library)?;
        // The first connections bring what all share.
        let mut first = Load::connect(server.address.parse()?, 100, MESSAGE, 1)?;
        first.run(100)?;
        thread::sleep(SETTLE);
        let before = server.memory()?;
        let mut others = Load::connect(server.address.parse()?, connections, MESSAGE, 1)?;
        others.run(connections)?;
        thread::sleep(SETTLE);
        let after = server.memory()?;
        Ok(Self {
            name: library.name(),
            resident: after.0.saturating_sub(before.0) / connections,
            allocated: after.1.saturating_sub(before.1) / connections,
        })
    }
}

/// A process that serves.
struct Server {
    process: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    address: String,
}

impl Server {
    fn start(library: Library) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve", library.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = process.stdin.take().ok_or("no way to ask")?;
        let answers = BufReader::new(process.stdout.take().ok_or("no answers")?);
        let mut server = Self { process, ask, answers, address: String::new() };
        server.address = server.answer()?;
        Ok(server)
    }

    /// Resident and allocated bytes.
    fn memory(&mut self) -> Result<(usize, usize), Box<dyn Error>> {
        writeln!(self.ask)?;
        let allocated = self.answer()?.parse()?;
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no VmRSS")?;
        Ok((kib.parse::<usize>()? << 10, allocated))
    }

    fn answer(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which shows elsewhere.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve(library: Library) -> Result<(), Box<dyn Error>> {
    runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        thread::spawn(|| {
            for _ in std::io::stdin().lines() {
                println!("{}", ALLOCATED.load(Ordering::Relaxed));
            }
        });
        library.serve(listener, library.drive_of_idle()).await;
        Ok(())
    })
}

fn table(costs: &[Cost], connections: usize) -> String {
    let mut text = format!(
        "# An idle connection\n\n\
         {connections} connections to a server on tokio, each after the echo of one message of \
         {MESSAGE} bytes: bytes a connection, of the process and of its allocator. What the \
         system keeps for a socket is not in them. Every library with its defaults, but \
         tokio-tungstenite with the read buffer of 4 KiB that its documentation recommends for \
         many connections, and sockudo-ws without its pings.\n\n\
         ![an idle connection](idle.svg)\n\n\
         | | resident | beside wirespeed | allocated | beside wirespeed |\n\
         |---|---:|---:|---:|---:|\n"
    );
    let Some(ours) = costs.first() else { return text };
    let ratio = |bytes: usize, ours: usize| bytes as f64 / ours.max(1) as f64;
    for cost in costs {
        text.push_str(&format!(
            "| {} | {} | {:.2} | {} | {:.2} |\n",
            cost.name,
            cost.resident,
            ratio(cost.resident, ours.resident),
            cost.allocated,
            ratio(cost.allocated, ours.allocated),
        ));
    }
    text
}

fn chart(costs: &[Cost], connections: usize) -> String {
    let series = |name: &str, color, bytes: fn(&Cost) -> usize| Series {
        name: name.to_owned(),
        color,
        values: costs.iter().map(|cost| Some(bytes(cost) as f64 / 1024.0)).collect(),
    };
    Bars {
        title: "An idle connection: KiB of the server's memory",
        subtitle: &format!("{connections} connections, each after one echo; lower is better"),
        groups: costs.iter().map(|cost| cost.name.to_owned()).collect(),
        series: vec![
            series("resident", "#0b5cad", |cost| cost.resident),
            series("allocated", "#58a6e8", |cost| cost.allocated),
        ],
        line: None,
    }
    .svg()
}

/// The bytes that the allocator has handed out and not got back.
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: the system's allocator does all of it; it is only counted beside.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        ALLOCATED.fetch_add(new_size, Ordering::Relaxed);
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(block, layout) }
    }
}
