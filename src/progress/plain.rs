//! A wait in plain lines: at its start, and then seldom.

use std::time::Duration;

use super::{Seen, Waiting, say_place_lost};
use crate::clock::{Instant, sleep_until};
use crate::describe;
use crate::locker::Operator;
use crate::stderr;

/// When the line is repeated, counted from the start of the wait; then every hour.
const REPEATED: [Duration; 3] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
];

/// How often it is repeated after that.
const HOURLY: Duration = Duration::from_secs(60 * 60);

/// Shows the wait until dropped.
pub(super) async fn show(key: &str, seen: &Seen, start: Instant, store: &dyn Operator) {
    let shown = describe::escape(key);
    say_first(&shown, seen).await;
    let mut news = seen.0.subscribe();
    let mut repeated = REPEATED.into_iter();
    loop {
        let waited = Instant::now().since(start);
        let next = repeated.find(|&at| at > waited);
        let next = next.map_or(Instant::now() + HOURLY, |at| start + at);
        let mut due = std::pin::pin!(sleep_until(next));
        loop {
            tokio::select! {
                () = &mut due => break,
                _ = news.changed() => {}
            }
            if let Some(why) = seen.take_place_lost() {
                say_place_lost(&shown, &why);
            }
        }
        let state = seen.now(key, store).await;
        let waited = describe::duration(Instant::now().since(start));
        stderr::complain(format_args!(
            "still waiting for {shown} after {waited}: {state}"
        ));
    }
}

/// Says that there is a wait, once an event has said who holds the lock, or why the store does not.
async fn say_first(shown: &str, seen: &Seen) {
    let mut news = seen.0.subscribe();
    // Events from before count too.
    news.mark_changed();
    loop {
        let _ = news.changed().await;
        let last = news.borrow_and_update().clone();
        if let Some(why) = seen.take_place_lost() {
            say_place_lost(shown, &why);
        }
        let waiting = last.waiting.as_ref().map(Waiting::text);
        if let Some(state) = last.retrying.or(waiting) {
            stderr::complain(format_args!("waiting for {shown}: {state}"));
            seen.announce();
            return;
        }
    }
}
