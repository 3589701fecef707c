//! The built `genlock` from outside: started, met by what it prints, waited for with a bound, and
//! killed when the test is over.

use std::ffi::OsStr;
use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use crate::process::with_argument;
use crate::support::etcd::Server;

/// How long anything that should happen soon may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A bare command: of the environment only what programs need to be found, and no configuration of
/// this host's.
pub(crate) fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in ["PATH", "HOME"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("GENLOCK_CONFIG", "/dev/null");
    command
}

/// `genlock` without arguments.
pub(crate) fn genlock() -> Command {
    bare(env!("CARGO_BIN_EXE_genlock"))
}

/// The program's arguments behind another's, such as those of `env`: what is given runs under it,
/// in its own environment.
pub(crate) fn under(prefix: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(prefix[0]);
    outer.env_clear();
    outer.args(&prefix[1..]);
    outer.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    outer
}

/// A copy of genlock in this directory, where every user can run it. Not copied by us: a process
/// that another test starts meanwhile would have the copy open for writing for a moment, and nobody
/// could run it.
pub(crate) fn copy_for_all(directory: &Path) -> PathBuf {
    std::fs::set_permissions(directory, PermissionsExt::from_mode(0o755)).expect("a mode");
    let program = directory.join("program");
    let mut copy = bare("cp");
    copy.arg(env!("CARGO_BIN_EXE_genlock")).arg(&program);
    output(copy).silent(0);
    program
}

/// The same command as another user, who needs no account.
pub(crate) fn as_user(user: u32, command: &Command) -> Command {
    let (user, group) = (format!("--reuid={user}"), format!("--regid={user}"));
    under(&["setpriv", &user, &group, "--clear-groups"], command)
}

/// Locks of one test's own.
pub(crate) struct Store {
    pub(crate) endpoints: String,
    /// A name that no other test uses.
    pub(crate) key: String,
    /// Room for the test's files; the file store has its locks in `locks`.
    directory: TempDir,
    /// The etcd, where it is one.
    server: Option<Arc<Server>>,
}

/// The etcd that the tests which run now share: the last of them ends it.
static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// Each test has its keys to itself.
static KEYS: AtomicU32 = AtomicU32::new(0);

impl Store {
    /// The file store.
    pub(crate) fn files() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            endpoints: format!("file:{}", directory.path().join("locks").display()),
            key: "k".to_owned(),
            directory,
            server: None,
        }
    }

    /// An etcd.
    pub(crate) fn etcd() -> Self {
        let mut shared = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        let server = shared
            .upgrade()
            .unwrap_or_else(|| Arc::new(Server::start()));
        *shared = Arc::downgrade(&server);
        Self {
            endpoints: server.endpoint(),
            key: format!("/locks/{}", KEYS.fetch_add(1, Ordering::Relaxed)),
            directory: tempfile::tempdir().expect("a directory"),
            server: Some(server),
        }
    }

    /// One more of the same kind.
    pub(crate) fn another(&self) -> Self {
        match self.server {
            Some(_) => Self::etcd(),
            None => Self::files(),
        }
    }

    /// The etcd, where it is one.
    pub(crate) fn server(&self) -> Option<&Server> {
        self.server.as_deref()
    }

    /// Every living process of a genlock that this store's key was given to.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let mut found = with_argument(&self.endpoints);
        let of_key = with_argument(&self.key);
        found.retain(|pid| of_key.contains(pid));
        found
    }

    /// What holders and waiters of this key have in the store.
    pub(crate) fn entries(&self) -> Vec<String> {
        let all = self.server.iter().flat_map(|server| server.keys());
        let prefix = format!("{}/", self.key);
        all.filter(|key| key.starts_with(&prefix)).collect()
    }

    /// A store that is there already; the key is below `/locks/`.
    pub(crate) fn at(endpoints: impl Into<String>) -> Self {
        Self {
            endpoints: endpoints.into(),
            key: "/locks/k".to_owned(),
            directory: tempfile::tempdir().expect("a directory"),
            server: None,
        }
    }

    /// `genlock run` with these options and this command, on this store's key.
    pub(crate) fn run(&self, options: &[&str], command: &[&str]) -> Command {
        let mut genlock = genlock();
        genlock.args(["run", "--endpoints", &self.endpoints]);
        if self.server.is_some() {
            // A killed genlock's lock is free after that, and somebody waits for it.
            genlock.env("GENLOCK_TTL", "5");
        }
        genlock.args(options).arg(&self.key).args(command);
        genlock.current_dir(self.directory());
        genlock
    }

    /// [`Store::run`] for a shell script, whose `$0` is `sh`.
    pub(crate) fn sh(&self, options: &[&str], script: &str) -> Command {
        self.run(options, &["sh", "-c", script])
    }

    /// A file of this test's own.
    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// The test's own directory.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Holds the lock until the run is ended.
    pub(crate) fn hold(&self) -> Run {
        let run = Run::start(self.sh(&[], "echo ready $$; exec sleep 600"));
        run.ready();
        run
    }

    /// Whether the lock can be taken now.
    pub(crate) fn is_free(&self) -> bool {
        match output(self.run(&["-n", "-q"], &["true"])).status.code() {
            Some(0) => true,
            Some(75) => false,
            other => panic!("asking for the lock ended with {other:?}"),
        }
    }
}

/// What was written so far to one of a run's pipes.
#[derive(Default)]
struct Written {
    bytes: Mutex<(Vec<u8>, bool)>,
    news: Condvar,
}

impl Written {
    fn collect(mut pipe: impl Read + Send + 'static) -> (Arc<Self>, JoinHandle<()>) {
        let written = Arc::new(Self::default());
        let to = written.clone();
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let length = pipe.read(&mut buffer).unwrap_or(0);
                let mut bytes = to.bytes.lock().expect("a lock");
                bytes.0.extend_from_slice(&buffer[..length]);
                bytes.1 = length == 0;
                to.news.notify_all();
                if length == 0 {
                    return;
                }
            }
        });
        (written, thread)
    }

    /// Waits until `found` gives something for what was written, and whether that is all.
    fn until<T>(&self, what: &str, mut found: impl FnMut(&[u8], bool) -> Option<T>) -> T {
        let start = Instant::now();
        let mut bytes = self.bytes.lock().expect("a lock");
        loop {
            if let Some(found) = found(&bytes.0, bytes.1) {
                return found;
            }
            let left = PATIENCE.saturating_sub(start.elapsed());
            let so_far = || String::from_utf8_lossy(&bytes.0).into_owned();
            assert!(!left.is_zero(), "no {what} in time: {:?}", so_far());
            assert!(!bytes.1, "no {what} to the end: {:?}", so_far());
            bytes = self.news.wait_timeout(bytes, left).expect("a lock").0;
        }
    }
}

/// A started process, genlock or another. Killed when dropped.
pub(crate) struct Run {
    child: Child,
    start: Instant,
    stdout: Arc<Written>,
    stderr: Arc<Written>,
}

/// How a run ended.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stdout = String::from_utf8_lossy(&self.stdout);
        let (status, stderr, took) = (self.status, &self.stderr, self.took);
        write!(
            f,
            "{status} after {took:?}, stdout {stdout:?}, stderr {stderr:?}"
        )
    }
}

impl Finished {
    /// stdout as text, without the last newline.
    pub(crate) fn text(&self) -> &str {
        let text = std::str::from_utf8(&self.stdout).expect("text");
        text.strip_suffix('\n').unwrap_or(text)
    }

    /// Demands that this is all that genlock said: one line that begins with its name.
    #[track_caller]
    pub(crate) fn one_line(&self) -> &str {
        let line = self.stderr.strip_suffix('\n').expect("a whole line");
        assert!(line.starts_with("genlock: "), "{line:?}");
        assert!(!line.contains('\n'), "{line:?}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        for noise in ["panicked", "os error", "Error {"] {
            assert!(!line.contains(noise), "{line:?}");
        }
        line
    }

    /// Demands that genlock said no more than that it waited, and how long.
    #[track_caller]
    pub(crate) fn waited(&self) {
        let lines: Vec<_> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("genlock: waiting for "), "{lines:?}");
        assert!(lines[1].contains(": acquired after "), "{lines:?}");
    }

    /// Demands this status, and that genlock said nothing on its own.
    #[track_caller]
    pub(crate) fn silent(self, status: i32) -> Self {
        assert_eq!(self.stderr, "");
        assert_eq!(self.status.code(), Some(status), "{self:?}");
        self
    }
}

impl Run {
    /// Starts it with nothing on stdin.
    pub(crate) fn start(command: Command) -> Self {
        Self::start_with(command, Stdio::null())
    }

    /// Starts it with this stdin.
    pub(crate) fn start_with(command: Command, stdin: Stdio) -> Self {
        Self::spawn(command, stdin, Stdio::piped())
    }

    /// Starts it with this stderr, of which nothing is collected.
    pub(crate) fn start_on(command: Command, stderr: Stdio) -> Self {
        Self::spawn(command, Stdio::null(), stderr)
    }

    fn spawn(mut command: Command, stdin: Stdio, stderr: Stdio) -> Self {
        command.stdin(stdin);
        command.stdout(Stdio::piped()).stderr(stderr);
        let start = Instant::now();
        let mut child = command.spawn().expect("a process");
        let (stdout, _) = Written::collect(child.stdout.take().expect("a pipe"));
        let stderr: Box<dyn Read + Send> = match child.stderr.take() {
            Some(pipe) => Box::new(pipe),
            None => Box::new(std::io::empty()),
        };
        let (stderr, _) = Written::collect(stderr);
        Self {
            child,
            start,
            stdout,
            stderr,
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Starts it with a stdin on which it waits for [`Run::go_on`].
    pub(crate) fn start_to_wait(command: Command) -> Self {
        Self::start_with(command, Stdio::piped())
    }

    /// Ends the wait of a command that reads from its stdin.
    pub(crate) fn go_on(&mut self) {
        drop(self.stdin());
    }

    /// Ends it by SIGTERM, so that a lock is released and not left to its TTL.
    #[track_caller]
    pub(crate) fn end(mut self) {
        self.signal(Signal::TERM);
        self.ended();
    }

    /// The pipe to its stdin, if it was asked for.
    pub(crate) fn stdin(&mut self) -> std::process::ChildStdin {
        self.child.stdin.take().expect("a pipe")
    }

    /// Waits for a line `ready PID` on stdout and gives the number.
    pub(crate) fn ready(&self) -> i32 {
        self.all_ready(1)[0]
    }

    /// Waits for this many of them, from different processes.
    pub(crate) fn all_ready(&self, count: usize) -> Vec<i32> {
        let what = format!("{count} lines \"ready PID\"");
        let both = |out: &[u8]| {
            let text = String::from_utf8_lossy(out).into_owned();
            text.split_inclusive('\n')
                .filter_map(|line| {
                    line.strip_prefix("ready ")?
                        .strip_suffix('\n')?
                        .parse()
                        .ok()
                })
                .collect::<Vec<_>>()
        };
        self.stdout.until(&what, |out, over| {
            let pids = both(out);
            assert!(
                pids.len() >= count || !over,
                "no {what}; stderr: {}",
                String::from_utf8_lossy(&self.stderr.bytes.lock().expect("a lock").0)
            );
            (pids.len() >= count).then_some(pids)
        })
    }

    /// Waits until stdout has this text.
    pub(crate) fn says(&self, text: &str) {
        self.stdout.until(text, |out, _| {
            String::from_utf8_lossy(out).contains(text).then_some(())
        });
    }

    /// Waits until stdout has this text so often.
    pub(crate) fn says_times(&self, text: &str, times: usize) {
        self.stdout.until(text, |out, _| {
            let found = String::from_utf8_lossy(out).matches(text).count();
            (found >= times).then_some(())
        });
    }

    /// Waits until stderr has this text.
    pub(crate) fn complains(&self, text: &str) {
        self.stderr.until(text, |out, _| {
            String::from_utf8_lossy(out).contains(text).then_some(())
        });
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits for its end, and for all of its output.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Finished {
        let (status, took) = self.ended();
        let rest = |written: &Written| {
            written.until("end of the output", |out, over| over.then(|| out.to_vec()))
        };
        Finished {
            status,
            took,
            stdout: rest(&self.stdout),
            stderr: String::from_utf8_lossy(&rest(&self.stderr)).into_owned(),
        }
    }

    /// Waits for its end only: others may have its output open.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> (ExitStatus, Duration) {
        let mut status = None;
        poll("the end of the process", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        (status.expect("a status"), self.start.elapsed())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // The watchdog sees to the rest.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs it to its end.
#[track_caller]
pub(crate) fn output(command: Command) -> Finished {
    Run::start(command).finish()
}

/// The signal that a process died of.
#[track_caller]
pub(crate) fn died_of(status: ExitStatus, signal: Signal) {
    assert_eq!(status.signal(), Some(signal.as_raw()), "{status:?}");
    assert!(!status.core_dumped());
}

pub(crate) fn send(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).expect("a process");
    rustix::process::kill_process(pid, signal).expect("a living process");
}

/// Waits until it is so, with a bound.
#[track_caller]
pub(crate) fn poll(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Measures until one measurement is below the limit: a loaded machine is late at times, a broken
/// program always.
#[track_caller]
pub(crate) fn within(limit: Duration, mut measure: impl FnMut() -> Duration) {
    let mut all = Vec::new();
    for _ in 0..3 {
        let took = measure();
        if took < limit {
            return;
        }
        all.push(took);
    }
    panic!("over {limit:?} each time: {all:?}");
}
