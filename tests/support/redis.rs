//! A real Redis of a test's own: on a free port, with its data in a scratch directory, ended with the
//! test.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use super::certificates::{Keys, certificates};
use super::etcd::free_port;
use super::server_process::{OwnEnd, ServerProcess};

/// What a Sentinel is configured by.
const SENTINEL: &str = "sentinel.conf";

/// One Redis.
pub(crate) struct RedisServer {
    dir: TempDir,
    port: u16,
    tls: bool,
    /// More options than every one has.
    options: Vec<String>,
    /// More variables in its environment.
    variables: Vec<(&'static str, String)>,
    process: Option<ServerProcess>,
}

impl RedisServer {
    /// Starts a Redis that serves when this returns.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With these options more.
    pub(crate) fn with(options: &[&str]) -> Self {
        Self::set_up(options, false, None, &[])
    }

    /// With these variables in its environment.
    pub(crate) fn with_variables(variables: &[(&'static str, String)]) -> Self {
        Self::set_up(&[], false, None, variables)
    }

    /// A Sentinel that watches this master, by the name of `main`, and is enough for a failover.
    pub(crate) fn sentinel(master: &Self) -> Self {
        let port = master.port;
        let watched = format!(
            "sentinel monitor main 127.0.0.1 {port} 1\n\
             sentinel down-after-milliseconds main 500\n\
             sentinel failover-timeout main 2000\n"
        );
        Self::set_up(&[], false, Some(&watched), &[])
    }

    /// Serves TLS only, and wants certificates of its clients.
    pub(crate) fn secure() -> Self {
        Self::set_up(&[], true, None, &[])
    }

    fn set_up(
        options: &[&str],
        tls: bool,
        sentinel: Option<&str>,
        variables: &[(&'static str, String)],
    ) -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let mut server = Self {
            dir: dir.expect("a scratch directory"),
            port: 0,
            tls,
            options: options.iter().map(ToString::to_string).collect(),
            variables: variables.to_vec(),
            process: None,
        };
        if tls {
            certificates(server.dir.path(), Keys::default());
        }
        if let Some(watched) = sentinel {
            std::fs::write(server.file(SENTINEL), watched).expect("a file");
        }
        // Another process may take a port between our look and Redis'.
        for _ in 0..10 {
            server.port = free_port();
            server.restart();
            if server.serves() {
                return server;
            }
            assert!(server.log().contains("already in use"), "{}", server.log());
        }
        panic!("no free port for Redis");
    }

    /// Where it listens, as `--endpoints` takes it.
    pub(crate) fn endpoint(&self) -> String {
        let scheme = if self.tls { "rediss" } else { "redis" };
        format!("{scheme}://{}", self.address())
    }

    /// The same without a scheme.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A file in its directory: `ca.pem`, `client.pem`, `client.key`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What redis-cli says to this command, without the end of the line.
    pub(crate) fn cli(&self, words: &[&str]) -> String {
        let output = self.client().args(words).output();
        let output = output.expect("redis-cli (Debian: redis-tools)");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.trim_end_matches('\n').to_owned()
    }

    fn client(&self) -> Command {
        let mut command = Command::new("redis-cli");
        command.args(["-p", &self.port.to_string(), "--no-auth-warning"]);
        if self.tls {
            command.args([
                "--tls",
                "--cacert",
                "ca.pem",
                "--cert",
                "client.pem",
                "--key",
                "client.key",
            ]);
        }
        command.current_dir(self.dir.path());
        command
    }

    /// What holders and waiters have in it: the locks, who waits, and what they say of themselves.
    pub(crate) fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        let keys = self.cli(&["--scan"]);
        for key in keys.lines() {
            let of_companion = key.contains(":genlock") && key.ends_with(":r");
            if !of_companion {
                left.push(key.to_owned());
                continue;
            }
            let fields = self.cli(&["HKEYS", key]);
            // The last ticket stays for a while.
            let fields = fields.lines().filter(|&field| field != "#");
            left.extend(fields.map(|field| format!("{key} {field}")));
        }
        left
    }

    /// Whoever holds the lock of this key or waits for it.
    pub(crate) fn contenders(&self, key: &str) -> Vec<String> {
        let holder = self.cli(&["GET", key]);
        let queue = self.cli(&["ZRANGE", &format!("{{{key}}}:genlock:q"), "0", "-1"]);
        let all = holder.lines().chain(queue.lines());
        all.filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Stops it where it is (SIGSTOP): its connections stay, and nothing is answered.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        let start = Instant::now();
        let stat = format!("/proc/{}/stat", self.pid());
        let is_stopped = || {
            let stat = std::fs::read_to_string(&stat).unwrap_or_default();
            let state = stat.rsplit(") ").next();
            state.is_some_and(|rest| rest.starts_with(['T', 'Z']))
        };
        while !is_stopped() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "Redis does not stop"
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
        self.process().end(Signal::KILL);
    }

    /// How it ended by itself, if it did since this was asked last; it is started again then.
    pub(crate) fn revive(&mut self) -> Option<OwnEnd> {
        let status = self.process().own_end()?;
        let log = self.log();
        if self.process().is_missing() {
            self.restart();
        }
        Some(OwnEnd { status, log })
    }

    /// Removes what it saved; it has been killed.
    pub(crate) fn wipe(&self) {
        for name in ["appendonlydir", "appendonly.aof"] {
            let path = self.dir.path().join(name);
            // A folder since 7.0, and a file before.
            let _ = std::fs::remove_dir_all(&path).or_else(|_| std::fs::remove_file(&path));
        }
    }

    /// Starts it again after a kill, at the same port and with what it saved; does not wait until it
    /// serves.
    pub(crate) fn restart(&mut self) {
        self.restart_with(&[]);
    }

    /// The same with these options more.
    pub(crate) fn restart_with(&mut self, options: &[&str]) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.file("log"));
        let log = log.expect("a log");
        let port = self.port.to_string();
        let program = std::env::var_os("REDIS_SERVER");
        let mut command = Command::new(program.unwrap_or_else(|| "redis-server".into()));
        if self.file(SENTINEL).exists() {
            // It writes to its configuration.
            command.args([SENTINEL, "--sentinel", "--bind", "127.0.0.1"]);
        } else {
            command.args(["--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]);
        }
        if self.tls {
            command.args(["--port", "0", "--tls-port", &port]);
            command.args([
                "--tls-ca-cert-file",
                "ca.pem",
                "--tls-cert-file",
                "server.pem",
            ]);
            command.args(["--tls-key-file", "server.key"]);
        } else {
            command.args(["--port", &port]);
        }
        command.args(&self.options).args(options);
        command.current_dir(self.dir.path());
        command.envs(self.variables.iter().cloned());
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        let child = command
            .spawn()
            .expect("redis-server (Debian: redis-server)");
        match &mut self.process {
            Some(process) => process.is_now(child),
            None => self.process = Some(ServerProcess::of(child)),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process
            .as_ref()
            .expect("a Redis that was started")
            .id()
    }

    fn process(&mut self) -> &mut ServerProcess {
        self.process.as_mut().expect("a Redis that was started")
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("a Redis that was started");
        process.signal(signal);
    }

    /// Whether it serves before it ends.
    pub(crate) fn serves(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if self.process().has_ended() {
                return false;
            }
            let said = self.cli(&["PING"]);
            if said == "PONG" || said.starts_with("NOAUTH") {
                return true;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("Redis does not serve:\n{}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.file("log")).unwrap_or_default()
    }
}

/// What the user of one prefix needs, and no more, as it is documented.
pub(crate) fn documented_rights() -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/stores.md");
    let page = std::fs::read_to_string(page).expect("a page");
    let (_, rights) = page.split_once("```text\n~/locks/*").expect("the rights");
    let (rights, _) = rights.split_once("```").expect("their end");
    let rights = rights.split_whitespace().map(str::to_owned);
    std::iter::once("~/locks/*".to_owned())
        .chain(rights)
        .collect()
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.end(Signal::KILL);
        }
    }
}
