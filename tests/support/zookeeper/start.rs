//! What a ZooKeeper is started with.

use std::fs::File;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Debian's libzookeeper-java, and what it needs to run.
const JARS: [&str; 6] = [
    "zookeeper",
    "zookeeper-jute",
    "slf4j-api",
    "metrics-core",
    "netty",
    "snappy-java",
];

/// The classes of these jars, with others that are to be found.
pub(crate) fn classes(more: &[&str]) -> String {
    let jars = JARS.iter().chain(more);
    let jars = jars.map(|jar| format!("/usr/share/java/{jar}.jar"));
    jars.collect::<Vec<_>>().join(":")
}

/// Starts the server of this directory, behind this command if it is one.
pub(super) fn java(entry: &[String], dir: &TempDir) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(dir.path().join("log"));
    let log = log.expect("a log");
    let mut words = entry.iter().map(String::as_str).chain(["java"]);
    let mut command = Command::new(words.next().unwrap_or("java"));
    command.args(words);
    command
        .args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
        .args(["-Dzookeeper.forceSync=no", "-Dzookeeper.preAllocSize=1024"])
        .args([
            "-cp",
            &classes(&["slf4j-simple", "netty-codec", "netty-handler"]),
        ])
        .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
        .arg("zoo.cfg")
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log);
    command
        .spawn()
        .expect("java (Debian: default-jre-headless, libzookeeper-java)")
}
