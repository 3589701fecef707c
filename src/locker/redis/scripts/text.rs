//! The scripts, as they are sent: a server reads them anew each time, and hashes them, so without what is
//! for people.

use std::sync::LazyLock;

/// A script behind what all of them have.
macro_rules! script {
    ($file:literal) => {
        LazyLock::new(|| {
            without_comments(concat!(
                include_str!("shared.lua"),
                include_str!("turn.lua"),
                include_str!("members.lua"),
                include_str!($file)
            ))
        })
    };
}

type Script = LazyLock<String>;

pub(super) static TAKE: Script = script!("take.lua");
pub(super) static LEAVE: Script = script!("leave.lua");
pub(super) static TAKE_AWAY: Script = script!("take_away.lua");
pub(super) static LOOK: Script = script!("look.lua");
pub(super) static STAMP: Script = script!("stamp.lua");
pub(super) static CLEAR: Script = script!("clear.lua");
pub(super) static MARKS: Script = script!("marks.lua");
pub(super) static OUTLIVE: Script = script!("outlive.lua");
pub(super) static EXTEND: Script = script!("extend.lua");
pub(super) static RIGHTS: Script = LazyLock::new(|| without_comments(include_str!("rights.lua")));

/// Without the lines that are comments, and what lines are indented by.
fn without_comments(script: &str) -> String {
    let lines = script.lines().map(str::trim_start);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("--"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What TCP sends before it has heard anything is ten segments (RFC 6928), of some 1400 bytes each:
    /// a script that does not fit into that, behind what a connection begins with, costs a round trip.
    #[test]
    fn what_takes_a_lock_is_sent_at_once() {
        assert!(TAKE.len() < 11_000, "{}", TAKE.len());
        assert!(!TAKE.contains("--") && !TAKE.contains("\n "), "{}", *TAKE);
    }
}
