//! Connecting to a host by its name. One address of it that is silent does not hide another that
//! answers: they are tried as RFC 8305, "Happy Eyeballs", says.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::reason;
use crate::error::plain;
use crate::locker::fault::Fault;

/// The next address is tried after so long a silence, or sooner if one fails (its section 5)…
const LONGEST_SILENCE: Duration = Duration::from_millis(250);
/// … or if the time is short for so many; but not before this.
const SHORTEST_SILENCE: Duration = Duration::from_millis(10);

/// A connection to the address, or to the first of the name's that answers. The caller bounds it,
/// by `within`. A literal address asks no DNS.
pub(crate) async fn connect(host: &str, port: u16, within: Duration) -> Result<TcpStream, Fault> {
    let addresses = match host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => look_up(host, port).await?,
    };
    let broken = |error: io::Error| Fault::broken(reason::of_io(&error));
    let stream = first_of(alternating(addresses), within)
        .await
        .map_err(broken)?;
    // Small requests must not wait for the acknowledgement of those before.
    stream.set_nodelay(true).map_err(broken)?;
    // A packet that is lost again is sent again after the same pause, not twice as long: renewals are
    // few, and each has to arrive in time (tcp(7), TCP_THIN_LINEAR_TIMEOUTS). It may fail: then it is
    // done without.
    let _ = rustix::net::sockopt::set_tcp_thin_linear_timeouts(&stream, true);
    Ok(stream)
}

/// What a program does before its first look-up of a name.
static BEFORE_LOOK_UP: OnceLock<fn()> = OnceLock::new();

/// Has this called before each look-up: a program of ours may have to prepare for it, which takes time
/// that an address does not need.
#[cfg(feature = "cli")]
pub(crate) fn before_look_up(prepare: fn()) {
    let _ = BEFORE_LOOK_UP.set(prepare);
}

async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
    if let Some(prepare) = BEFORE_LOOK_UP.get() {
        prepare();
    }
    let found = lookup_host((host, port)).await.map_err(|error| {
        let why = plain(&error.to_string());
        let why = why.strip_prefix("failed to lookup address information: ");
        Fault::broken(format!("unknown host: {}", why.unwrap_or("no address")))
    })?;
    Ok(found.collect())
}

/// One address of each family, IPv4 and IPv6, after the other, beginning with the first's: so a family
/// that does not work at all does not hold up all of the other.
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut families = [one.into_iter(), other.into_iter()];
    let mut ordered = Vec::new();
    while families.iter().any(|family| family.len() > 0) {
        ordered.extend(families.iter_mut().filter_map(Iterator::next));
    }
    ordered
}

async fn first_of(addresses: Vec<SocketAddr>, within: Duration) -> io::Result<TcpStream> {
    if let [only] = addresses[..] {
        return TcpStream::connect(only).await;
    }
    // Half of the time: the last one needs some to answer, too.
    let share = within / 2 / (addresses.len() as u32).max(1);
    let silence = share.clamp(SHORTEST_SILENCE, LONGEST_SILENCE);
    let mut addresses = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failed = None;
    loop {
        if let Some(address) = addresses.next() {
            attempts.spawn(TcpStream::connect(address));
        }
        let ended = if addresses.len() > 0 {
            timeout(silence, attempts.join_next()).await
        } else {
            Ok(attempts.join_next().await)
        };
        match ended {
            // Silence: all attempts go on, and the next address is tried beside them.
            Err(_) => {}
            Ok(Some(Ok(Ok(stream)))) => return Ok(stream),
            Ok(Some(Ok(Err(error)))) => failed = Some(more_telling(failed, error)),
            // A cancelled task: the runtime ends.
            Ok(Some(Err(_))) => {}
            Ok(None) => {
                let no_address = || io::Error::new(io::ErrorKind::NotFound, "no address");
                return Err(failed.unwrap_or_else(no_address));
            }
        }
    }
}

/// The first of two reasons, unless it only says that this host has no route for that address family.
fn more_telling(before: Option<io::Error>, error: io::Error) -> io::Error {
    use io::ErrorKind::{AddrNotAvailable, HostUnreachable, NetworkUnreachable};
    match before {
        Some(before)
            if !matches!(
                before.kind(),
                AddrNotAvailable | HostUnreachable | NetworkUnreachable
            ) =>
        {
            before
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

    use super::*;

    const BOUND: Duration = Duration::from_secs(20);

    /// Where nothing is answered, for as long as what is given lives: as many connections as this
    /// socket lets wait are waiting already (listen(2)).
    fn silent(host: &str) -> (SocketAddr, Vec<impl Drop + use<>>) {
        let address = SocketAddr::new(host.parse().expect("an address"), 0);
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let listener = socket(family, SocketType::STREAM, None).expect("a socket");
        bind(&listener, &address).expect("an address");
        listen(&listener, 0).expect("a listener");
        let address = getsockname(&listener).expect("an address");
        let address = SocketAddr::try_from(address).expect("an address");
        let listener = TcpListener::from(listener);
        let mut kept = vec![std::os::fd::OwnedFd::from(listener)];
        let soon = Duration::from_millis(100);
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, soon) {
            kept.push(stream.into());
        }
        (address, kept)
    }

    fn answering(host: &str) -> (SocketAddr, TcpListener) {
        let listener = TcpListener::bind((host, 0)).expect("a listener");
        (listener.local_addr().expect("an address"), listener)
    }

    #[tokio::test]
    async fn an_address_that_is_silent_does_not_hide_one_that_answers() {
        if TcpListener::bind("[::1]:0").is_err() {
            eprintln!("skipped: this host has no IPv6");
            return;
        }
        for (one, other) in [("::1", "127.0.0.1"), ("127.0.0.1", "::1")] {
            let ((quiet, _kept), (good, _listener)) = (silent(one), answering(other));
            let stream = first_of(vec![quiet, quiet, good], BOUND).await;
            assert_eq!(
                stream.expect("a connection").peer_addr().expect("one"),
                good
            );
        }
    }

    #[tokio::test]
    async fn after_one_that_fails_the_next_is_tried_at_once() {
        let (refusing, _) = answering("127.0.0.1");
        let (good, _listener) = answering("127.0.0.1");
        let begun = tokio::time::Instant::now();
        let many = [vec![refusing; 100], vec![good]].concat();
        first_of(many, BOUND).await.expect("a connection");
        assert!(begun.elapsed() < BOUND / 4, "{:?}", begun.elapsed());
        let refused = first_of(vec![refusing; 3], BOUND).await.expect_err("none");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert!(first_of(Vec::new(), BOUND).await.is_err());
    }

    #[tokio::test]
    async fn the_bound_is_for_all_of_them() {
        let ((quiet, _kept), (good, _listener)) = (silent("127.0.0.1"), answering("127.0.0.1"));
        let within = Duration::from_secs(2);
        let many = [vec![quiet; 30], vec![good]].concat();
        let first = timeout(within, first_of(many, within)).await;
        let stream = first.expect("in time").expect("a connection");
        assert_eq!(stream.peer_addr().expect("one"), good);
    }

    #[test]
    fn families_take_turns() {
        let all = |texts: &[&str]| -> Vec<SocketAddr> {
            texts
                .iter()
                .map(|text| text.parse().expect("one"))
                .collect()
        };
        let found = all(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]);
        let ordered = all(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        assert_eq!(alternating(found), ordered);
        let found = all(&["1.1.1.1:1", "[::1]:1"]);
        assert_eq!(alternating(found.clone()), found);
    }
}
