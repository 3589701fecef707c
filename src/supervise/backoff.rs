//! A signal to all of the command's processes is sent in rounds until they have ended, since a round
//! can miss processes that are forked meanwhile. This says when the next round is, and how far it
//! looks.

use std::time::Duration;

use super::search::Search;

/// The first pause after SIGKILL, and after SIGTERM. Each pause is twice the one before, up to the
/// longest.
const FIRST_AFTER_KILL: Duration = Duration::from_millis(2);
const FIRST_AFTER_TERM: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(100);

/// The pauses between the rounds of one signal.
pub(super) struct Backoff {
    pause: Duration,
}

impl Backoff {
    /// For SIGKILL: short pauses at first, for processes that fork, then longer ones, for those that
    /// are inside a system call and cannot die yet.
    pub(super) fn for_kill() -> Self {
        Self {
            pause: FIRST_AFTER_KILL,
        }
    }

    /// For SIGTERM, which is sent to each process once.
    pub(super) fn for_term() -> Self {
        Self {
            pause: FIRST_AFTER_TERM,
        }
    }

    /// The pause after the present round.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST);
        pause
    }

    /// The pause after a round that took so long: rounds may use a fifth of the time at most.
    pub(super) fn pause_after(&mut self, took: Duration) -> Duration {
        self.pause().max(took * 4)
    }

    /// How far the present round looks: far once the quick rounds have not ended everything.
    pub(super) fn search(&self) -> Search {
        if self.pause < LONGEST {
            Search::Quick
        } else {
            Search::Thorough
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_the_search_widens_then() {
        let mut backoff = Backoff::for_kill();
        let mut all = Vec::new();
        for _ in 0..8 {
            all.push((backoff.search(), backoff.pause().as_millis()));
        }
        let quick = [2, 4, 8, 16, 32, 64].map(|pause| (Search::Quick, pause));
        assert_eq!(all[..6], quick);
        assert_eq!(all[6..], [(Search::Thorough, 100); 2]);
    }
}
