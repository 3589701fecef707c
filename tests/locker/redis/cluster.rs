//! Redis as a Cluster: any of its servers can be named.

use std::sync::Arc;
use std::time::{Duration, Instant};

use genlock::testing::contract::{lock, soon, spawn_lock};
use genlock::{Held, Locker, Mode, Operator, Options, Request};

use super::redis;
use crate::support::etcd::free_port;
use crate::support::redis::RedisServer;

/// Three masters, each with a third of the slots.
struct Cluster {
    servers: Vec<RedisServer>,
}

/// A key that each of them keeps: `CLUSTER KEYSLOT` says 3360, 7557 and 15435.
const KEYS: [&str; 3] = ["/one/c", "/one/f", "/one/h"];

impl Cluster {
    fn start() -> Self {
        let servers: Vec<_> = (0..3).map(|_| clustered()).collect();
        for (server, slots) in
            servers
                .iter()
                .zip([["0", "5460"], ["5461", "10922"], ["10923", "16383"]])
        {
            let add = ["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]];
            assert_eq!(server.cli(&add), "OK");
        }
        let cluster = Self { servers };
        for other in &cluster.servers[1..] {
            cluster.meet(other);
        }
        cluster.settle(3);
        cluster
    }

    /// Makes a server known to the others.
    fn meet(&self, other: &RedisServer) {
        // ID IP:PORT@BUS FLAGS …
        let nodes = other.cli(&["CLUSTER", "NODES"]);
        let bus = nodes.split('@').nth(1).expect("its bus");
        let bus: String = bus.chars().take_while(char::is_ascii_digit).collect();
        let port = other.port().to_string();
        let meet = ["CLUSTER", "MEET", "127.0.0.1", &port, &bus];
        assert_eq!(self.servers[0].cli(&meet), "OK");
    }

    /// Waits until all know of so many, and serve.
    fn settle(&self, count: usize) {
        let start = Instant::now();
        let known = format!("cluster_known_nodes:{count}");
        let is_up = |server: &RedisServer| {
            let info = server.cli(&["CLUSTER", "INFO"]);
            info.contains("cluster_state:ok") && info.contains(&known)
        };
        while !self.servers.iter().all(is_up) {
            assert!(start.elapsed() < Duration::from_secs(30), "no cluster");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The one that keeps this key.
    fn keeper(&self, key: &str) -> usize {
        let slot: usize = self.servers[0]
            .cli(&["CLUSTER", "KEYSLOT", key])
            .parse()
            .expect("a slot");
        slot.min(16382) / 5461
    }

    fn client(&self, at: usize, options: Options) -> Arc<dyn Locker> {
        Arc::new(redis(&self.servers[at], options))
    }
}

/// A server of a Cluster, without any slots.
fn clustered() -> RedisServer {
    // By itself it would talk to the others on a port 10000 above its own, which there may not be.
    let port = free_port().to_string();
    RedisServer::with(&["--cluster-enabled", "yes", "--cluster-port", &port])
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Two who hold together, and a third who has the turn of one of them.
async fn several_hold(one: &Arc<dyn Locker>, other: &Arc<dyn Locker>) {
    let request = || Request::new("/locks/k").with_mode(Mode::OneOf(2));
    let take = async |client: &Arc<dyn Locker>| {
        let held = soon("a turn", client.acquire(request())).await;
        held.expect("an answer").expect("a lock")
    };
    let (first, second) = (take(one).await, take(other).await);
    let third = take(other);
    let released = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        first.unlock().await.expect("a release");
    };
    let (third, ()) = tokio::join!(third, released);
    assert_eq!(second.grants()[0].index, Some(1));
    assert_eq!(third.grants()[0].index, Some(0));
    for held in [second, third] {
        held.unlock().await.expect("a release");
    }
}

/// All of a lock's keys are in one slot, whatever its key is made of.
#[tokio::test(flavor = "multi_thread")]
async fn any_server_of_a_cluster_leads_to_the_one_that_keeps_the_key() {
    let cluster = Cluster::start();
    let one = cluster.client(0, Options::default());
    let other = cluster.client(1, Options::default());
    let mut held = Vec::new();
    for key in ["/locks/k", "x{t}y", "{k}"].iter().chain(&KEYS) {
        let first = lock(&one, key).await;
        assert!(other.try_lock(key).await.expect("an answer").is_none());
        let waiting = spawn_lock(&other, key);
        let keeper = &cluster.servers[cluster.keeper(key)];
        let queue = if key.contains('{') {
            format!("{key}:genlock-tagged:q")
        } else {
            format!("{{{key}}}:genlock:q")
        };
        until("nobody waits", || keeper.cli(&["ZCARD", &queue]) == "1");
        one.unlock(first).await.expect("a release");
        held.push(
            soon("a turn", waiting)
                .await
                .expect("no panic")
                .expect("a lock"),
        );
    }
    // Every master is asked for what it has.
    let operator = redis(&cluster.servers[2], Options::default());
    let listed = operator.list("/one/").await.expect("a list");
    let listed: Vec<_> = listed.iter().map(|queue| queue.key.clone()).collect();
    assert_eq!(listed, KEYS);
    for held in held {
        other.unlock(held).await.expect("a release");
    }
    several_hold(&one, &other).await;
    for key in KEYS {
        soon("an end", operator.until_free(key))
            .await
            .expect("an answer");
    }
    // Its companions would be in another slot.
    let error = one.lock("a}b").await.expect_err("refused").to_string();
    assert!(error.contains("Cluster"), "{error}");
}

/// The servers tell each other what is published; at the lock's own nobody may have heard it, and then
/// somebody else was given the lock.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_came_through_the_cluster_is_not_believed() {
    let cluster = Cluster::start();
    let key = KEYS[1];
    let held = lock(&cluster.client(0, Options::default()), key).await;
    let waiting = spawn_lock(&cluster.client(0, Options::default()), key);
    let keeper = &cluster.servers[cluster.keeper(key)];
    let queue = format!("{{{key}}}:genlock:q");
    until("nobody waits", || keeper.cli(&["ZCARD", &queue]) == "1");
    let place = keeper.cli(&["ZRANGE", &queue, "0", "0", "WITHSCORES"]);
    let (id, ticket) = place.split_once('\n').expect("a place");
    let message = [
        "PUBLISH",
        &format!("{{{key}}}:genlock:{id}"),
        &format!("held {ticket}"),
    ];
    assert_eq!(cluster.servers[0].cli(&message), "0");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(held.is_held() && !waiting.is_finished());
    held.unlock().await.expect("a release");
    let held = soon("a turn", waiting)
        .await
        .expect("no panic")
        .expect("a lock");
    held.unlock().await.expect("a release");
}

/// It is held all the time, and goes to who waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_whose_slot_goes_to_another_server_stays_held() {
    let cluster = Cluster::start();
    let key = KEYS[0];
    let options = Options::default().with_ttl(Duration::from_secs(3));
    let held = lock(&cluster.client(1, options.clone()), key).await;
    let waiting = spawn_lock(&cluster.client(2, options), key);
    let (from, to) = (&cluster.servers[0], &cluster.servers[1]);
    until("nobody waits", || {
        from.cli(&["ZCARD", &format!("{{{key}}}:genlock:q")]) == "1"
    });
    let slot = from.cli(&["CLUSTER", "KEYSLOT", key]);
    let ids = [from, to].map(|server| server.cli(&["CLUSTER", "MYID"]));
    let set = |server: &RedisServer, what: [&str; 2]| {
        let all = [&["CLUSTER", "SETSLOT", &slot][..], &what].concat();
        assert_eq!(server.cli(&all), "OK");
    };
    set(to, ["IMPORTING", &ids[0]]);
    set(from, ["MIGRATING", &ids[1]]);
    let keys = from.cli(&["CLUSTER", "GETKEYSINSLOT", &slot, "10"]);
    let port = to.port().to_string();
    for key in keys.lines() {
        let migrate = ["MIGRATE", "127.0.0.1", &port, key, "0", "5000"];
        assert_eq!(from.cli(&migrate), "OK");
    }
    for server in &cluster.servers {
        set(server, ["NODE", &ids[1]]);
    }
    // It is renewed at its new place meanwhile.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(held.is_held() && !waiting.is_finished());
    assert!(to.cli(&["GET", key]).starts_with("genlock:"));
    held.unlock().await.expect("a release");
    let held = soon("a turn", waiting)
        .await
        .expect("no panic")
        .expect("a lock");
    held.unlock().await.expect("a release");
}

/// What was named is gone, and its replica has its slots: others of the Cluster know.
#[tokio::test(flavor = "multi_thread")]
async fn who_takes_the_place_of_a_server_is_found() {
    let mut cluster = Cluster::start();
    let replica = clustered();
    cluster.meet(&replica);
    let id = cluster.servers[0].cli(&["CLUSTER", "MYID"]);
    until("no master", || {
        replica.cli(&["CLUSTER", "REPLICATE", &id]) == "OK"
    });
    until("no replica", || {
        replica
            .cli(&["INFO", "replication"])
            .contains("master_link_status:up")
    });
    let client = cluster.client(0, Options::default());
    let held = lock(&client, KEYS[0]).await;
    let token = held.token();
    client.unlock(held).await.expect("a release");
    // It learns of the others in the background.
    until("it asks for the others", || {
        cluster.servers[0]
            .cli(&["INFO", "commandstats"])
            .contains("cmdstat_cluster|slots")
    });
    // What it is answered next comes after the answer to that.
    let held = lock(&client, KEYS[0]).await;
    let token = token.max(held.token());
    client.unlock(held).await.expect("a release");
    tokio::time::sleep(Duration::from_millis(100)).await;
    cluster.servers[0].kill();
    assert_eq!(replica.cli(&["CLUSTER", "FAILOVER", "TAKEOVER"]), "OK");
    let held = soon_locked(&client, KEYS[0]).await;
    assert_eq!(replica.cli(&["EXISTS", KEYS[0]]), "1");
    assert!(held.token() > token);
    client.unlock(held).await.expect("a release");
}

/// A lock, when there is a master again.
async fn soon_locked(client: &Arc<dyn Locker>, key: &str) -> Held {
    let start = Instant::now();
    loop {
        match client.lock(key).await {
            Ok(held) => return held,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(30), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
