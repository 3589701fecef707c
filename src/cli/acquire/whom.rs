//! For whom the lock is kept: the process whose end is its end.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use rustix::process::Pid;

use crate::cli::environment::variable;
use crate::cli::quoting;
use crate::cli::times::Usage;
use crate::supervise::followed::{self, FollowedProcess, NotFollowed};

/// The first process of a PID namespace, which does not end with the work.
const INIT: i32 = 1;

/// What the value of `--pid` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeptFor {
    /// Who runs genlock.
    Parent,
    /// Nobody: the store keeps the lock by itself.
    None,
    Process(Pid),
}

/// Reads the value of `--pid`.
pub(super) fn parse(text: &str) -> Result<KeptFor, String> {
    match text {
        "parent" => Ok(KeptFor::Parent),
        "none" => Ok(KeptFor::None),
        // $PPID of a shell whose parent is elsewhere, as in a container (getppid(2)).
        "0" => Err(format!(
            "{OUTSIDE}: --pid none --for 1h keeps the lock without a process"
        )),
        _ => {
            let number = text.parse().ok().filter(|&number| number > 0);
            let pid = number.and_then(Pid::from_raw);
            pid.map(KeptFor::Process)
                .ok_or_else(|| "a process number, parent, or none".to_owned())
        }
    }
}

const OUTSIDE: &str = "that process is outside of this PID namespace";

/// The process that is to be followed.
///
/// # Errors
/// It cannot be, or is hardly the one that is meant; with the line to write.
pub(super) fn followed(
    life: Option<KeptFor>,
    words: &[OsString],
) -> Result<FollowedProcess, Usage> {
    if life.is_none() && variable("GITHUB_ACTIONS").is_some() {
        return Err(refused(
            "in GitHub Actions the parent ends with the step: follow the runner's process, which ends \
             with the job",
            "--pid $PPID",
            words,
        ));
    }
    let pid = match life {
        Some(KeptFor::Process(pid)) => pid,
        _ => {
            let parent = followed::parent();
            match parent.filter(|pid| pid.as_raw_nonzero().get() != INIT) {
                Some(parent) => followed::executor(parent),
                None => {
                    let what = match parent {
                        None => "the parent is outside of this PID namespace",
                        Some(_) => "the parent is process 1, which does not end with the work",
                    };
                    return Err(refused(what, without_process(words), words));
                }
            }
        }
    };
    let followed = FollowedProcess::new(pid).map_err(|why| {
        let number = pid.as_raw_nonzero();
        Usage::new(match why {
            NotFollowed::Nobody => {
                format!("--pid {number}: there is no such process in this PID namespace")
            }
            NotFollowed::Ended => format!("--pid {number}: that process has ended"),
            NotFollowed::Later => {
                format!("--pid {number}: that process began after genlock did: it is another one")
            }
        })
    })?;
    // Else the parent had ended before, and the number may be anybody's.
    let is_parent = life.is_none_or(|life| life == KeptFor::Parent);
    if is_parent && followed::parent().map(followed::executor) != Some(pid) {
        return Err(Usage::new("the parent has ended"));
    }
    Ok(followed)
}

/// The options that leave the lock to the store. For how long may be said already.
fn without_process(words: &[OsString]) -> &'static str {
    let is_for = |word: &OsString| word == "--for" || word.as_bytes().starts_with(b"--for=");
    match words.iter().any(is_for) {
        true => "--pid none",
        false => "--pid none --for 1h",
    }
}

/// The error, with the line that has these options, and no other process.
fn refused(what: &str, options: &str, words: &[OsString]) -> Usage {
    let mut line = format!("genlock acquire {options}");
    let mut rest: Vec<_> = words.iter().skip(1).collect();
    rest.retain(|word| *word != "--pid=parent");
    if let Some(at) = rest.iter().position(|word| *word == "--pid") {
        rest.drain(at..rest.len().min(at + 2));
    }
    let rest = quoting::line(rest);
    if !rest.is_empty() {
        line.push(' ');
        line.push_str(&rest);
    }
    Usage::new(format!("{what}; try: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(parse("parent"), Ok(KeptFor::Parent));
        assert_eq!(parse("none"), Ok(KeptFor::None));
        let pid = Pid::from_raw(17).expect("a number");
        assert_eq!(parse("17"), Ok(KeptFor::Process(pid)));
        assert!(parse("0").is_err_and(|why| why.contains("--pid none")));
        for text in ["", "-1", "x", "1.5", "99999999999"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_line_to_write_says_nothing_twice() {
        for (words, line) in [
            (&["acquire", "/k"][..], "--pid none --for 1h /k"),
            (&["acquire", "--pid=parent", "/k"], "--pid none --for 1h /k"),
            (
                &["acquire", "--pid", "parent", "--for", "2h", "/k"],
                "--pid none --for 2h /k",
            ),
            (&["acquire", "--for=2h", "/k"], "--pid none --for=2h /k"),
        ] {
            let words: Vec<_> = words.iter().map(OsString::from).collect();
            let said = refused("no", without_process(&words), &words).to_string();
            assert_eq!(said, format!("no; try: genlock acquire {line}"));
        }
    }
}
