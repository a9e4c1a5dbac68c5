//! The machine that is measured on.

use std::{fs, process::Command, time::Duration};

/// The core that servers run on, where the load has another one.
pub const SERVER_CORE: usize = 0;

/// Binds the process to one core, the last: the first takes most interrupts.
/// Returns its number.
pub fn pin_to_a_core() -> usize {
    let core = std::thread::available_parallelism().map_or(0, |cores| cores.get() - 1);
    pin_this_thread(core);
    core
}

/// Binds the calling thread to `core`.
pub fn pin_this_thread(core: usize) {
    // SAFETY: a set of bits, all zero, of which one is set; the call reads it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
}

/// Lets the process open as many files and sockets as it may: both ends of a
/// thousand connections to each library are more than the usual limit of 1024.
pub fn raise_descriptor_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the limit is written first and read then.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// The time that a thread was running.
#[derive(Debug, Clone, Copy)]
pub struct ThreadClock(libc::clockid_t);

impl ThreadClock {
    pub fn of_this_thread() -> Self {
        let mut clock = 0;
        // SAFETY: the calling thread exists, and the id is written.
        unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut clock) };
        Self(clock)
    }

    /// Zero once the thread has ended.
    pub fn elapsed(self) -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the time is written; an id that is no longer valid is an error.
        unsafe { libc::clock_gettime(self.0, &mut time) };
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
}

/// What a report says of the machine.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub system: String,
    pub compiler: String,
    pub tier: String,
    /// The load average of the last minute, before and after.
    pub load: [f64; 2],
}

impl Machine {
    pub fn look() -> Self {
        Self {
            processor: processor(),
            cores: cores(),
            system: output("uname", &["-sr"]),
            compiler: output("rustc", &["--version"]),
            tier: format!("{:?}", wirespeed::simd::Kernels::active().tier()),
            load: [load(); 2],
        }
    }

    pub fn look_again(&mut self) {
        self.load[1] = load();
    }

    /// A name for a directory.
    pub fn slug(&self) -> String {
        let name: String = self
            .processor
            .to_lowercase()
            .chars()
            .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
            .collect();
        let words: Vec<&str> = name.split('-').filter(|word| !word.is_empty()).collect();
        words.join("-")
    }
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split(": ").nth(1)).unwrap_or_default().trim().to_owned()
    };
    let (family, model) = (field("cpu family"), field("model\t"));
    if family.is_empty() {
        return std::env::consts::ARCH.to_owned();
    }
    format!("{} (family {family} model {model})", field("model name"))
}

/// How many cores the machine has, not only those that this process is bound to.
pub fn cores() -> usize {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    info.lines().filter(|line| line.starts_with("processor\t")).count().max(1)
}

fn load() -> f64 {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_whose_names_are_alike_have_directories_of_their_own() {
        let slug = |model| {
            let processor = format!("AMD EPYC (family 25 model {model})");
            Machine { processor, ..Machine::look() }.slug()
        };
        assert_eq!(slug(1), "amd-epyc-family-25-model-1");
        assert_eq!(slug(17), "amd-epyc-family-25-model-17");
    }

    fn descriptor_limit() -> libc::rlimit {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the limit is written.
        assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) }, 0);
        limit
    }

    #[test]
    fn the_descriptor_limit_is_raised_as_far_as_it_goes() {
        let most = descriptor_limit().rlim_max;
        let lower = libc::rlimit { rlim_cur: most - 1, rlim_max: most };
        // SAFETY: the limit is read.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &lower) }, 0);
        raise_descriptor_limit();
        assert_eq!(descriptor_limit().rlim_cur, most);
    }
}
