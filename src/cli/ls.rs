//! `genlock ls`: the locks below a prefix.

use std::cmp::Reverse;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::operate::{operate, print, print_json};
use super::settings::Settings;
use super::view::{self, ContenderView};
use super::{Connection, help};
use crate::describe;
use crate::exit::Exit;
use crate::locker::operator::Queue;

/// List the locks that are held or waited for, a line each.
#[derive(Args)]
#[command(after_long_help = help::ls())]
pub(super) struct Ls {
    /// One JSON array
    #[arg(long)]
    json: bool,

    /// Only the keys, a line each; not those that do not fit on one
    #[arg(short, long, conflicts_with = "json")]
    keys: bool,

    /// What comes first: the key in order; the longest held; the most waited for; the oldest token
    #[arg(long, value_name = "FIELD", default_value = "key")]
    sort: Sort,

    /// The other way round
    #[arg(short, long)]
    reverse: bool,

    /// Only keys that begin so. Who may read no other keys has to say it
    #[arg(value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,

    #[command(flatten)]
    connection: Connection,
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
    waiting: usize,
}

/// Runs the verb.
pub(super) fn run(options: &Ls, settings: &Settings) -> anyhow::Result<Exit> {
    operate(&options.connection, settings, async |store| {
        let mut found = store.list(&options.prefix).await?;
        sort(&mut found, options.sort);
        if options.reverse {
            found.reverse();
        }
        if options.json {
            let lines = found.iter().map(|queue| Line {
                key: &queue.key,
                holder: queue.holder().map(ContenderView::of),
                waiting: queue.waiters().len(),
            });
            print_json(&lines.collect::<Vec<_>>())?;
        } else if options.keys {
            let keys = found.iter().map(|queue| &*queue.key);
            let keys = keys.filter(|key| !key.contains(char::is_control));
            print(&keys.map(|key| format!("{key}\n")).collect::<String>())?;
        } else {
            print(&table(&found))?;
        }
        Ok(Exit::Status(0))
    })
}

/// Stable: what is equal stays in the order of the keys.
fn sort(found: &mut [Queue], by: Sort) {
    let token = |queue: &Queue| queue.holder().and_then(|holder| holder.token);
    match by {
        Sort::Key => {}
        Sort::Held => found.sort_by_cached_key(|q| Reverse(q.holder().and_then(view::ago))),
        Sort::Waiting => found.sort_by_key(|queue| Reverse(queue.waiters().len())),
        Sort::Token => found.sort_by_key(|queue| (token(queue).is_none(), token(queue))),
    }
}

/// Columns as wide as what is in them. Nothing at all if there is no lock.
fn table(found: &[Queue]) -> String {
    let mut rows = vec![["KEY", "TOKEN", "WAITING", "HELD", "HOLDER"].map(str::to_owned)];
    for queue in found {
        let holder = queue.holder();
        let token = holder.and_then(|holder| holder.token);
        let held = holder.and_then(view::ago).map(describe::duration);
        rows.push([
            describe::escape(&queue.key),
            token.map_or("-".to_owned(), |token| token.to_string()),
            queue.waiters().len().to_string(),
            held.map_or("-".to_owned(), |held| held.to_string()),
            holder.map(view::who).unwrap_or_default(),
        ]);
    }
    if rows.len() == 1 {
        return String::new();
    }
    let wide = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths = [0, 1, 2, 3].map(wide);
    let mut text = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(widths) {
            text.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(&row[4]);
        text.push('\n');
    }
    text
}
