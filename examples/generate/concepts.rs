//! genlock(7), put together from two sources: `docs/` for the promise, the faults, the token, the scale, the
//! statuses and what does not change; `genlock run --help` for times, stores, signals and variables.

use super::roff::{bold, escape, markdown, section, table};

const PROMISE: &str = include_str!("../../docs/promise.md");
const SCALING: &str = include_str!("../../docs/scaling.md");
const SCRIPTING: &str = include_str!("../../docs/scripting.md");

const PROCESSES: &str = "  \
  genlock   takes the lock, renews it, waits for the command, and releases the lock
  watchdog  genlock's child, which holds the deadline: it stops the command in time, whatever has
            become of genlock, and is the parent of what the command leaves behind
  COMMAND   the watchdog's child, in a process group of its own. It has the foreground of the
            terminal if genlock had it
  The lock covers the command and what it started. When the command has ended, what it left behind
  is told SIGTERM, then SIGKILL, and only then the lock is released.";

const FAULTS: &str =
    "What becomes of a command and its lock. A number that stands alone is the exit\nstatus.\n";

const OF_ETCDCTL: &str =
    "What etcdctl reads counts here as well, below genlock\\(aqs own variables and
above the configuration, or is refused with 78, or makes no difference to a lock:
";

pub(super) fn text(help: &[(String, String)]) -> String {
    let of_help = |heading: &str| {
        let found = help.iter().find(|(found, _)| found == heading);
        section(&found.expect("a section of help").1)
    };
    let mut text = format!(
        ".SH NAME\ngenlock \\- how a command runs under a distributed lock\n.SH DESCRIPTION\n\
         {}(1) runs a command while holding a lock: one command, on many hosts, one at a time.\n\
         This page tells what is promised of that, what becomes of it when something fails, and\n\
         what a script can lean on.\n",
        bold("genlock")
    );
    for (heading, body) in [
        ("PROMISE", markdown(below(PROMISE, "## What is promised"))),
        ("LIMITS", markdown(below(PROMISE, "## Limits"))),
        ("PROCESSES", section(PROCESSES)),
        ("TIMES", of_help("Times")),
        (
            "FAULTS",
            FAULTS.to_owned() + &table(below(PROMISE, "## What each fault does")),
        ),
        ("STORES", of_help("Stores")),
        (
            "FENCING TOKEN",
            markdown(below(PROMISE, "## The token where it counts")),
        ),
        ("SCALE", markdown(below(SCALING, "## How it scales"))),
        ("SIGNALS", of_help("Signals")),
        ("EXIT STATUS", markdown(below(SCRIPTING, "## Exit status"))),
        (
            "STABILITY",
            markdown(below(SCRIPTING, "## What will not change")),
        ),
        ("ENVIRONMENT", String::new()),
    ] {
        text += &format!(".SH {heading}\n{}", body.trim_start_matches(".PP\n"));
    }
    for (of, heading) in [("command", "Of the command"), ("genlock", "Of genlock")] {
        let body = of_help(&format!(
            "Environment of {}",
            if of == "command" { "the command" } else { of }
        ));
        text += &format!(".SS {}\n{body}", escape(heading));
    }
    text += &format!(".SS Of etcdctl\n{OF_ETCDCTL}");
    text + &section(&genlock::cli::etcdctls_variables())
}

/// The text below a heading of a page, up to the next heading of the same level.
fn below(page: &'static str, heading: &str) -> &'static str {
    let (_, below) = page
        .split_once(&format!("\n{heading}\n"))
        .expect("a heading of the page");
    below.split("\n## ").next().unwrap_or(below)
}
