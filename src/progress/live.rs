//! A wait as one line of a terminal, drawn anew every second and whenever there is news.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::screen::Screen;
use super::{Last, Seen, Waiting, say_place_lost, whole_seconds};
use crate::clock::{Instant, sleep_until};
use crate::columns::{fit, fit_middle, of_terminal, width};
use crate::describe;
use crate::locker::{Operator, Record};

/// A wait shorter than this is not worth a line.
const AFTER: Duration = Duration::from_millis(200);

/// How often the time in the line is brought up to date.
const PACE: Duration = Duration::from_secs(1);

/// A key is shortened to no less than this.
const SHORTEST_KEY: usize = 15;

/// With less room than this the reason or the command is left out.
const SHORTEST_PART: usize = 12;

/// How often a second the line is drawn at most.
const HZ: u8 = 20;

/// The columns of the spinner, and of the blank behind it.
const SPINNER: usize = 2;

/// Takes the line off the terminal, whichever way the wait ends.
struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn bar() -> ProgressBar {
    let screen = ProgressDrawTarget::term_like_with_hz(Box::new(Screen::default()), HZ);
    let bar = ProgressBar::with_draw_target(None, screen);
    match ProgressStyle::with_template("{spinner} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Shows the wait until dropped.
pub(super) async fn show(
    key: &str,
    seen: &Seen,
    start: Instant,
    limit: Option<Duration>,
    store: &dyn Operator,
) {
    let mut news = seen.0.subscribe();
    sleep_until(start + AFTER).await;
    let Cleared(bar) = &Cleared(bar());
    let key_shown = describe::escape(key);
    loop {
        if let Some(why) = seen.take_place_lost() {
            say_place_lost(&key_shown, &why);
        }
        let last = news.borrow_and_update().clone();
        let waited = whole_seconds(Instant::now().since(start));
        let of = limit.map(|limit| format!(" of {}", describe::duration(limit)));
        let time = format!("{waited}{} · ", of.unwrap_or_default());
        // The last column stays free: some terminals go on to the next line with it.
        let columns = of_terminal(std::io::stderr()).saturating_sub(1 + SPINNER);
        bar.set_message(fit(&line(&time, &key_shown, &last, columns), columns));
        bar.tick();
        seen.announce();
        tokio::select! {
            _ = news.changed() => {}
            () = tokio::time::sleep(PACE) => {
                // A store without a queue sends no event when the holder changes.
                if last.waiting.is_some_and(|waiting| waiting.ahead.is_none()) {
                    seen.now(key, store).await;
                }
            }
        }
    }
}

/// What matters first, and of the rest what fits into so many columns.
fn line(time: &str, key: &str, last: &Last, columns: usize) -> String {
    let room = columns.saturating_sub(width(time));
    let waiting = match (&last.retrying, &last.waiting) {
        (None, Some(waiting)) => waiting,
        (why, _) => {
            let why = why.as_deref().map(describe::printable);
            let why = why.unwrap_or("asking the store".to_owned());
            let key = fit_middle(key, SHORTEST_KEY.max(room.saturating_sub(width(&why) + 2)));
            return format!("{time}{key}: {why}");
        }
    };
    let holder = waiting.holder.as_ref();
    let who = holder.map_or("another tool".to_owned(), |holder| {
        describe::user_and_host(&holder.user, &holder.host)
    });
    let held = holder.and_then(describe::held_for).map(whole_seconds);
    let held = held.map_or(String::new(), |held| format!(" for {held}"));
    let place = place(waiting);
    let others = width(&who) + " holds ".len() + width(&held) + width(&place);
    let key = fit_middle(key, SHORTEST_KEY.max(room.saturating_sub(others)));
    let mut line = format!("{time}{who} holds {key}");
    for part in [held, place] {
        if width(&line) + width(&part) <= columns {
            line += &part;
        }
    }
    let Some(record) = holder else {
        return line;
    };
    let reason = Some(&record.reason).filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| describe::escape(reason));
    for part in reason.into_iter().chain([command(record)]) {
        let left = columns.saturating_sub(width(&line) + " · ".chars().count());
        if left >= SHORTEST_PART {
            line += &format!(" · {}", fit(&part, left));
        }
    }
    line
}

/// ` · 2nd in line`, where the store has a queue.
fn place(waiting: &Waiting) -> String {
    let Some(ahead) = waiting.ahead else {
        return String::new();
    };
    let ending = match (ahead % 10, ahead % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    match ahead {
        0 => String::new(),
        1 => " · next in line".to_owned(),
        _ => format!(" · {ahead}{ending} in line"),
    }
}

/// `pid 17: ./backup.sh`.
fn command(record: &Record) -> String {
    let pid = record.pid;
    match describe::escape(&record.command) {
        command if command.is_empty() => format!("pid {pid}"),
        command => format!("pid {pid}: {command}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(user: &str, host: &str, ahead: u64) -> Last {
        Last {
            waiting: Some(Waiting {
                holder: Some(Record {
                    user: user.to_owned(),
                    host: host.to_owned(),
                    pid: 17,
                    command: "./backup.sh --all".to_owned(),
                    ..Record::default()
                }),
                ahead: Some(ahead),
                token: None,
            }),
            ..Last::default()
        }
    }

    #[test]
    fn what_matters_comes_first_and_the_rest_as_it_fits() {
        let last = waiting("root", "vm", 2);
        let key = "/locks/ci/a-very-long-name-12345";
        let time = "1m 5s · ";
        for (columns, expected) in [
            (
                98,
                "1m 5s · root@vm holds /locks/ci/a-very-long-name-12345 · 2nd in line · pid 17: ./backup.sh --all",
            ),
            (
                86,
                "1m 5s · root@vm holds /locks/ci/a-very-long-name-12345 · 2nd in line · pid 17: ./back…",
            ),
            (53, "1m 5s · root@vm holds /locks/c…me-12345 · 2nd in line"),
            (48, "1m 5s · root@vm holds /locks/…e-12345"),
            (18, "1m 5s · root@vm h…"),
        ] {
            let shown = fit(&line(time, key, &last, columns), columns);
            assert_eq!(shown, expected, "{columns}");
        }
    }

    fn with_a_reason(mut last: Last) -> Last {
        let holder = last.waiting.as_mut().and_then(|w| w.holder.as_mut());
        holder.expect("a holder").reason = "the audit\n日本".to_owned();
        last
    }

    #[test]
    fn the_reason_comes_before_the_command() {
        let last = with_a_reason(waiting("root", "vm", 0));
        for (columns, expected) in [
            (
                80,
                r"5s · root@vm holds /k · the audit\n日本 · pid 17: ./backup.sh --all",
            ),
            (44, r"5s · root@vm holds /k · the audit\n日本"),
            (36, "5s · root@vm holds /k · the audit\\n…"),
            (35, "5s · root@vm holds /k"),
        ] {
            let shown = line("5s · ", "/k", &last, columns);
            assert_eq!(shown, expected, "{columns}");
        }
    }

    #[test]
    fn it_fits_any_width() {
        for last in [
            waiting("root", "日本語のホスト", 12),
            with_a_reason(waiting("root", "日本語のホスト", 12)),
            Last::default(),
            Last {
                retrying: Some("no answer within 2s".repeat(9)),
                ..Last::default()
            },
        ] {
            for columns in 0..150 {
                let key = "/locks/日本語の鍵/with-a-long-end";
                let line = fit(&line("1m 5s of 10m · ", key, &last, columns), columns);
                assert!(width(&line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn places_are_counted_as_people_do() {
        let place = |ahead| place(waiting("u", "h", ahead).waiting.as_ref().expect("one"));
        let shown = [1, 2, 3, 4, 11, 12, 21, 112].map(place);
        let ends = ["next", "2nd", "3rd", "4th", "11th", "12th", "21st", "112th"];
        assert_eq!(shown, ends.map(|end| format!(" · {end} in line")));
    }
}
