//! A model of the promise, of which every run there can be is tried (within bounds): the lease and the
//! queue in the store, the deadline, the watchdog, a leader that was replaced; messages that are late, lost
//! or doubled; processes that are frozen or killed. Each rule that matters is left out once, and then the
//! model has to fail.

#![cfg(test)]

mod action;
mod state;
mod step;

use stateright::{Checker, HasDiscoveries, Model, Property};

use action::Action;
use state::{LONGEST_RUN, Rules, State};

const ALONE: &str = "no two commands run at once";
const TOKENS: &str = "tokens rise";
const SERVED: &str = "nobody waits for ever once faults stop";

/// So many clients who want one lock, under these rules, with at most so many faults, for so long.
struct Lock {
    clients: usize,
    rules: Rules,
    faults: u8,
    ticks: u8,
}

impl Model for Lock {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self.clients, self.faults)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.now < self.ticks {
            state.actions(self.rules, actions);
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        next.act(self.rules, action);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ALONE, |_, state: &State| state.running() <= 1),
            Property::always(TOKENS, |_, state: &State| !state.disorder),
            Property::always(SERVED, |model: &Self, state: &State| {
                state.now < model.ticks || state.all_served()
            }),
        ]
    }
}

impl Lock {
    fn new(clients: usize, faults: u8, ticks: u8, rules: Rules) -> Self {
        Self {
            clients,
            rules,
            faults,
            ticks,
        }
    }

    /// Demands that it holds, whatever happens.
    #[track_caller]
    fn holds(self) {
        let checker = self.checker().threads(2).spawn_bfs().join();
        eprintln!("{} states", checker.unique_state_count());
        checker.assert_properties();
    }

    /// Demands that this fails, and prints the shortest way there.
    #[track_caller]
    fn fails(self, property: &'static str) {
        let checker = self.checker();
        let found = HasDiscoveries::AnyOf([property].into());
        let checker = checker.finish_when(found).spawn_bfs().join();
        let path = checker.discovery(property).expect("it fails");
        let mut now = 0;
        for (state, action) in path.into_vec() {
            match action {
                Some(Action::Tick) => now = state.now + 1,
                Some(action) => eprintln!("{now}: {action:?}"),
                None => {}
            }
        }
    }
}

/// The rules of etcd.
const ETCD: Rules = Rules {
    counts_from_sending: true,
    confirmed_by_majority: true,
    reads_own_key: true,
    compares_revision: true,
    starts_in_time: true,
    watchdog: true,
    margin: 1,
    bookkeeping: 0,
    allowed_for_bookkeeping: 0,
};

/// Those of ZooKeeper, whose sessions may end a part of the timeout before it is over.
const ZOOKEEPER: Rules = Rules {
    bookkeeping: 1,
    allowed_for_bookkeeping: 1,
    ..ETCD
};

#[test]
fn two_clients_in_etcd() {
    Lock::new(2, 2, 27, ETCD).holds();
}

#[test]
fn two_clients_in_zookeeper() {
    Lock::new(2, 2, 27, ZOOKEEPER).holds();
}

#[test]
fn three_clients_in_etcd() {
    Lock::new(3, 1, 34, ETCD).holds();
}

#[test]
fn counted_from_the_answer_two_run() {
    let rules = Rules {
        counts_from_sending: false,
        ..ETCD
    };
    Lock::new(2, 2, 24, rules).fails(ALONE);
}

#[test]
fn without_a_majority_two_run() {
    let rules = Rules {
        confirmed_by_majority: false,
        ..ETCD
    };
    Lock::new(2, 1, 24, rules).fails(ALONE);
}

#[test]
fn without_a_look_at_ones_own_key_two_run() {
    let rules = Rules {
        reads_own_key: false,
        ..ETCD
    };
    Lock::new(3, 1, 24, rules).fails(ALONE);
}

#[test]
fn without_a_look_at_its_revision_two_run() {
    let rules = Rules {
        compares_revision: false,
        ..ZOOKEEPER
    };
    Lock::new(2, 2, 24, rules).fails(ALONE);
    Lock::new(2, 2, 24, rules).fails(TOKENS);
}

#[test]
fn served_too_late_is_seen() {
    Lock::new(2, 0, LONGEST_RUN, ETCD).fails(SERVED);
}

#[test]
fn started_late_two_run() {
    let rules = Rules {
        starts_in_time: false,
        ..ETCD
    };
    Lock::new(2, 2, 24, rules).fails(ALONE);
}

#[test]
fn without_zookeepers_third_two_run() {
    let rules = Rules {
        allowed_for_bookkeeping: 0,
        ..ZOOKEEPER
    };
    Lock::new(2, 1, 24, rules).fails(ALONE);
}

#[test]
fn without_a_watchdog_two_run() {
    let rules = Rules {
        watchdog: false,
        ..ETCD
    };
    Lock::new(2, 1, 24, rules).fails(ALONE);
}

#[test]
fn without_a_margin_two_run() {
    let rules = Rules { margin: 0, ..ETCD };
    Lock::new(2, 1, 24, rules).fails(ALONE);
}
