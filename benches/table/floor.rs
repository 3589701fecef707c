//! The floor: the least program that runs a command under a lock in etcd, to compare with. It requests
//! the lease and then the key, does not look whether its key is the first, runs the command, and
//! revokes. It renews, watches and stops nothing. As a bare waiter it watches the key ahead of its own until
//! that is gone, and reads its own key. It is this executable, run with an argument.

use std::process::{Command, ExitCode};

use etcd_client::{
    Channel, Client, Compare, CompareOp, ConnectOptions, Error, Event, EventType, GetOptions,
    LeaseGrantOptions, PutOptions, SortOrder, SortTarget, Txn, TxnOp, TxnResponse, WatchOptions,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::{Endpoint, Uri};

/// The argument that makes this program the floor.
pub(crate) const ROLE: &str = "floor";

/// The argument that makes it a bare waiter.
pub(crate) const WAITER: &str = "waiter";

/// `floor HOST:PORT KEY COMMAND...`, or the same as a waiter.
pub(crate) fn run(args: &[String], waits: bool) -> ExitCode {
    let [address, key, program, rest @ ..] = args else {
        return ExitCode::from(64);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let client = connect(address).await.expect("etcd");
        let lease = fresh_lease();
        let placed = acquire(&client, key, lease, 10).await.expect("the lock");
        if waits {
            wait(&client, key, lease, &placed).await.expect("the turn");
        }
        let status = Command::new(program)
            .args(rest)
            .status()
            .expect("a command");
        client
            .lease_client()
            .revoke(lease)
            .await
            .expect("a release");
        ExitCode::from(status.code().unwrap_or(1) as u8)
    })
}

/// Connects in the same way as the library.
pub(crate) async fn connect(address: &str) -> Result<Client, Error> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut io = Some(TokioIo::new(stream));
    let once = tower::service_fn(move |_: Uri| {
        let io = io.take();
        async move { io.ok_or_else(|| std::io::Error::other("connection lost")) }
    });
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .expect("an address")
        .connect_with_connector_lazy(once);
    let options = ConnectOptions::new().with_require_leader(true);
    Client::from_channel(Channel::Tonic(channel), Some(options)).await
}

/// A random lease id.
pub(crate) fn fresh_lease() -> i64 {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).expect("chance");
    (u64::from_le_bytes(bytes) >> 1) as i64
}

/// Requests the lease and then a key in the queue that is attached to it.
pub(crate) async fn acquire(
    client: &Client,
    key: &str,
    lease: i64,
    ttl: i64,
) -> Result<TxnResponse, Error> {
    let own = format!("{key}/{lease:x}");
    let first = GetOptions::new()
        .with_prefix()
        .with_sort(SortTarget::Create, SortOrder::Ascend)
        .with_limit(1);
    let attached = PutOptions::new().with_lease(lease);
    let txn = Txn::new()
        .when([Compare::create_revision(&*own, CompareOp::Equal, 0)])
        .and_then([
            TxnOp::put(&*own, "", Some(attached)),
            TxnOp::get(format!("{key}/"), Some(first)),
        ]);
    let chosen = LeaseGrantOptions::new().with_id(lease);
    client.lease_client().grant(ttl, Some(chosen)).await?;
    client.kv_client().txn(txn).await
}

/// Waits until the key ahead of this lease's is gone, and reads its own.
async fn wait(client: &Client, key: &str, lease: i64, placed: &TxnResponse) -> Result<(), Error> {
    let revision = placed.header().map_or(0, |header| header.revision());
    let last = GetOptions::new()
        .with_prefix()
        .with_sort(SortTarget::Create, SortOrder::Descend)
        .with_limit(1)
        .with_max_create_revision(revision - 1);
    let mut kv = client.kv_client();
    let ahead = kv.get(format!("{key}/"), Some(last)).await?;
    let seen = ahead.header().map_or(revision, |header| header.revision());
    if let Some(ahead) = ahead.kvs().first() {
        let from = WatchOptions::new().with_start_revision(seen + 1);
        let mut watch = client.watch_client();
        let mut events = watch.watch(ahead.key(), Some(from)).await?;
        let is_gone = |event: &Event| event.event_type() == EventType::Delete;
        while let Some(answer) = events.message().await? {
            if answer.events().iter().any(is_gone) {
                break;
            }
        }
    }
    kv.get(format!("{key}/{lease:x}"), None).await.map(drop)
}
