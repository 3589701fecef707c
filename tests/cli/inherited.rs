//! The command inherits what genlock was given: signals, limits, umask, directory, descriptors.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::genlock::{Run, Store, bare, output, under};

/// Demands that `command` prints the same whether it is run directly or under genlock, within
/// what `prefix` sets up.
fn same_under_genlock(prefix: &[&str], command: &[&str], what: impl Fn(&str) -> String) -> String {
    let store = Store::files();
    let mut direct = bare(command[0]);
    direct.args(&command[1..]);
    let run = |command: Command| {
        let mut command = under(prefix, &command);
        command.current_dir(store.directory());
        what(output(command).silent(0).text())
    };
    let direct = run(direct);
    let held = run(store.run(&[], command));
    assert_eq!(held, direct, "under {prefix:?}, on the left with genlock");
    held
}

/// The mask and the dispositions, of which the command's are compared.
fn signals(prefix: &[&str]) -> String {
    same_under_genlock(prefix, &["cat", "/proc/self/status"], |status| {
        let lines = status.lines().filter(|line| {
            [
                "SigBlk",
                "SigIgn",
                "SigCgt",
                "SigPnd",
                "ShdPnd",
                "Umask",
                "NoNewPrivs",
                "Groups",
            ]
            .iter()
            .any(|name| line.starts_with(name))
        });
        lines.collect::<Vec<_>>().join("\n")
    })
}

/// Whether the line has the bit of this signal.
fn has(status: &str, line: &str, signal: u32) -> bool {
    let line = status
        .lines()
        .find(|found| found.starts_with(line))
        .expect("a line");
    let set = line.rsplit('\t').next().expect("a set");
    u64::from_str_radix(set, 16).expect("a number") >> (signal - 1) & 1 == 1
}

#[test]
fn signals_as_they_come() {
    signals(&["env"]);
}

#[test]
fn signals_that_are_ignored() {
    for (name, number) in [
        ("HUP", 1),
        ("PIPE", 13),
        ("CHLD", 17),
        ("TTOU", 22),
        ("INT", 2),
        ("XFSZ", 25),
    ] {
        let status = signals(&["env", &format!("--ignore-signal={name}")]);
        assert!(has(&status, "SigIgn", number), "{name}: {status}");
    }
}

#[test]
fn signals_of_which_none_is_ignored() {
    let status = signals(&["env", "--default-signal"]);
    for number in 1..=31 {
        assert!(!has(&status, "SigIgn", number), "{number}: {status}");
    }
}

#[test]
fn signals_that_are_blocked() {
    for (name, number) in [("USR1", 10), ("TERM", 15), ("CHLD", 17), ("TTOU", 22)] {
        let status = signals(&["env", &format!("--block-signal={name}")]);
        assert!(has(&status, "SigBlk", number), "{name}: {status}");
    }
}

#[test]
fn a_command_whose_end_the_parent_ignores_has_a_status() {
    let store = Store::files();
    let run = under(&["env", "--ignore-signal=CHLD"], &store.sh(&[], "exit 7"));
    output(run).silent(7);
}

#[test]
fn limits_and_umask_and_directory() {
    let prefix = [
        "sh",
        "-c",
        "umask 027; ulimit -n 77; cd /usr; exec \"$@\"",
        "sh",
    ];
    let script = "umask; pwd; cat /proc/self/limits; nice; id";
    let printed = same_under_genlock(&prefix, &["sh", "-c", script], str::to_owned);
    assert!(printed.starts_with("0027\n/usr\n"), "{printed}");
    // The limit that genlock lowers for its own end is not the command's.
    signals(&["sh", "-c", "umask 0; exec \"$@\"", "sh"]);
}

#[test]
fn stdin_and_stdout_and_stderr() {
    let store = Store::files();
    let command = store.sh(&[], "cat; echo err >&2");
    let mut run = Run::start_with(command, Stdio::piped());
    run.stdin().write_all(b"a\0b\xff").expect("a reader");
    let run = run.finish();
    assert_eq!(run.stdout, b"a\0b\xff");
    assert_eq!(run.stderr, "err\n");
}

#[test]
fn a_reader_that_goes_away_ends_the_command() {
    // yes(1) lives by SIGPIPE alone.
    let store = Store::files();
    let prefix = [
        "bash",
        "-c",
        "\"$@\" | head -n 1; echo ${PIPESTATUS[0]}",
        "bash",
    ];
    let run = output(under(&prefix, &store.run(&[], &["yes"])));
    assert_eq!(run.text(), "y\n141");
}

/// What the descriptors of a process lead to, in order of their numbers.
fn descriptors(run: &Run) -> Vec<(i32, String)> {
    let directory = format!("/proc/{}/fd", run.ready());
    let mut found: Vec<_> = std::fs::read_dir(directory)
        .expect("its descriptors")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let number = entry
                .file_name()
                .to_str()
                .expect("a name")
                .parse()
                .expect("a number");
            let target = std::fs::read_link(entry.path()).expect("a link");
            // Each run has pipes of its own.
            let target = target
                .to_string_lossy()
                .split(":[")
                .next()
                .unwrap_or_default()
                .to_owned();
            (number, target)
        })
        .collect();
    found.sort();
    found
}

#[test]
fn no_descriptor_but_the_locks() {
    let store = Store::files();
    let script = "echo ready $$; read x";
    let prefix = ["sh", "-c", "exec 7</etc/passwd; exec \"$@\"", "sh"];
    let start = |command: &Command| Run::start_with(under(&prefix, command), Stdio::piped());
    let mut direct = bare("sh");
    direct.args(["-c", script]);
    let direct = descriptors(&start(&direct));
    assert!(
        direct.contains(&(7, "/etc/passwd".to_owned())),
        "{direct:?}"
    );

    let mut held = descriptors(&start(&store.sh(&[], script)));
    let lock = store.path("locks/k.lock").display().to_string();
    let locks: Vec<_> = held.extract_if(.., |(_, target)| *target == lock).collect();
    assert_eq!(locks.len(), 1, "{held:?}");
    assert_eq!(held, direct);

    let left = descriptors(&start(&store.sh(&["--leave-descendants"], script)));
    assert_eq!(left, direct);
}

#[test]
fn an_inherited_descriptor_stays() {
    let store = Store::files();
    std::fs::write(store.path("seven"), "through seven").expect("a file");
    let mut run = store.sh(&[], "cat <&7");
    run.current_dir(store.directory());
    let prefix = ["sh", "-c", "exec 7<\"$PWD/seven\"; exec \"$@\"", "sh"];
    let mut run = under(&prefix, &run);
    run.current_dir(store.directory());
    assert_eq!(output(run).silent(0).text(), "through seven");
}

#[test]
fn closed_descriptors_stay_closed() {
    let store = Store::files();
    let script = "for n in 0 1 2; do
            [ -e /proc/$$/fd/$n ] && echo $n open >>found || echo $n closed >>found
        done
        exit 3";
    for (closing, expected) in [
        ("<&-", "0 closed\n1 open\n2 open\n"),
        (">&-", "0 open\n1 closed\n2 open\n"),
        ("2>&-", "0 open\n1 open\n2 closed\n"),
        ("<&- >&- 2>&-", "0 closed\n1 closed\n2 closed\n"),
    ] {
        let shell = format!("exec \"$@\" {closing}");
        let mut run = under(&["sh", "-c", &shell, "sh"], &store.sh(&[], script));
        run.current_dir(store.directory());
        output(run).silent(3);
        let found = store.path("found");
        assert_eq!(
            std::fs::read_to_string(&found).expect("a file"),
            expected,
            "{closing}"
        );
        std::fs::remove_file(found).expect("a file");
    }
}

#[test]
fn a_group_of_its_own_in_the_same_session() {
    let store = Store::files();
    let run = Run::start(store.sh(&[], "echo ready $$; exec sleep 600"));
    let pid = run.ready();
    let [group, session] = group_and_session(&pid.to_string());
    assert_eq!(group, pid.to_string());
    // As text: it is 0 where the session's leader is of another PID namespace (proc(5)), as in a
    // container that was started without a session of its own.
    let [_, ours] = group_and_session("self");
    assert_eq!(session, ours);
}

fn group_and_session(pid: &str) -> [String; 2] {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let (_, fields) = stat.rsplit_once(") ").expect("fields");
    let mut fields = fields.split(' ').skip(2).map(str::to_owned);
    [(); 2].map(|()| fields.next().expect("a field"))
}
