//! The tool from outside: the built `genlock`, as a user or a script meets it.

#[path = "../support/genlock/mod.rs"]
mod genlock;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/pty.rs"]
mod pty;
#[path = "../support/mod.rs"]
mod support;

/// Makes a test of each function, over files, an etcd, a Redis and a ZooKeeper.
macro_rules! over_every_store {
    ($($name:ident;)+) => {
        mod files {
            $(
                #[test]
                fn $name() {
                    super::$name(&crate::genlock::Store::files());
                }
            )+
        }
        mod etcd {
            $(
                #[test]
                fn $name() {
                    super::$name(&crate::genlock::Store::etcd());
                }
            )+
        }
        mod redis {
            $(
                #[test]
                fn $name() {
                    super::$name(&crate::genlock::Store::redis());
                }
            )+
        }
        mod zookeeper {
            $(
                #[test]
                fn $name() {
                    super::$name(&crate::genlock::Store::zookeeper());
                }
            )+
        }
    };
}

mod acquire;
mod completion;
mod config;
mod contention;
mod deadline;
mod docs;
mod doctor;
mod environment;
mod etcd;
mod events;
mod exit;
mod footprint;
mod frozen;
mod generated;
mod held;
mod history;
mod impatience;
mod inherited;
mod jitter;
mod killed;
mod labels;
mod leftovers;
mod limits;
mod manual;
mod many;
mod metrics;
mod min_hold;
mod modes;
mod nested;
mod once;
mod operator;
mod origins;
mod output;
mod overwritten;
mod own;
mod peers;
mod pid1;
mod pipeline;
mod readme;
mod refusal;
mod report;
mod sandbox;
mod secrets;
mod signals;
mod stress;
mod stuck;
mod survivors;
mod systemd;
mod terminal;
mod usage;
mod values;
mod zookeeper;
