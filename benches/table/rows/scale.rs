//! What a cluster of three carries: the members and all their clients on this one machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use etcd_client::{Client, Error, GetOptions};
use genlock::{Etcd, EtcdConfig, Locker, Options, Record};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::etcd::Server;
use crate::floor::{acquire, connect, fresh_lease};
use crate::report::Figure;
use crate::stage::{Stage, address, start};

pub(crate) fn scale(stage: &Stage) -> Vec<Figure> {
    let servers = start(3, false);
    let endpoints: Vec<_> = servers.iter().map(Server::endpoint).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let window = Duration::from_millis(if stage.quick { 500 } else { 2500 });
    let levels: &[usize] = if stage.quick {
        &[16, 64]
    } else {
        &[1, 8, 32, 128, 512]
    };
    let mut runs = Figure::new(
        "cluster of three: runs a second on different keys, each with a connection of its own",
    );
    for &clients in levels {
        let rate = runtime.block_on(runs_a_second(&endpoints, clients, window));
        runs = runs.note(format!("{clients} at a time: {rate:.0} a second"));
    }
    let mut renewals =
        Figure::new("cluster of three: renewals a second (a ping between two reads)");
    for &clients in levels {
        let rate = runtime.block_on(renewals_a_second(&endpoints, clients, window));
        let holders = rate * 10.0 / 3.0;
        let text = format!("{clients} at a time: {rate:.0} a second, as of {holders:.0} holders");
        renewals = renewals.note(format!("{text} at a TTL of 10 s"));
    }
    let sizes: &[usize] = if stage.quick {
        &[200]
    } else {
        &[1000, 3000, 9000]
    };
    let mut burst =
        Figure::new("cluster of three: as many locks of different keys at the same moment");
    for &hosts in sizes {
        burst = burst.note(at_once(&runtime, &endpoints, hosts));
    }
    vec![runs, renewals, burst]
}

fn client(endpoints: &[String]) -> Etcd {
    let config = EtcdConfig {
        endpoints: endpoints.to_vec(),
        ..EtcdConfig::default()
    };
    let options = Options {
        // What would be looked up anew each time is the same for all here.
        holder: Record::default(),
        ..Options::default()
    };
    Etcd::new(config, options).expect("a client")
}

/// What `genlock run` does: connect, acquire, release, disconnect.
async fn once(endpoints: &[String], key: &str) -> genlock::Result<()> {
    let etcd = client(endpoints);
    let held = etcd.lock(key).await?;
    etcd.unlock(held).await?;
    etcd.close().await
}

async fn runs_a_second(endpoints: &[String], clients: usize, window: Duration) -> f64 {
    let done = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let (done, endpoints) = (done.clone(), endpoints.to_vec());
        tasks.spawn(async move {
            let key = format!("/bench/run/{client}");
            while start.elapsed() < window {
                if once(&endpoints, &key).await.is_ok() {
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    tasks.join_all().await;
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

/// The three requests of a renewal, one after the other on each of these connections.
async fn renewals_a_second(endpoints: &[String], clients: usize, window: Duration) -> f64 {
    let done = Arc::new(AtomicUsize::new(0));
    let mut held = Vec::new();
    for number in 0..clients {
        let endpoint = &endpoints[number % endpoints.len()];
        let client = connect(address(endpoint)).await.expect("etcd");
        let lease = fresh_lease();
        let key = format!("/bench/renewal/{number}");
        acquire(&client, &key, lease, 60).await.expect("a lock");
        held.push((client, lease, key));
    }
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for (client, lease, key) in held {
        let done = done.clone();
        tasks.spawn(async move {
            while start.elapsed() < window {
                if renew(&client, lease, &key).await.is_ok() {
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }
            let _ = client.lease_client().revoke(lease).await;
        });
    }
    tasks.join_all().await;
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

async fn renew(client: &Client, lease: i64, key: &str) -> Result<(), Error> {
    let count = || Some(GetOptions::new().with_count_only());
    client.kv_client().get(key, count()).await?;
    client.lease_client().keep_alive(lease).await?;
    client.kv_client().get(key, count()).await?;
    Ok(())
}

/// So many hosts whose clocks strike at once.
fn at_once(runtime: &Runtime, endpoints: &[String], hosts: usize) -> String {
    let start = Instant::now();
    let results = runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for host in 0..hosts {
            let endpoints = endpoints.to_vec();
            tasks.spawn(async move { once(&endpoints, &format!("/bench/host/{host}")).await });
        }
        tasks.join_all().await
    });
    let took = start.elapsed().as_secs_f64();
    let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    let rate = (hosts - failed.len()) as f64 / took;
    let why = failed
        .first()
        .map_or(String::new(), |error| format!(": {error}"));
    let failed = failed.len();
    format!("{hosts}: over in {took:.1} s, {rate:.0} a second, {failed} given up{why}")
}
