//! `file:`, the directory of lock files that belongs to who runs.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::geteuid;
use tempfile::TempDir;

use crate::genlock::{Finished, Run, as_user, bare, copy_for_all, output};

/// A user without rights or an account, who has no directory anywhere yet.
struct User {
    number: u32,
    /// With genlock in it, where all can run it.
    place: TempDir,
    program: PathBuf,
}

/// What a user may have, by its number.
fn in_tmp(user: u32) -> PathBuf {
    format!("/tmp/genlock-{user}").into()
}

fn runtime(user: u32) -> PathBuf {
    format!("/run/user/{user}").into()
}

impl User {
    /// `None` if we cannot become another. Each test has users of its own.
    fn new(test: u32) -> Option<Self> {
        if !geteuid().is_root() {
            eprintln!("skipped: only root can become another user");
            return None;
        }
        let place = tempfile::tempdir().expect("a directory");
        let program = copy_for_all(place.path());
        Some(Self {
            number: 1_000_000 + std::process::id() * 8 + test,
            place,
            program,
        })
    }

    /// A directory of this user's, or another's.
    fn directory(&self, path: PathBuf, owner: u32, mode: u32) -> PathBuf {
        std::fs::create_dir_all(&path).expect("a directory");
        chown(&path, Some(owner), Some(owner)).expect("root's right");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("a mode");
        path
    }

    fn genlock(&self, words: &[&str], runtime: Option<&Path>) -> Command {
        let mut genlock = bare(&self.program);
        genlock.args(words);
        if let Some(runtime) = runtime {
            genlock.env("XDG_RUNTIME_DIR", runtime);
        }
        let mut genlock = as_user(self.number, &genlock);
        genlock.current_dir(self.place.path());
        genlock
    }

    /// Takes `k`, and shows where.
    fn takes(&self, runtime: Option<&Path>) -> Finished {
        let show = "echo $GENLOCK_HELD_OWNER_KEY $GENLOCK_HELD_ENDPOINTS";
        let words = ["run", "-n", "--endpoints", "file:", "k", "sh", "-c", show];
        output(self.genlock(&words, runtime))
    }

    #[track_caller]
    fn takes_in(&self, runtime: Option<&Path>, directory: &Path) {
        let taken = self.takes(runtime).silent(0);
        let directory = directory.display();
        let (owner_key, endpoints) = taken.text().split_once(' ').expect("two");
        assert!(owner_key.starts_with(&format!("{directory}/k.lock:")));
        assert_eq!(endpoints, format!("file:{directory}"));
    }

    #[track_caller]
    fn refused(&self, why: &str) {
        let refused = self.takes(None);
        assert_eq!(refused.status.code(), Some(78), "{refused:?}");
        let line = refused.one_line();
        let path = in_tmp(self.number).display().to_string();
        for part in [&*path, why, "file:DIR"] {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        let doctor = output(self.genlock(&["doctor", "--endpoints", "file:"], None));
        assert_eq!(doctor.status.code(), Some(78), "{doctor:?}");
        assert!(doctor.text().contains(why), "{doctor:?}");
    }
}

impl Drop for User {
    fn drop(&mut self) {
        for path in [in_tmp(self.number), runtime(self.number)] {
            // Either may not be there; a link in its place is not followed.
            let _ = std::fs::remove_dir_all(&path);
            let _ = std::fs::remove_file(&path);
        }
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("a file").mode() & 0o7777
}

#[test]
fn roots_can_neither_be_held_up_nor_written_to_by_another_user() {
    let Some(user) = User::new(0) else { return };
    let key = format!("test-{}", user.number);
    let root = |command: &[&str]| {
        let mut genlock = bare(&user.program);
        // What su(1) leaves there is not root's.
        genlock.env("XDG_RUNTIME_DIR", user.place.path());
        genlock.args(["run", "-n", "--endpoints", "file:", &key]);
        genlock.args(command);
        output(genlock).silent(0)
    };
    let taken = root(&["sh", "-c", "echo $GENLOCK_HELD_OWNER_KEY"]);
    let file = PathBuf::from(format!("/run/genlock/{key}.lock"));
    assert!(taken.text().starts_with(&*file.to_string_lossy()));
    assert_eq!(mode(file.parent().expect("a directory")) & 0o022, 0);
    assert_eq!(mode(&file), 0o600);
    // Whoever can open it can hold it up: flock(1) makes files that all can read.
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).expect("a mode");
    root(&["true"]);
    assert_eq!(mode(&file), 0o600);
    let mut flock = bare("flock");
    flock.arg("-n").arg(&file).arg("true");
    assert!(!output(as_user(user.number, &flock)).status.success());
    std::fs::remove_file(&file).expect("the test's own file");
}

#[test]
fn a_users_is_in_the_runtime_directory() {
    let Some(user) = User::new(1) else { return };
    let (number, place) = (user.number, user.place.path());
    let own = user.directory(place.join("runtime"), number, 0o700);
    user.takes_in(Some(&own), &own.join("genlock"));
    assert_eq!(mode(&own.join("genlock")) & 0o022, 0);
    // Another's that was left in the environment, or what others can write in, is none.
    let roots = user.directory(place.join("roots"), 0, 0o700);
    let open = user.directory(place.join("open"), number, 0o770);
    for other in [&*roots, &open, Path::new("relative"), &place.join("none")] {
        user.takes_in(Some(other), &in_tmp(number));
    }
    let of_tmp = in_tmp(number);
    assert_eq!(mode(&of_tmp) & 0o022, 0);
    assert_eq!(of_tmp.metadata().expect("a directory").uid(), number);
}

/// A job of cron's has no variable, and may start before the first login, and after it.
#[test]
fn who_has_no_variable_meets_who_has_one() {
    let Some(user) = User::new(2) else { return };
    let usual = user.directory(runtime(user.number), user.number, 0o700);
    user.takes_in(None, &usual.join("genlock"));
    user.takes_in(Some(&usual), &usual.join("genlock"));
    // A snap's, or that of a line in `.bashrc`.
    let other = user.directory(user.place.path().join("other"), user.number, 0o700);
    user.takes_in(Some(&other), &usual.join("genlock"));

    let Some(user) = User::new(3) else { return };
    let words = ["run", "--endpoints", "file:", "k"];
    let words = [&words[..], &["sh", "-c", "echo ready $$; exec sleep 600"]].concat();
    let before = Run::start(user.genlock(&words, None));
    before.ready();
    let usual = user.directory(runtime(user.number), user.number, 0o700);
    let other = user.directory(user.place.path().join("other"), user.number, 0o700);
    for runtime in [None, Some(&*usual), Some(&*other)] {
        assert_eq!(user.takes(runtime).status.code(), Some(75));
    }
    before.end();
    user.takes_in(Some(&usual), &in_tmp(user.number));
}

#[test]
fn what_another_put_in_its_place_is_refused() {
    let Some(user) = User::new(4) else { return };
    let path = in_tmp(user.number);
    user.directory(path.clone(), user.number + 1, 0o777);
    user.refused("belongs to the user");
    user.directory(path.clone(), user.number, 0o770);
    user.refused("others can write");
    std::fs::remove_dir_all(&path).expect("a directory");
    let elsewhere = user.directory(user.place.path().join("e"), user.number, 0o700);
    symlink(&elsewhere, &path).expect("a link");
    user.refused("cannot open the directory");
    // What it cannot have where it would be is no reason not to take what is there.
    let usual = user.directory(runtime(user.number), user.number, 0o700);
    user.takes_in(None, &usual.join("genlock"));
}
