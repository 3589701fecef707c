//! What every row uses: an etcd, the probe, a scratch directory, and how often to measure.

use std::cell::Cell;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::etcd::{Server, Setup, Site, free_port};
use crate::observer::Observer;
use crate::probe;
use crate::tool::{self, Tool};

pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) observer: Observer,
    pub(crate) quick: bool,
    dir: TempDir,
    _programs: TempDir,
    names: Cell<u32>,
}

impl Stage {
    pub(crate) fn new(quick: bool) -> Self {
        let server = start(1, false).remove(0);
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let dir = dir.expect("a scratch directory");
        probe::write(&dir.path().join("probe"));
        // On a disk, as what is installed is.
        let programs = std::env::current_exe().expect("this program");
        let programs = tempfile::tempdir_in(programs.parent().expect("a directory"));
        let programs = programs.expect("a directory for programs");
        tool::install(programs.path());
        Self {
            _programs: programs,
            observer: Observer::new(address(&server.endpoint())),
            server,
            quick,
            dir,
            names: Cell::new(0),
        }
    }

    /// So many times, or fewer if it should be quick.
    pub(crate) fn times(&self, count: usize) -> usize {
        if self.quick {
            (count / 10).max(2)
        } else {
            count
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A key that nobody has used.
    pub(crate) fn key(&self) -> String {
        self.names.set(self.names.get() + 1);
        format!("/bench/{}", self.names.get())
    }

    /// `tool` with `true` as the command.
    pub(crate) fn run_true(&self, tool: Tool, key: &str) -> Command {
        tool.lock(&self.server.endpoint(), key, &[OsStr::new("true")])
    }

    /// `tool` with the probe as the command.
    pub(crate) fn run_probe(&self, tool: Tool, endpoint: &str, key: &str) -> Command {
        tool.lock(endpoint, key, &[self.file("probe").as_os_str()])
    }
}

/// Starts a cluster of so many etcds, with etcd's default election timeout. The kernel kills them when this
/// thread ends.
pub(crate) fn start(count: usize, tls: bool) -> Vec<Server> {
    let setup = Setup {
        tls,
        // For its metrics, which are served without TLS there.
        unix: tls,
        election: 1000,
        ..Setup::default()
    };
    let site = || Site {
        client: format!("127.0.0.1:{}", free_port()),
        peer: format!("127.0.0.1:{}", free_port()),
        inside: ["setpriv", "--pdeathsig", "KILL"].map(str::to_owned).into(),
        outside: Vec::new(),
    };
    let sites: Vec<_> = (0..count).map(|_| site()).collect();
    Server::at(&sites, setup).unwrap_or_else(|logs| panic!("{logs}"))
}

/// The HOST:PORT of an endpoint.
pub(crate) fn address(endpoint: &str) -> &str {
    endpoint.split("://").nth(1).unwrap_or(endpoint)
}

/// How long the command takes. It has to succeed.
pub(crate) fn timed(mut command: Command) -> Duration {
    let start = Instant::now();
    let status = command.status().expect("a program");
    let took = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    took
}

/// How long it takes from the start of this command until the probe, which it runs, has started.
pub(crate) fn until_probe(mut command: Command) -> Duration {
    command.stdout(Stdio::piped());
    let start = probe::now();
    let output = command.output().expect("a program");
    let written = probe::read(&output.stdout);
    let [first] = written[..] else {
        panic!("{command:?}: {output:?}");
    };
    first - start
}

/// Processes that are killed when this is dropped, if they have not ended by then.
#[derive(Default)]
pub(crate) struct Crowd(pub(crate) Vec<Child>);

impl Crowd {
    /// Waits until all have ended; how many failed, or have not ended within the limit.
    pub(crate) fn until_done(&mut self, limit: Duration) -> usize {
        let start = Instant::now();
        let mut failed = 0;
        while !self.0.is_empty() && start.elapsed() < limit {
            self.0.retain_mut(|child| match child.try_wait() {
                Ok(Some(status)) => {
                    failed += usize::from(!status.success());
                    false
                }
                _ => true,
            });
            sleep(Duration::from_millis(5));
        }
        failed + self.0.len()
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
