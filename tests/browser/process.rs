//! A process that is ended when it is not needed any more.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

pub(crate) struct Process {
    child: Child,
    output: BufReader<Box<dyn Read + Send>>,
}

impl Process {
    /// A server of ours, on any port; it says on its standard output where.
    pub(crate) fn server(path: &Path, args: &[String]) -> Self {
        let mut command = Command::new(path);
        command.arg("127.0.0.1:0").args(args).stdout(Stdio::piped());
        Self::start(command)
    }

    /// Starts a command whose standard output or standard error is a pipe.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()));
        let stdout = child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        let stderr = child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        let output = BufReader::new(stdout.or(stderr).expect("a pipe to read from"));
        Self { child, output }
    }

    /// The rest of the first line that begins with `prefix`.
    pub(crate) fn line_after(&mut self, prefix: &str) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some(rest) = line.strip_prefix(prefix) {
                return rest.trim_end().to_owned();
            }
            line.clear();
        }
        panic!("the process ended before it said {prefix:?}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
