//! acquire --foreground: a unit of its own, which tells its service manager.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use rustix::process::Signal;

use super::{pairs, under, verb};
use crate::genlock::{PATIENCE, Run, Store, died_of, output, poll};

#[test]
fn a_service_manager_is_told() {
    let store = Store::etcd();
    let name = format!("genlock-test-{}", std::process::id());
    let abstracted = SocketAddr::from_abstract_name(&name).expect("a name");
    let path = store.path("notify");
    for (manager, address) in [
        (UnixDatagram::bind(&path), path.display().to_string()),
        (UnixDatagram::bind_addr(&abstracted), format!("@{name}")),
    ] {
        let manager = manager.expect("a socket");
        manager.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let mut unit = verb(&store, "acquire", &["--foreground", &store.key]);
        unit.env("NOTIFY_SOCKET", address)
            .env("GITHUB_ACTIONS", "true");
        let unit = Run::start(unit);
        let told = || {
            let mut text = [0; 256];
            let length = manager.recv(&mut text).expect("a message");
            String::from_utf8_lossy(&text[..length]).into_owned()
        };
        assert_eq!(told(), format!("READY=1\nSTATUS=holds {}", store.key));
        assert!(!store.is_free());
        unit.signal(Signal::TERM);
        assert_eq!(told(), "STOPPING=1");
        died_of(unit.finish().status, Signal::TERM);
        assert!(store.is_free());
    }
}

#[test]
fn it_ends_when_it_is_released_and_says_that_it_is_lost() {
    let store = Store::etcd();
    let file = store.path("variables");
    let begin = || {
        let unit = verb(&store, "acquire", &["--foreground", &store.key]);
        let out = std::fs::File::create(&file).expect("a file");
        let unit = Run::start_into(unit, out.into());
        let mut text = String::new();
        poll("the variables", || {
            text = std::fs::read_to_string(&file).expect("a file");
            text.ends_with('\n')
        });
        (unit, pairs(&text))
    };
    let (unit, held) = begin();
    let token = &held["GENLOCK_HELD_TOKEN"];
    output(verb(&store, "break", &["--token", token, &store.key])).silent(0);
    let lost = unit.finish();
    assert_eq!(lost.status.code(), Some(80), "{lost:?}");
    assert!(lost.one_line().contains("the lock is lost"), "{lost:?}");
    let (unit, held) = begin();
    output(under(&held, &["release"])).silent(0);
    assert_eq!(unit.finish().status.code(), Some(0));
    assert!(store.is_free());
}
