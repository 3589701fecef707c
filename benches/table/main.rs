//! `cargo bench`: what a lock costs, beside Debian's etcdctl(1) and flock(1) and beside a floor,
//! the least program that does the same. Ratios are what counts: all of a row is measured in turns,
//! in one run, on one etcd whose data is in memory.
//!
//!     cargo bench -- [ROW...] [--quick] [--svg FILE]
//!     cargo bench -- --pair OLD NEW [--quick]     the rows of two builds in turns, and how they compare

// The table is what it prints.
#![allow(clippy::print_stdout)]

// Not everything in these is used here; the tests use all of it.
#[allow(dead_code)]
#[path = "../../tests/support/certificates.rs"]
mod certificates;
#[allow(dead_code)]
#[path = "../../tests/support/etcd/mod.rs"]
mod etcd;
mod family;
mod floor;
mod observer;
mod pair;
mod plot;
mod probe;
#[allow(dead_code)]
#[path = "../../tests/support/redis.rs"]
mod redis;
mod remote;
mod report;
mod rows;
mod sample;
#[allow(dead_code)]
#[path = "../../tests/support/server_process.rs"]
mod server_process;
mod slow;
mod stage;
mod tool;
#[allow(dead_code)]
#[path = "../../tests/support/zookeeper/mod.rs"]
mod zookeeper;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use report::Figure;
use rows::ROWS;
use stage::Stage;

/// The bench gives up after this time, in case something hangs.
const LIMIT: Duration = Duration::from_secs(1200);

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(role) = args.first()
        && [floor::ROLE, floor::WAITER].contains(&role.as_str())
    {
        return floor::run(&args[1..], role == floor::WAITER);
    }
    let (mut wanted, mut quick, mut svg, mut builds) = (Vec::new(), false, None, None);
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // cargo adds this one.
            "--bench" => {}
            "--quick" => quick = true,
            "--svg" => svg = args.next().map(PathBuf::from),
            "--pair" if args.len() >= 2 => {
                builds = args.next().zip(args.next()).map(<[String; 2]>::from);
            }
            row if ROWS.iter().any(|(name, _)| *name == row) => wanted.push(arg),
            _ => return usage(),
        }
    }
    thread::spawn(|| {
        thread::sleep(LIMIT);
        eprintln!("table: not done within {LIMIT:?}");
        // The kernel kills the etcds then (setpriv --pdeathsig in stage.rs).
        #[allow(clippy::exit)]
        std::process::exit(1);
    });

    let start = Instant::now();
    let machine = machine();
    println!("{machine}\n");
    let stage = Stage::new(quick);
    if let Some(builds) = builds {
        pair::show(&stage, builds);
        println!("took {:.0?}", start.elapsed());
        return ExitCode::SUCCESS;
    }
    let mut figures: Vec<Figure> = Vec::new();
    for (name, row) in ROWS {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            for figure in row(&stage) {
                println!("{figure}");
                figures.push(figure);
            }
        }
    }
    let over: usize = figures.iter().map(Figure::over).sum();
    println!("goals missed: {over}; took {:.0?}", start.elapsed());
    if let Some(path) = svg
        && let Err(error) = std::fs::write(&path, plot::svg(&machine, &figures))
    {
        eprintln!("table: {}: {error}", path.display());
        return ExitCode::from(1);
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    let names: Vec<_> = ROWS.iter().map(|(name, _)| *name).collect();
    eprintln!("usage: cargo bench -- [--quick] [--svg FILE] [ROW...]");
    eprintln!("       cargo bench -- [--quick] --pair OLD NEW");
    eprintln!("rows: {}", names.join(" "));
    ExitCode::from(64)
}

/// The machine and the versions of what is compared, as the first line of the table.
fn machine() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let of_file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processors = of_file("/proc/cpuinfo");
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("", |model| model.trim_start_matches(['\t', ' ', ':']));
    let first_line = |program: &str| {
        let output = Command::new(program).arg("--version").output();
        let text = output.map_or(Vec::new(), |output| output.stdout);
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines().next().unwrap_or(program).to_owned()
    };
    let etcdctl = Command::new("etcdctl")
        .env("ETCDCTL_API", "3")
        .arg("version")
        .output();
    let etcdctl = etcdctl.map_or(Vec::new(), |output| output.stdout);
    let etcdctl = String::from_utf8_lossy(&etcdctl).into_owned();
    format!(
        "{cores} cores ({model}), Linux {}; {} in memory; {}; {}",
        of_file("/proc/sys/kernel/osrelease").trim(),
        first_line("etcd").replace(" Version:", ""),
        etcdctl
            .lines()
            .next()
            .unwrap_or("etcdctl")
            .replace(" version:", ""),
        first_line("flock"),
    )
}
