//! A store of somebody else's, by what any crate may use: a table of who holds until when, as a bucket or
//! a database has it. It can be polled only, and has no queue; its locks are kept by the keeper.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use genlock::clock::Instant;
use genlock::locker::keeper::{
    Acquisition, Attempt, Fault, Keeper, Lease, LeaseCalls, LeaseHolding, NoLock, Requests,
};
use genlock::locker::{BoxFuture, Claims, Deadline, Grant};
use genlock::testing::contract::Fixture;
use genlock::{
    Capabilities, ErrorKind, EventKind, Held, Locker, Marks, Operator, Options, Request, Result,
};
use tokio::task::JoinSet;

#[derive(Default)]
struct Table(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    last_token: u64,
    /// The token of each key's holder, and until when it holds.
    holders: HashMap<String, (u64, Instant)>,
}

impl Table {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        let mut rows = self.0.lock().expect("no panic");
        rows.holders.retain(|_, (_, until)| *until > Instant::now());
        rows
    }

    /// Moves the end of this holder's time; false if it holds no more.
    fn set_end(&self, key: &str, token: Option<&u64>, end: Instant) -> bool {
        let mut rows = self.rows();
        let own = rows
            .holders
            .get_mut(key)
            .filter(|row| Some(&row.0) == token);
        own.map(|row| row.1 = end).is_some()
    }
}

/// What is asked of the table for one lock.
struct Row {
    table: Arc<Table>,
    key: String,
    ttl: Duration,
    token: OnceLock<u64>,
}

impl LeaseCalls for Row {
    fn grant<'a>(&'a self, requests: &'a Requests) -> BoxFuture<'a, Result<Deadline, Fault>> {
        Box::pin(async move {
            let sent = requests.leave();
            let mut rows = self.table.rows();
            if rows.holders.contains_key(&self.key) {
                return Err(Fault::LeaseExists);
            }
            rows.last_token += 1;
            let token = *self.token.get_or_init(|| rows.last_token);
            rows.holders
                .insert(self.key.clone(), (token, sent + self.ttl));
            Ok(Deadline::granted(sent, self.ttl))
        })
    }

    fn renew(&self, _: Attempt) -> BoxFuture<'_, Result<Instant, Fault>> {
        let sent = Instant::now();
        let renewed = self
            .table
            .set_end(&self.key, self.token.get(), sent + self.ttl);
        Box::pin(async move { renewed.then_some(sent).ok_or(Fault::LeaseNotFound) })
    }

    fn revoke(&self) -> BoxFuture<'_, Result<(), Fault>> {
        let now = Instant::now();
        self.table.set_end(&self.key, self.token.get(), now);
        Box::pin(async { Ok(()) })
    }
}

struct Client {
    table: Arc<Table>,
    able: Capabilities,
    options: Options,
    claims: Claims,
    keeper: Arc<Keeper>,
}

impl Client {
    async fn take(&self, request: &Request) -> Result<Option<Held>> {
        request.check(&self.able, &self.options)?;
        let claim = self.claims.claim(request).await?;
        let (key, ttl) = (request.key(), request.ttl(&self.options));
        let mut call = Acquisition::new(&self.keeper, &self.able, request);
        let mut told = false;
        loop {
            let row = Arc::new(Row {
                table: self.table.clone(),
                key: key.to_owned(),
                ttl,
                token: OnceLock::new(),
            });
            let mut lease = Lease::start(&self.keeper, row.clone(), ttl, &claim);
            let granted = lease.granted().await;
            if let (Ok(granted), Some(&token)) = (&granted, row.token.get()) {
                if let Err(loss) = lease.until_fresh(granted, told).await {
                    call.again(NoLock::Lost(loss)).await?;
                    continue;
                }
                let (owner, ttl) = (granted.owner.clone(), granted.ttl);
                let holding = Box::new(LeaseHolding::new(lease, JoinSet::new(), claim));
                let held = Held::new(Grant::new(key, token), [], owner, holding);
                return Ok(Some(held.with_ttl(ttl).told(&self.options)));
            }
            if let Some(error) = granted
                .err()
                .filter(|error| error.kind() == ErrorKind::Closed)
            {
                return Err(error);
            }
            call.has_to_wait();
            if !std::mem::replace(&mut told, true) {
                let what = EventKind::Waiting {
                    holder: None,
                    owner_key: None,
                    ahead: None,
                    token: None,
                };
                self.options.notify(Some(key), what);
            }
            if !request.waits() {
                return Ok(None);
            }
            tokio::time::sleep(self.options.retry_interval).await;
        }
    }
}

impl Locker for Client {
    fn capabilities(&self) -> &Capabilities {
        &self.able
    }

    fn acquire(&self, request: Request) -> BoxFuture<'_, Result<Option<Held>>> {
        Box::pin(async move { self.take(&request).await })
    }

    fn unlock(&self, held: Held) -> BoxFuture<'_, Result<()>> {
        Box::pin(held.release(&self.claims))
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        let within = Duration::from_secs(1);
        Box::pin(self.keeper.close(&self.claims, &self.able, within))
    }
}

/// The table, as a test has it.
struct Polled(Arc<Table>);

impl Fixture for Polled {
    async fn start() -> Self {
        Self(Arc::default())
    }

    async fn client(&self, options: Options) -> Arc<dyn Locker> {
        let mut able = Capabilities::new("table", "one table");
        able.expires = true;
        let keeper = Keeper::new(options.clone(), Duration::from_secs(1));
        Arc::new(Client {
            table: self.0.clone(),
            able,
            options,
            claims: Claims::default(),
            keeper: Arc::new(keeper),
        })
    }

    async fn marks(&self, _: Options) -> Arc<dyn Marks> {
        unreachable!("no case that is run here asks for one")
    }

    async fn operator(&self) -> Arc<dyn Operator> {
        unreachable!("no case that is run here asks for one")
    }

    async fn leftovers(&self) -> Vec<String> {
        self.0.rows().holders.keys().cloned().collect()
    }
}

genlock::contract! { Polled:
    calls::work_is_dropped_when_its_lock_is_lost;
    ending::an_unlocked_lock_is_free;
    ending::a_dropped_lock_is_free;
    ending::a_dropped_lock_is_free_for_its_own_client;
    ending::a_released_lock_is_lost_at_once;
    ending::no_deadline_is_in_the_past;
    ending::without_renewal_it_is_lost_at_its_deadline;
    ending::a_ttl_of_its_own_ends_it_too;
    ending::it_outlives_its_ttl_many_times;
    ending::close_releases_and_refuses_further_calls;
    ending::close_ends_the_waiting;
    events::a_life_is_told_in_order;
    events::an_observer_may_do_with_the_lock_what_it_likes;
    exclusion::no_update_is_lost_and_tokens_rise;
    exclusion::many_locks_of_one_client;
    exclusion::different_keys_do_not_block_each_other;
    refusal::a_lock_of_another_client;
    waiting::try_lock_does_not_wait;
    waiting::a_dropped_wait_leaves_the_queue;
}
