//! Redis, and the lines of shell that people write.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{Remote, Secure};
use crate::redis::RedisServer;
use crate::stage::Crowd;
use crate::tool::quiet;

/// A lock by hand: taken by SET NX PX, never renewed, released by a compare and delete.
const BY_HAND: &str = r#"
host=$1 port=$2 key=$3
shift 3
value=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
until [ "$(redis-cli -h "$host" -p "$port" SET "$key" "$value" NX PX 10000)" = OK ]; do
    sleep 0.1
done
"$@"
redis-cli -h "$host" -p "$port" EVAL \
    'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0' \
    1 "$key" "$value" >/dev/null
"#;

pub(crate) struct Redis(RedisServer);

impl Remote for Redis {
    const NAME: &'static str = "Redis";
    const NAIVE: &'static str = "redis-cli in a script";
    const NAIVE_QUEUES: bool = false;

    fn start() -> Self {
        Self(RedisServer::start())
    }

    fn address(&self) -> String {
        self.0.address()
    }

    fn endpoint(address: &str, tls: bool) -> String {
        format!("{}://{address}", if tls { "rediss" } else { "redis" })
    }

    fn secure() -> Secure {
        let server = RedisServer::secure();
        let (address, files) = (server.address(), server.file(""));
        Secure::new(server, address, &files)
    }

    fn naive(address: &str, key: &str, command: &[&OsStr]) -> Command {
        let (host, port) = address.split_once(':').expect("HOST:PORT");
        let mut script = Command::new("sh");
        script.args(["-c", BY_HAND, "sh", host, port, key]);
        script.args(command);
        quiet(&mut script);
        script
    }

    fn places(&self, key: &str) -> usize {
        self.0.contenders(key).len()
    }

    /// As MONITOR shows them, without what scripts call in the server.
    fn requests(&self, meanwhile: impl FnOnce()) -> u64 {
        let path = self.0.file("monitor");
        let file = File::create(&path).expect("a file");
        let mut monitor = Command::new("redis-cli");
        monitor.args(["-p", &self.0.port().to_string(), "MONITOR"]);
        let monitor = monitor.stdin(Stdio::null()).stdout(file).spawn();
        let monitor = Crowd(vec![monitor.expect("redis-cli")]);
        let seen = || fs::read_to_string(&path).expect("a file");
        let start = Instant::now();
        while !seen().starts_with("OK") {
            assert!(start.elapsed() < Duration::from_secs(10), "no MONITOR");
            sleep(Duration::from_millis(5));
        }
        meanwhile();
        // The last ones are on their way.
        sleep(Duration::from_millis(100));
        drop(monitor);
        let by_scripts = |line: &&str| line.contains(" lua]");
        let all = seen();
        let lines = all.lines().skip(1);
        lines.filter(|line| !by_scripts(line)).count() as u64
    }
}
