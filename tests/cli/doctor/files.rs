//! The directory that has the locks in files.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::{doctor, examined, json, says};
use crate::genlock::{Store, output};

#[test]
fn locks_in_files() {
    let store = Store::files();
    let locks = store.path("locks");
    let (endpoints, path) = (&*store.endpoints, locks.display().to_string());
    let run = examined(doctor(endpoints, &["k"]), 0);
    says(
        &run,
        "ok",
        "directory",
        &[&path, "made with the first lock"],
    );
    assert!(!locks.exists(), "the doctor has made it");
    output(store.run(&[], &["true"])).silent(0);
    let run = examined(doctor(endpoints, &["k"]), 0);
    says(&run, "ok", "directory", &[&path, "mode 0700"]);
    let found = json(doctor(endpoints, &[]), 0);
    assert_eq!(found["store"], "file");
    let assumption = found["assumption"].as_str().expect("a line");
    assert!(assumption.contains("run on this host"), "{assumption}");
    assert_eq!(found["directory"]["path"], *path);
    assert_eq!(found["directory"]["mode"], "0700");
    assert_eq!(found["times"], Value::Null);
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn a_directory_in_which_others_can_write() {
    let store = Store::files();
    let locks = store.path("locks");
    let (endpoints, path) = (&*store.endpoints, locks.display().to_string());
    output(store.run(&[], &["true"])).silent(0);
    let mode = |mode| set_mode(&locks, mode);
    mode(0o777);
    let run = examined(doctor(endpoints, &[]), 78);
    says(
        &run,
        "wrong",
        "directory",
        &[&path, "sticky bit", "chmod +t"],
    );
    let there = std::fs::metadata(&locks).expect("the directory");
    assert_eq!(
        there.permissions().mode() & 0o7777,
        0o777,
        "the doctor has changed it"
    );
    mode(0o1777);
    let run = examined(doctor(endpoints, &[]), 0);
    says(
        &run,
        "warn",
        "directory",
        &["mode 1777", "others can write in it"],
    );
    mode(0o770);
    let run = examined(doctor(endpoints, &[]), 0);
    says(&run, "warn", "directory", &["others can write in it"]);
    let above = |mode| set_mode(store.directory(), mode);
    mode(0o755);
    above(0o777);
    let run = examined(doctor(endpoints, &[]), 0);
    says(&run, "warn", "directory", &["others can write in it"]);
    above(0o1777);
    let run = examined(doctor(endpoints, &[]), 0);
    says(&run, "ok", "directory", &["mode 0755"]);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&locks, Some(65534), None).expect("root's right");
        let run = examined(doctor(endpoints, &[]), 0);
        says(
            &run,
            "warn",
            "directory",
            &["user 65534", "others can write in it"],
        );
        std::os::unix::fs::chown(&locks, Some(0), None).expect("root's right");
    }
}

#[test]
fn a_directory_that_cannot_be_one_and_one_in_memory() {
    let store = Store::files();
    output(store.run(&[], &["true"])).silent(0);
    let endpoints = &store.endpoints;
    let file = store.path("locks/k.lock").display().to_string();
    for (endpoints, why) in [
        (format!("{endpoints}/absent/locks"), "no such file"),
        (format!("file:{file}"), "not a directory"),
    ] {
        let run = examined(doctor(&endpoints, &[]), 78);
        says(&run, "wrong", "directory", &[why]);
    }
    if Path::new("/dev/shm").is_dir() {
        let found = json(doctor("file:/dev/shm", &[]), 0);
        assert_eq!(found["directory"]["filesystem"], "tmpfs");
        assert_eq!(found["directory"]["local"], true);
    }
}
