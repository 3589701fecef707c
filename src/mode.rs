//! With whom a holder shares its lock, and when one who waits may hold it.

use std::fmt;

/// With whom a holder shares the lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// With nobody.
    #[default]
    Exclusive,
    /// With others that are shared too.
    Shared,
    /// With others up to so many, who all say the same number.
    OneOf(u32),
}

/// What a waiter does in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueuePolicy {
    /// Waits for all that were there before.
    #[default]
    Fifo,
    /// Sends away those who wait by this policy too and came before.
    Latest,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exclusive => f.write_str("exclusive"),
            Self::Shared => f.write_str("shared"),
            Self::OneOf(holders) => write!(f, "one of {holders}"),
        }
    }
}

impl fmt::Display for QueuePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fifo => "fifo",
            Self::Latest => "latest",
        })
    }
}

impl Mode {
    /// Whether one of this mode may hold the lock, given the modes of all that are ahead of it in the
    /// queue, whether they hold or wait.
    ///
    /// That is all that mutual exclusion needs: of any two who hold, the later has had the earlier ahead.
    /// Those ahead only get fewer, so a turn that has come stays. And nobody passes one who waits and
    /// could not hold beside it: a writer is not starved by readers.
    pub fn may_hold(self, ahead: impl IntoIterator<Item = Self>) -> bool {
        let mut ahead = ahead.into_iter();
        match self {
            Self::Exclusive => ahead.next().is_none(),
            Self::Shared => ahead.all(|other| other == self),
            Self::OneOf(limit) => {
                let mut count = 0;
                let alike = ahead.all(|other| {
                    count += 1;
                    other == self && count < limit
                });
                alike && limit > 0
            }
        }
    }

    /// How many of the last of these, who are ahead, are enough for it to wait; 0 if it may hold. While they
    /// are there it does not hold.
    pub fn kept_waiting_by(self, ahead: &[Self]) -> usize {
        let waits = |&last: &usize| !self.may_hold(ahead[ahead.len() - last..].iter().copied());
        (1..=ahead.len()).find(waits).unwrap_or(0)
    }

    /// How many hold the lock, of a queue of these modes: those who came first, as far as the rule goes.
    pub(crate) fn holders(queue: &[Self]) -> usize {
        let may = |&place: &usize| queue[place].may_hold(queue[..place].iter().copied());
        (0..queue.len()).take_while(may).count()
    }

    /// The number that one ahead says, where it is one of N and this mode is one of another: the two
    /// cannot both be right.
    pub fn other_limit(self, ahead: impl IntoIterator<Item = Self>) -> Option<u32> {
        let Self::OneOf(limit) = self else {
            return None;
        };
        ahead.into_iter().find_map(|other| match other {
            Self::OneOf(said) if said != limit => Some(said),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, the same in every run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.0 >> 33) % end
        }

        fn mode(&mut self) -> Mode {
            match self.below(3) {
                0 => Mode::Exclusive,
                1 => Mode::Shared,
                _ => Mode::OneOf(1 + self.below(3) as u32),
            }
        }
    }

    /// Who holds the lock of this queue, each by those ahead of it.
    fn holders(queue: &[Mode]) -> Vec<usize> {
        let may = |&place: &usize| queue[place].may_hold(queue[..place].iter().copied());
        (0..queue.len()).filter(may).collect()
    }

    fn assert_no_conflict(queue: &[Mode]) {
        let holders: Vec<_> = holders(queue).iter().map(|&at| queue[at]).collect();
        for mode in &holders {
            match *mode {
                Mode::Exclusive => assert_eq!(holders.len(), 1, "{queue:?}"),
                Mode::Shared => assert!(holders.iter().all(|m| m == mode), "{queue:?}"),
                Mode::OneOf(limit) => {
                    assert!(holders.iter().all(|m| m == mode), "{queue:?}");
                    assert!(holders.len() <= limit as usize, "{queue:?}");
                }
            }
        }
    }

    #[test]
    fn a_queue_in_which_any_come_and_any_go_is_served_without_conflict() {
        let mut numbers = Numbers(7);
        let mut queue = Vec::new();
        for _ in 0..20_000 {
            let before: Vec<_> = holders(&queue);
            if numbers.below(2) == 0 || queue.is_empty() {
                queue.push(numbers.mode());
                // Who came takes nothing away from those who hold, and passes nobody.
                assert!(holders(&queue).starts_with(&before));
            } else {
                let gone = numbers.below(queue.len() as u64) as usize;
                queue.remove(gone);
                // Who held holds on.
                let still = before.iter().filter(|&&at| at != gone);
                let still: Vec<_> = still.map(|&at| at - usize::from(at > gone)).collect();
                let now = holders(&queue);
                assert!(still.iter().all(|at| now.contains(at)), "{queue:?}");
            }
            assert_no_conflict(&queue);
            // Somebody holds, and those who hold are the first: nobody is passed.
            let now = holders(&queue);
            assert!(queue.is_empty() || now[0] == 0, "{queue:?}");
            assert!(now.iter().enumerate().all(|(at, &place)| at == place));
            if queue.len() > 12 {
                queue.clear();
            }
        }
    }

    #[test]
    fn several_queues_in_one_order_have_no_deadlock() {
        // Each stands in some of three queues, all in the order in which they came.
        let mut numbers = Numbers(11);
        for _ in 0..2_000 {
            let mut clients: Vec<(Mode, u64)> = (0..8)
                .map(|_| (numbers.mode(), 1 + numbers.below(7)))
                .collect();
            while !clients.is_empty() {
                let may = |&at: &usize| {
                    let (mode, keys) = clients[at];
                    (0..3).filter(|key| keys >> key & 1 == 1).all(|key| {
                        let ahead = clients[..at].iter().filter(|(_, k)| k >> key & 1 == 1);
                        mode.may_hold(ahead.map(|(mode, _)| *mode))
                    })
                };
                let holding: Vec<_> = (0..clients.len()).filter(may).collect();
                assert!(!holding.is_empty(), "{clients:?}");
                clients.remove(holding[numbers.below(holding.len() as u64) as usize]);
            }
        }
    }

    #[test]
    fn another_number_is_told() {
        let ahead = [Mode::Shared, Mode::OneOf(3)];
        assert_eq!(Mode::OneOf(2).other_limit(ahead), Some(3));
        assert_eq!(Mode::OneOf(3).other_limit(ahead), None);
        assert_eq!(Mode::Shared.other_limit(ahead), None);
        assert!(!Mode::OneOf(0).may_hold([]));
    }

    #[test]
    fn those_in_the_way_are_as_few_as_keep_it_waiting() {
        let (x, s, two) = (Mode::Exclusive, Mode::Shared, Mode::OneOf(2));
        assert_eq!(x.kept_waiting_by(&[]), 0);
        assert_eq!(x.kept_waiting_by(&[x, s, s]), 1);
        assert_eq!(s.kept_waiting_by(&[s, s]), 0);
        assert_eq!(s.kept_waiting_by(&[s, x, s, s]), 3);
        assert_eq!(two.kept_waiting_by(&[two]), 0);
        assert_eq!(two.kept_waiting_by(&[two, two, two]), 2);
        assert_eq!(two.kept_waiting_by(&[s, two]), 2);
    }
}
