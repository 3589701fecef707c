//! What there is at a moment.

/// The TTL, in ticks. A renewal is sent in each of them.
pub(crate) const TTL: u8 = 4;

/// A command ends by itself within so many ticks: longer than a lease that nobody renews.
pub(crate) const LONGEST_RUN: u8 = 6;

/// From then on no fault happens, no message that is late comes, and nothing that is frozen goes on.
pub(crate) const CALM: u8 = 8;

/// The rules that matter, each of which can be left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// A deadline counts from the sending of what was acknowledged, not from when the answer came.
    pub(crate) counts_from_sending: bool,
    /// A renewal counts only if a majority stands behind the leader that answered.
    pub(crate) confirmed_by_majority: bool,
    /// A waiter whose turn seems to have come reads its own key again.
    pub(crate) reads_own_key: bool,
    /// That key is the one that it was given, by its revision.
    pub(crate) compares_revision: bool,
    /// A command is started only if time is left until its deadline.
    pub(crate) starts_in_time: bool,
    /// The deadline is kept by a process beside main.
    pub(crate) watchdog: bool,
    /// How long before the lock's end the command is killed.
    pub(crate) margin: u8,
    /// By how much the store may end a lease sooner than it said.
    pub(crate) bookkeeping: u8,
    /// How much of that the deadline leaves out.
    pub(crate) allowed_for_bookkeeping: u8,
}

impl Rules {
    /// When the command has to be dead that is covered by a request acknowledged now.
    pub(crate) fn deadline(self, sent: u8, now: u8) -> u8 {
        let from = if self.counts_from_sending { sent } else { now };
        from + TTL - self.margin - self.allowed_for_bookkeeping
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) now: u8,
    /// How many faults may still happen.
    pub(crate) faults: u8,
    pub(crate) clients: Vec<Client>,
    /// The places in the store, the oldest first.
    pub(crate) queue: Vec<Place>,
    /// The last token that the store gave.
    pub(crate) revision: u8,
    /// The leader was replaced; the old one does not know it, and answers who is `with_old`.
    pub(crate) replaced: bool,
    /// Messages that are late: they may come at any time, or never.
    pub(crate) late: Vec<Message>,
    /// The largest token under which a command was started.
    pub(crate) largest: u8,
    /// One was started under a smaller one later.
    pub(crate) disorder: bool,
}

/// A key in the store, attached to a lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) lease: Lease,
    pub(crate) token: u8,
    /// From then on the store may end the lease.
    pub(crate) expires: u8,
}

/// A client's first, second, … lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Lease {
    pub(crate) client: usize,
    pub(crate) number: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Message {
    /// A key and a lease are wanted.
    Ask { lease: Lease },
    /// The lease is renewed; when that was sent.
    Renew { lease: Lease, sent: u8 },
    /// It was.
    Renewed { lease: Lease, sent: u8 },
    /// Nobody is ahead of this lease's key.
    Turn { lease: Lease },
    /// The lease is revoked.
    Release { lease: Lease },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client {
    pub(crate) phase: Phase,
    pub(crate) main: Main,
    pub(crate) lease: u8,
    /// When this lease was asked for first.
    pub(crate) asked: Option<u8>,
    /// When the command has to be dead.
    pub(crate) deadline: u8,
    /// What it has done in this tick.
    pub(crate) sent: bool,
    pub(crate) looked: bool,
    /// It asks the leader that was replaced.
    pub(crate) with_old: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    Asking,
    Waiting { token: u8 },
    Running { token: u8, since: u8 },
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Main {
    Alive,
    Frozen,
    Killed,
}

impl State {
    pub(crate) fn new(clients: usize, faults: u8) -> Self {
        let client = Client {
            phase: Phase::Asking,
            main: Main::Alive,
            lease: 0,
            asked: None,
            deadline: 0,
            sent: false,
            looked: false,
            with_old: false,
        };
        Self {
            now: 0,
            faults,
            clients: vec![client; clients],
            queue: Vec::new(),
            revision: 0,
            replaced: false,
            late: Vec::new(),
            largest: 0,
            disorder: false,
        }
    }

    /// How many commands run.
    pub(crate) fn running(&self) -> usize {
        let runs = |client: &&Client| matches!(client.phase, Phase::Running { .. });
        self.clients.iter().filter(runs).count()
    }

    /// Whether all have run whom nothing keeps from it.
    pub(crate) fn all_served(&self) -> bool {
        let served = |client: &Client| client.phase == Phase::Ended || client.main != Main::Alive;
        self.clients.iter().all(served)
    }

    pub(crate) fn lease(&self, client: usize) -> Lease {
        let number = self.clients[client].lease;
        Lease { client, number }
    }

    pub(crate) fn place(&mut self, lease: Lease) -> Option<&mut Place> {
        self.queue.iter_mut().find(|place| place.lease == lease)
    }
}
