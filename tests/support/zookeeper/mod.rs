//! A real ZooKeeper: on a free port, with its data in a scratch directory. One is for all tests of a
//! program, each of which has a chroot of its own there; it ends with the program.

mod asked;
pub(crate) mod ensemble;
pub(crate) mod start;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use super::certificates::{Keys, certificates};
use super::etcd::free_port;
use super::server_process::{OwnEnd, ServerProcess};
pub(crate) use asked::Asked;
use start::java;

/// Debian's own, which has kazoo.
pub(crate) const PYTHON: &str = "/usr/bin/python3";

/// One ZooKeeper, alone or of several.
pub(crate) struct ZkServer {
    dir: TempDir,
    port: u16,
    process: ServerProcess,
}

/// The one that all tests share. To start it takes a second of a processor: it is not done anew for each
/// part of them.
static SERVER: OnceLock<(Arc<ZkServer>, Child)> = OnceLock::new();

/// Ends a server when the other end of stdin is closed: PID DIRECTORY.
const END_WITH_US: &str = "trap : INT TERM; read -r _; kill -9 $1; rm -rf \"$2\"";

/// Each test has its nodes to itself.
static CHROOTS: AtomicU32 = AtomicU32::new(0);

/// A chroot of a test's own in the shared ZooKeeper.
#[derive(Clone)]
pub(crate) struct Chroot {
    pub(crate) server: Arc<ZkServer>,
    pub(crate) path: String,
}

impl Chroot {
    pub(crate) fn of_the_shared() -> Self {
        let (server, _) = SERVER.get_or_init(|| {
            let server = ZkServer::start();
            let end = server.end_with_us();
            (Arc::new(server), end)
        });
        Self::of(server.clone())
    }

    pub(crate) fn of(server: Arc<ZkServer>) -> Self {
        let number = CHROOTS.fetch_add(1, Ordering::Relaxed);
        let path = format!("/test{number}");
        Self { server, path }
    }

    /// As `--endpoints` takes it.
    pub(crate) fn endpoint(&self) -> String {
        format!("zk://{}{}", self.server.address(), self.path)
    }

    /// The nodes in it that end with a session, as in the chroot.
    pub(crate) fn standing(&self) -> Vec<String> {
        self.server.standing(&self.path)
    }

    /// Deletes a node, by a client of its own.
    pub(crate) fn delete(&self, node: &str) {
        self.server.asked().delete(&format!("{}{node}", self.path));
    }

    /// Writes to a node, by a client of its own.
    pub(crate) fn write(&self, node: &str, data: &[u8]) {
        let path = format!("{}{node}", self.path);
        self.server.asked().write(&path, data);
    }
}

impl ZkServer {
    /// Starts one that serves when this returns.
    pub(crate) fn start() -> Self {
        // A short tick makes for short timeouts.
        Self::with(200, "")
    }

    /// The same with this tick in milliseconds and these lines of its configuration.
    pub(crate) fn with(tick: u32, lines: &str) -> Self {
        // Another process may take the port between our look and its.
        for _ in 0..10 {
            let mut server = Self::spawn(free_port(), tick, lines, None);
            if server.serves(0) {
                return server;
            }
            let log = server.log();
            assert!(log.contains("already in use"), "{log}");
        }
        panic!("no free port for ZooKeeper");
    }

    /// Starts one behind this command, with which it has this address. It serves some time later.
    pub(crate) fn on(entry: &[String], address: &str) -> Self {
        let lines = format!("clientPortAddress={address}\n");
        Self::spawn_on(entry, free_port(), 200, &lines, None)
    }

    /// Starts one that serves TLS too, to clients that have a certificate of its authority; and where it
    /// does that.
    pub(crate) fn secure() -> (Self, String) {
        let port = free_port();
        let lines = format!(
            "secureClientPort={port}\nsecureClientPortAddress=127.0.0.1\n\
             serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory\n\
             ssl.keyStore.location=both.pem\nssl.keyStore.type=PEM\n\
             ssl.trustStore.location=ca.pem\nssl.trustStore.type=PEM\n"
        );
        let mut server = Self::spawn(free_port(), 200, &lines, None);
        assert!(server.serves(0), "{}", server.log());
        let bound = format!("bound to port {port}");
        let start = Instant::now();
        while !server.log().contains(&bound) {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "{}",
                server.log()
            );
            sleep(Duration::from_millis(20));
        }
        (server, format!("127.0.0.1:{port}"))
    }

    /// A file in its directory: `ca.pem`, `client.pem`, `client.key`, `other-ca.pem`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// With this tick in milliseconds and these lines of its configuration.
    fn spawn(port: u16, tick: u32, lines: &str, number: Option<usize>) -> Self {
        Self::spawn_on(&[], port, tick, lines, number)
    }

    fn spawn_on(
        entry: &[String],
        port: u16,
        tick: u32,
        lines: &str,
        number: Option<usize>,
    ) -> Self {
        // In memory, because it waits for the disk on every write.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let dir = dir.expect("a scratch directory");
        let config = format!(
            "tickTime={tick}\ndataDir={}\nclientPort={port}\nclientPortAddress=127.0.0.1\n\
maxSessionTimeout=6000000\nmaxClientCnxns=0\n\
             admin.enableServer=false\n4lw.commands.whitelist=*\n{lines}",
            dir.path().join("data").display()
        );
        std::fs::write(dir.path().join("zoo.cfg"), config).expect("a file");
        if let Some(number) = number {
            std::fs::create_dir(dir.path().join("data")).expect("a directory");
            let file = dir.path().join("data/myid");
            std::fs::write(file, number.to_string()).expect("a file");
        }
        if lines.contains("both.pem") {
            certificates(dir.path(), Keys::Rsa(2048));
            // The key and what it is shown with, in one file.
            let read = |name| std::fs::read_to_string(dir.path().join(name)).expect("a file");
            let both = read("server.key") + &read("server.pem");
            std::fs::write(dir.path().join("both.pem"), both).expect("a file");
        }
        let process = ServerProcess::of(java(entry, &dir));
        Self { dir, port, process }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The nodes below this path that end with a session, without it.
    pub(crate) fn standing(&self, path: &str) -> Vec<String> {
        let dump = self.words("dump");
        let nodes = dump.lines().filter_map(|line| {
            let node = line.trim().strip_prefix(path)?;
            node.starts_with('/').then(|| node.to_owned())
        });
        let mut nodes: Vec<_> = nodes.collect();
        nodes.sort_unstable();
        nodes
    }

    /// Kills it without a word.
    pub(crate) fn kill(&mut self) {
        self.process.end(Signal::KILL);
    }

    /// How it ended by itself, if it did since this was asked last; it is started again then.
    pub(crate) fn revive(&mut self) -> Option<OwnEnd> {
        let status = self.process.own_end()?;
        let log = self.log();
        if self.process.is_missing() {
            self.begin_anew();
        }
        Some(OwnEnd { status, log })
    }

    /// Starts it anew on its port, with its data.
    pub(crate) fn restart(&mut self) {
        let before = self.log().matches("binding to port").count();
        self.begin_anew();
        assert!(self.serves(before), "{}", self.log());
    }

    /// The same; it serves some time later.
    pub(crate) fn begin_anew(&mut self) {
        self.kill();
        self.process.is_now(java(&[], &self.dir));
    }

    /// The same, without its data.
    pub(crate) fn wipe(&mut self) {
        self.kill();
        std::fs::remove_dir_all(self.dir.path().join("data")).expect("its data");
        self.restart();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Stops it where it is (SIGSTOP), in all of its threads: nothing is answered from then on.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
        let pid = self.process.id();
        let is_stopped = |task: &str| {
            // The state is behind the name, which is in parentheses (proc(5)).
            let stat = std::fs::read_to_string(format!("{task}/stat"));
            stat.is_ok_and(|stat| {
                stat.rsplit(')')
                    .next()
                    .is_some_and(|rest| rest.starts_with(" T"))
            })
        };
        loop {
            let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("its threads");
            let mut tasks = tasks.map(|task| task.expect("a thread").path().display().to_string());
            if tasks.all(|task| is_stopped(&task)) {
                return;
            }
            sleep(Duration::from_millis(1));
        }
    }

    /// What it answers to one of its four-letter words; nothing if it does not.
    pub(crate) fn words(&self, word: &str) -> String {
        let mut text = String::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = stream.write_all(word.as_bytes());
            let _ = stream.read_to_string(&mut text);
        }
        text
    }

    /// Whether it serves, as such a one.
    pub(crate) fn is(&self, role: &str) -> bool {
        let listens = self.log().contains("binding to port");
        listens && self.words("srvr").contains(&format!("Mode: {role}"))
    }

    /// A client of its own.
    pub(crate) fn asked(&self) -> Asked {
        self.try_asked().expect("a session")
    }

    /// The same of a server that may serve nobody just now.
    pub(crate) fn try_asked(&self) -> std::io::Result<Asked> {
        Asked::connect(self.port)
    }

    /// Whether it serves, started anew after it had listened so often `before`.
    fn serves(&mut self, before: usize) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            // Not before it listens: who dials a port of the kernel's choice where nobody does can meet
            // itself.
            let listens = self.log().matches("binding to port").count() > before;
            if listens && self.words("srvr").contains("Mode:") {
                return true;
            }
            if self.process.has_ended() {
                return false;
            }
            sleep(Duration::from_millis(20));
        }
        panic!("ZooKeeper does not serve: {}", self.log());
    }

    /// Who ends it, and takes its directory away, when this process has ended.
    fn end_with_us(&self) -> Child {
        let mut sh = Command::new("sh");
        sh.args(["-c", END_WITH_US, "sh", &self.process.id().to_string()]);
        sh.arg(self.dir.path()).stdin(Stdio::piped());
        sh.stdout(Stdio::null()).stderr(Stdio::null());
        sh.spawn().expect("a shell")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for ZkServer {
    fn drop(&mut self) {
        self.kill();
    }
}
