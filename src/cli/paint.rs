//! The few colours of what is shown on stdout.

use std::io::IsTerminal;

/// Whether to use colours: on a terminal that has them, unless $NO_COLOR is set
/// (<https://no-color.org>).
#[derive(Clone, Copy)]
pub(super) struct Paint(bool);

impl Paint {
    pub(super) fn of_stdout() -> Self {
        let is_set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let can = is_set("TERM").is_some_and(|term| term != "dumb");
        Self(can && is_set("NO_COLOR").is_none() && std::io::stdout().is_terminal())
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.with(1, text)
    }

    /// For what is wrong.
    pub(super) fn red(self, text: &str) -> String {
        self.with(31, text)
    }

    /// For what is a warning.
    pub(super) fn yellow(self, text: &str) -> String {
        self.with(33, text)
    }

    /// With the escape sequence Select Graphic Rendition around it (console_codes(4)).
    fn with(self, code: u8, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
