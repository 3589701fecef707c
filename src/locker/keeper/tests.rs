//! The keeper over a store of three closures, in a time that stands still while nobody waits.

use std::sync::Mutex;

use tokio::time::sleep;

use super::lease::Renewal;
use super::*;
use crate::events::EventKind;
use crate::locker::{Loss, Request, margin};

const TTL: Duration = Duration::from_secs(9);

static ABLE: Capabilities = Capabilities::new("x", "nothing");

type Renew = Box<dyn Fn(usize) -> BoxFuture<'static, Result<Instant, Fault>> + Send + Sync>;

/// A store that revokes at once.
struct Scripted {
    renew: Renew,
    /// What its own bookkeeping may take of a TTL.
    bookkeeping: Duration,
    /// How long its answer to the request for a lease takes.
    granting: Duration,
    /// When each renewal was asked for.
    asked: Mutex<Vec<Instant>>,
    revoked: AtomicUsize,
}

impl Scripted {
    fn new<F>(renew: impl Fn(usize) -> F + Send + Sync + 'static) -> Arc<Self>
    where
        F: Future<Output = Result<Instant, Fault>> + Send + 'static,
    {
        Arc::new(Self {
            renew: Box::new(move |number| Box::pin(renew(number))),
            bookkeeping: Duration::ZERO,
            granting: Duration::ZERO,
            asked: Mutex::default(),
            revoked: AtomicUsize::new(0),
        })
    }

    fn less(self: Arc<Self>, bookkeeping: Duration) -> Arc<Self> {
        let store = Arc::into_inner(self).expect("one");
        Arc::new(Self {
            bookkeeping,
            ..store
        })
    }

    fn granting(self: Arc<Self>, granting: Duration) -> Arc<Self> {
        let store = Arc::into_inner(self).expect("one");
        Arc::new(Self { granting, ..store })
    }

    fn asked(&self) -> Vec<Instant> {
        self.asked.lock().expect("no panic").clone()
    }
}

impl LeaseCalls for Scripted {
    fn grant<'a>(&'a self, requests: &'a Requests) -> BoxFuture<'a, Result<Deadline, Fault>> {
        let deadline = Deadline::granted(requests.leave(), TTL).less(self.bookkeeping);
        Box::pin(async move {
            sleep(self.granting).await;
            Ok(deadline)
        })
    }

    fn renew(&self, _: Attempt) -> BoxFuture<'_, Result<Instant, Fault>> {
        let mut asked = self.asked.lock().expect("no panic");
        asked.push(Instant::now());
        (self.renew)(asked.len())
    }

    fn revoke(&self) -> BoxFuture<'_, Result<(), Fault>> {
        self.revoked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }
}

struct Kept {
    lease: Lease<Scripted>,
    granted: Granted,
    begun: Instant,
    told: Arc<Mutex<Vec<String>>>,
    keeper: Arc<Keeper>,
}

/// A lease of this store's.
async fn kept(store: &Arc<Scripted>) -> Kept {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let options = Options::default().with_observer(move |event| {
        if let EventKind::Retrying(why) = &event.what {
            let key = event.key.as_deref().unwrap_or_default();
            tell.lock().expect("no panic").push(format!("{key}: {why}"));
        }
    });
    let keeper = Arc::new(Keeper::new(options, Duration::from_secs(1)));
    let claim = Claims::default().claim(&Request::new("k")).await;
    let claim = claim.expect("an open client");
    let begun = Instant::now();
    let mut lease = Lease::start(&keeper, store.clone(), TTL, &claim);
    let granted = lease.granted().await.expect("a lease");
    Kept {
        lease,
        granted,
        begun,
        told,
        keeper,
    }
}

/// Answers after so long, for the moment at which it was asked.
async fn after(time: Duration) -> Result<Instant, Fault> {
    let sent = Instant::now();
    sleep(time).await;
    Ok(sent)
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_at_each_third_and_revoked_once() {
    let store = Scripted::new(|_| after(Duration::from_millis(10)));
    let kept = kept(&store).await;
    sleep(TTL * 3 + Duration::from_millis(100)).await;
    let asked = store.asked();
    assert_eq!(asked.len(), 9, "{asked:?}");
    for (number, asked) in asked.iter().enumerate() {
        let due = kept.begun + TTL / 3 * (number as u32 + 1);
        assert!(asked.since(due) < Duration::from_millis(50), "{asked:?}");
    }
    // It counts from the sending.
    let deadline = kept.granted.owner.ownership().deadline();
    assert_eq!(deadline, Some(asked[8] + TTL - margin(TTL)));
    kept.lease.release().await.expect("a release");
    assert_eq!(store.revoked.load(Ordering::Relaxed), 1);
    assert!(kept.told.lock().expect("no panic").is_empty());
}

#[tokio::test(start_paused = true)]
async fn answers_that_take_more_than_half_of_a_ttl_are_enough() {
    let store = Scripted::new(|_| after(TTL * 6 / 10));
    let kept = kept(&store).await;
    sleep(TTL * 20).await;
    assert_eq!(kept.granted.owner.ownership().loss(), None);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_silent_is_told_of_and_then_it_is_lost() {
    let store = Scripted::new(|_| std::future::pending());
    let kept = kept(&store).await;
    let loss = kept.granted.owner.ownership().lost().await;
    assert_eq!(loss, Loss::Expired);
    let held = Instant::now().since(kept.begun);
    let expected = TTL - margin(TTL);
    assert!(held >= expected && held < expected + Duration::from_millis(50));
    let told = kept.told.lock().expect("no panic").clone();
    assert_eq!(told, ["k: no answer within 2s 250ms"]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_and_what_is_gone_is_lost_at_once() {
    let store = Scripted::new(|number| async move {
        match number {
            1 | 2 => Err(Fault::broken("it hung up")),
            3 => Ok(Instant::now()),
            _ => Err(Fault::LeaseNotFound),
        }
    });
    let kept = kept(&store).await;
    let loss = kept.granted.owner.ownership().lost().await;
    assert_eq!(loss, Loss::LeaseGone);
    assert_eq!(store.asked().len(), 4);
    assert_eq!(kept.told.lock().expect("no panic").len(), 2);
    // What was held is stopped before anything is sent.
    sleep(TTL).await;
    assert_eq!(store.revoked.load(Ordering::Relaxed), 0);
    let closed = kept.keeper.close(&Claims::default(), &ABLE, TTL).await;
    closed.expect("a closed client");
    assert_eq!(store.revoked.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn the_one_more_renewal_is_none_that_was_under_way() {
    let store = Scripted::new(|_| after(Duration::from_secs(2)));
    let kept = kept(&store).await;
    sleep(Duration::from_secs(4)).await;
    assert!(!store.asked().is_empty());
    let asked_for = Instant::now();
    kept.lease.set_renewal(Renewal::Once(asked_for));
    kept.granted.owner.ownership().lost().await;
    let held = Instant::now().since(asked_for);
    assert!(held >= TTL - margin(TTL), "{held:?}");
    assert!(held < TTL + Duration::from_secs(1), "{held:?}");
}

#[tokio::test(start_paused = true)]
async fn less_than_was_asked_for_is_refused_where_the_grace_does_not_fit() {
    for (grace, asked, fits) in [(5, TTL * 3, false), (3, TTL * 3, true), (5, TTL, true)] {
        let store = Scripted::new(|_| after(Duration::ZERO));
        let options = Options::default().with_grace(Duration::from_secs(grace));
        let keeper = Arc::new(Keeper::new(options, Duration::from_secs(1)));
        let claim = Claims::default().claim(&Request::new("k")).await;
        let claim = claim.expect("an open client");
        let mut lease = Lease::start(&keeper, store.clone(), asked, &claim);
        let granted = lease.granted().await.map(|granted| granted.ttl);
        match granted {
            Ok(ttl) => assert!(fits && ttl == TTL),
            Err(error) => {
                assert!(!fits && error.kind() == ErrorKind::InvalidTtl, "{error}");
                sleep(Duration::from_millis(1)).await;
                assert_eq!(store.revoked.load(Ordering::Relaxed), 1, "nothing is left");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_store_may_take_of_a_ttl_is_off_everything() {
    let third = TTL / 3;
    let store = Scripted::new(|_| std::future::pending()).less(third);
    let kept = kept(&store).await;
    kept.granted.owner.ownership().lost().await;
    let held = Instant::now().since(kept.begun);
    let expected = TTL - third - margin(TTL);
    assert!(held >= expected && held < expected + Duration::from_millis(50));
    assert!(kept.granted.ttl < TTL - third);
    let due = kept.granted.ttl / 3;
    assert!(store.asked()[0].since(kept.begun + due) < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn all_leases_of_a_client_are_lost_before_the_first_of_them_is_revoked() {
    let store = Scripted::new(|_| after(Duration::ZERO));
    let keeper = Arc::new(Keeper::new(Options::default(), Duration::from_secs(1)));
    let claims = Claims::default();
    let mut all = Vec::new();
    for _ in 0..3 {
        let claim = claims.claim(&Request::new("k")).await.expect("a claim");
        let mut lease = Lease::start(&keeper, store.clone(), TTL, &claim);
        let granted = lease.granted().await.expect("a lease");
        all.push((lease, granted));
    }
    let own = Claims::default();
    let mut closing = Box::pin(keeper.close(&own, &ABLE, TTL));
    assert!(futures_poll(&mut closing).is_pending());
    assert_eq!(store.revoked.load(Ordering::Relaxed), 0);
    for (_, granted) in &all {
        assert_eq!(granted.owner.ownership().loss(), Some(Loss::Closed));
    }
    closing.await.expect("a closed client");
    assert_eq!(store.revoked.load(Ordering::Relaxed), 3);
    let claim = claims.claim(&Request::new("k")).await.expect("a claim");
    let mut lease = Lease::start(&keeper, store.clone(), TTL, &claim);
    let error = lease.granted().await.map(|_| ()).expect_err("no lease");
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    assert_eq!(store.revoked.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_granted_to_a_client_that_is_being_closed_is_lost_before_anybody_has_it() {
    let store = Scripted::new(|_| after(Duration::ZERO)).granting(Duration::from_secs(2));
    let keeper = Arc::new(Keeper::new(Options::default(), Duration::from_secs(1)));
    let claim = Claims::default().claim(&Request::new("k")).await;
    let claim = claim.expect("a claim");
    let mut lease = Lease::start(&keeper, store.clone(), TTL, &claim);
    sleep(Duration::from_secs(1)).await;
    let closing = async move { keeper.close(&Claims::default(), &ABLE, TTL).await };
    let closing = tokio::spawn(closing);
    let granted = lease.granted().await.expect("a lease");
    assert_eq!(granted.owner.ownership().loss(), Some(Loss::Closed));
    closing.await.expect("no panic").expect("a closed client");
    // Behind the request for it, and once more when that was answered.
    assert_eq!(store.revoked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_close_ends_in_time_and_says_which_store_did_not_answer() {
    let store = Scripted::new(|_| after(Duration::ZERO)).granting(TTL * 10);
    let keeper = Arc::new(Keeper::new(Options::default(), Duration::from_secs(1)));
    let (claims, request) = (Claims::default(), Request::new("k"));
    let claim = claims.claim(&request).await.expect("a claim");
    let _lease = Lease::start(&keeper, store.clone(), TTL, &claim);
    sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    let closed = keeper.close(&claims, &ABLE, TTL).await;
    let error = closed.expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let why = "close: x did not answer in time; what is left runs out by itself";
    assert_eq!(error.to_string(), why);
    assert!(Instant::now().since(begun) < TTL * 2);
    let refused = claims.claim(&request).await.expect_err("a refusal");
    assert_eq!(refused.kind(), ErrorKind::Closed);
    let again = keeper.close(&claims, &ABLE, TTL).await;
    again.expect("nothing to do");
}

fn futures_poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}
