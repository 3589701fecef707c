//! `genlock status`: who holds a lock, and who waits for it.

use clap::Args;

use super::args::ConnectionArgs;
use super::help;
use super::once;
use super::operate::{operate, print, print_json};
use super::paint::Paint;
use super::settings::Settings;
use super::view::{self, StatusView};
use crate::ErrorKind;
use crate::describe;
use crate::exit::{self, Exit};
use crate::locker::kind::StoreClient;
use crate::locker::operator::{Contender, Queue, Ttl};
use crate::locker::{Mark, Mode};

/// Show who holds the lock KEY, and who waits for it.
///
/// The status is 0 if the lock is held and 1 if it is free, for scripts to ask.
#[derive(Args)]
#[command(before_help = help::STATUS_EXAMPLES, after_long_help = help::status())]
pub(super) struct StatusArgs {
    /// One JSON object
    #[arg(long)]
    json: bool,

    /// Print nothing; the status tells
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,

    /// The lock's name
    #[arg(value_name = "KEY")]
    key: String,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Runs the verb.
pub(super) fn run(options: &StatusArgs, settings: &Settings) -> anyhow::Result<Exit> {
    operate(settings.connection(&options.connection), async |store| {
        let queue = store.queue(&options.key).await?;
        if options.json {
            let mark = last_mark(store, &options.key).await?;
            print_json(&StatusView::of(&queue, mark.as_ref()))?;
        } else if !options.quiet {
            let mark = last_mark(store, &options.key).await?;
            print(&text(&queue, mark.as_ref()))?;
        }
        let held = queue.holder().is_some();
        Ok(Exit::Status(if held { 0 } else { exit::FREE }))
    })
}

/// The mark that was set last; none where the store has no marks, or may not be asked for them.
async fn last_mark(store: &dyn StoreClient, key: &str) -> crate::Result<Option<Mark>> {
    if !store.capabilities().marks {
        return Ok(None);
    }
    match store.last_mark(key).await {
        Err(error) if error.kind() == ErrorKind::Denied => Ok(None),
        read => read,
    }
}

fn text(queue: &Queue, mark: Option<&Mark>) -> String {
    let key = Paint::of_stdout().bold(&describe::escape(&queue.key));
    let mark = mark.map(|mark| {
        let slot = describe::escape(&mark.slot);
        let done = once::done(mark, &std::io::stdout());
        format!("last: {slot}, {done}\n")
    });
    let mark = mark.unwrap_or_default();
    let Some(first) = queue.holder() else {
        return format!("{key}: free\n{mark}");
    };
    let held = match (first.locks(), queue.holders().len()) {
        (Mode::Shared, holders) => format!("shared by {holders}"),
        (Mode::OneOf(limit), holders) => format!("held by {holders} of {limit}"),
        _ => "held".to_owned(),
    };
    let mut lines = vec![format!("{key}: {held}")];
    for (at, holder) in queue.holders().iter().enumerate() {
        let ttl = queue.ttl.filter(|_| at == 0);
        lines.extend(of_holder(holder, ttl).map(|(name, text)| format!("  {name:<8}{text}")));
    }
    match queue.waiters().len() {
        0 => {}
        waiting => lines.push(format!("{waiting} waiting:")),
    }
    for (place, waiter) in queue.waiters().iter().enumerate() {
        let since = view::since(waiter).map(|since| format!(", since {since}"));
        lines.push(format!(
            "  {:>3}  {}{}{}{}",
            place + 1,
            view::who(waiter),
            view::mode(waiter),
            since.unwrap_or_default(),
            view::notes(waiter),
        ));
    }
    lines.push(mark);
    lines.join("\n")
}

/// What is known of a holder, each line with its name.
fn of_holder(holder: &Contender, ttl: Option<Ttl>) -> impl Iterator<Item = (&'static str, String)> {
    let mut lines = vec![("holder", view::who(holder))];
    let record = holder.record.as_ref();
    lines.extend(view::since(holder).map(|since| ("since", since)));
    lines.extend(ttl.map(|ttl| ("TTL", view::ttl(ttl))));
    lines.extend(holder.token.map(|token| ("token", token.to_string())));
    lines.extend(holder.index.map(|index| ("index", index.to_string())));
    lines.extend(holder.lease.clone().map(|lease| ("lease", lease)));
    if let Some(end) = record.and_then(|record| record.min_hold_ends_at.as_deref()) {
        let end = describe::time(end, &std::io::stdout());
        lines.push(("until", format!("{end}, kept by the store alone")));
    }
    if let Some(record) = record.filter(|record| !record.reason.is_empty()) {
        lines.push(("reason", describe::note(&record.reason)));
    }
    for (name, value) in record.iter().flat_map(|record| &record.labels) {
        lines.push(("label", describe::note(&format!("{name}={value}"))));
    }
    if let Some(by) = record.and_then(|record| record.taken_away.as_ref()) {
        lines.push(("told", describe::taken_away(by)));
    }
    lines.into_iter()
}
