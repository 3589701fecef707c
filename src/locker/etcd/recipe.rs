//! The recipe's transactions: what is sent to etcd to queue, and what is read of a queue.
//!
//! It is etcd's own (client/v3/concurrency/mutex.go): a key `<name>/<lease in hex>` that is attached
//! to the lease; the oldest create revision owns. One thing differs: keys of longer names do not count.

use std::sync::Arc;

use etcd_client::{
    Compare, CompareOp, GetOptions, KeyValue, PutOptions, SortOrder, SortTarget, Txn, TxnOp,
    TxnOpResponse, TxnResponse, WatchOptions,
};

use super::answer;
use super::dial::{Client, EtcdMembers};
use super::fault::Fault;
use super::read;
use super::standing::{self, Stand, Standing};
use super::watch;
use crate::locker::{Loss, Record};

/// The transactions on one name.
#[derive(Clone)]
pub(super) struct Recipe {
    store: Arc<EtcdMembers>,
    /// Before every key of the queue.
    prefix: String,
    /// Who takes the lock.
    holder: Record,
}

/// On what condition a place is taken.
#[derive(Clone, Copy)]
pub(super) enum PutIf {
    Always,
    IfNoneIsThere,
}

/// What the queue was when a place was asked for.
pub(super) struct PlaceAnswer {
    /// The create revision of our key, if it is in the queue.
    pub(super) revision: Option<i64>,
    /// Whether nobody is ahead of it, for certain.
    pub(super) is_first: bool,
    /// The oldest key under the prefix.
    pub(super) first: Option<KeyValue>,
    /// The key just ahead of ours, where the answer shows it.
    pub(super) next: Option<Vec<u8>>,
}

/// What the queue is, seen from a place, at one revision.
pub(super) struct Look {
    pub(super) at: i64,
    /// Our key, without its value.
    own: Option<KeyValue>,
    /// The keys of those ahead, the youngest first.
    pub(super) ahead: Vec<Vec<u8>>,
    /// Whether the key of one of them was written over, so that no watch may show its end.
    pub(super) in_doubt: bool,
    /// What the first of them says of itself, if it was read.
    pub(super) holder: Option<Record>,
}

impl Look {
    /// Why the place is lost that was created at this revision. Its owner does not write to it while it
    /// waits.
    pub(super) fn loss(&self, created: i64) -> Option<Loss> {
        loss(self.own.as_ref(), created)
    }

    /// The key of the holder: the oldest of those ahead.
    pub(super) fn owner_key(&self) -> Option<String> {
        let key = self.ahead.last()?;
        Some(String::from_utf8_lossy(key).into_owned())
    }
}

/// As [`Look::loss`], of a key that was read, if it is there.
pub(super) fn loss(own: Option<&KeyValue>, created: i64) -> Option<Loss> {
    match own {
        Some(own) if own.create_revision() != created => Some(Loss::KeyDeleted),
        Some(own) if own.mod_revision() != created => Some(Loss::KeyOverwritten),
        Some(_) => None,
        None => Some(Loss::KeyDeleted),
    }
}

/// Why one of the places of a lease is lost, that were created at this revision, as [`Look::loss`].
pub(super) async fn losses(
    store: &Arc<EtcdMembers>,
    recipes: &[Recipe],
    lease: i64,
    created: i64,
) -> Result<Option<Loss>, Fault> {
    let owns = recipes.iter().map(|recipe| recipe.own(lease).into_bytes());
    let found = read::keys(store, owns.collect()).await?;
    let mut each = found.iter().map(|own| loss(own.as_ref(), created));
    Ok(each.find_map(|loss| loss))
}

impl Recipe {
    pub(super) fn new(store: &Arc<EtcdMembers>, key: &str, holder: &Record) -> Self {
        Self {
            store: store.clone(),
            prefix: format!("{key}/"),
            holder: holder.clone(),
        }
    }

    /// The name of the lock.
    pub(super) fn name(&self) -> &str {
        self.prefix.strip_suffix('/').unwrap_or_default()
    }

    /// Before every key of the queue.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Who takes the lock.
    pub(super) fn holder(&self) -> &Record {
        &self.holder
    }

    /// Puts our key in the queue. May be repeated: the key is put once.
    pub(super) async fn submit(&self, entry: PutIf, lease: i64) -> Result<PlaceAnswer, Fault> {
        let own = self.own(lease);
        let condition = match entry {
            PutIf::Always => Compare::create_revision(&*own, CompareOp::Equal, 0),
            // For a range this holds if there is no key in it.
            PutIf::IfNoneIsThere => {
                Compare::create_revision(&*self.prefix, CompareOp::Equal, 0).with_prefix()
            }
        };
        let value = self.holder.to_json();
        let put = TxnOp::put(&*own, value, Some(PutOptions::new().with_lease(lease)));
        let txn = Txn::new()
            .when([condition])
            .and_then([put, self.get_last_two(), self.get_first()])
            .or_else([get_key(&*own), self.get_first()]);
        let answer = self.transact(txn).await?;
        let mut gets = gets(&answer);
        let first = gets.pop().and_then(|kvs| kvs.into_iter().next());
        let is_first = first.as_ref();
        let is_first = is_first.is_some_and(|kv| kv.key() == own.as_bytes());
        let rest = gets.pop().unwrap_or_default();
        if !answer.succeeded() {
            return Ok(PlaceAnswer {
                revision: create_revision(&rest),
                is_first,
                first,
                next: None,
            });
        }
        let mut others = rest.into_iter().filter(|kv| kv.key() != own.as_bytes());
        let next = others.next().filter(|kv| self.contends(kv));
        Ok(PlaceAnswer {
            revision: Some(header_revision(&answer)),
            is_first,
            first,
            next: next.map(|kv| kv.into_key_value().0),
        })
    }

    /// Reads the queue from the place of the key `own`, which was created at `revision`.
    pub(super) async fn look(&self, own: &str, revision: i64) -> Result<Look, Fault> {
        let first = read::range(&self.store, &*self.prefix, first());
        let (look, first) = tokio::join!(self.look_ahead(own, revision), first);
        let (look, first) = (look?, first?);
        let holder = first.kvs().first().filter(|kv| self.contends(kv));
        // It is of a revision of its own, at which another may hold, or we ourselves.
        let is_seen = |kv: &&KeyValue| look.ahead.last().is_some_and(|key| key == kv.key());
        let holder = holder.filter(is_seen);
        Ok(Look {
            holder: holder.and_then(|kv| Record::from_json(kv.value())),
            ..look
        })
    }

    /// The same without the holder, for when likely nobody is ahead any more: then etcd does not sort
    /// the queue, which with hundreds in it takes longer than everything else.
    pub(super) async fn look_ahead(&self, own: &str, revision: i64) -> Result<Look, Fault> {
        // Our key and those that are older, at one revision.
        let until_own = GetOptions::new()
            .with_prefix()
            .with_keys_only()
            .with_max_create_revision(revision)
            .with_sort(SortTarget::Create, SortOrder::Descend);
        let mut answer = read::range(&self.store, &*self.prefix, until_own).await?;
        let mut look = Look {
            at: read::revision(&answer),
            own: None,
            ahead: Vec::new(),
            in_doubt: false,
            holder: None,
        };
        for kv in answer.take_kvs() {
            if kv.key() == own.as_bytes() {
                look.own = Some(kv);
                continue;
            }
            // Of the same revision is what we took with it, in the queue of a longer name.
            let Some(stand) = self.stand_of(&kv) else {
                continue;
            };
            if stand.standing == Standing::WrittenOver {
                if standing::has_ended(&self.store, stand.lease, own.as_bytes()).await? {
                    continue;
                }
                look.in_doubt = true;
            }
            look.ahead.push(kv.into_key_value().0);
        }
        Ok(look)
    }

    /// Whether both of these keys are places in this queue.
    pub(super) async fn stand(&self, keys: [&[u8]; 2]) -> Result<bool, Fault> {
        let found = read::keys(&self.store, keys.map(<[u8]>::to_vec).to_vec()).await?;
        let mut found = found.iter().map(Option::as_ref);
        Ok(found.all(|kv| kv.is_some_and(|kv| self.contends(kv))))
    }

    /// Ends when anything happens in the queue, at `from` or a later revision.
    pub(super) async fn changed(&self, from: i64) -> Result<(), Fault> {
        let options = WatchOptions::new().with_prefix().with_start_revision(from);
        watch::follow(&self.store, self.prefix.as_bytes(), options, watch::any).await
    }

    /// Writes into the record of the key `own`, which was created at `revision`, that it holds the
    /// lock since now; unless somebody else has written to it.
    pub(super) async fn stamp(&self, own: &str, revision: i64) -> Result<(), Fault> {
        let untouched = Compare::mod_revision(own, CompareOp::Equal, revision);
        let kept = PutOptions::new().with_ignore_lease();
        let put = TxnOp::put(own, self.holder.to_json(), Some(kept));
        let txn = Txn::new().when([untouched]).and_then([put]);
        self.transact(txn).await.map(drop)
    }

    async fn transact(&self, txn: Txn) -> Result<TxnResponse, Fault> {
        transact(&self.store, txn).await
    }

    pub(super) fn get_first(&self) -> TxnOp {
        TxnOp::get(&*self.prefix, Some(first()))
    }

    fn get_last_two(&self) -> TxnOp {
        let last = GetOptions::new()
            .with_prefix()
            .with_keys_only()
            .with_sort(SortTarget::Create, SortOrder::Descend)
            .with_limit(2);
        TxnOp::get(&*self.prefix, Some(last))
    }

    /// The key for a lease, as etcd's own recipe writes it.
    pub(super) fn own(&self, lease: i64) -> String {
        format!("{}{lease:x}", self.prefix)
    }

    /// Whether a key under the prefix is a place in this queue that nobody has written over: not one
    /// of a longer name, nor one of another form.
    pub(super) fn contends(&self, kv: &KeyValue) -> bool {
        let stand = self.stand_of(kv);
        stand.is_some_and(|stand| stand.standing == Standing::Attached)
    }

    fn stand_of<'a>(&self, kv: &'a KeyValue) -> Option<Stand<'a>> {
        Stand::of(kv).filter(|stand| stand.name == self.name().as_bytes())
    }
}

/// The oldest key of a queue.
fn first() -> GetOptions {
    GetOptions::new()
        .with_prefix()
        .with_sort(SortTarget::Create, SortOrder::Ascend)
        .with_limit(1)
}

/// Has a transaction done that may write (read.rs says why), and that may be sent again where its answer is
/// lost.
pub(super) async fn transact(store: &Arc<EtcdMembers>, txn: Txn) -> Result<TxnResponse, Fault> {
    let op = move |client: Client| {
        let txn = txn.clone();
        async move {
            // As of a range (read.rs), the answer may be long.
            let kv = client.kv_client();
            let mut kv = kv.max_decoding_message_size(answer::LARGEST);
            kv.txn(txn).await
        }
    };
    answer::whole(store.call(store.command_timeout, op).await?)
}

/// Reads a key without its value.
pub(super) fn get_key(key: impl Into<Vec<u8>>) -> TxnOp {
    TxnOp::get(key, Some(GetOptions::new().with_keys_only()))
}

/// What the reads of a transaction found, in their order.
pub(super) fn gets(answer: &TxnResponse) -> Vec<Vec<KeyValue>> {
    let responses = answer.op_responses().into_iter();
    let found = responses.filter_map(|response| match response {
        TxnOpResponse::Get(mut get) => Some(get.take_kvs()),
        _ => None,
    });
    found.collect()
}

/// The create revision of the one key that was read, if it is there.
pub(super) fn create_revision(kvs: &[KeyValue]) -> Option<i64> {
    kvs.first().map(KeyValue::create_revision)
}

pub(super) fn header_revision(answer: &TxnResponse) -> i64 {
    answer.header().map_or(0, |header| header.revision())
}
