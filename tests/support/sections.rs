//! A log of critical sections, and its check: no two at once, and fencing tokens in their order.
//!
//! Every command of a test writes its beats into one file, a line each, for as long as it lives:
//! `RUN TOKEN KIND NANOSECONDS`, on `CLOCK_BOOTTIME`. What several processes of one run write is
//! one section.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A command of its own: `perl beats RUN MILLISECONDS MANNERS`. With 0 milliseconds it beats until
/// it is stopped; told SIGTERM it ends, unless its manners are `stubborn`.
const BEATS: &str = r#"
use Time::HiRes qw(clock_gettime usleep);
my ($run, $milliseconds, $manners) = @ARGV;
my $token = $ENV{GENLOCK_HELD_TOKEN} // 0;
open my $log, '>>', "$0.log" or die "$0.log: $!";
sub now { clock_gettime(7) }
sub note { syswrite $log, sprintf("%s %s %s %.0f\n", $run, $token, $_[0], now() * 1e9) }
# What a broken genlock forgets does not stay for ever.
$milliseconds ||= 120_000;
my $told = 0;
$SIG{TERM} = sub { $told = 1 };
$| = 1;
my $start = now();
note('start');
print "ready $$\n";
while (now() - $start < $milliseconds / 1000) {
    usleep 5000;
    # A signal that comes while a line is written is in the next one.
    my $knows = $told;
    note($knows ? 'told' : 'beat');
    last if $knows && $manners ne 'stubborn';
}
note('end');
"#;

/// How a command takes SIGTERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manners {
    /// It ends.
    Polite,
    /// It goes on, so that only SIGKILL helps.
    Stubborn,
}

/// The present moment on the log's clock.
pub(crate) fn now() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// The log of the sections of one lock.
pub(crate) struct Sections {
    beats: PathBuf,
}

/// What one run wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) run: String,
    pub(crate) token: u64,
    /// When its first and its last line were written.
    pub(crate) first: Duration,
    pub(crate) last: Duration,
    /// When it first knew of a SIGTERM.
    pub(crate) told: Option<Duration>,
}

impl Sections {
    /// A log in this directory, which has one lock's sections only.
    pub(crate) fn new(directory: &Path) -> Self {
        let beats = directory.join("beats");
        std::fs::write(&beats, BEATS).expect("a script");
        Self { beats }
    }

    /// A command that beats as `run` until it is stopped, as text for a shell.
    pub(crate) fn beats(&self, run: &str, manners: Manners) -> String {
        self.text(run, Duration::ZERO, manners)
    }

    /// The same, but it ends by itself after so long.
    pub(crate) fn beats_for(&self, run: &str, time: Duration) -> String {
        self.text(run, time, Manners::Polite)
    }

    fn text(&self, run: &str, time: Duration, manners: Manners) -> String {
        let (beats, time) = (self.beats.display(), time.as_millis());
        let manners = match manners {
            Manners::Polite => "polite",
            Manners::Stubborn => "stubborn",
        };
        format!("perl {beats} {run} {time} {manners}")
    }

    /// What was written so far, in the order of the starts.
    pub(crate) fn read(&self) -> Vec<Section> {
        let log = self.beats.with_extension("log");
        let text = std::fs::read_to_string(log).unwrap_or_default();
        of_text(&text)
    }

    /// The section of this run, which has started.
    #[track_caller]
    pub(crate) fn of(&self, run: &str) -> Section {
        let all = self.read();
        let found = all.iter().find(|section| section.run == run);
        found
            .unwrap_or_else(|| panic!("no {run} in {all:?}"))
            .clone()
    }

    /// Demands that no two overlap, that tokens increase in the order of the starts, and that
    /// there are so many sections. Says how long each hand-over took.
    #[track_caller]
    pub(crate) fn check(&self, count: usize) -> Vec<Section> {
        let sections = self.read();
        let faults = faults(&sections);
        assert!(faults.is_empty(), "{faults:#?} in {sections:#?}");
        assert_eq!(sections.len(), count, "{sections:#?}");
        for (before, after) in sections.iter().zip(sections.iter().skip(1)) {
            let took = after.first.saturating_sub(before.last);
            println!("{before} to {after}: overlap 0, hand-over {took:?}");
        }
        sections
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (token {})", self.run, self.token)
    }
}

/// By how much each two of them overlap, and whose tokens are not in the order of the starts.
pub(crate) fn faults(sections: &[Section]) -> Vec<String> {
    let mut found = Vec::new();
    for (index, before) in sections.iter().enumerate() {
        for after in &sections[index + 1..] {
            let overlap = before.last.min(after.last).checked_sub(after.first);
            if let Some(overlap) = overlap {
                found.push(format!("{before} and {after} overlap by {overlap:?}"));
            }
            if before.token >= after.token {
                found.push(format!("{before} came before {after}"));
            }
        }
    }
    found
}

fn of_text(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    // A line that was cut off has no newline.
    for line in text.split_inclusive('\n').filter(|l| l.ends_with('\n')) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [run, token, kind, at] = words[..] else {
            panic!("{line:?} in the log");
        };
        let token = token.parse().expect("a token");
        let at = Duration::from_nanos(at.parse().expect("nanoseconds"));
        let known = sections.iter_mut().find(|section| section.run == run);
        let section = match known {
            Some(section) => section,
            None => {
                sections.push(Section {
                    run: run.to_owned(),
                    token,
                    first: at,
                    last: at,
                    told: None,
                });
                sections.last_mut().expect("the new one")
            }
        };
        assert_eq!(section.token, token, "two tokens in {run}");
        section.first = section.first.min(at);
        section.last = section.last.max(at);
        if kind == "told" {
            section.told = section.told.or(Some(at));
        }
    }
    sections.sort_by_key(|section| section.first);
    sections
}

#[test]
fn the_check_finds_what_it_looks_for() {
    let at = |text: &str| faults(&of_text(text));
    let good = "a 1 start 100\na 1 end 200\nb 2 start 201\nb 2 told 300\nb 2";
    assert_eq!(at(good), [""; 0]);
    assert_eq!(of_text(good)[1].told, Some(Duration::from_nanos(300)));
    // A beat of a's after b's start, although a's main process had ended before.
    let late = at("a 1 start 100\na 1 end 200\nb 2 start 210\na 1 beat 250\nb 2 end 400\n");
    assert_eq!(late, ["a (token 1) and b (token 2) overlap by 40ns"]);
    let within = at("a 1 start 1\na 1 end 900\nb 2 start 10\nb 2 end 20\nc 3 start 30\n");
    assert_eq!(within.len(), 2, "{within:?}");
    let tokens = at("a 2 start 1\na 2 end 2\nb 2 start 3\n");
    assert_eq!(tokens, ["a (token 2) came before b (token 2)"]);
}
