//! What is shown while genlock waits for a lock: one live line at a terminal, else a plain line at
//! the start and then seldom. Nothing of it is left when the command starts.

mod screen;

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch;

use crate::clock::{Instant, sleep_until};
use crate::describe;
use crate::locker::{Event, Record, TakenAway};
use screen::Screen;

/// A wait shorter than this is not worth a live line.
const LIVE_AFTER: Duration = Duration::from_millis(200);

/// How often the live line's clock moves.
const LIVE_PACE: Duration = Duration::from_secs(1);

/// When a plain line is repeated, counted from the start of the wait; then every hour.
const REPEATED: [Duration; 3] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
];

/// How often it is repeated after that.
const HOURLY: Duration = Duration::from_secs(60 * 60);

/// What the lock's events said last. A clone is the same.
#[derive(Clone, Default)]
pub(crate) struct Seen(watch::Sender<Last>);

#[derive(Clone, Default)]
struct Last {
    waiting: Option<Waiting>,
    owner_key: Option<String>,
    retrying: Option<String>,
    place_lost: Option<String>,
    taken_away: Option<TakenAway>,
}

/// Who is ahead.
#[derive(Clone)]
struct Waiting {
    holder: Option<Record>,
    ahead: Option<u64>,
}

impl Waiting {
    /// `held by root@db1 (pid 17: ./backup.sh) since 2026-01-01T00:00:00Z, 2 ahead`.
    fn text(&self) -> String {
        let holder = describe::holder(self.holder.as_ref());
        format!("held by {holder}{}", self.ahead())
    }

    /// `held for 3m by root@db1 (pid 17: ./backup.sh), 2 ahead`, for a line that is drawn anew.
    fn live(&self) -> String {
        let holder = self.holder.as_ref();
        let time = holder.and_then(describe::held_for).map(describe::duration);
        let time = time.map_or(String::new(), |time| format!(" for {time}"));
        let who = describe::who(holder);
        format!("held{time} by {who}{}", self.ahead())
    }

    fn ahead(&self) -> String {
        match self.ahead {
            Some(ahead @ 2..) => format!(", {ahead} ahead"),
            _ => String::new(),
        }
    }
}

impl Seen {
    /// Takes one event in.
    pub(crate) fn note(&self, event: &Event) {
        self.0.send_modify(|last| match event {
            Event::Waiting {
                holder,
                owner_key,
                ahead,
            } => {
                last.waiting = Some(Waiting {
                    holder: holder.clone(),
                    ahead: *ahead,
                });
                last.owner_key.clone_from(owner_key);
                last.retrying = None;
            }
            Event::PlaceLost(loss) => last.place_lost = Some(loss.to_string()),
            Event::TakenAway(by) => last.taken_away = Some(by.clone()),
            Event::Retrying(why) => last.retrying = Some(why.clone()),
        });
    }

    /// Who holds the lock, if it was seen to be held.
    pub(crate) fn waiting(&self) -> Option<String> {
        self.0.borrow().waiting.as_ref().map(Waiting::text)
    }

    /// Ends when the lock is seen to be held by such a one: it has an owner key, and has left a
    /// record, as far as they are known. Cancel-safe.
    pub(crate) async fn held_by(&self, such: impl Fn(Option<&String>, Option<&Record>) -> bool) {
        let held = |last: &Last| {
            let holder = last
                .waiting
                .as_ref()
                .and_then(|waiting| waiting.holder.as_ref());
            such(last.owner_key.as_ref(), holder)
        };
        // It fails only when the sender is gone, which is ours.
        let _ = self.0.subscribe().wait_for(held).await;
    }

    /// Why the place in the queue was lost, if that has not been said yet.
    fn take_place_lost(&self) -> Option<String> {
        let mut lost = None;
        self.0.send_if_modified(|last| {
            lost = last.place_lost.take();
            false
        });
        lost
    }

    /// The operator who took the held lock away.
    pub(crate) fn taken_away(&self) -> Option<TakenAway> {
        self.0.borrow().taken_away.clone()
    }

    /// Why the store was asked again, if the last that was heard of it is that.
    pub(crate) fn retrying(&self) -> Option<String> {
        self.0.borrow().retrying.clone()
    }

    /// The store has answered again.
    pub(crate) fn answered(&self) {
        self.0.send_modify(|last| last.retrying = None);
    }
}

/// Whether a wait is shown by a live line: on a terminal that can (not `TERM=dumb`).
pub(crate) fn is_live() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
}

fn bar() -> ProgressBar {
    let screen = Box::new(Screen::default());
    ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like_with_hz(screen, 20))
}

/// Shows the wait for `key`, which ends after `limit`, until dropped, which clears the live line.
pub(crate) async fn show(key: &str, seen: &Seen, limit: Option<Duration>) {
    let start = Instant::now();
    if is_live() && is_in_foreground() {
        let until = limit.map(|limit| start + limit);
        live(key, seen, start, until, &Cleared(bar())).await;
    } else {
        plain(key, seen, start).await;
    }
}

/// Whether the terminal is ours to draw on, and not a shell's that put us into the background; also
/// where it has no foreground that we know of.
fn is_in_foreground() -> bool {
    rustix::termios::tcgetpgrp(std::io::stderr())
        .map_or(true, |group| group == rustix::process::getpgrp())
}

/// Takes the live line off the terminal, whichever way the wait ends.
struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

async fn live(
    key: &str,
    seen: &Seen,
    start: Instant,
    until: Option<Instant>,
    Cleared(bar): &Cleared,
) {
    if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(style);
    }
    let mut news = seen.0.subscribe();
    sleep_until(start + LIVE_AFTER).await;
    loop {
        let key = describe::escape(key);
        if let Some(why) = seen.take_place_lost() {
            bar.suspend(|| say_place_lost(&key, &why));
        }
        let waited = whole_seconds(start_to_now(start));
        let left = until.map(|until| whole_seconds(until.left() + Duration::from_millis(500)));
        let left = left.map_or(String::new(), |left| format!(", {left} left"));
        let text = {
            let last = news.borrow_and_update();
            let state = match (&last.retrying, &last.waiting) {
                (Some(why), _) => describe::printable(why),
                (None, Some(waiting)) => waiting.live(),
                (None, None) => "asking the store".to_owned(),
            };
            format!("waiting {waited}{left} for {key}: {state}")
        };
        bar.set_message(text);
        if is_in_foreground() {
            bar.tick();
        }
        tokio::select! {
            _ = news.changed() => {}
            () = tokio::time::sleep(LIVE_PACE) => {}
        }
    }
}

async fn plain(key: &str, seen: &Seen, start: Instant) {
    let mut repeated = REPEATED.into_iter();
    let mut next: Option<Instant> = None;
    let mut news = seen.0.subscribe();
    // What was said before counts as news.
    news.mark_changed();
    loop {
        let due = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = news.changed() => {}
            () = due => {}
        }
        let key = describe::escape(key);
        let last = news.borrow_and_update().clone();
        if let Some(why) = seen.take_place_lost() {
            say_place_lost(&key, &why);
        }
        let due = next.is_none_or(|at| at <= Instant::now());
        let waiting = last.waiting.as_ref().map(Waiting::text);
        let Some(state) = last.retrying.or(waiting).filter(|_| due) else {
            continue;
        };
        let waited = start_to_now(start);
        if next.is_none() {
            describe::complain(format_args!("waiting for {key}: {state}"));
        } else {
            let waited = describe::duration(waited);
            describe::complain(format_args!(
                "still waiting for {key} after {waited}: {state}"
            ));
        }
        next = Some(match repeated.find(|&at| at > waited) {
            Some(at) => start + at,
            None => Instant::now() + HOURLY,
        });
    }
}

fn whole_seconds(time: Duration) -> impl std::fmt::Display {
    describe::duration(Duration::from_secs(time.as_secs()))
}

fn start_to_now(start: Instant) -> Duration {
    Instant::now().since(start)
}

fn say_place_lost(key: &str, why: &str) {
    describe::complain(format_args!(
        "{key}: lost the place in the queue: {why}; queueing anew"
    ));
}
