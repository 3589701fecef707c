//! What a lock file is called and what is in it.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use genlock::{ErrorKind, EventKind, Loss, Options};
use rustix::fs::{FlockOperation, flock};

use super::{client, client_with, directory, files, is_locked};
use genlock::testing::contract::{give_up, lock, observed, soon, spawn_lock, until_waiting};

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
    let mut last = 0;
    for _ in 0..3 {
        let client = client(dir.path());
        let held = lock(&client, "k").await;
        let token = held.token();
        assert!(token > last, "{token} after {last}");
        last = token;
        let content = std::fs::read_to_string(&path).expect("a lock file");
        let (line, record) = content.split_once('\n').expect("a line");
        assert_eq!(line, format!("{token:020}"));
        assert!(record.starts_with('{') && record.ends_with('}'), "{record}");
        client.unlock(held).await.expect("a release");
        let content = std::fs::read_to_string(&path).expect("a lock file");
        assert_eq!(content, format!("{token:020}\n"));
    }
    let mode = path.metadata().expect("a lock file").permissions().mode();
    assert_eq!(mode & 0o077, 0, "others may open one's own lock file");
}

/// Whatever becomes of the file, a later holder has a larger token: what the lock protects refuses
/// all that is smaller than the largest that it has seen.
#[tokio::test]
async fn the_token_does_not_go_back_with_the_file() {
    let dir = directory();
    let path = dir.path().join("k.lock");
    let client = client(dir.path());
    let mut last = 0;
    let spoilt = |content: &str| std::fs::write(&path, content).expect("a lock file");
    let harms: [(&str, &dyn Fn()); 5] = [
        ("removed", &|| std::fs::remove_file(&path).expect("a file")),
        ("emptied", &|| spoilt("")),
        ("torn", &|| spoilt("0000000000000")),
        ("set back", &|| spoilt(&format!("{:020}\n", 1))),
        ("lost to zeroes", &|| spoilt(&"\0".repeat(21))),
    ];
    for (harm, happens) in harms {
        for held_meanwhile in [false, true] {
            let held = lock(&client, "k").await;
            if held_meanwhile {
                happens();
            }
            let token = held.token();
            client.unlock(held).await.expect("a release");
            if !held_meanwhile {
                happens();
            }
            assert!(token > last, "{harm}: {token} after {last}");
            last = token;
        }
    }
    assert!(lock(&client, "k").await.token() > last);
}

/// Without a clock it is still the next number.
#[tokio::test]
async fn a_counter_that_is_ahead_of_the_clock_goes_on() {
    let dir = directory();
    let last = u64::MAX / 2;
    let content = format!(
        "{last:020}\n{{\"host\":\"gone\",\"pid\":1,\"mode\":\"exclusive\"}}{}",
        "!".repeat(9000)
    );
    std::fs::write(dir.path().join("k.lock"), content).expect("a lock file");
    let client = client(dir.path());
    let held = client
        .try_lock("k")
        .await
        .expect("an answer")
        .expect("a lock");
    assert_eq!(held.token(), last + 1);
    // The record of a holder that died does not matter.
    let content = std::fs::read_to_string(dir.path().join("k.lock")).expect("a lock file");
    assert!(
        !content.contains("gone") && !content.contains('!'),
        "{content}"
    );
}

/// Nobody else can hold it meanwhile, since the file is the same; only what others read is gone.
#[tokio::test]
async fn what_somebody_writes_over_while_it_is_held_is_put_right() {
    let dir = directory();
    let path = dir.path().join("k.lock");
    let client = client(dir.path());
    let held = lock(&client, "k").await;
    let before = std::fs::read_to_string(&path).expect("a lock file");
    // The counter is whole in these: `truncate -s 21`, and a record that is not ours.
    let counter = &before[..21];
    let other = before.replace("pid", "xxx");
    for content in ["", "hello\n", &"x".repeat(9000), counter, &other] {
        assert_ne!(content, before);
        std::fs::write(&path, content).expect("a lock file");
        soon("the record", async {
            while std::fs::read_to_string(&path).expect("a lock file") != before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
    assert!(held.ownership().loss().is_none());
    client.unlock(held).await.expect("a release");
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
        "1\n",
        "4711",
        "root:x:0:0:\n",
        "-0000000000000000001\n",
        "+0000000000000000001\n",
        "00000000000000000001 ",
        "000000000000000000001\n",
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
        flock(&other, FlockOperation::LockExclusive).expect("a lock");
        let (options, mut events) = observed(Options::default());
        let client = client_with(dir.path(), options);
        let waiting = spawn_lock(&client, "k");
        let event = soon("an event", events.recv()).await.expect("an event");
        assert!(
            matches!(
                event,
                EventKind::Waiting {
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
        assert!(held.token() > 1);
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
    flock(&other, FlockOperation::LockExclusive).expect("a lock");
    let (options, mut events) = observed(Options::default());
    let client = client_with(dir.path(), options);
    let waiting = spawn_lock(&client, "k");
    for pid in 1..=3 {
        write(pid).expect("a lock file");
        // It may look while the file is being written, and then sees nobody.
        soon("the holder", async {
            loop {
                let event = events.recv().await.expect("an event");
                if matches!(&event, EventKind::Waiting { holder: Some(holder), .. } if holder.pid == pid)
                {
                    break;
                }
            }
        })
        .await;
    }
    give_up(waiting).await;
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
    let Some(EventKind::Waiting {
        holder: Some(holder),
        ..
    }) = soon("a second wait", events.recv()).await
    else {
        panic!("no holder");
    };
    assert_eq!(holder.command, "second");
    assert!(!waiting.is_finished());

    let token = of_new.token();
    second.unlock(of_new).await.expect("a release");
    let held = soon("the lock", &mut waiting)
        .await
        .expect("no panic")
        .expect("a lock");
    assert!(held.token() > token);
}

#[tokio::test]
async fn a_renamed_file_is_a_loss() {
    let dir = directory();
    let client = client(dir.path());
    let held = lock(&client, "k").await;
    std::fs::rename(dir.path().join("k.lock"), dir.path().join("away")).expect("a file");
    assert_eq!(soon("a loss", held.lost()).await, Loss::KeyDeleted);
}
