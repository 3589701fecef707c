//! What can happen next.

use crate::state::{CALM, LONGEST_RUN, Lease, Main, Message, Phase, Rules, State};

/// How a request fares. All but the first are faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Through,
    RequestLate,
    ReplyLate,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Time goes on. What is due at this moment is done before.
    Tick,
    Ask(usize, Way),
    Renew(usize, Way),
    /// Looks whether its turn has come.
    Look(usize, Way),
    /// The command ends by itself, and the lock is released.
    End(usize, Way),
    /// The deadline is over: the command is killed.
    Deadline(usize),
    /// A message that was late comes; it may come once more (a fault).
    Arrive(Message, bool),
    /// The store ends a lease.
    Expire(Lease),
    /// Faults.
    Freeze(usize),
    Thaw(usize),
    Kill(usize),
    /// The leader is replaced, and this client stays with the old one.
    Replace(usize),
    /// Somebody revokes a waiter's lease.
    Revoke(Lease),
}

impl State {
    pub(crate) fn actions(&self, rules: Rules, actions: &mut Vec<Action>) {
        let before = actions.len();
        for client in 0..self.clients.len() {
            self.due(client, rules, actions);
        }
        // Whatever is due, time goes on only after it.
        let is_overdue = self.queue.iter().any(|place| place.expires < self.now);
        if actions.len() == before && !is_overdue {
            actions.push(Action::Tick);
        }
        for client in 0..self.clients.len() {
            self.optional(client, actions);
        }
        for place in self.queue.iter().filter(|place| place.expires <= self.now) {
            actions.push(Action::Expire(place.lease));
        }
        if self.now < CALM {
            self.arrivals(actions);
        }
        if self.may_fail() {
            self.faults(actions);
        }
    }

    /// What this client has to do before time goes on.
    fn due(&self, index: usize, rules: Rules, actions: &mut Vec<Action>) {
        let client = &self.clients[index];
        let (alive, sent) = (client.main == Main::Alive, client.sent);
        match client.phase {
            Phase::Asking if alive && !sent => self.requests(Action::Ask, index, actions),
            Phase::Waiting { .. } | Phase::Running { .. } if alive && !sent => {
                self.requests(Action::Renew, index, actions);
            }
            _ => {}
        }
        match client.phase {
            Phase::Waiting { token } if alive && !client.looked && self.is_turn(token) => {
                self.requests(Action::Look, index, actions);
            }
            Phase::Running { since, .. } => {
                if client.deadline <= self.now && (rules.watchdog || alive) {
                    actions.push(Action::Deadline(index));
                } else if since + LONGEST_RUN <= self.now && alive {
                    self.requests(Action::End, index, actions);
                }
            }
            _ => {}
        }
    }

    /// What it may do.
    fn optional(&self, index: usize, actions: &mut Vec<Action>) {
        let client = &self.clients[index];
        if let Phase::Running { since, .. } = client.phase
            && client.main == Main::Alive
            && (since + 1..since + LONGEST_RUN).contains(&self.now)
        {
            self.requests(Action::End, index, actions);
        }
    }

    /// The request, as it may fare.
    fn requests(&self, of: fn(usize, Way) -> Action, index: usize, actions: &mut Vec<Action>) {
        actions.push(of(index, Way::Through));
        if self.may_fail() {
            actions.push(of(index, Way::RequestLate));
            actions.push(of(index, Way::ReplyLate));
        }
    }

    fn may_fail(&self) -> bool {
        self.faults > 0 && self.now < CALM
    }

    /// What was late comes, and what was frozen goes on.
    fn arrivals(&self, actions: &mut Vec<Action>) {
        for message in &self.late {
            actions.push(Action::Arrive(message.clone(), false));
            if self.faults > 0 {
                actions.push(Action::Arrive(message.clone(), true));
            }
        }
        for (index, client) in self.clients.iter().enumerate() {
            if client.main == Main::Frozen {
                actions.push(Action::Thaw(index));
            }
        }
    }

    fn faults(&self, actions: &mut Vec<Action>) {
        for (index, client) in self.clients.iter().enumerate() {
            if client.main == Main::Alive && client.phase != Phase::Ended {
                actions.push(Action::Freeze(index));
                actions.push(Action::Kill(index));
                if !self.replaced {
                    actions.push(Action::Replace(index));
                }
            }
        }
        // Not the first one's: that would take the lock away from its holder, who is told.
        for place in self.queue.iter().skip(1) {
            actions.push(Action::Revoke(place.lease));
        }
    }

    /// Whether nobody is ahead of this token.
    pub(crate) fn is_turn(&self, token: u8) -> bool {
        self.queue.iter().all(|place| place.token >= token)
    }
}
