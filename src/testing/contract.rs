//! What every store promises: one suite, run over each by a [`Fixture`] and a line with
//! [`contract!`](crate::contract). Every function is a test, which panics where a store breaks its
//! promise.
#![expect(missing_docs, reason = "these are tests, called by their names")]

pub mod calls;
pub mod ending;
pub mod events;
pub mod exclusion;
pub mod history;
pub mod keys;
pub mod marks;
pub mod min_hold;
pub mod modes;
pub mod operating;
pub mod refusal;
pub mod tasks;
pub mod waiting;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::{Event, EventKind, Held, History, Locker, Marks, Operator, Options};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A store of its own, as one test needs it. What a case asks for goes by the
/// [capabilities](Locker::capabilities) of its clients.
pub trait Fixture: Sized {
    /// Sets up an empty store, which goes away when dropped.
    fn start() -> impl Future<Output = Self>;

    /// A new client of it.
    fn client(&self, options: Options) -> impl Future<Output = Arc<dyn Locker>>;

    /// A new client of it, for its marks.
    fn marks(&self, options: Options) -> impl Future<Output = Arc<dyn Marks>>;

    /// An operator's view of it.
    fn operator(&self) -> impl Future<Output = Arc<dyn Operator>>;

    /// A client of it that keeps the last runs of a key. `None` where the store's
    /// [capabilities](crate::Capabilities::history) have none.
    fn historian(&self) -> impl Future<Output = Option<Arc<dyn History>>> {
        std::future::ready(None)
    }

    /// What holders, waiters and marks have in the store now: nothing when there are none.
    fn leftovers(&self) -> impl Future<Output = Vec<String>>;

    /// Takes away the lease of a held lock, behind its client. False where there are no leases.
    fn revoke(&self, _held: &Held) -> impl Future<Output = bool> {
        std::future::ready(false)
    }

    /// Deletes what stands for a held lock in the store, behind its client. False where there is
    /// nothing to delete.
    fn delete(&self, _held: &Held) -> impl Future<Output = bool> {
        std::future::ready(false)
    }
}

/// Makes a test of every function of the contract, over the store of a
/// [`Fixture`](crate::testing::contract::Fixture). For crates that have tokio, with its macros and its
/// threads.
#[macro_export]
macro_rules! contract {
    ($fixture:ty) => {
        $crate::contract! { $fixture:
            calls::a_bounded_wait_ends_in_time_and_leaves_the_queue;
            calls::a_label_is_seen_by_an_operator;
            calls::work_has_the_lock_until_it_ends;
            calls::work_that_panics_or_is_given_up_has_no_lock;
            calls::work_is_dropped_when_its_lock_is_lost;
            ending::an_unlocked_lock_is_free;
            ending::a_dropped_lock_is_free;
            ending::a_dropped_lock_is_free_for_its_own_client;
            ending::an_unlock_that_is_given_up_goes_on;
            ending::a_released_lock_is_lost_at_once;
            ending::no_deadline_is_in_the_past;
            ending::a_revoked_lease_is_a_loss;
            ending::a_deleted_key_is_a_loss;
            ending::without_renewal_it_is_lost_at_its_deadline;
            ending::without_renewal_it_is_free_after_its_ttl;
            ending::a_ttl_of_its_own_ends_it_too;
            ending::it_outlives_its_ttl_many_times;
            ending::close_releases_and_refuses_further_calls;
            ending::close_ends_the_waiting;
            events::a_life_is_told_in_order;
            events::a_loss_is_told_when_it_happens;
            events::an_observer_may_do_with_the_lock_what_it_likes;
            exclusion::no_update_is_lost_and_tokens_rise;
            exclusion::many_locks_of_one_client;
            exclusion::different_keys_do_not_block_each_other;
            exclusion::every_odd_key_is_a_lock_of_its_own;
            history::the_last_runs_are_kept_in_their_order;
            history::a_beginning_changes_no_end;
            history::runs_are_no_locks;
            keys::several_keys_are_held_all_or_none;
            keys::several_keys_are_lost_together;
            keys::no_order_of_keys_is_a_deadlock;
            marks::a_mark_is_seen_without_a_lock_and_is_none;
            marks::the_last_mark_is_the_one_set_last;
            marks::who_lost_the_lock_does_not_mark;
            marks::a_mark_goes_away_by_itself;
            marks::every_odd_name_is_a_mark_of_its_own;
            min_hold::it_stays_held_when_its_holder_is_gone;
            min_hold::an_operator_ends_it;
            min_hold::its_time_can_be_changed;
            min_hold::a_lost_lock_does_not_stay_held;
            modes::what_a_store_cannot_do_is_refused;
            modes::who_shares_holds_together_and_keeps_a_writer_out;
            modes::a_waiting_writer_is_not_starved;
            modes::no_more_hold_than_may_and_each_has_its_index;
            modes::all_who_hold_have_different_indexes;
            modes::another_number_of_holders_is_refused;
            modes::the_latest_sends_older_ones_away_and_no_holder;
            modes::a_queue_of_all_modes_is_served_in_its_order;
            modes::an_operator_sees_all_holders_and_hits_one;
            operating::an_operator_sees_the_holder;
            operating::what_is_left_is_asked_for_by_the_token;
            operating::a_lock_that_is_taken_away_is_lost;
            operating::who_comes_to_hold_it_is_told_and_not_removed;
            operating::what_happens_is_told;
            refusal::keys_that_no_store_takes;
            refusal::a_ttl_that_is_too_short_or_too_long;
            refusal::a_ttl_that_is_not_in_whole_seconds;
            refusal::a_lock_of_another_client;
            tasks::one_clients_tasks_have_their_turns_in_the_order_of_asking;
            tasks::a_try_is_none_while_another_task_holds_or_waits;
            tasks::a_try_is_none_while_another_task_is_next;
            tasks::one_of_several_tries_has_a_dropped_lock;
            tasks::a_task_that_gives_up_its_wait_disturbs_no_other;
            tasks::all_tasks_end_with_their_client;
            waiting::first_come_first_served;
            waiting::try_lock_does_not_wait;
            waiting::a_dropped_wait_leaves_the_queue;
            waiting::a_waiter_learns_who_holds;
            waiting::a_record_without_a_mode_is_the_holders_own;
        }
    };
    ($fixture:ty: $($part:ident::$name:ident;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let fixture = <$fixture as $crate::testing::contract::Fixture>::start().await;
                $crate::testing::contract::$part::$name(&fixture).await;
            }
        )+
    };
}

/// Waits for what has to come, but not for ever.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within 60 s"))
}

/// Holds the lock, and fails if that does not come soon.
pub async fn lock(client: &Arc<dyn Locker>, key: &str) -> Held {
    soon(key, client.lock(key)).await.expect("a held lock")
}

/// A lock call that goes on by itself.
pub fn spawn_lock(
    client: &Arc<dyn Locker>,
    key: &str,
) -> tokio::task::JoinHandle<crate::Result<Held>> {
    let (client, key) = (client.clone(), key.to_owned());
    tokio::spawn(async move { client.lock(&key).await })
}

/// Ends a lock call that goes on by itself. It may have got its lock in that very moment: then that is
/// released.
pub async fn give_up(waiting: tokio::task::JoinHandle<crate::Result<Held>>) {
    waiting.abort();
    drop(waiting.await);
}

/// Options whose client says what happens to it.
pub fn observed(options: Options) -> (Options, UnboundedReceiver<EventKind>) {
    let (events, received) = unbounded_channel();
    let observer = move |event: &Event| {
        // A test that is over listens no more.
        let _ = events.send(event.what.clone());
    };
    let options = options.with_observer(observer);
    (options, received)
}

/// Ends when the client has begun to wait.
pub async fn until_waiting(events: &mut UnboundedReceiver<EventKind>) {
    soon("a waiter", async {
        while !matches!(
            events.recv().await.expect("a client"),
            EventKind::Waiting { .. }
        ) {}
    })
    .await;
}

/// Waits until nothing is left in the store.
pub async fn until_empty(fixture: &impl Fixture) {
    let mut left = Vec::new();
    for _ in 0..100 {
        left = fixture.leftovers().await;
        if left.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("left behind: {left:?}");
}
