//! The terminals at which is typed, each on a host of its own, and what they show.

use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::screen::Screen;
use crate::session::{Change, Session};

/// The terminals' width.
const COLUMNS: usize = 90;

/// How long anything may take to be shown.
const PATIENCE: Duration = Duration::from_secs(20);

/// The deploy, which goes on until it is told to end.
const DEPLOY: &str = "#!/bin/sh\necho 'deploying 1.4.2 ...'\nread _ <go\necho 'deployed'\n";

/// Ends with the terminal, and what was started on it: it is the first process of the namespace. `$0` to
/// `$4`: the host, the user's number, the process number before the shell's, the file of users, the rows.
const HOST: &str = r#"
hostname "$0" && mount --bind "$3" /etc/passwd && echo "$2" >/proc/sys/kernel/ns_last_pid &&
exec setpriv --reuid "$1" --regid "$1" --clear-groups script --quiet --flush --command \
    "stty rows $4 cols $5; exec bash --norc --noprofile --noediting -i" /dev/null
"#;

/// One who sits at a terminal.
pub(crate) struct Seat {
    pub(crate) user: &'static str,
    pub(crate) host: &'static str,
    /// What they do, in a few words.
    pub(crate) caption: &'static str,
    /// The process number before their shell's.
    pub(crate) pid: u32,
    pub(crate) rows: usize,
}

struct Terminal {
    keyboard: ChildStdin,
    screen: Screen,
    home: std::path::PathBuf,
    child: Child,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Stage {
    terminals: Vec<Terminal>,
    /// What was written, and where.
    news: Receiver<(usize, Vec<u8>)>,
    session: Session,
    start: Instant,
    _homes: TempDir,
}

impl Stage {
    /// Opens every terminal, with a prompt.
    pub(crate) fn open(endpoint: &str, seats: &[Seat]) -> io::Result<Self> {
        let homes = tempfile::tempdir()?;
        fs::set_permissions(homes.path(), Permissions::from_mode(0o755))?;
        let mut users = "root:x:0:0:root:/root:/bin/sh\n".to_owned();
        for (number, Seat { user, .. }) in seats.iter().enumerate() {
            let id = uid(number);
            users += &format!("{user}:x:{id}:{id}::/home/{user}:/bin/bash\n");
        }
        let passwd = homes.path().join("passwd");
        fs::write(&passwd, users)?;
        let (tell, news) = mpsc::channel();
        let mut terminals = Vec::new();
        let mut session = Session::default();
        for (number, seat) in seats.iter().enumerate() {
            let home = home(homes.path(), number, seat)?;
            let mut command = host(number, seat, &home, &passwd);
            command.env("GENLOCK_ENDPOINTS", endpoint);
            terminals.push(terminal(command, number, seat, home, &tell)?);
            let caption = seat.caption.to_owned();
            session.terminals.push((caption, seat.rows));
        }
        let mut stage = Self {
            terminals,
            news,
            session,
            start: Instant::now(),
            _homes: homes,
        };
        for number in 0..seats.len() {
            stage.until(number, "$ ")?;
        }
        // It begins with the prompts.
        for change in &mut stage.session.changes {
            change.at = 0;
        }
        stage.start = Instant::now();
        Ok(stage)
    }

    /// Types a line.
    pub(crate) fn types(&mut self, number: usize, line: &str) -> io::Result<()> {
        writeln!(self.terminals[number].keyboard, "{line}")
    }

    /// Has the deploy of this one come to its end.
    pub(crate) fn finish(&mut self, number: usize) -> io::Result<()> {
        fs::write(self.terminals[number].home.join("go"), "\n")
    }

    /// Looks on for so long.
    pub(crate) fn watch(&mut self, time: Duration) -> io::Result<()> {
        let end = Instant::now() + time;
        while self.look(end.saturating_duration_since(Instant::now()))? {}
        Ok(())
    }

    /// Looks on until this is shown.
    pub(crate) fn until(&mut self, number: usize, text: &str) -> io::Result<()> {
        let start = Instant::now();
        let shows = |rows: &Vec<String>| rows.iter().any(|row| row.contains(text));
        while !shows(&self.terminals[number].screen.rows) {
            let left = PATIENCE.saturating_sub(start.elapsed());
            if !self.look(left)? {
                let rows = &self.terminals[number].screen.rows;
                return Err(io::Error::other(format!("no {text:?} in {rows:#?}")));
            }
        }
        Ok(())
    }

    /// The present moment is the one that is shown where nothing may move.
    pub(crate) fn still(&mut self) {
        self.session.still = self.now();
    }

    /// What was seen.
    pub(crate) fn close(mut self) -> Session {
        self.session.end = self.now();
        std::mem::take(&mut self.session)
    }

    fn now(&self) -> u32 {
        u32::try_from(self.start.elapsed().as_millis() / 100).unwrap_or(u32::MAX)
    }

    /// Takes the next that is written, if anything is within this time.
    fn look(&mut self, time: Duration) -> io::Result<bool> {
        let (number, written) = match self.news.recv_timeout(time) {
            Ok(news) => news,
            Err(RecvTimeoutError::Timeout) => return Ok(false),
            Err(error) => return Err(io::Error::other(error)),
        };
        let at = self.now();
        let screen = &mut self.terminals[number].screen;
        let before = screen.rows.clone();
        screen.write(&written)?;
        let rows = before.iter().zip(&screen.rows).enumerate();
        for (row, (_, text)) in rows.filter(|(_, (before, after))| before != after) {
            self.session.changes.push(Change {
                at,
                terminal: number,
                row,
                text: text.trim_end().to_owned(),
            });
        }
        Ok(true)
    }
}

fn uid(number: usize) -> u32 {
    1001 + number as u32
}

/// A home directory, with the deploy in it.
fn home(below: &Path, number: usize, seat: &Seat) -> io::Result<std::path::PathBuf> {
    let home = below.join(seat.host);
    fs::create_dir(&home)?;
    fs::write(home.join("deploy.sh"), DEPLOY)?;
    fs::set_permissions(home.join("deploy.sh"), Permissions::from_mode(0o755))?;
    let made = Command::new("mkfifo").arg(home.join("go")).status()?;
    if !made.success() {
        return Err(io::Error::other("mkfifo"));
    }
    for path in [home.clone(), home.join("go")] {
        chown(path, Some(uid(number)), Some(uid(number)))?;
    }
    Ok(home)
}

/// A shell on a terminal, on a host of that name.
fn host(number: usize, seat: &Seat, home: &Path, passwd: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--uts", "--pid", "--fork", "--mount-proc", "--kill-child"]);
    command.args(["sh", "-c", HOST, seat.host]);
    command
        .arg(uid(number).to_string())
        .arg(seat.pid.to_string());
    command
        .arg(passwd)
        .arg(seat.rows.to_string())
        .arg(COLUMNS.to_string());
    command.env_clear().current_dir(home);
    // Beside this example is what it shows.
    let ours = std::env::current_exe().unwrap_or_default();
    let built = ours.parent().and_then(Path::parent).unwrap_or(&ours);
    command.env("PATH", format!("{}:/usr/bin:/bin:/sbin", built.display()));
    command.env("PS1", format!("{}@{}:~$ ", seat.user, seat.host));
    command
        .env("TERM", "xterm")
        .env("TZ", "UTC")
        .env("SHELL", "/bin/sh");
    command.env("LANG", "C.UTF-8").env("HISTFILE", "");
    // Colours are the drawing's affair.
    command.env("NO_COLOR", "1");
    command
}

fn terminal(
    mut command: Command,
    number: usize,
    seat: &Seat,
    home: std::path::PathBuf,
    tell: &Sender<(usize, Vec<u8>)>,
) -> io::Result<Terminal> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let taken = (child.stdin.take(), child.stdout.take());
    let (Some(keyboard), Some(mut shown)) = taken else {
        return Err(io::Error::other("no pipes"));
    };
    let tell = tell.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = shown.read(&mut buffer) {
            if tell.send((number, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    });
    Ok(Terminal {
        keyboard,
        screen: Screen::new(seat.rows),
        home,
        child,
    })
}
