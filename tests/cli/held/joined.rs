//! A step whose keeper does not hand on what keeps the lock: where that ends with its holder, none is run.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::thread::{self, JoinHandle};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketType, accept, bind, listen, recv,
    send, socket,
};

use crate::acquire::{acquire, under, variables};
use crate::genlock::{Store, output, under as wrapped};

over_every_store! {
    without_the_keepers_name_it_is_run_only_where_locks_expire;
    where_the_keeper_hands_nothing_on_it_is_run_only_where_locks_expire;
    where_the_keeper_goes_away_it_is_run_only_where_locks_expire;
}

type Held = BTreeMap<String, String>;

fn keep(store: &Store) -> Held {
    variables(&output(acquire(store, &[])).silent(0))
}

/// Runs a step under the lock, which is refused with this where locks end with their holders; and releases
/// it by the variables as they were.
fn step(store: &Store, around: &Held, held: &Held, said: &str) {
    let step = output(under(around, &["run", "--held", "--", "echo", "ran"]));
    if store.expires() {
        // The step looks at the lock in the store.
        assert_eq!(step.silent(0).text(), "ran");
    } else {
        assert_eq!(step.status.code(), Some(69), "{step:?}");
        assert_eq!(step.text(), "");
        let line = step.one_line();
        assert!(line.contains(&store.key) && line.contains(said), "{line}");
    }
    output(under(held, &["release"])).silent(0);
    assert!(store.is_free());
}

fn without_the_keepers_name_it_is_run_only_where_locks_expire(store: &Store) {
    let held = keep(store);
    let mut around = held.clone();
    around.remove("GENLOCK_HELD_SOCKET");
    step(store, &around, &held, "$GENLOCK_HELD_SOCKET does not say");
}

/// Plays the keeper for one who asks: gives the environment in which it is found. It shows the word, and sends
/// this; or it goes away at once.
fn played(held: &Held, answer: Option<&'static str>) -> (Held, JoinHandle<()>) {
    let digits = &held["GENLOCK_HELD_SOCKET"];
    let third = digits.len() / 3;
    let words = digits[third..].to_owned();
    // Nobody else has it: it is this keeper's, the other way round.
    let name: String = digits[..third].chars().rev().collect();
    let mut around = held.clone();
    around.insert("GENLOCK_HELD_SOCKET".to_owned(), name.clone() + &words);
    let address = SocketAddrUnix::new_abstract_name(format!("genlock-{name}").as_bytes());
    let listener = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).expect("a socket");
    bind(&listener, &address.expect("a name")).expect("a name that is free");
    listen(&listener, 1).expect("a listener");
    let plays = thread::spawn(move || {
        let asker: OwnedFd = accept(&listener).expect("a connection");
        let mut question = [0; 4096];
        recv(&asker, &mut question[..], RecvFlags::empty()).expect("a question");
        let Some(answer) = answer else {
            return;
        };
        for text in [&words[third..], answer] {
            send(&asker, text.as_bytes(), SendFlags::NOSIGNAL).expect("an asker");
        }
        // Until the step has ended.
        let _ = recv(&asker, &mut question[..], RecvFlags::empty());
    });
    (around, plays)
}

fn where_the_keeper_hands_nothing_on_it_is_run_only_where_locks_expire(store: &Store) {
    let held = keep(store);
    let (around, plays) = played(&held, Some("\"Done\""));
    step(store, &around, &held, "did not hand it on");
    plays.join().expect("a keeper");
}

fn where_the_keeper_goes_away_it_is_run_only_where_locks_expire(store: &Store) {
    let held = keep(store);
    let (around, plays) = played(&held, None);
    step(store, &around, &held, "does not answer");
    plays.join().expect("a keeper");
}

/// Wherever it is that there is none left.
#[test]
fn with_too_few_descriptors_it_is_run_or_refused_on_one_line() {
    let store = Store::files();
    let held = keep(&store);
    let mut refusals = 0;
    for limit in 6..=16 {
        let step = under(&held, &["run", "--held", "--", "echo", "ran"]);
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        let step = output(wrapped(&["sh", "-c", &script, "sh"], &step));
        if step.status.code() == Some(0) {
            assert_eq!(step.silent(0).text(), "ran");
            continue;
        }
        refusals += 1;
        assert!(matches!(step.status.code(), Some(69 | 70)), "{step:?}");
        assert_eq!(step.text(), "");
        let line = step.one_line();
        assert!(line.contains("too many open files"), "{line}");
        // Where the setting comes from is said once.
        let said = line.matches("($GENLOCK_HELD_ENDPOINTS)").count();
        assert!(said <= 1, "{line}");
    }
    assert!(refusals > 0);
    output(under(&held, &["release"])).silent(0);
}
