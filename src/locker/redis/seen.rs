//! What there is of a lock, as a look from outside finds it.

use std::time::Duration;

use super::fault::judge;
use super::names::LockNames;
use super::place::mark_of;
use super::reply::Reply;
use super::request_error::RequestError;
use super::scripts::{LockHolder, index_of};
use crate::clock::Instant;
use crate::locker::fault::Fault;
use crate::locker::operator::{Contender, Queue, Ttl};
use crate::locker::{Record, TakenAway};

/// What there is of one lock, at one moment.
pub(super) struct LockSeen {
    pub(super) names: LockNames,
    pub(super) holder: LockHolder,
    /// What its holder is kept with.
    pub(super) granted: Duration,
    pub(super) mark: Option<TakenAway>,
    /// Those who hold it together, the first who came first.
    pub(super) members: Vec<MemberSeen>,
    /// How long the key lasts; `None` if it has no end.
    pub(super) pttl: Option<Duration>,
    waiters: Vec<WaiterSeen>,
    /// When it was asked for: no later than that moment.
    pub(super) asked: Instant,
}

/// One of several holders.
pub(super) struct MemberSeen {
    pub(super) place: WaiterSeen,
    index: Option<u32>,
    /// What it is kept with.
    pub(super) granted: Duration,
    pub(super) mark: Option<TakenAway>,
}

pub(super) struct WaiterSeen {
    pub(super) id: String,
    pub(super) ticket: u64,
    record: Option<Record>,
    /// How long it counts as alive, or holds the lock.
    pub(super) alive: Duration,
}

impl LockSeen {
    /// What a look has answered.
    pub(super) fn of(names: LockNames, answer: &Reply, asked: Instant) -> Result<Self, Fault> {
        match answer {
            Reply::Error(text) => Err(judge(RequestError::Answered(text.clone()))),
            answer => Self::read(names, answer, asked).ok_or_else(senseless),
        }
    }

    fn read(names: LockNames, answer: &Reply, asked: Instant) -> Option<Self> {
        let [kind, value, pttl, now, kept, mark, others @ ..] = answer.list() else {
            return None;
        };
        let now = now.number()?;
        let (granted, record) = kept_of(kept.text());
        let mut holder = LockHolder::read(kind, value, &Reply::Null);
        holder.record = record;
        let is_member = |one: &&Reply| one.list().len() > 4;
        let (members, waiters): (Vec<_>, Vec<_>) = others.iter().partition(is_member);
        let members = members.into_iter().map(|one| MemberSeen::read(one, now));
        let waiters = waiters.into_iter().map(|one| WaiterSeen::read(one, now));
        Some(Self {
            names,
            holder,
            granted,
            mark: mark_of(mark.text()),
            pttl: match pttl.number()? {
                -1 => None,
                ms => Some(Duration::from_millis(ms.max(0) as u64)),
            },
            members: members.collect::<Option<_>>()?,
            waiters: waiters.collect::<Option<_>>()?,
            asked,
        })
    }

    /// Those who hold it first, and who waits.
    pub(super) fn contenders(&self) -> Vec<Contender> {
        let alone = self.members.is_empty();
        let owner_key = self.holder.owner_key(&self.names).filter(|_| alone);
        let of_holder = owner_key.map(|owner_key| {
            let record = marked(self.holder.record.clone(), self.mark.as_ref());
            let contender = Contender::new(owner_key).with_record(record);
            match &self.holder.genlock {
                Some((token, _)) => contender.with_token(*token),
                None => contender,
            }
        });
        let members = self.members.iter().map(|one| one.contender(&self.names));
        let waiters = self.waiters.iter().map(|one| one.contender(&self.names));
        of_holder
            .into_iter()
            .chain(members)
            .chain(waiters)
            .collect()
    }

    pub(super) fn is_free(&self) -> bool {
        !self.holder.is_there && self.waiters.is_empty()
    }

    /// Whether the one with this token is there.
    pub(super) fn has(&self, token: u64) -> bool {
        let holds = matches!(&self.holder.genlock, Some((held, _)) if *held == token);
        let members = self.members.iter().map(|one| &one.place);
        let mut places = members.chain(&self.waiters);
        holds || places.any(|one| one.ticket == token)
    }

    /// When what is there can change without a word: the key, or a place, runs out.
    pub(super) fn next_end(&self) -> Option<Duration> {
        let of_key = self.pttl.filter(|_| self.holder.is_there);
        let members = self.members.iter().map(|one| &one.place);
        let places = members.chain(&self.waiters).map(|one| one.alive);
        of_key.into_iter().chain(places).min()
    }

    /// When the lock of its holder runs out if it is not renewed; of several the first that does.
    pub(super) fn holder_ends(&self) -> Option<Instant> {
        let members = self.members.iter().map(|one| one.place.alive).min();
        let of_key = self.pttl.filter(|_| self.holder.is_there);
        Some(self.asked + members.or(of_key)?)
    }

    /// When the lock of this one of its holders runs out if it is not renewed.
    pub(super) fn ends_of(&self, owner_key: &str) -> Option<Instant> {
        let mut members = self.members.iter();
        match members.find(|one| self.names.of_one(&one.place.id) == owner_key) {
            Some(member) => Some(self.asked + member.place.alive),
            None => self.holder_ends(),
        }
    }

    pub(super) fn queue(&self) -> Queue {
        let queue = Queue::new(self.names.key.clone(), self.contenders());
        if let Some(first) = self.members.first() {
            return queue.with_ttl(Ttl {
                granted: first.granted,
                left: first.place.alive,
            });
        }
        match self.pttl {
            Some(left) if self.holder.genlock.is_some() => queue.with_ttl(Ttl {
                granted: self.granted,
                left,
            }),
            _ => queue,
        }
    }
}

impl MemberSeen {
    fn read(reply: &Reply, now: i64) -> Option<Self> {
        let [place @ .., index, mark] = reply.list() else {
            return None;
        };
        let place = Reply::List(place.to_vec());
        Some(Self {
            granted: kept_of(place.list().get(3)?.text()).0,
            place: WaiterSeen::read(&place, now)?,
            index: index_of(index),
            mark: mark_of(mark.text()),
        })
    }

    fn contender(&self, names: &LockNames) -> Contender {
        let record = marked(self.place.record.clone(), self.mark.as_ref());
        let contender = self.place.contender(names).with_record(record);
        contender.with_index(self.index)
    }
}

impl WaiterSeen {
    pub(super) fn read(reply: &Reply, now: i64) -> Option<Self> {
        let [id, ticket, till, kept] = reply.list() else {
            return None;
        };
        let alive = till.number()?.saturating_sub(now).max(0) as u64;
        Some(Self {
            id: id.words(),
            ticket: u64::try_from(ticket.number()?).ok()?,
            record: kept_of(kept.text()).1,
            alive: Duration::from_millis(alive),
        })
    }

    pub(super) fn contender(&self, names: &LockNames) -> Contender {
        Contender::new(names.of_one(&self.id))
            .with_token(self.ticket)
            .with_record(self.record.clone())
    }
}

/// What one says of itself, with an operator's word to let go.
fn marked(record: Option<Record>, mark: Option<&TakenAway>) -> Option<Record> {
    Some(Record {
        taken_away: mark.cloned(),
        ..record?
    })
}

/// The TTL and the record of one, as they are kept.
fn kept_of(text: &[u8]) -> (Duration, Option<Record>) {
    let at = text.iter().position(|&byte| byte == b'|').unwrap_or(0);
    let (ttl, rest) = text.split_at(at);
    let ttl = std::str::from_utf8(ttl)
        .ok()
        .and_then(|ttl| ttl.parse().ok());
    let record = rest.strip_prefix(b"|").and_then(Record::from_json);
    (Duration::from_millis(ttl.unwrap_or(0)), record)
}

pub(super) fn senseless() -> Fault {
    Fault::misfit("it answers a script in an unknown way")
}
