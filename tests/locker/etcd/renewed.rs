//! Certificates and passwords that are renewed while a lock is held.

use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::Duration;

use genlock::{Credentials, Etcd, EtcdConfig, Event, EventKind, Held, Locker, Options};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::secure::{TLS, secured};
use crate::support::etcd::Server;
use crate::support::secret::secret;
use genlock::testing::contract::soon;

/// A client, and why it has to try again.
fn talking(config: EtcdConfig) -> (Etcd, UnboundedReceiver<String>) {
    let (tell, told) = unbounded_channel();
    let observer = move |event: &Event| {
        if let EventKind::Retrying(why) = &event.what {
            let _ = tell.send(why.clone());
        }
    };
    let options = Options::default()
        .with_ttl(Duration::from_secs(15))
        .with_observer(observer);
    (Etcd::new(config, options).expect("a client"), told)
}

async fn hears(told: &mut UnboundedReceiver<String>, words: &str) {
    let heard = async { while !told.recv().await.expect("a client").contains(words) {} };
    soon(words, heard).await;
}

/// Waits for a renewal that leaves after now.
async fn is_renewed(held: &Held) {
    let before = held.deadline().expect("a lock that is held");
    let mut ownership = held.ownership();
    soon("a renewal", ownership.changed()).await;
    let after = held.deadline().expect("a lock that is held");
    assert!(after > before);
}

#[tokio::test]
async fn certificates_of_another_authority() {
    let mut server = Server::with(TLS);
    let (client, mut told) = talking(secured(&server));
    let held = soon("a lock", client.lock("/k")).await.expect("a lock");
    // While it is being replaced, a file is half there for a moment.
    let cert = server.file("client.pem");
    server.kill();
    server.renew_certificates();
    let whole = std::fs::read(&cert).expect("a file");
    std::fs::write(&cert, &whole[..whole.len() / 2]).expect("a file");
    server.restart();
    hears(&mut told, "client.pem: no certificate in PEM").await;
    write_anew(&cert, &whole);
    is_renewed(&held).await;
    client.unlock(held).await.expect("a release");
}

#[tokio::test]
async fn a_password_that_is_changed() {
    let mut server = Server::start();
    server.enable_auth();
    let dir = tempfile::tempdir().expect("a directory");
    let password_file = dir.path().join("password");
    secret(&password_file, "secret\n");
    let (client, mut told) = talking(
        EtcdConfig::new([server.endpoint()])
            .credentials(Credentials::password_file("app", &password_file)),
    );
    let held = soon("a lock", client.lock("/locks/k"))
        .await
        .expect("a lock");
    // Nobody knows of both changes at the same moment.
    set_password(&server, "new");
    hears(&mut told, "authentication failed").await;
    write_anew(&password_file, b"new\n");
    is_renewed(&held).await;
    client.unlock(held).await.expect("a release");
}

#[tokio::test]
async fn a_password_is_read_for_the_login_and_not_before() {
    let mut server = Server::start();
    server.enable_auth();
    let dir = tempfile::tempdir().expect("a directory");
    let password_file = dir.path().join("password");
    secret(&password_file, "old\n");
    let config = EtcdConfig::new([server.endpoint()])
        .credentials(Credentials::password_file("app", &password_file));
    let client = Etcd::new(config, Options::default()).expect("a client");
    write_anew(&password_file, b"secret\nand more\n");
    super::secure::works(&client, "/locks/k").await;
    // The connection is there: it goes on without another login, and then has a new one.
    set_password(&server, "newer");
    write_anew(&password_file, b"newer\n");
    super::secure::works(&client, "/locks/k").await;
}

#[tokio::test]
async fn a_password_in_a_pipe_is_kept() {
    let mut server = Server::start();
    server.enable_auth();
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    std::io::Write::write_all(&mut writer, b"secret\n").expect("a pipe");
    drop(writer);
    let pipe = format!("/proc/self/fd/{}", reader.as_raw_fd());
    let config = EtcdConfig::new([server.endpoint()]);
    let (client, _told) = talking(config.credentials(Credentials::password_file("app", pipe)));
    let held = soon("a lock", client.lock("/locks/k"))
        .await
        .expect("a lock");
    // Every login is gone, and with it what was read from the pipe.
    server.kill();
    server.restart();
    is_renewed(&held).await;
    client.unlock(held).await.expect("a release");
}

/// As renewals do: whole, under another name first.
fn write_anew(path: &Path, content: &[u8]) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, content).expect("a file");
    std::fs::rename(&beside, path).expect("a file");
}

pub(super) fn set_password(server: &Server, password: &str) {
    let args = ["user", "passwd", "app", "--interactive=false"];
    let mut command = server.ctl_command(&args);
    command.stdin(std::process::Stdio::piped());
    command.stdout(std::process::Stdio::null());
    let mut child = command.spawn().expect("etcdctl");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, format!("{password}\n").as_bytes()).expect("a pipe");
    drop(stdin);
    assert!(child.wait().expect("an end").success());
}
