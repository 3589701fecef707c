//! How the operator's verbs show holders, waiters and locks: as JSON, whose fields are an interface, and as
//! text for people.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::describe;
use crate::locker::operator::{Contender, Queue, Ttl};
use crate::locker::{Mark, Mode, Record, TakenAway};

/// A holder or waiter, as JSON. A field that is not known is null.
#[derive(Serialize)]
pub(super) struct ContenderView<'a> {
    token: Option<u64>,
    owner_key: &'a str,
    /// Its lease or session, in the store's own form.
    lease: Option<&'a str>,
    /// Whether another tool put it there, which leaves no record.
    foreign: bool,
    /// `exclusive`, `shared` or `one-of`.
    mode: &'static str,
    /// `latest`, where it is not served in the order in which it came.
    queue: Option<&'a str>,
    /// How many may hold the lock, of `one-of`.
    max_holders: Option<u32>,
    /// Which of these it is.
    index: Option<u32>,
    host: Option<&'a str>,
    user: Option<&'a str>,
    pid: Option<u32>,
    command: Option<&'a str>,
    since: Option<&'a str>,
    reason: Option<&'a str>,
    labels: Option<&'a BTreeMap<String, String>>,
    /// Until when it is held although its holder is gone.
    min_hold_ends_at: Option<&'a str>,
    taken_away: Option<&'a TakenAway>,
}

impl<'a> ContenderView<'a> {
    pub(super) fn of(contender: &'a Contender) -> Self {
        let record = contender.record.as_ref();
        let text = |field: fn(&Record) -> &String| {
            let text = record.map(|record| field(record).as_str());
            text.filter(|text| !text.is_empty())
        };
        let (mode, max_holders) = match contender.locks() {
            Mode::Exclusive => ("exclusive", None),
            Mode::Shared => ("shared", None),
            Mode::OneOf(limit) => ("one-of", Some(limit)),
        };
        Self {
            token: contender.token,
            owner_key: &contender.owner_key,
            lease: contender.lease.as_deref(),
            foreign: contender.is_foreign(),
            mode,
            queue: text(|record| &record.queue),
            max_holders,
            index: contender.index,
            host: text(|record| &record.host),
            user: text(|record| &record.user),
            pid: record.map(|record| record.pid),
            command: text(|record| &record.command),
            since: text(|record| &record.since),
            reason: text(|record| &record.reason),
            labels: record.map(|record| &record.labels),
            min_hold_ends_at: record.and_then(|record| record.min_hold_ends_at.as_deref()),
            taken_away: record.and_then(|record| record.taken_away.as_ref()),
        }
    }
}

/// A lock, as JSON.
#[derive(Serialize)]
pub(super) struct QueueView<'a> {
    key: &'a str,
    held: bool,
    /// The first of the holders.
    holder: Option<ContenderView<'a>>,
    holders: Vec<ContenderView<'a>>,
    ttl: Option<TtlView>,
    waiters: Vec<ContenderView<'a>>,
}

/// A lock and what was done under it once, as JSON.
#[derive(Serialize)]
pub(super) struct StatusView<'a> {
    #[serde(flatten)]
    queue: QueueView<'a>,
    last_mark: Option<MarkView<'a>>,
}

/// What was done once, as JSON.
#[derive(Serialize)]
struct MarkView<'a> {
    slot: &'a str,
    host: &'a str,
    user: &'a str,
    pid: u32,
    command: &'a str,
    reason: &'a str,
    labels: &'a BTreeMap<String, String>,
    token: u64,
    started_at: &'a str,
    ended_at: Option<&'a str>,
    held_seconds: Option<f64>,
    expires_at: &'a str,
}

impl<'a> StatusView<'a> {
    pub(super) fn of(queue: &'a Queue, mark: Option<&'a Mark>) -> Self {
        Self {
            queue: QueueView::of(queue),
            last_mark: mark.map(MarkView::of),
        }
    }
}

impl<'a> MarkView<'a> {
    fn of(mark: &'a Mark) -> Self {
        Self {
            slot: &mark.slot,
            host: &mark.by.host,
            user: &mark.by.user,
            pid: mark.by.pid,
            command: &mark.by.command,
            reason: &mark.by.reason,
            labels: &mark.by.labels,
            token: mark.token,
            started_at: &mark.started_at,
            ended_at: mark.ended_at.as_deref(),
            held_seconds: mark.held_seconds,
            expires_at: &mark.expires_at,
        }
    }
}

/// Seconds.
#[derive(Serialize)]
struct TtlView {
    granted: u64,
    left: u64,
}

impl<'a> QueueView<'a> {
    pub(super) fn of(queue: &'a Queue) -> Self {
        Self {
            key: &queue.key,
            held: queue.holder().is_some(),
            holder: queue.holder().map(ContenderView::of),
            holders: queue.holders().iter().map(ContenderView::of).collect(),
            ttl: queue.ttl.map(|Ttl { granted, left }| TtlView {
                granted: granted.as_secs(),
                left: left.as_secs(),
            }),
            waiters: queue.waiters().iter().map(ContenderView::of).collect(),
        }
    }
}

/// `root@db1 (pid 17: ./backup.sh)`, or that it belongs to another tool.
pub(super) fn who(contender: &Contender) -> String {
    describe::who(contender.record.as_ref())
}

/// How it shares the lock, behind who it is: `, shared`. Nothing of one that does not.
pub(super) fn mode(contender: &Contender) -> String {
    sharing(contender.locks(), contender.index)
}

/// The same of this mode, for the one with this index.
pub(super) fn sharing(mode: Mode, index: Option<u32>) -> String {
    let index = index.map(|index| format!(" (index {index})"));
    match mode {
        Mode::Exclusive => String::new(),
        mode => format!(", {mode}{}", index.unwrap_or_default()),
    }
}

/// Its reason and its labels, behind all else.
pub(super) fn notes(contender: &Contender) -> String {
    describe::notes(contender.record.as_ref())
}

/// Since when, and for how long; `None` if that is not known.
pub(super) fn since(contender: &Contender) -> Option<String> {
    let since = &contender.record.as_ref()?.since;
    let ago = ago(contender)?;
    Some(format!(
        "{}, for {}",
        describe::time(since, &std::io::stdout()),
        describe::duration(ago)
    ))
}

/// How long it has held or waited: from its host's clock then to ours now, which may differ.
pub(super) fn ago(contender: &Contender) -> Option<Duration> {
    describe::held_for(contender.record.as_ref()?)
}

/// `7s of 10s left`.
pub(super) fn ttl(Ttl { granted, left }: Ttl) -> String {
    format!(
        "{} of {} left",
        humantime::format_duration(left),
        humantime::format_duration(granted)
    )
}
