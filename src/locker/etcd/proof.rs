//! What proves that a lease lives: the arithmetic, free of I/O.
//!
//! A leader that was replaced, and was too slow or cut off to know that, answers pings as well: etcd
//! renews without asking the other members (etcd-io/etcd#15247; newer releases ask). So a ping counts
//! only together with a read of the same term, which only a majority can answer. The term of a ping is
//! one that its member knew before it renewed; that of a read is one that its member knew after the
//! majority had confirmed a leader. So the leader that renewed is of no older term than the one that
//! was confirmed, and:
//!
//! - If they are the same, the lease lives for a TTL from the ping on, with this leader.
//! - Every other leader that can come after was elected later than the read left, and began with the
//!   whole TTL of every lease (Promote, server/lease/lessor.go).
//!
//! Whichever was answered first, the lease lives for a TTL from the sending of the older of the two.

use crate::clock::Instant;

/// The newest ping and read that were answered in the newest term that is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Proof {
    term: u64,
    pinged: Option<Instant>,
    read: Option<Instant>,
}

impl Proof {
    /// A ping that left at `sent` was answered by a member that knew this term before it renewed.
    pub(super) fn pinged(&mut self, term: u64, sent: Instant) {
        if self.is_of_now(term) {
            self.pinged = self.pinged.max(Some(sent));
        }
    }

    /// A read that left at `sent` was answered by a member that knew this term afterwards.
    pub(super) fn read(&mut self, term: u64, sent: Instant) {
        if self.is_of_now(term) {
            self.read = self.read.max(Some(sent));
        }
    }

    /// The instant from which on the lease lives for a TTL for certain; `None` if nothing proves it.
    pub(super) fn confirmed(&self) -> Option<Instant> {
        Some(self.pinged?.min(self.read?))
    }

    /// Whether this is the newest term. If it is newer than the last, what is known of that is dropped.
    fn is_of_now(&mut self, term: u64) -> bool {
        if term > self.term {
            *self = Self {
                term,
                ..Self::default()
            };
        }
        term == self.term
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_boot(Duration::from_secs(seconds))
    }

    #[test]
    fn a_ping_without_a_read_proves_nothing_nor_one_of_another_term() {
        let mut proof = Proof::default();
        proof.pinged(2, at(10));
        assert_eq!(proof.confirmed(), None);
        proof.read(1, at(11));
        assert_eq!(proof.confirmed(), None);
        proof.read(3, at(12));
        assert_eq!(proof.confirmed(), None);
        // A replaced leader goes on.
        proof.pinged(2, at(13));
        assert_eq!(proof.confirmed(), None);
        proof.pinged(3, at(14));
        assert_eq!(proof.confirmed(), Some(at(12)));
    }

    proptest! {
        /// Of any order of answers: there was a ping and a read of one term, both of which left no
        /// earlier than what is confirmed, and no later pair of the newest term.
        #[test]
        fn the_older_of_the_newest_two_of_a_term_counts(
            answers in vec((any::<bool>(), 1..4u64, 0..1000u64), 0..40),
        ) {
            let mut proof = Proof::default();
            for &(ping, term, sent) in &answers {
                if ping {
                    proof.pinged(term, at(sent));
                } else {
                    proof.read(term, at(sent));
                }
            }
            let newest = answers.iter().map(|&(_, term, _)| term).max();
            let last = |kind: bool| {
                let of_now = answers.iter().filter(|answer| Some(answer.1) == newest);
                of_now.filter(|answer| answer.0 == kind).map(|answer| at(answer.2)).max()
            };
            let expected = last(true).zip(last(false)).map(|(ping, read)| ping.min(read));
            prop_assert_eq!(proof.confirmed(), expected);
        }
    }
}
