//! How a run ended, and what is demanded of that.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;

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

/// The signal that a process died of.
#[track_caller]
pub(crate) fn died_of(status: ExitStatus, signal: Signal) {
    assert_eq!(status.signal(), Some(signal.as_raw()), "{status:?}");
    assert!(!status.core_dumped());
}
