//! A terminal with a real shell on it, typed at and read as a person would.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;

use crate::genlock::{PATIENCE, Store, bare, genlock, poll, under};
use crate::process::is_stopped;

/// Ctrl-C, Ctrl-Z and Ctrl-\.
pub(crate) const INTERRUPT: &str = "\x03";
pub(crate) const SUSPEND: &str = "\x1a";
pub(crate) const QUIT: &str = "\x1c";

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
        let (ours, theirs) = pair();
        let mut bash = bare("setsid");
        // Without line editing the terminal's modes are the kernel's own all the time.
        bash.args([
            "--ctty",
            "bash",
            "--norc",
            "--noprofile",
            "--noediting",
            "-i",
        ]);
        bash.env("PS1", PROMPT).env("TERM", "xterm");
        bash.env("HISTFILE", "")
            .env("GENLOCK_ENDPOINTS", &store.endpoints);
        bash.env("PATH", path_with_genlock())
            .current_dir(store.directory());
        let mut shell = Self::on(bash, ours, theirs);
        shell.resize(24, 200);
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

    /// Suspends the command that has the terminal, and waits for the prompt.
    #[track_caller]
    pub(crate) fn suspend(&mut self, command: i32) -> String {
        self.send(SUSPEND);
        let shown = self.prompt();
        poll("the command's stop", || is_stopped(command));
        self.until_foreground(self.pid());
        shown
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // What runs under genlock has its watchdog; the jobs are told by the shell's end (SIGHUP).
        let hang_up = rustix::process::Signal::HUP;
        if let Some(pid) = rustix::process::Pid::from_raw(self.pid()) {
            let _ = rustix::process::kill_process(pid, hang_up);
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE && !matches!(self.child.try_wait(), Ok(Some(_))) {
            std::thread::sleep(std::time::Duration::from_millis(1));
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
