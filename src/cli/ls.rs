//! `genlock ls`: the locks below a prefix.

use std::cmp::{Ordering, Reverse};
use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::args::ConnectionArgs;
use super::help;
use super::operate::{denied, operate, print, print_json};
use super::paint::Paint;
use super::settings::Settings;
use super::view::{self, ContenderView};
use crate::columns::{fit, fit_middle, of_terminal, width};
use crate::describe;
use crate::exit::Exit;
use crate::locker::operator::Queue;

/// List the locks that are held or waited for, a line each.
#[derive(Args)]
#[command(before_help = help::LS_EXAMPLES, after_long_help = help::ls())]
pub(super) struct LsArgs {
    /// One JSON array
    #[arg(long)]
    json: bool,

    /// Only the keys, a line each
    ///
    /// Those that do not fit on one line are left out.
    #[arg(short, long, conflicts_with = "json")]
    keys: bool,

    /// What comes first
    ///
    /// The key in order; the longest held; the most waited for; the oldest token.
    #[arg(long, value_name = "FIELD", default_value = "key")]
    sort: Sort,

    /// The other way round
    #[arg(short, long)]
    reverse: bool,

    /// Only keys that begin so. Who may read no other keys has to say it
    #[arg(value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,

    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Sort {
    Key,
    Held,
    Waiting,
    Token,
}

/// A lock, as JSON.
#[derive(Serialize)]
struct Line<'a> {
    key: &'a str,
    holder: Option<ContenderView<'a>>,
    holders: Vec<ContenderView<'a>>,
    waiting: usize,
}

/// Runs the verb.
pub(super) fn run(options: &LsArgs, settings: &Settings) -> anyhow::Result<Exit> {
    operate(settings.connection(&options.connection), async |store| {
        let found = store.list(&options.prefix).await;
        let mut found = found.map_err(|error| denied("ls", &options.prefix, error))?;
        sort(&mut found, options.sort);
        if options.reverse {
            found.reverse();
        }
        if options.json {
            let lines = found.iter().map(|queue| Line {
                key: &queue.key,
                holder: queue.holder().map(ContenderView::of),
                holders: queue.holders().iter().map(ContenderView::of).collect(),
                waiting: queue.waiters().len(),
            });
            print_json(&lines.collect::<Vec<_>>())?;
        } else if options.keys {
            let keys = found.iter().map(|queue| &*queue.key);
            let keys = keys.filter(|key| !key.contains(char::is_control));
            print(&keys.map(|key| format!("{key}\n")).collect::<String>())?;
        } else {
            let paint = Paint::of_stdout();
            let mut text = table(&found, paint);
            if std::io::stdout().is_terminal() {
                text.push_str(&sum(&found, &options.prefix));
            }
            print(&text)?;
        }
        Ok(Exit::Status(0))
    })
}

/// Stable: what is equal stays in the order of the keys.
fn sort(found: &mut [Queue], by: Sort) {
    let token = |queue: &Queue| queue.holder().and_then(|holder| holder.token);
    found.sort_by(|one, other| as_people_count(&one.key, &other.key));
    match by {
        Sort::Key => {}
        Sort::Held => found.sort_by_cached_key(|q| Reverse(q.holder().and_then(view::ago))),
        Sort::Waiting => found.sort_by_key(|queue| Reverse(queue.waiters().len())),
        Sort::Token => found.sort_by_key(|queue| (token(queue).is_none(), token(queue))),
    }
}

/// The order of two keys with digits read as numbers: job-2 before job-10.
fn as_people_count(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one.as_bytes(), other.as_bytes());
    while let (Some(&first), Some(&second)) = (left.first(), right.first()) {
        let order = if first.is_ascii_digit() && second.is_ascii_digit() {
            let (a, b) = (number(&mut left), number(&mut right));
            a.len().cmp(&b.len()).then(a.cmp(b))
        } else {
            (left, right) = (&left[1..], &right[1..]);
            first.cmp(&second)
        };
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| one.cmp(other))
}

/// Takes the digits at the beginning off `text`, and gives them without leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    *text = rest;
    let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
    &digits[zeros..]
}

/// Blanks between two columns.
const GAP: usize = 2;

/// The locks in columns that are as wide as their widest cell; on a terminal keys and holders are cut so
/// that a line fits. Empty, without a heading, if there is no lock.
fn table(found: &[Queue], paint: Paint) -> String {
    if found.is_empty() {
        return String::new();
    }
    let mut rows = vec![["KEY", "TOKEN", "WAITING", "HELD", "HOLDER"].map(str::to_owned)];
    rows.extend(found.iter().map(row));
    let mut widths = [0, 1, 2, 3, 4].map(|column| {
        let cells = rows.iter().map(|row: &[String; 5]| width(&row[column]));
        cells.max().unwrap_or_default()
    });
    let stdout = std::io::stdout();
    if stdout.is_terminal() {
        let fixed = widths[1] + widths[2] + widths[3] + 4 * GAP;
        let room = of_terminal(stdout).saturating_sub(fixed);
        // Keys and holders share the rest: each may have half of it, and more where the other needs less.
        let [key, _, _, _, holder] = widths;
        widths[0] = key.min(room.saturating_sub(holder).max(room / 2));
        widths[4] = holder.min(room - widths[0]);
    }
    let mut text = String::new();
    for (at, [key, token, waiting, held, holder]) in rows.iter().enumerate() {
        let key = fit_middle(key, widths[0]);
        let gap = " ".repeat(widths[0].saturating_sub(width(&key)) + GAP);
        let key = if at == 0 { key } else { paint.bold(&key) };
        let [_, tokens, waitings, helds, holders] = widths;
        let holder = fit(holder, holders);
        text.push_str(&format!(
            "{key}{gap}{token:>tokens$}  {waiting:>waitings$}  {held:>helds$}  {holder}\n"
        ));
    }
    text
}

fn row(queue: &Queue) -> [String; 5] {
    let holder = queue.holder();
    let token = holder.and_then(|holder| holder.token);
    let held = holder.and_then(view::ago).map(describe::duration);
    [
        describe::escape(&queue.key),
        token.map_or("-".to_owned(), |token| token.to_string()),
        queue.waiters().len().to_string(),
        held.map_or("-".to_owned(), |held| held.to_string()),
        holders(queue),
    ]
}

/// So many indexes are shown of those who are not.
const INDEXES: usize = 9;

/// Who holds it: the first, how it is shared, and how many more there are, with their indexes.
fn holders(queue: &Queue) -> String {
    let [first, others @ ..] = queue.holders() else {
        return String::new();
    };
    let mut text = format!("{}{}", view::who(first), view::mode(first));
    if others.is_empty() {
        return text;
    }
    text.push_str(&format!(", and {} more", others.len()));
    let indexes = others.iter().filter_map(|other| other.index);
    let mut indexes: Vec<_> = indexes.map(|index| index.to_string()).collect();
    if indexes.len() > INDEXES {
        indexes.truncate(INDEXES);
        indexes.push("…".to_owned());
    }
    if !indexes.is_empty() {
        text.push_str(&format!(" (index {})", indexes.join(", ")));
    }
    text
}

/// `3 held, 2 waiting`.
fn sum(found: &[Queue], prefix: &str) -> String {
    match (found.len(), prefix) {
        (0, "") => "nothing is held\n".to_owned(),
        (0, prefix) => format!("nothing is held below {}\n", describe::escape(prefix)),
        (held, _) => {
            let waiting: usize = found.iter().map(|queue| queue.waiters().len()).sum();
            format!("{held} held, {waiting} waiting\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_their_order() {
        let mut keys = [
            "job-10", "job-2", "job-2b", "job", "job-02", "a/10/1", "a/9/2", "job-x",
        ];
        keys.sort_by(|one, other| as_people_count(one, other));
        let expected = [
            "a/9/2", "a/10/1", "job", "job-02", "job-2", "job-2b", "job-10", "job-x",
        ];
        assert_eq!(keys, expected);
    }
}
