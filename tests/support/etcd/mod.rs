//! A real etcd of a test's own: on a free port, with its data in a scratch directory, ended with
//! the test.

mod asked;
mod start;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::certificates::{certificates, shown};
use super::server_process::{OwnEnd, ServerProcess};
pub(crate) use start::{Setup, Site};
use start::{program, spawn};

/// One etcd: alone, or a member of a cluster.
pub(crate) struct Server {
    dir: TempDir,
    setup: Setup,
    /// Every member's, and which of them is this one's.
    sites: Vec<Site>,
    number: usize,
    user: Option<&'static str>,
    process: ServerProcess,
}

impl Server {
    /// Starts an etcd that serves when this returns.
    pub(crate) fn start() -> Self {
        Self::with(Setup::default())
    }

    pub(crate) fn with(setup: Setup) -> Self {
        Self::members(1, setup).pop().expect("an etcd")
    }

    /// Starts a cluster of three.
    pub(crate) fn cluster() -> Vec<Self> {
        Self::members(3, Setup::default())
    }

    /// Starts as many of one cluster as are wanted, on loopback.
    pub(crate) fn members(count: usize, setup: Setup) -> Vec<Self> {
        // Another process may take a port between our look and etcd's.
        for _ in 0..10 {
            let sites: Vec<Site> = (0..count).map(|_| Site::on_loopback()).collect();
            match Self::at(&sites, setup) {
                Ok(servers) => return servers,
                Err(logs) => assert!(logs.contains("address already in use"), "{logs}"),
            }
        }
        panic!("no free port for etcd");
    }

    /// Starts a cluster with a member at each of these. Fails, with their logs, if one ends.
    pub(crate) fn at(sites: &[Site], setup: Setup) -> Result<Vec<Self>, String> {
        let spawned = (0..sites.len()).map(|number| Self::spawn(setup, sites, number));
        let mut servers: Vec<Self> = spawned.collect();
        if servers.iter_mut().all(Self::serves) {
            return Ok(servers);
        }
        Err(servers.iter().map(Self::log).collect())
    }

    fn spawn(setup: Setup, sites: &[Site], number: usize) -> Self {
        // In memory, because etcd waits for the disk on every write.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let dir = dir.expect("a scratch directory");
        if setup.tls {
            certificates(dir.path(), setup.keys);
            shown(dir.path(), setup.shows, setup.keys);
        }
        Self {
            process: ServerProcess::of(spawn(dir.path(), setup, sites, number)),
            dir,
            setup,
            sites: sites.to_vec(),
            number,
            user: None,
        }
    }

    /// Has new authorities, and new certificates of theirs in place of the old ones. It has to be
    /// started again to go by them.
    pub(crate) fn renew_certificates(&self) {
        certificates(self.dir.path(), self.setup.keys);
    }

    /// Where it listens, as `--endpoints` takes it.
    pub(crate) fn endpoint(&self) -> String {
        let scheme = if self.setup.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.site().client)
    }

    /// A file in its directory: `ca.pem`, `client.pem`, `client.key`, `other-ca.pem`, `etcd.sock:0`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Turns on logins: `root` with the password `root`, and `app` with `secret`, who may read and
    /// write under `/locks/`.
    pub(crate) fn enable_auth(&mut self) {
        for args in [
            &["user", "add", "root:root"][..],
            &["user", "grant-role", "root", "root"],
            &["user", "add", "app:secret"],
            &["role", "add", "locks"],
            &[
                "role",
                "grant-permission",
                "locks",
                "--prefix=true",
                "readwrite",
                "/locks/",
            ],
            &["user", "grant-role", "app", "locks"],
            &["auth", "enable"],
        ] {
            self.ctl(args);
        }
        self.user = Some("root:root");
    }

    /// Stops it where it is (SIGSTOP): its connections stay, and nothing is answered.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        // On a loaded machine its threads run on for a while.
        let tasks = format!("/proc/{}/task", self.process.id());
        let is_stopped = |task: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit(") ")
                .next()
                .is_some_and(|rest| rest.starts_with(['T', 'Z']))
        };
        let start = Instant::now();
        while !std::fs::read_dir(&tasks)
            .expect("its threads")
            .flatten()
            .all(is_stopped)
        {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "etcd does not stop"
            );
            sleep(Duration::from_millis(1));
        }
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Stops it where it is for so long.
    pub(crate) fn freeze_for(&self, time: Duration) {
        self.freeze();
        sleep(time);
        self.thaw();
    }

    /// Has each of its writes to the disk take so long more, until this is dropped.
    pub(crate) fn with_slow_disk(&self, delay: Duration) -> Traced {
        let delay = format!("inject=fdatasync:delay_enter={}", delay.as_micros());
        let mut strace = Command::new("strace");
        strace.args([
            "-qq",
            "-f",
            "-o",
            "/dev/null",
            "-e",
            "trace=fdatasync",
            "-e",
            &delay,
        ]);
        strace.args(["-p", &self.process.id().to_string()]);
        strace.stdin(Stdio::null()).stderr(Stdio::null());
        Traced(strace.spawn().expect("strace"))
    }

    /// Kills it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.process.end(Signal::KILL);
    }

    /// Starts it again after a kill, with the same data and ports; does not wait until it serves.
    pub(crate) fn restart(&mut self) {
        let dir = self.dir.path();
        let child = spawn(dir, self.setup, &self.sites, self.number);
        self.process.is_now(child);
    }

    /// Ends it as an administrator would: a leader hands over first.
    pub(crate) fn stop(&mut self) {
        self.process.end(Signal::TERM);
    }

    /// How it ended by itself, if it did since this was asked last; it is started again then.
    pub(crate) fn revive(&mut self) -> Option<OwnEnd> {
        let status = self.process.own_end()?;
        let log = self.log();
        if self.process.is_missing() {
            self.restart();
        }
        Some(OwnEnd { status, log })
    }

    fn site(&self) -> &Site {
        &self.sites[self.number]
    }

    /// Throws all of its data away, after a kill.
    pub(crate) fn wipe(&self) {
        std::fs::remove_dir_all(self.file("data")).expect("its data");
    }

    fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Whether it serves before it ends.
    fn serves(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if self.process.has_ended() {
                return false;
            }
            if self.is_healthy() {
                return true;
            }
            sleep(Duration::from_millis(20));
        }
        panic!("etcd does not serve:\n{}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap_or_default()
    }
}

/// A strace, which leaves what it traces as it was.
pub(crate) struct Traced(Child);

impl Drop for Traced {
    fn drop(&mut self) {
        // It may have ended with what it traced.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.end(Signal::KILL);
    }
}

/// Whether this etcd has a flag of this name, or why a test is skipped: 3.4.23 has some that 3.5.1
/// has not.
pub(crate) fn has_flag(name: &str) -> bool {
    let help = program(&[], "etcd").arg("--help").output().expect("etcd");
    let printed = [help.stdout, help.stderr].concat();
    let has = String::from_utf8_lossy(&printed).contains(name);
    if !has {
        println!("skipped: this etcd has no {name}");
    }
    has
}

/// How many ports there are, from this one on, that the kernel gives to no connection by itself
/// (ip_local_port_range, ip(7)): such a one can be taken between our look and its use.
const PORTS: (u16, u32) = (10_000, 22_000);

/// A port that nobody listens on now, and that this process has not been given before.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let (first, count) = PORTS;
    // Each process begins elsewhere.
    let begin = std::process::id().wrapping_mul(7919) % count;
    let free = (0..count).find_map(|_| {
        let nth = (begin + GIVEN.fetch_add(1, Ordering::Relaxed)) % count;
        let port = first + nth as u16;
        TcpListener::bind(("127.0.0.1", port)).ok().map(|_| port)
    });
    free.expect("a port")
}
