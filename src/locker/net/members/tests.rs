//! Members over a store whose client is a name, in a time that stands still while nobody waits.

use std::sync::Mutex as StdMutex;

use tokio::time::sleep;

use super::*;
use crate::locker::BoxFuture;
use crate::locker::net::protocol::Protocol;
use crate::locker::net::refusal::Refusal;

static PROTOCOL: Protocol = Protocol {
    store: "store",
    named: "store",
    scheme: "store",
    secure_scheme: "stores",
    port: 1,
    default_endpoint: "127.0.0.1",
    alpn: &[],
};

/// What a member does when it is dialled.
#[derive(Clone, Copy)]
enum Dialled {
    Works,
    Refuses,
    DoesNotFit,
    IsSilent,
}

/// The endpoint of a connection, and its number among all connections.
type Caller = (String, usize);

struct Scripted {
    members: Vec<Dialled>,
    dialled: Arc<StdMutex<Vec<String>>>,
}

impl Dialler for Scripted {
    type Client = Caller;
    type Error = Fault;

    const PROTOCOL: &'static Protocol = &PROTOCOL;

    fn dial<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        _: &'a Liveness,
    ) -> BoxFuture<'a, Result<Connection<Caller>, Fault>> {
        let name = endpoint.to_string();
        let number = {
            let mut dialled = self.dialled.lock().expect("no panic");
            dialled.push(name.clone());
            dialled.len()
        };
        let digit = name.chars().find_map(|c| c.to_digit(10)).expect("a number");
        let member = self.members[digit as usize];
        Box::pin(async move {
            match member {
                Dialled::Works => Ok(Connection::new((name, number), Refusal::default())),
                Dialled::Refuses => Err(Fault::broken("connection refused")),
                Dialled::DoesNotFit => Err(Fault::misfit("it wants TLS")),
                Dialled::IsSilent => std::future::pending().await,
            }
        })
    }

    fn fault(&self, error: Fault, _: &Refusal) -> Fault {
        error
    }
}

struct Store {
    members: Arc<Members<Scripted>>,
    dialled: Arc<StdMutex<Vec<String>>>,
}

const DIAL: Duration = Duration::from_secs(2);
const COMMAND: Duration = Duration::from_secs(5);

/// Members of the names h0, h1 and so on, of which the first is asked first.
fn store(members: &[Dialled]) -> Store {
    let names = (0..members.len()).map(|number| format!("h{number}"));
    let config = Config::new(names).dial_timeout(DIAL);
    let dialled = Arc::default();
    let dialler = Scripted {
        members: members.to_vec(),
        dialled: Arc::clone(&dialled),
    };
    let members = Members::new(dialler, &config, &Options::default()).expect("a store");
    members.current.store(0, Ordering::Relaxed);
    Store {
        members: Arc::new(members),
        dialled,
    }
}

impl Store {
    async fn call<F, Fut>(&self, op: F) -> Result<Caller, Fault>
    where
        F: Fn(Arc<Caller>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Caller, Fault>> + Send + 'static,
    {
        self.members.call(COMMAND, op).await
    }

    fn dialled(&self) -> Vec<String> {
        self.dialled.lock().expect("no panic").clone()
    }
}

async fn answered(client: Arc<Caller>) -> Result<Caller, Fault> {
    Ok((*client).clone())
}

/// What a fault says to people.
fn said(fault: Fault) -> (ErrorKind, String) {
    let error = Error::from(fault);
    (error.kind(), error.to_string())
}

#[tokio::test(start_paused = true)]
async fn one_that_refuses_or_is_silent_is_passed_over_and_the_next_is_asked_first_from_then_on() {
    for first in [Dialled::Refuses, Dialled::IsSilent, Dialled::DoesNotFit] {
        let store = store(&[first, Dialled::Works]);
        let moved = store.members.moved();
        let begun = Instant::now();
        let (name, _) = store.call(answered).await.expect("an answer");
        assert!(name.starts_with("h1"), "{name}");
        assert!(begun.elapsed() < Duration::from_millis(200));
        assert!(store.members.heard() && moved.has_changed().expect("a sender"));
        store.call(answered).await.expect("an answer");
        assert_eq!(store.dialled().len(), 2, "one connection is kept");
    }
}

#[tokio::test(start_paused = true)]
async fn where_nobody_answers_the_time_to_dial_is_the_bound_until_somebody_was_heard() {
    let store = store(&[Dialled::Works, Dialled::Refuses]);
    let silent = |_| std::future::pending();
    let begun = Instant::now();
    let (kind, text) = said(store.call(silent).await.expect_err("no answer"));
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(text.starts_with("cannot reach store: "), "{text}");
    assert!(
        text.contains("h0") && text.contains("no answer within 2s"),
        "{text}"
    );
    assert!(
        text.contains("h1") && text.contains("connection refused"),
        "{text}"
    );
    assert_eq!(begun.elapsed(), DIAL);
    store.call(answered).await.expect("an answer");
    let begun = Instant::now();
    store.call(silent).await.expect_err("no answer");
    assert_eq!(begun.elapsed(), COMMAND);
}

#[tokio::test(start_paused = true)]
async fn what_never_fits_is_not_waited_for_unless_another_may_do() {
    let begun = Instant::now();
    let misfits = store(&[Dialled::DoesNotFit, Dialled::DoesNotFit]);
    let (kind, text) = said(misfits.call(answered).await.expect_err("no fit"));
    assert_eq!(
        (kind, begun.elapsed()),
        (ErrorKind::InvalidConfig, Duration::ZERO)
    );
    assert!(
        !text.starts_with("cannot reach") && text.contains("h1"),
        "{text}"
    );
    let mixed = store(&[Dialled::DoesNotFit, Dialled::Refuses]);
    let (kind, _) = said(mixed.call(answered).await.expect_err("no answer"));
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(begun.elapsed() > DIAL - Duration::from_millis(200));
    assert!(mixed.dialled().len() > 4, "it goes round and round");
}

#[tokio::test(start_paused = true)]
async fn a_stale_login_dials_the_same_one_again_and_a_refusal_is_everybodys() {
    let store = store(&[Dialled::Works, Dialled::Works]);
    let denied = || Error::new(ErrorKind::Denied, "no");
    let stale_once = move |client: Arc<Caller>| async move {
        match client.1 {
            1 => Err(Fault::StaleLogin(denied())),
            _ => Ok((*client).clone()),
        }
    };
    let (name, _) = store.call(stale_once).await.expect("an answer");
    assert!(name.starts_with("h0"), "{name}");
    let refused = move |_| async move { Err(Fault::Refused(denied())) };
    let (kind, _) = said(store.call(refused).await.expect_err("refused"));
    assert_eq!(kind, ErrorKind::Denied);
    assert_eq!(store.dialled().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_has_gone_silent_is_replaced_and_a_late_answer_over_it_counts() {
    let store = store(&[Dialled::Works]);
    let begun = Instant::now();
    let only_the_second = |client: Arc<Caller>| async move {
        match client.1 {
            1 => std::future::pending().await,
            _ => Ok((*client).clone()),
        }
    };
    store.call(answered).await.expect("an answer");
    let (_, number) = store.call(only_the_second).await.expect("an answer");
    assert_eq!((number, begun.elapsed()), (2, COMMAND / 4));
    // One that is only slow is not given up for the other.
    let late = |client: Arc<Caller>| async move {
        match client.1 {
            2 => sleep(COMMAND / 2).await,
            _ => std::future::pending().await,
        }
        Ok((*client).clone())
    };
    let (_, number) = store.call(late).await.expect("an answer");
    assert_eq!((number, store.dialled().len()), (2, 3));
}
