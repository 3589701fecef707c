//! A real etcd of a test's own: on a free port, with its data in a scratch directory, ended with
//! the test.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::certificates::{Keys, Shows, certificates, shown};

/// How an etcd is set up.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Setup {
    /// Serves TLS, and wants certificates of its clients.
    pub(crate) tls: bool,
    /// Of what kind its keys are then, and what it shows of them.
    pub(crate) keys: Keys,
    pub(crate) shows: Shows,
    /// Listens on a socket in its directory too.
    pub(crate) unix: bool,
    /// How many seconds a login is good for; 0 is etcd's own 300.
    pub(crate) token_ttl: u32,
    /// After so many milliseconds without a leader another is elected; 0 is 200.
    pub(crate) election: u32,
    /// How many bytes its data may have; 0 is etcd's own 2 GB.
    pub(crate) quota: u32,
    /// How many streams a connection may have; 0 is etcd's own, which is no bound.
    pub(crate) streams: u32,
}

/// Where a member is.
#[derive(Clone)]
pub(crate) struct Site {
    /// HOST:PORT for clients, and for the other members.
    pub(crate) client: String,
    pub(crate) peer: String,
    /// What etcd is started with, and what an etcdctl, to be in the right network.
    pub(crate) inside: Vec<String>,
    pub(crate) outside: Vec<String>,
}

impl Site {
    fn on_loopback() -> Self {
        let address = || format!("127.0.0.1:{}", free_port());
        Self {
            client: address(),
            peer: address(),
            inside: Vec::new(),
            outside: Vec::new(),
        }
    }
}

/// One etcd: alone, or a member of a cluster.
pub(crate) struct Server {
    dir: TempDir,
    setup: Setup,
    /// Every member's, and which of them is this one's.
    sites: Vec<Site>,
    number: usize,
    user: Option<&'static str>,
    child: Child,
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
            child: spawn(dir.path(), setup, sites, number),
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

    /// An `etcdctl` that speaks to it.
    pub(crate) fn ctl_command(&self, args: &[&str]) -> Command {
        let mut command = program(&self.site().outside, "etcdctl");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ETCDCTL_") {
                command.env_remove(name);
            }
        }
        command.env("ETCDCTL_API", "3");
        command.arg("--endpoints").arg(self.endpoint());
        if self.setup.tls {
            if self.setup.shows == Shows::Signed {
                command.arg("--cacert").arg(self.file("ca.pem"));
            } else {
                command.arg("--insecure-skip-tls-verify");
            }
            command.arg("--cert").arg(self.file("client.pem"));
            command.arg("--key").arg(self.file("client.key"));
        }
        if let Some(user) = self.user {
            command.arg("--user").arg(user);
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    /// What `etcdctl` prints; it has to succeed.
    pub(crate) fn ctl(&self, args: &[&str]) -> String {
        let output = self.ctl_command(args).output().expect("etcdctl");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "etcdctl {args:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Every key, the oldest first.
    pub(crate) fn keys(&self) -> Vec<String> {
        let printed = self.ctl(&["get", "", "--prefix", "--keys-only", "--sort-by=CREATE"]);
        printed
            .lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Every lease, in hex.
    pub(crate) fn leases(&self) -> Vec<String> {
        let printed = self.ctl(&["lease", "list"]);
        printed.lines().skip(1).map(str::to_owned).collect()
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

    /// How many requests of each method it has received, such as `Txn` or `LeaseGrant`: of a stream
    /// each message is one.
    pub(crate) fn requests(&self) -> Vec<(String, u64)> {
        let answer = self.metrics();
        let lines = answer.lines().filter_map(|line| {
            let line = line.strip_prefix("grpc_server_msg_received_total{grpc_method=\"")?;
            let (method, rest) = line.split_once('"')?;
            let count: u64 = rest.rsplit(' ').next()?.parse().ok()?;
            (count > 0).then(|| (method.to_owned(), count))
        });
        lines.collect()
    }

    /// How many watches there are.
    pub(crate) fn watches(&self) -> u64 {
        let answer = self.metrics();
        let name = "etcd_debugging_mvcc_watcher_total ";
        let count = answer.lines().find_map(|line| line.strip_prefix(name));
        count.expect("a count").parse().expect("a number")
    }

    fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(&self.site().client).expect("etcd");
        let request = b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n";
        stream.write_all(request).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("metrics");
        answer
    }

    /// Stops it where it is (SIGSTOP): its connections stay, and nothing is answered.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        // On a loaded machine its threads run on for a while.
        let tasks = format!("/proc/{}/task", self.child.id());
        let is_stopped = |task: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit(") ")
                .next()
                .is_some_and(|rest| rest.starts_with('T'))
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

    /// Kills it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a kill");
        self.child.wait().expect("an end");
    }

    /// Starts it again after a kill, with the same data and ports; does not wait until it serves.
    pub(crate) fn restart(&mut self) {
        let dir = self.dir.path();
        self.child = spawn(dir, self.setup, &self.sites, self.number);
    }

    /// Ends it as an administrator would: a leader hands over first.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        self.child.wait().expect("an end");
    }

    fn site(&self) -> &Site {
        &self.sites[self.number]
    }

    /// Throws all of its data away, after a kill.
    pub(crate) fn wipe(&self) {
        std::fs::remove_dir_all(self.file("data")).expect("its data");
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("a signal");
    }

    /// Whether it serves now.
    pub(crate) fn is_healthy(&self) -> bool {
        let health = ["endpoint", "health", "--command-timeout=1s"];
        let health = self.ctl_command(&health).output().expect("etcdctl");
        health.status.success()
    }

    /// Whether it serves before it ends.
    fn serves(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if self.child.try_wait().expect("a child").is_some() {
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

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
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

/// `etcd` or `etcdctl` behind what puts it in the right network; another binary than the one on
/// the path if $ETCD or $ETCDCTL names it.
fn program(prefix: &[String], name: &str) -> Command {
    let named = std::env::var(name.to_uppercase()).ok();
    let binary = named.as_deref().filter(|path| !path.is_empty());
    let prefix = prefix.iter().map(String::as_str);
    let mut words = prefix.chain([binary.unwrap_or(name)]);
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words);
    command
}

fn spawn(dir: &Path, setup: Setup, sites: &[Site], number: usize) -> Child {
    let scheme = if setup.tls { "https" } else { "http" };
    let site = &sites[number];
    let address = format!("{scheme}://{}", site.client);
    let mut clients = address.clone();
    let members = sites.iter().enumerate();
    let members = members.map(|(number, site)| format!("m{number}=http://{}", site.peer));
    let members = members.collect::<Vec<_>>().join(",");
    let peer = format!("http://{}", site.peer);
    let mut command = program(&site.inside, "etcd");
    if setup.unix {
        // etcd wants the form HOST:PORT here too, and makes a file of that name where it runs.
        let socket = dir.join("etcd.sock:0");
        let _ = std::fs::remove_file(&socket);
        clients += ",unix://etcd.sock:0";
    }
    if setup.tls {
        command.args(match setup.shows {
            Shows::Signed => &[
                "--client-cert-auth",
                "--trusted-ca-file=ca.pem",
                "--cert-file=server.pem",
                "--key-file=server.key",
            ][..],
            Shows::SelfSigned => &["--cert-file=self.pem", "--key-file=self.key"],
            Shows::Old => &["--cert-file=old.pem", "--key-file=old.key"],
            Shows::Automatic => &["--auto-tls"],
        });
    }
    if setup.token_ttl > 0 {
        command.arg(format!("--auth-token-ttl={}", setup.token_ttl));
    }
    if setup.streams > 0 {
        command.arg(format!("--max-concurrent-streams={}", setup.streams));
    }
    if setup.quota > 0 {
        command.arg(format!("--quota-backend-bytes={}", setup.quota));
    }
    // A short election makes for a short start; the TTL that etcd grants at least is then 1 s.
    let election = if setup.election > 0 {
        setup.election
    } else {
        200
    };
    command.arg(format!("--election-timeout={election}"));
    command.arg(format!("--heartbeat-interval={}", election / 10));
    command.args(["--data-dir=data", "--logger=zap", "--log-level=warn"]);
    command.arg(format!("--name=m{number}"));
    command.arg(format!("--listen-client-urls={clients}"));
    command.arg(format!("--advertise-client-urls={address}"));
    command.arg(format!("--listen-peer-urls={peer}"));
    command.arg(format!("--initial-advertise-peer-urls={peer}"));
    command.arg(format!("--initial-cluster={members}"));
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"));
    let log = log.expect("a log");
    command.current_dir(dir).stdin(Stdio::null());
    command.stdout(log.try_clone().expect("a log")).stderr(log);
    command.spawn().expect("etcd (Debian: etcd-server)")
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
