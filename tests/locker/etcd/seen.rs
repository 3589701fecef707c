//! What an operator sees of locks that several hold, and does to one of them.

use genlock::locker::TakenAway;
use genlock::locker::operator::{Change, ChangeKind, Contender, Remaining, Removal, Scope};
use genlock::{Loss, Mode, Options, Request};
use tokio::sync::mpsc::unbounded_channel;

use super::modes::{request, take, waiting};
use super::{client, turn};
use crate::support::etcd::Server;
use genlock::testing::contract::{Fixture, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_holders_are_seen_with_their_indexes() {
    let server = Server::start();
    let client = client(&server, Options::default());
    let operator = server.operator().await;
    let one = take(&client, request(Mode::OneOf(2))).await;
    let two = take(&client, request(Mode::OneOf(2))).await;
    let third = waiting(&server, request(Mode::OneOf(2))).await;
    let writer = waiting(&server, request(Mode::Exclusive)).await;
    let tokens = [Some(one.token()), Some(two.token())];
    let mut listed = operator.list("/").await.expect("a list");
    assert_eq!(listed.len(), 1, "{listed:?}");
    let seen = [
        (
            operator.queue("/k").await.expect("a queue"),
            [Some(0), Some(1)],
        ),
        (
            operator.glance("/k").await.expect("a queue"),
            [Some(0), Some(1)],
        ),
        (listed.remove(0), [Some(0), Some(1)]),
    ];
    for (queue, indexes) in seen {
        let holders = queue.holders();
        let of = |holder: &Contender| (holder.token, holder.index);
        let expected: Vec<_> = tokens.into_iter().zip(indexes).collect();
        assert_eq!(holders.iter().map(of).collect::<Vec<_>>(), expected);
        assert!(holders.iter().all(|one| one.locks() == Mode::OneOf(2)));
        assert_eq!(queue.waiters().len(), 2);
    }
    drop((one, two));
    drop(turn(third).await);
    drop(turn(writer).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_several_holders_is_told_to_let_go() {
    let server = Server::start();
    let client = client(&server, Options::default());
    let operator = server.operator().await;
    let one = take(&client, request(Mode::Shared)).await;
    let two = take(&client, request(Mode::Shared)).await;
    let by = TakenAway::by_this_process();
    let told = operator.take_away("/k", two.token(), &by, false).await;
    assert_eq!(told.expect("a removal"), Removal::Told);
    assert_eq!(soon("a loss", two.lost()).await, Loss::TakenAway);
    let own = one.owner_key().expect("an owner key");
    let left = operator.left(own, one.token()).await.expect("an answer");
    assert!(matches!(left, Remaining::AtLeast(_)), "{left:?}");
    assert!(one.is_held());
    // Nor does who looks for dead waiters hit a holder.
    assert_eq!(operator.clear_dead("/k").await.expect("an answer"), []);
    assert!(one.is_held());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_to_each_of_several_holders_is_told() {
    let server = Server::start();
    let client = client(&server, Options::default());
    let operator = server.operator().await;
    let (changes, mut told) = unbounded_channel();
    let mut tell = move |change: Change<'_>| {
        let _ = changes.send((change.contender.token, change.what));
    };
    let following = tokio::spawn(async move {
        let _ = operator.follow(Scope::Key("/k"), &mut tell).await;
    });
    let mut next = async || soon("a change", told.recv()).await.expect("a change");
    let first = take(&client, request(Mode::Shared)).await;
    // It is there before the look began, or comes to be.
    assert_eq!(next().await.0, Some(first.token()));
    let second = take(&client, request(Mode::Shared)).await;
    assert_eq!(next().await, (Some(second.token()), ChangeKind::Acquired));
    let writer = waiting(&server, request(Mode::Exclusive)).await;
    assert_eq!(next().await.1, ChangeKind::Queued);
    let readers = [
        waiting(&server, request(Mode::Shared)).await,
        waiting(&server, request(Mode::Shared)).await,
    ];
    assert_eq!(next().await.1, ChangeKind::Queued);
    assert_eq!(next().await.1, ChangeKind::Queued);
    let token = first.token();
    first.unlock().await.expect("a release");
    assert_eq!(next().await, (Some(token), ChangeKind::Released));
    writer.abort();
    // The writer was all that kept them from holding beside the second.
    assert_eq!(next().await.1, ChangeKind::Left);
    for reader in readers {
        let held = turn(reader).await;
        assert_eq!(next().await.1, ChangeKind::Acquired);
        drop(held);
    }
    following.abort();
    drop(second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_second_key_sees_that_the_first_is_taken_away() {
    let server = Server::start();
    let holder = client(&server, Options::default());
    let operator = server.operator().await;
    let held = take(&holder, Request::new("/b")).await;
    let waiter = waiting(&server, Request::new("/a").also("/b")).await;
    let place = operator.queue("/a").await.expect("a queue");
    let token = place.holder().and_then(|holder| holder.token);
    let token = token.expect("its turn has come for the first");
    let by = TakenAway::by_this_process();
    let told = operator.take_away("/a", token, &by, false).await;
    assert_eq!(told.expect("a removal"), Removal::Told);
    let gone = soon("its end", operator.until_gone("/a", token)).await;
    gone.expect("an answer");
    // It comes again, at the end of both queues.
    held.unlock().await.expect("a release");
    let held = turn(waiter).await;
    assert_ne!(held.token(), token);
}
