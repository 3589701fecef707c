//! A run over Redis, beside one in files and the lines of shell that people write.

use std::process::Command;

use crate::redis::RedisServer;
use crate::report::Figure;
use crate::sample::Sample;
use crate::stage::{Stage, timed};
use crate::tool::{Tool, quiet};

/// A lock by hand: taken by SET NX PX, never renewed, released by a compare and delete.
const BY_HAND: &str = r#"
value=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
[ "$(redis-cli -p "$1" SET "$2" "$value" NX PX 10000)" = OK ] || exit 75
true
redis-cli -p "$1" EVAL \
    'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0' \
    1 "$2" "$value"
"#;

/// From start to end, with a command that does nothing.
pub(crate) fn redis(stage: &Stage) -> Vec<Figure> {
    let server = RedisServer::start();
    let locks = stage.file("locks-beside-redis");
    std::fs::create_dir(&locks).expect("a directory");
    let files = format!("file:{}", locks.display());
    let genlock = |endpoint: &str| timed(Tool::Genlock.lock(endpoint, "bench", &["true".as_ref()]));
    let by_hand = || {
        let mut command = Command::new("sh");
        let port = server.port().to_string();
        command.args(["-c", BY_HAND, "sh", &port, "bench-by-hand"]);
        quiet(&mut command);
        timed(command)
    };
    let mut samples = [(); 3].map(|()| Sample::default());
    for _ in 0..stage.times(200) {
        samples[0].push_time(genlock(&server.endpoint()));
        samples[1].push_time(genlock(&files));
        samples[2].push_time(by_hand());
    }
    let [over_redis, in_files, script] = &samples;
    let (median, to_files) = (over_redis.median(), over_redis.median() / in_files.median());
    let figure = Figure::new("a run over Redis: `genlock run --endpoints redis:// KEY -- true`")
        .at_most(1.25, to_files, "× its run in files")
        .at_most(1.0, median / script.median(), "× redis-cli in a script")
        .bar("genlock", median, format!("{over_redis} ms"))
        .bar(
            "genlock, file:",
            in_files.median(),
            format!("{in_files} ms"),
        )
        .bar("redis-cli", script.median(), format!("{script} ms"));
    vec![figure]
}
