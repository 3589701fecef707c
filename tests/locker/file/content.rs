//! What a lock file is called and what is in it.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use genlock::{ErrorKind, Event, Loss, Options};

use super::{client, client_with, directory, files, is_locked};
use crate::contract::{lock, observed, soon, spawn_lock, until_waiting};

#[tokio::test]
async fn a_key_is_one_readable_file_name() {
    let dir = directory();
    let client = client(dir.path());
    let long = "/a".repeat(2048);
    let keys = ["/locks/backup", "backup", "..", "a b\n%", "ü", &long];
    for key in keys.iter().chain(&keys) {
        let held = lock(&client, key).await;
        client.unlock(held).await.expect("a release");
    }
    let names: BTreeSet<String> = files(dir.path())
        .iter()
        .map(|path| {
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    for name in [
        "%2Flocks%2Fbackup.lock",
        "backup.lock",
        "%2E..lock",
        "a%20b%0A%25.lock",
        "%C3%BC.lock",
    ] {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
    assert_eq!(names.len(), keys.len());
    let cut = names.iter().find(|name| name.contains('~'));
    let cut = cut.expect("a name with a hash");
    assert!(cut.starts_with("%2Fa%2Fa") && cut.len() <= 255, "{cut}");
}

#[tokio::test]
async fn the_token_survives_the_release_and_the_store() {
    let dir = directory();
    let path = dir.path().join("k.lock");
    for token in 1..=3 {
        let client = client(dir.path());
        let held = lock(&client, "k").await;
        assert_eq!(held.token(), token);
        let content = std::fs::read_to_string(&path).expect("a lock file");
        let (line, record) = content.split_once('\n').expect("a line");
        assert_eq!(line, format!("{token:020}"));
        assert!(record.starts_with('{') && record.ends_with('}'), "{record}");
        client.unlock(held).await.expect("a release");
        let content = std::fs::read_to_string(&path).expect("a lock file");
        assert_eq!(content, format!("{token:020}\n"));
    }
    let mode = path.metadata().expect("a lock file").permissions().mode();
    assert_eq!(mode & 0o022, 0, "others may write to one's own lock file");
}

#[tokio::test]
async fn the_record_of_a_holder_that_died_does_not_matter() {
    let dir = directory();
    let content = format!(
        "{:020}\n{{\"host\":\"gone\",\"pid\":1,\"mode\":\"exclusive\"}}{}",
        41,
        "!".repeat(9000)
    );
    std::fs::write(dir.path().join("k.lock"), content).expect("a lock file");
    let client = client(dir.path());
    let held = client
        .try_lock("k")
        .await
        .expect("an answer")
        .expect("a lock");
    assert_eq!(held.token(), 42);
    let content = std::fs::read_to_string(dir.path().join("k.lock")).expect("a lock file");
    assert!(
        !content.contains("gone") && !content.contains('!'),
        "{content}"
    );
}

#[tokio::test]
async fn what_is_not_a_counter_is_refused_and_stays() {
    let dir = directory();
    let path = dir.path().join("k.lock");
    let client = client(dir.path());
    let last = format!("{}\n", u64::MAX);
    let beyond = "99999999999999999999\n".to_owned();
    for content in [
        "\n",
        "0",
        "1\n",
        "root:x:0:0:\n",
        "-0000000000000000001\n",
        "+0000000000000000001\n",
        "00000000000000000001",
        "00000000000000000001 ",
        "000000000000000000001\n",
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        "ä0000000000000000000\n",
        &last,
        &beyond,
    ] {
        std::fs::write(&path, content).expect("a file");
        let error = client.try_lock("k").await.expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{content:?}");
        assert!(
            error.to_string().contains(&*path.to_string_lossy()),
            "{error}"
        );
        let error = soon("a refusal", client.lock("k"))
            .await
            .expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{content:?}");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), content);
        assert!(!is_locked(&path));
    }
    std::fs::write(&path, "").expect("a file");
    assert_eq!(lock(&client, "k").await.token(), 1);
}

#[tokio::test]
async fn a_waiter_copes_with_any_record() {
    for record in [
        "",
        "{",
        "null",
        "{\"pid\":-1}",
        "\u{1b}[2J",
        &"[".repeat(200_000),
    ] {
        let dir = directory();
        let path = dir.path().join("k.lock");
        std::fs::write(&path, format!("{:020}\n{record}", 1)).expect("a lock file");
        let other = std::fs::File::open(&path).expect("a lock file");
        other.lock().expect("a lock");
        let (options, mut events) = observed(Options::default());
        let client = client_with(dir.path(), options);
        let waiting = spawn_lock(&client, "k");
        let event = soon("an event", events.recv()).await.expect("an event");
        assert!(
            matches!(
                event,
                Event::Waiting {
                    holder: None,
                    ahead: None,
                    ..
                }
            ),
            "{event:?}"
        );
        drop(other);
        let held = soon("a lock", waiting)
            .await
            .expect("no panic")
            .expect("a lock");
        assert_eq!(held.token(), 2);
    }
}

#[tokio::test]
async fn a_waiter_is_told_when_another_holds() {
    let dir = directory();
    let path = dir.path().join("k.lock");
    let record = |pid| format!("{{\"pid\":{pid},\"mode\":\"exclusive\"}}");
    let write = |pid| std::fs::write(&path, format!("{pid:020}\n{}", record(pid)));
    write(1).expect("a lock file");
    let other = std::fs::File::open(&path).expect("a lock file");
    other.lock().expect("a lock");
    let (options, mut events) = observed(Options::default());
    let client = client_with(dir.path(), options);
    let waiting = spawn_lock(&client, "k");
    for pid in 1..=3 {
        write(pid).expect("a lock file");
        // It may look while the file is being written, and then sees nobody.
        soon("the holder", async {
            loop {
                let event = events.recv().await.expect("an event");
                if matches!(&event, Event::Waiting { holder: Some(holder), .. } if holder.pid == pid)
                {
                    break;
                }
            }
        })
        .await;
    }
    waiting.abort();
}

#[tokio::test]
async fn a_file_that_is_replaced_while_it_is_waited_for() {
    let dir = directory();
    let path = dir.path().join("k.lock");
    let first = client(dir.path());
    let held = lock(&first, "k").await;
    let (options, mut events) = observed(Options::default());
    let waiter = client_with(dir.path(), options);
    let mut waiting = spawn_lock(&waiter, "k");
    until_waiting(&mut events).await;

    std::fs::remove_file(&path).expect("a lock file");
    let mut options = Options::default();
    options.holder.command = "second".to_owned();
    let second = client_with(dir.path(), options);
    let of_new = lock(&second, "k").await;
    assert_eq!(soon("a loss", held.lost()).await, Loss::KeyDeleted);
    // The waiter goes on to the new file only when the first one has ended.
    assert!(events.try_recv().is_err());
    drop(held);
    let Some(Event::Waiting {
        holder: Some(holder),
        ..
    }) = soon("a second wait", events.recv()).await
    else {
        panic!("no holder");
    };
    assert_eq!(holder.command, "second");
    assert!(!waiting.is_finished());

    second.unlock(of_new).await.expect("a release");
    let held = soon("the lock", &mut waiting)
        .await
        .expect("no panic")
        .expect("a lock");
    assert_eq!(held.token(), 2);
}

#[tokio::test]
async fn a_renamed_file_is_a_loss() {
    let dir = directory();
    let client = client(dir.path());
    let held = lock(&client, "k").await;
    std::fs::rename(dir.path().join("k.lock"), dir.path().join("away")).expect("a file");
    assert_eq!(soon("a loss", held.lost()).await, Loss::KeyDeleted);
}
