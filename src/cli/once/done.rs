//! What a mark says, in words.

use std::io::IsTerminal;
use std::time::Duration;

use crate::describe;
use crate::locker::Mark;

/// `done by user@host (pid 17: ./backup.sh) at 2026-01-01T00:00:00Z, in 12s, token 7`. What was marked at its
/// start, and nothing more is known of, was begun.
pub(in crate::cli) fn done(mark: &Mark, on: &impl IsTerminal) -> String {
    let who = describe::who(Some(&mark.by));
    let token = mark.token;
    match &mark.ended_at {
        Some(at) => {
            let took = mark.held_seconds.unwrap_or_default();
            let took = Duration::try_from_secs_f64(took).unwrap_or_default();
            let (at, took) = (describe::time(at, on), describe::duration(took));
            format!("done by {who} at {at}, in {took}, token {token}")
        }
        None => {
            let at = describe::time(&mark.started_at, on);
            format!("begun by {who} at {at}, token {token}")
        }
    }
}
