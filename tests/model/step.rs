//! What each action does.

use crate::action::{Action, Way};
use crate::state::{Lease, Main, Message, Phase, Place, Rules, State, TTL};

impl State {
    pub(crate) fn act(&mut self, rules: Rules, action: Action) {
        match action {
            Action::Tick => self.tick(),
            Action::Ask(index, way) => self.ask(rules, index, way),
            Action::Renew(index, way) => self.renew(rules, index, way),
            Action::Look(index, way) => self.look(rules, index, way),
            Action::End(index, way) => self.end(index, way),
            Action::Deadline(index) => self.clients[index].phase = Phase::Ended,
            Action::Arrive(message, again) => {
                if again {
                    self.faults -= 1;
                } else if let Some(at) = self.late.iter().position(|one| *one == message) {
                    self.late.remove(at);
                }
                self.arrive(rules, message);
            }
            Action::Expire(lease) => self.remove(lease),
            Action::Freeze(index) => {
                self.faults -= 1;
                self.clients[index].main = Main::Frozen;
            }
            Action::Thaw(index) => self.clients[index].main = Main::Alive,
            Action::Kill(index) => {
                self.faults -= 1;
                let client = &mut self.clients[index];
                client.main = Main::Killed;
                // The watchdog kills the command at once.
                if rules.watchdog || !matches!(client.phase, Phase::Running { .. }) {
                    client.phase = Phase::Ended;
                }
            }
            Action::Replace(index) => {
                self.faults -= 1;
                self.replaced = true;
                self.clients[index].with_old = true;
                // The new leader gives each lease its whole TTL.
                for place in &mut self.queue {
                    place.expires = self.now + TTL - rules.bookkeeping;
                }
            }
            Action::Revoke(lease) => {
                self.faults -= 1;
                self.remove(lease);
            }
        }
    }

    fn tick(&mut self) {
        self.now += 1;
        for client in &mut self.clients {
            client.sent = false;
            client.looked = false;
        }
    }

    fn ask(&mut self, rules: Rules, index: usize, way: Way) {
        let (lease, now) = (self.lease(index), self.now);
        let client = &mut self.clients[index];
        client.sent = true;
        client.asked.get_or_insert(now);
        if std::mem::take(&mut client.with_old) {
            // No majority takes it: another member is asked in the next tick.
            return;
        }
        match way {
            Way::RequestLate => self.be_late(Message::Ask { lease }),
            Way::ReplyLate => {
                self.faults -= 1;
                self.enqueue(rules, lease);
            }
            Way::Through => {
                let token = self.enqueue(rules, lease);
                let client = &mut self.clients[index];
                // The key may be there since an earlier request.
                let asked = client.asked.unwrap_or(now);
                client.deadline = rules.deadline(asked, now);
                client.phase = Phase::Waiting { token };
            }
        }
    }

    fn renew(&mut self, rules: Rules, index: usize, way: Way) {
        let (lease, sent) = (self.lease(index), self.now);
        self.clients[index].sent = true;
        if self.clients[index].with_old {
            // Who was replaced answers, and renews nothing; what a majority would have to confirm it
            // does not answer, and another member is asked.
            if rules.confirmed_by_majority {
                self.clients[index].with_old = false;
            } else {
                self.renewed(rules, lease, sent);
            }
            return;
        }
        match way {
            Way::RequestLate => self.be_late(Message::Renew { lease, sent }),
            Way::ReplyLate => {
                self.extend(rules, lease);
                self.be_late(Message::Renewed { lease, sent });
            }
            Way::Through if self.extend(rules, lease) => self.renewed(rules, lease, sent),
            Way::Through => self.lose(index),
        }
    }

    fn look(&mut self, rules: Rules, index: usize, way: Way) {
        let lease = self.lease(index);
        self.clients[index].looked = true;
        if std::mem::take(&mut self.clients[index].with_old) {
            return;
        }
        match way {
            Way::RequestLate => self.faults -= 1,
            _ if rules.reads_own_key && !self.has_place(rules, index) => self.lose(index),
            Way::ReplyLate => self.be_late(Message::Turn { lease }),
            Way::Through => self.start(rules, index),
        }
    }

    /// Whether its key is there, and the one that it was given: a request that comes late can make another
    /// of that name.
    fn has_place(&mut self, rules: Rules, index: usize) -> bool {
        let (lease, phase) = (self.lease(index), self.clients[index].phase);
        match (phase, self.place(lease)) {
            (Phase::Waiting { token }, Some(own)) => own.token == token || !rules.compares_revision,
            _ => false,
        }
    }

    fn start(&mut self, rules: Rules, index: usize) {
        let (now, client) = (self.now, &mut self.clients[index]);
        let Phase::Waiting { token } = client.phase else {
            return;
        };
        if rules.starts_in_time && client.deadline <= now {
            return;
        }
        client.phase = Phase::Running { token, since: now };
        self.disorder |= token <= self.largest;
        self.largest = token.max(self.largest);
    }

    fn end(&mut self, index: usize, way: Way) {
        let lease = self.lease(index);
        self.clients[index].phase = Phase::Ended;
        match way {
            Way::RequestLate => self.be_late(Message::Release { lease }),
            Way::ReplyLate | Way::Through => self.remove(lease),
        }
    }

    /// The lease is gone: who holds stops, who waits asks for a new one.
    fn lose(&mut self, index: usize) {
        let client = &mut self.clients[index];
        client.phase = match client.phase {
            Phase::Running { .. } | Phase::Ended => Phase::Ended,
            Phase::Asking | Phase::Waiting { .. } => Phase::Asking,
        };
        client.lease += 1;
        client.asked = None;
    }

    fn be_late(&mut self, message: Message) {
        self.faults -= 1;
        self.late.push(message);
        self.late.sort();
    }

    fn arrive(&mut self, rules: Rules, message: Message) {
        match message {
            Message::Ask { lease } => {
                self.enqueue(rules, lease);
            }
            Message::Renew { lease, sent } => {
                if self.extend(rules, lease) {
                    self.renewed(rules, lease, sent);
                }
            }
            Message::Renewed { lease, sent } => self.renewed(rules, lease, sent),
            Message::Turn { lease } => {
                let client = &self.clients[lease.client];
                if client.lease == lease.number && client.main == Main::Alive {
                    self.start(rules, lease.client);
                }
            }
            Message::Release { lease } => self.remove(lease),
        }
    }

    /// The client hears that a renewal was acknowledged.
    fn renewed(&mut self, rules: Rules, lease: Lease, sent: u8) {
        let now = self.now;
        let client = &mut self.clients[lease.client];
        if client.lease == lease.number && client.main == Main::Alive {
            client.deadline = client.deadline.max(rules.deadline(sent, now));
        }
    }

    /// The store: the lease's key, which is made if there is none.
    fn enqueue(&mut self, rules: Rules, lease: Lease) -> u8 {
        if let Some(place) = self.place(lease) {
            return place.token;
        }
        self.revision += 1;
        let (token, expires) = (self.revision, self.now + TTL - rules.bookkeeping);
        self.queue.push(Place {
            lease,
            token,
            expires,
        });
        token
    }

    /// The store: renews the lease, if it is there.
    fn extend(&mut self, rules: Rules, lease: Lease) -> bool {
        let expires = self.now + TTL - rules.bookkeeping;
        let place = self.place(lease);
        place.map(|place| place.expires = expires).is_some()
    }

    fn remove(&mut self, lease: Lease) {
        self.queue.retain(|place| place.lease != lease);
    }
}
