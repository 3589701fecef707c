//! How a signal is sent round after round: the pauses between, and how far is looked.

use std::time::Duration;

use super::descendants::Search;

/// The first pause between rounds of SIGKILL, and of SIGTERM; each is twice the one before.
const KILLING: Duration = Duration::from_millis(2);
const TELLING: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(100);

/// The pauses of one signal's rounds.
pub(super) struct Backoff {
    pause: Duration,
}

impl Backoff {
    /// Of SIGKILL: soon again, for those that fork, and later for what sits in the kernel and
    /// cannot die yet.
    pub(super) fn for_kill() -> Self {
        Self { pause: KILLING }
    }

    /// Of SIGTERM, for what was missed.
    pub(super) fn for_term() -> Self {
        Self { pause: TELLING }
    }

    /// The pause after the present round.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST);
        pause
    }

    /// The same after a round that took so long: at most a fifth of the time is spent on them.
    pub(super) fn pause_after(&mut self, took: Duration) -> Duration {
        self.pause().max(took * 4)
    }

    /// How far to look in the present round: what the first ones have not found can be anywhere.
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
