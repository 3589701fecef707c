//! A terminal with a real shell on it, typed at and read as a person would.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::LocalModes;

use crate::genlock::{PATIENCE, Store, bare, genlock, poll, under};
use crate::process::{children, is_stopped, name};

/// Ctrl-C, Ctrl-Z and Ctrl-\.
pub(crate) const INTERRUPT: &str = "\x03";
pub(crate) const SUSPEND: &str = "\x1a";
pub(crate) const QUIT: &str = "\x1c";

/// To the beginning of the line, and everything from there on erased.
pub(crate) const ERASE: &str = "\r\x1b[J";

pub(crate) const PROMPT: &str = "PROMPT> ";

/// An interactive bash, in which `genlock run KEY` uses the test's store. Hung up when dropped.
pub(crate) struct Shell {
    keyboard: File,
    screen: Arc<Screen>,
    /// How much of the screen was looked at.
    seen: usize,
    child: Child,
}

#[derive(Default)]
struct Screen {
    text: Mutex<String>,
    news: Condvar,
}

impl Shell {
    /// Starts it and waits for its prompt.
    pub(crate) fn start(store: &Store) -> Self {
        // Without line editing the terminal's modes are the kernel's own all the time.
        let bash = ["bash", "--norc", "--noprofile", "--noediting", "-i"];
        let mut shell = Self::of(store, &bash);
        shell.until(PROMPT);
        shell
    }

    /// Starts another shell, which leads a session with a terminal of its own, and waits for its
    /// prompt. Its environment is the caller's matter, but for `$PATH` and the prompt.
    pub(crate) fn other(command: &Command) -> Self {
        let (ours, theirs) = pair();
        let mut shell = under(&["setsid", "--ctty"], command);
        shell.env("PS1", PROMPT).env("PATH", path_with_genlock());
        if let Some(directory) = command.get_current_dir() {
            shell.current_dir(directory);
        }
        let mut shell = Self::on(shell, ours, theirs);
        shell.resize(24, 200);
        shell.until(PROMPT);
        shell
    }

    /// Starts another program, as the leader of the terminal's session.
    pub(crate) fn of(store: &Store, program: &[&str]) -> Self {
        let (ours, theirs) = pair();
        let mut command = bare("setsid");
        command.arg("--ctty").args(program);
        command.env("PS1", PROMPT).env("TERM", "xterm");
        command
            .env("HISTFILE", "")
            .env("GENLOCK_ENDPOINTS", &store.endpoints);
        command
            .env("PATH", path_with_genlock())
            .current_dir(store.directory());
        let shell = Self::on(command, ours, theirs);
        shell.resize(24, 200);
        shell
    }

    fn on(mut command: Command, ours: OwnedFd, theirs: OwnedFd) -> Self {
        command.stdin(theirs.try_clone().expect("a descriptor"));
        command.stdout(theirs.try_clone().expect("a descriptor"));
        command.stderr(theirs);
        let child = command.spawn().expect("a shell");
        // The command holds the other end of the terminal, and would keep it open.
        drop(command);
        let keyboard = File::from(ours);
        let mut reader = keyboard.try_clone().expect("a descriptor");
        let screen = Arc::new(Screen::default());
        let to = screen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]);
                to.text.lock().expect("a lock").push_str(&text);
                to.news.notify_all();
            }
        });
        Self {
            keyboard,
            screen,
            seen: 0,
            child,
        }
    }

    /// Types this.
    pub(crate) fn send(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("a terminal");
    }

    /// Types a line.
    pub(crate) fn line(&mut self, line: &str) {
        self.send(line);
        self.send("\n");
        // The echo.
        self.until("\n");
    }

    /// Runs a command to its end and gives what it showed.
    #[track_caller]
    pub(crate) fn command(&mut self, line: &str) -> String {
        self.line(line);
        self.prompt()
    }

    /// Waits for the prompt and gives what stands before it.
    #[track_caller]
    pub(crate) fn prompt(&mut self) -> String {
        let shown = self.until(PROMPT);
        shown.strip_suffix(PROMPT).unwrap_or_default().to_owned()
    }

    /// Waits until this is shown, and gives all from what was seen before to the end of it.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        self.find(text, |new| new.find(text).map(|at| (at + text.len(), ())))
            .0
    }

    /// Waits for a line `ready PID`.
    #[track_caller]
    pub(crate) fn ready(&mut self) -> i32 {
        self.find("ready PID", |new| {
            let mut from = 0;
            // The echo of what was typed has the word too.
            while let Some(at) = new[from..].find("ready ") {
                from += at + "ready ".len();
                let (number, _) = new[from..].split_once('\r')?;
                if let Ok(pid) = number.parse() {
                    return Some((from + number.len(), pid));
                }
            }
            None
        })
        .1
    }

    #[track_caller]
    fn find<T>(&mut self, what: &str, found: impl Fn(&str) -> Option<(usize, T)>) -> (String, T) {
        let start = Instant::now();
        let mut text = self.screen.text.lock().expect("a lock");
        loop {
            let new = &text[self.seen..];
            if let Some((end, found)) = found(new) {
                self.seen += end;
                return (new[..end].to_owned(), found);
            }
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(!left.is_zero(), "no {what:?} on the terminal: {text:?}");
            text = self.screen.news.wait_timeout(text, left).expect("a lock").0;
        }
    }

    /// Waits until this process group has the terminal.
    #[track_caller]
    pub(crate) fn until_foreground(&self, group: i32) {
        poll("the terminal's foreground", || self.foreground() == group);
    }

    /// The process group that has the terminal.
    pub(crate) fn foreground(&self) -> i32 {
        rustix::termios::tcgetpgrp(&self.keyboard).map_or(0, |group| group.as_raw_nonzero().get())
    }

    /// The shell's own process, which leads its group.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// The shell's job of this name.
    #[track_caller]
    pub(crate) fn job(&self, program: &str) -> i32 {
        let mut found = None;
        poll(program, || {
            let jobs = children(self.pid());
            found = jobs.into_iter().find(|&pid| name(pid) == program);
            found.is_some()
        });
        found.expect("a job")
    }

    /// The command of the one genlock that runs below the shell, once it runs.
    #[track_caller]
    pub(crate) fn supervised(&self) -> i32 {
        let mut found = None;
        poll("a command under genlock", || {
            let mut below = children(self.pid());
            while let Some(pid) = below.pop() {
                let its_own = children(pid);
                if name(pid) == "lock-watchdog" {
                    found = its_own.first().copied();
                }
                below.extend(its_own);
            }
            found.is_some()
        });
        found.expect("a command")
    }

    /// Waits until a program reads keys and not lines.
    #[track_caller]
    pub(crate) fn until_raw(&self) {
        poll("raw mode", || !self.is_cooked());
    }

    /// Waits until the terminal gives lines.
    #[track_caller]
    pub(crate) fn until_cooked(&self) {
        poll("cooked mode", || self.is_cooked());
    }

    fn is_cooked(&self) -> bool {
        let modes = rustix::termios::tcgetattr(&self.keyboard).expect("a terminal");
        modes.local_modes.contains(LocalModes::ICANON)
    }

    /// Waits for the end of the program on the terminal.
    #[track_caller]
    pub(crate) fn status(&mut self) -> ExitStatus {
        let mut status = None;
        poll("the end of the session", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        });
        status.expect("a status")
    }

    /// Changes the window's size, which the kernel tells the foreground.
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        let size = rustix::termios::Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(&self.keyboard, size).expect("a terminal");
    }

    /// Does this again and again, until that is shown.
    #[track_caller]
    pub(crate) fn again_until(&mut self, text: &str, mut again: impl FnMut(&mut Self)) {
        poll(text, || {
            again(self);
            std::thread::sleep(Duration::from_millis(50));
            let shown = self.screen.text.lock().expect("a lock");
            shown[self.seen..].contains(text)
        });
        self.until(text);
    }

    /// Suspends the command that has the terminal, and waits for the prompt.
    #[track_caller]
    pub(crate) fn suspend(&mut self, command: i32) -> String {
        self.send(SUSPEND);
        self.suspended(command)
    }

    /// The same for less(1), which overlooks it just before it begins to wait for a key.
    #[track_caller]
    pub(crate) fn suspend_pager(&mut self, pager: i32) -> String {
        poll("the pager's stop", || {
            self.send(SUSPEND);
            std::thread::sleep(Duration::from_millis(50));
            is_stopped(pager)
        });
        self.suspended(pager)
    }

    #[track_caller]
    fn suspended(&mut self, command: i32) -> String {
        let shown = self.prompt();
        poll("the command's stop", || is_stopped(command));
        self.until_foreground(self.pid());
        shown
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // What runs under genlock has its watchdog; the jobs are told by the shell's end (SIGHUP).
        if let Some(pid) = rustix::process::Pid::from_raw(self.pid()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::HUP);
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE && !matches!(self.child.try_wait(), Ok(Some(_))) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both ends of a new pseudoterminal (pty(7)).
fn pair() -> (OwnedFd, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = rustix::pty::openpt(flags).expect("a pseudoterminal");
    rustix::pty::grantpt(&ours).expect("a pseudoterminal");
    rustix::pty::unlockpt(&ours).expect("a pseudoterminal");
    let name = rustix::pty::ptsname(&ours, Vec::new()).expect("its name");
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs = rustix::fs::open(name, flags, Mode::empty()).expect("a terminal");
    (ours, theirs)
}

/// `$PATH` with the built genlock in front.
fn path_with_genlock() -> OsString {
    let genlock = genlock();
    let directory = Path::new(genlock.get_program()).parent();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let ours = directory.into_iter().map(Path::to_path_buf);
    std::env::join_paths(ours.chain(std::env::split_paths(&path))).expect("a path")
}
