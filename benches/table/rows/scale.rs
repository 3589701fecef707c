//! What a cluster of three carries: the members and all their clients on this one machine.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use etcd_client::{Client, Error, GetOptions, LeaseKeepAliveStream, LeaseKeeper};
use genlock::{Etcd, EtcdConfig, Locker, Options, Record};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::etcd::Server;
use crate::floor::{acquire, connect, fresh_lease};
use crate::report::Figure;
use crate::sample::Sample;
use crate::stage::{Stage, address, start};

/// The time limits of clients that are to wait rather than give up.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn scale(stage: &Stage) -> Vec<Figure> {
    // Before the etcds are started, as they inherit the limit.
    let files = all_files();
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
        let effort = Effort::now();
        let (rate, count) = runtime.block_on(runs_a_second(&endpoints, clients, window));
        let effort = effort.each(count);
        runs = runs.note(format!("{clients} at a time: {rate:.0} a second; {effort}"));
    }
    let mut renewals = Figure::new("cluster of three: renewals a second (a ping and a read)");
    for &clients in levels {
        let effort = Effort::now();
        let (rate, count) = runtime.block_on(renewals_a_second(&endpoints, clients, window));
        let (effort, holders) = (effort.each(count), rate * 10.0 / 3.0);
        let text = format!("{clients} at a time: {rate:.0} a second, as of {holders:.0} holders");
        renewals = renewals.note(format!("{text} at a TTL of 10 s; {effort}"));
    }
    let sizes: &[usize] = if stage.quick {
        &[200]
    } else {
        &[200, 500, 1000, 2000, 6000]
    };
    let mut burst = Figure::new("cluster of three: so many locks of different keys at once");
    let mut patient = Figure::new("the same with --dial-timeout 30s --command-timeout 30s");
    let config = EtcdConfig::default()
        .dial_timeout(PATIENCE)
        .command_timeout(PATIENCE);
    // A client that gets no answer connects to every member.
    for &hosts in sizes.iter().filter(|&&hosts| 3 * hosts < files) {
        burst = burst.note(at_once(&runtime, &endpoints, hosts, EtcdConfig::default()));
        if hosts >= 2000 {
            patient = patient.note(at_once(&runtime, &endpoints, hosts, config.clone()));
        }
    }
    vec![runs, renewals, burst, patient]
}

/// Raises the soft limit of open files to the hard one, and gives it.
fn all_files() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    let limit = getrlimit(Resource::Nofile).current;
    limit.map_or(usize::MAX, |limit| limit as usize)
}

/// Seconds of processor time so far: of all etcds, and of the clients, which are this process.
struct Effort {
    etcds: f64,
    clients: f64,
}

impl Effort {
    fn now() -> Self {
        let tasks = fs::read_dir("/proc/self/task").expect("proc(5)").flatten();
        let children = tasks.map(|task| fs::read_to_string(task.path().join("children")));
        let children = children.flatten().collect::<Vec<_>>().join(" ");
        let etcds = children.split_whitespace().map(|pid| ticks(pid, "(etcd)"));
        Self {
            etcds: etcds.sum::<u64>() as f64 / 100.0,
            clients: ticks("self", "") as f64 / 100.0,
        }
    }

    /// The processor time since then, divided by `count`.
    fn each(&self, count: usize) -> String {
        let now = Self::now();
        let each = |seconds: f64| seconds * 1000.0 / count as f64;
        let etcds = each(now.etcds - self.etcds);
        let clients = each(now.clients - self.clients);
        format!("{etcds:.2} ms of processor each in the three etcds, {clients:.2} ms in the client")
    }
}

/// The processor time of a process in hundredths of a second, if `name` is its name; 0 if not.
fn ticks(pid: &str, name: &str) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    if !stat.contains(name) {
        return 0;
    }
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let times = fields.skip(11).take(2);
    times.filter_map(|time| time.parse::<u64>().ok()).sum()
}

fn client(endpoints: &[String], config: EtcdConfig) -> Etcd {
    let config = config.endpoints(endpoints);
    // An empty record: otherwise each client would look up the host's and the user's name.
    let options = Options::default().with_holder(Record::default());
    Etcd::new(config, options).expect("a client")
}

/// What `genlock run` does: connect, acquire, release, disconnect.
async fn once(endpoints: &[String], config: EtcdConfig, key: &str) -> genlock::Result<()> {
    let etcd = client(endpoints, config);
    let held = etcd.lock(key).await?;
    etcd.unlock(held).await?;
    etcd.close().await
}

async fn runs_a_second(endpoints: &[String], clients: usize, window: Duration) -> (f64, usize) {
    let done = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let (done, endpoints) = (done.clone(), endpoints.to_vec());
        tasks.spawn(async move {
            let key = format!("/bench/run/{client}");
            while start.elapsed() < window {
                if once(&endpoints, EtcdConfig::default(), &key).await.is_ok() {
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    let rate = rate(&done, start, window).await;
    tasks.join_all().await;
    (rate, done.load(Ordering::Relaxed))
}

/// How many are done in a second of the window; those that are still under way do not count.
async fn rate(done: &AtomicUsize, start: Instant, window: Duration) -> f64 {
    sleep(window).await;
    done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

/// How many renewals are done in a second: each client sends the two requests of one again and again.
async fn renewals_a_second(endpoints: &[String], clients: usize, window: Duration) -> (f64, usize) {
    let done = Arc::new(AtomicUsize::new(0));
    let mut held = Vec::new();
    for number in 0..clients {
        let endpoint = &endpoints[number % endpoints.len()];
        let client = connect(address(endpoint)).await.expect("etcd");
        let lease = fresh_lease();
        let key = format!("/bench/renewal/{number}");
        acquire(&client, &key, lease, 60).await.expect("a lock");
        let pings = client.lease_client().keep_alive(lease).await;
        held.push((client, pings.expect("a stream"), lease, key));
    }
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for (client, mut pings, lease, key) in held {
        let done = done.clone();
        tasks.spawn(async move {
            while start.elapsed() < window {
                if renew(&client, &mut pings, &key).await.is_ok() {
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }
            let _ = client.lease_client().revoke(lease).await;
        });
    }
    let rate = rate(&done, start, window).await;
    tasks.join_all().await;
    (rate, done.load(Ordering::Relaxed))
}

async fn renew(
    client: &Client,
    (keeper, answers): &mut (LeaseKeeper, LeaseKeepAliveStream),
    key: &str,
) -> Result<(), Error> {
    keeper.keep_alive().await?;
    answers.message().await?;
    let count = GetOptions::new().with_count_only();
    client.kv_client().get(key, Some(count)).await?;
    Ok(())
}

/// As many clients as hosts, that start at the same moment, as from cron.
fn at_once(runtime: &Runtime, endpoints: &[String], hosts: usize, config: EtcdConfig) -> String {
    let start = Instant::now();
    let results = runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for host in 0..hosts {
            let (endpoints, config) = (endpoints.to_vec(), config.clone());
            tasks.spawn(async move {
                let result = once(&endpoints, config, &format!("/bench/host/{host}")).await;
                result.map(|()| start.elapsed().as_secs_f64())
            });
        }
        tasks.join_all().await
    });
    let took = start.elapsed().as_secs_f64();
    let mut done = Sample::default();
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(after) => done.push(after),
            Err(error) => errors.push(error.to_string()),
        }
    }
    let (half, failed) = (done.median(), errors.len());
    let why = errors
        .first()
        .map_or(String::new(), |why| format!(", such as {why}"));
    format!("{hosts}: half done in {half:.1} s, all in {took:.1} s, {failed} given up{why}")
}
