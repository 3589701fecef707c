//! Whose a configuration has to be, and who may read it.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};

use rustix::process::geteuid;

use super::{Place, config, locks, of_program, refused, unconfigured};
use crate::genlock::{Finished, as_user, bare, copy_for_all, genlock, output, under};
use crate::support::etcd::Server;
use crate::support::secret::secret;

#[test]
fn a_password_in_a_file_that_others_can_read_is_refused() {
    let text = "user = \"app\"\npassword = \"secret\"\nendpoints = \"file:locks\"\n";
    let place = config(text);
    for mode in [0o644, 0o640, 0o604, 0o660] {
        place.mode(mode);
        let run = place.env(&[]);
        let said = refused(&run);
        assert!(
            said.contains(":2: password: others can"),
            "{mode:o}: {said}"
        );
        assert!(
            said.contains("chmod 600 ") && said.contains("password-file"),
            "{said}"
        );
        assert!(!said.contains("secret"));
    }
    for mode in [0o600, 0o400] {
        place.mode(mode);
        locks(&place.env(&[]));
    }
}

#[test]
fn a_password_file_that_others_can_read_is_refused_too() {
    let place = config("endpoints = \"127.0.0.1:1\"\nuser = \"app\"\npassword-file = \"secret\"\n");
    let file = place.directory().join("secret");
    secret(&file, "hidden\n");
    let shown = file.to_str().expect("a path");
    let quick = ["--dial-timeout", "0.2"];
    let by_option = [&quick[..], &["--user", "app", "--password-file", shown]].concat();
    let by_variable = || {
        let mut run = place.named(&quick, &["env"]);
        run.env("GENLOCK_PASSWORD_FILE", &file);
        output(run)
    };
    let set = |mode| std::fs::set_permissions(&file, Permissions::from_mode(mode)).expect("a mode");
    for mode in [0o644, 0o604, 0o666] {
        set(mode);
        let mend = format!("{shown}: everyone can read it: chmod o-rwx {shown} (");
        for (run, origin) in [
            (place.env(&quick), "password-file in "),
            (place.env(&by_option), "--password-file)"),
            (by_variable(), "$GENLOCK_PASSWORD_FILE)"),
        ] {
            let said = refused(&run);
            assert!(said.contains(&format!("{mend}{origin}")), "{said}");
            assert!(!said.contains("hidden"), "{said}");
        }
    }
    // Good enough to ask the store, which is not there.
    let is_taken = |run: Finished| assert_eq!(run.status.code(), Some(69), "{run:?}");
    for mode in [0o600, 0o400] {
        set(mode);
        is_taken(place.env(&quick));
        is_taken(place.env(&by_option));
        is_taken(by_variable());
    }
    // A pipe of the shell's is nobody else's.
    let script = "exec \"$@\" --password-file <(echo hidden) k true";
    let mut run = genlock();
    run.args(["run", "--endpoints", "127.0.0.1:1", "--user", "app"]);
    run.args(quick);
    is_taken(output(under(&["bash", "-c", script, "bash"], &run)));
}

#[test]
fn a_service_is_given_its_password_by_its_group() {
    if !geteuid().is_root() {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    let place = config("");
    let program = copy_for_all(place.directory());
    std::fs::set_permissions(place.directory(), Permissions::from_mode(0o755)).expect("a mode");
    let file = place.directory().join("secret");
    secret(&file, "hidden\n");
    std::fs::set_permissions(&file, Permissions::from_mode(0o640)).expect("a mode");
    let mut run = bare(program);
    run.args(["run", "--endpoints", "127.0.0.1:1", "--dial-timeout", "0.2"]);
    run.args(["--user", "app", "--password-file"]).arg(&file);
    run.args(["k", "true"]);
    for (owner, status) in [(0, 69), (NOBODY, 78)] {
        chown(&file, Some(owner), Some(NOBODY)).expect("another's file");
        let run = output(as_user(NOBODY, &run));
        assert_eq!(run.status.code(), Some(status), "{run:?}");
        let is_refused = run.one_line().contains("its group can read it: chmod 600");
        assert_eq!(is_refused, status == 78, "{run:?}");
    }
}

#[test]
fn a_file_that_everyone_can_write_to_is_refused() {
    let place = config("endpoints = \"file:locks\"\n");
    for mode in [0o666, 0o602] {
        place.mode(mode);
        assert!(refused(&place.env(&[])).contains("everyone can write to it"));
    }
    // A group is its owner's business.
    place.mode(0o664);
    locks(&place.env(&[]));
}

/// Debian's.
const NOBODY: u32 = 65534;

#[test]
fn a_file_of_another_users_counts_only_if_it_is_named() {
    if !geteuid().is_root() {
        eprintln!("skipped: only root can give a file away");
        return;
    }
    let place = Place::new("genlock/config.toml", "endpoints = \"file:locks\"\n");
    chown(&place.file, Some(NOBODY), None).expect("another's file");
    let mut run = unconfigured(&[]);
    run.env("XDG_CONFIG_HOME", place.directory());
    let run = output(run);
    let said = refused(&run);
    assert!(said.contains("belongs to the user 65534"), "{said}");
    assert!(said.contains("--config"), "{said}");
    locks(&place.env(&[]));
    // Root's file is good for everyone; if it cannot be read that is said, not passed over.
    chown(&place.file, Some(0), None).expect("root's file");
    let program = copy_for_all(place.directory());
    std::fs::set_permissions(place.directory(), Permissions::from_mode(0o777)).expect("a mode");
    let options = ["--endpoints", &place.store.endpoints];
    let mut run = of_program(bare(program), &options);
    run.env("XDG_CONFIG_HOME", place.directory());
    locks(&output(as_user(NOBODY, &run)));
    place.mode(0o600);
    let found = output(as_user(NOBODY, &run));
    assert!(refused(&found).contains("config.toml: permission denied"));
    // Of a home that cannot even be looked into nothing is expected.
    let mode = Permissions::from_mode(0o700);
    std::fs::set_permissions(place.directory().join("genlock"), mode).expect("a mode");
    locks(&output(as_user(NOBODY, &run)));
}

#[test]
fn it_logs_in_with_what_a_file_says() {
    let mut server = Server::start();
    server.enable_auth();
    let endpoint = server.endpoint();
    for credentials in ["password = \"secret\"", "password-file = \"password\""] {
        let place = config(&format!(
            "endpoints = \"{endpoint}\"\nuser = \"app\"\n{credentials}\n"
        ));
        place.mode(0o600);
        secret(place.directory().join("password"), "secret\n");
        let run = |options: &[&str], variables: &[(&str, &str)]| {
            let mut run = genlock();
            run.arg("run").arg("--config").arg(&place.file);
            run.args(options).args(["/locks/config", "true"]);
            run.envs(variables.iter().copied());
            output(run)
        };
        run(&[], &[]).silent(0);
        // What is above it beats either form.
        let wrong = place.directory().join("config.toml");
        let wrong = wrong.to_str().expect("a path");
        for refused in [
            run(&["--password-file", wrong], &[]),
            run(&[], &[("GENLOCK_PASSWORD_FILE", wrong)]),
            run(&[], &[("GENLOCK_PASSWORD", "wrong")]),
            run(&[], &[("GENLOCK_USER", "app:wrong")]),
            run(&[], &[("ETCDCTL_PASSWORD", "wrong")]),
        ] {
            assert_eq!(refused.status.code(), Some(77), "{refused:?}");
            assert!(!refused.stderr.contains("secret"), "{refused:?}");
        }
    }
}

/// A pipe has nothing in it before somebody opens it to write.
#[test]
fn a_pipe_that_nobody_writes_holds_nothing_up() {
    let place = config("");
    let fifo = place.directory().join("fifo");
    let made = bare("mkfifo").arg(&fifo).status().expect("mkfifo");
    assert!(made.success());
    let fifo = fifo.to_str().expect("text");
    let store = ["--endpoints", "127.0.0.1:1", "--dial-timeout", "0.2"];
    for options in [
        &["--user", "app", "--password-file", fifo][..],
        &["--cacert", fifo],
        &["--cert", fifo, "--key", fifo],
        &["--config", fifo],
    ] {
        for verb in [&["run", "k", "true"][..], &["ls"], &["doctor"]] {
            let mut run = genlock();
            let (first, rest) = verb.split_at(1);
            run.args(first).args(store).args(options).args(rest);
            let run = output(run);
            assert_eq!(run.status.code(), Some(78), "{options:?} {verb:?}: {run:?}");
            let said = format!("{}{}", run.text(), run.stderr);
            assert!(said.contains("fifo: it is a pipe"), "{said}");
        }
    }
    // Somebody who is there, and slow to write it, is waited for. It is there before genlock is: opened in
    // both directions at once, the pipe waits for no reader.
    let script = "exec 3<>\"$0\"; (sleep 0.5; echo hidden) >&3 & exec \"$@\" 3>&-";
    let mut run = genlock();
    run.arg("run").args(store).args(["--user", "app"]);
    run.args(["--password-file", fifo, "k", "true"]);
    let run = output(under(&["sh", "-c", script, fifo], &run));
    assert_eq!(run.status.code(), Some(69), "{run:?}");
}
