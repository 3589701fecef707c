//! What the sections of one lock did: each reads a number and who wrote it, and one that holds the lock
//! alone writes the next one by renaming a file, so that one that is stopped on the way has either written
//! or not.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use tempfile::TempDir;

/// `perl section DIRECTORY RUN MILLISECONDS MANNERS`. It logs `RUN TOKEN KIND NUMBER BY TIME`; of a beat
/// `BY` is the index among several holders.
const SECTION: &str = r#"
use Time::HiRes qw(clock_gettime usleep);
my ($directory, $run, $milliseconds, $manners) = @ARGV;
$SIG{TERM} = 'IGNORE' if $manners eq 'stubborn';
open my $log, '>>', "$directory/log" or die "log: $!";
sub note {
    my $words = join ' ', $run, $ENV{GENLOCK_HELD_TOKEN}, @_;
    syswrite $log, sprintf("%s %.0f\n", $words, clock_gettime(7) * 1e9);
}
my $index = $ENV{GENLOCK_HELD_INDEX} // '-';
note('beat', 0, $index);
my ($number, $by) = (0, '-');
if (open my $value, '<', "$directory/value") { ($number, $by) = split ' ', <$value> }
note('read', $number, $by);
my $until = clock_gettime(7) + $milliseconds / 1000;
while (clock_gettime(7) < $until) { usleep 10000; note('beat', 0, $index) }
exit if $run =~ /[rn]$/;
$number++;
open my $value, '>', "$directory/value.$run" or die "value: $!";
print $value "$number $run\n";
close $value or die "value: $!";
rename "$directory/value.$run", "$directory/value" or die "value: $!";
note('wrote', $number, $run);
"#;

pub(super) struct History {
    directory: TempDir,
}

/// How many may hold at a time, of those who are one of several.
pub(super) const HOLDERS: u32 = 2;

/// With whom a run holds the lock: the end of its name says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    Alone,
    /// With others that only read.
    Reads,
    /// With others up to [`HOLDERS`].
    OneOfSeveral,
}

impl Sharing {
    pub(super) const ALL: [Self; 3] = [Self::Alone, Self::Reads, Self::OneOfSeveral];

    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Alone => "",
            Self::Reads => "r",
            Self::OneOfSeveral => "n",
        }
    }

    pub(super) fn options(self) -> Vec<String> {
        match self {
            Self::Alone => vec![],
            Self::Reads => vec!["--shared".to_owned()],
            Self::OneOfSeveral => vec!["--max-holders".to_owned(), HOLDERS.to_string()],
        }
    }

    fn of(run: &str) -> Self {
        match run.chars().last() {
            Some('r') => Self::Reads,
            Some('n') => Self::OneOfSeveral,
            _ => Self::Alone,
        }
    }
}

/// One run's time in the lock.
pub(super) struct Section {
    run: String,
    token: u64,
    sharing: Sharing,
    /// Which of several holders it was.
    index: Option<u32>,
    first: Duration,
    last: Duration,
}

/// One line of the log.
struct Line<'a> {
    run: &'a str,
    token: u64,
    kind: &'a str,
    number: u64,
    by: &'a str,
    at: Duration,
}

impl Section {
    /// Whether both may hold at once: both read, or are different ones of several.
    fn shares_with(&self, other: &Self) -> bool {
        self.sharing == other.sharing
            && match self.sharing {
                Sharing::Alone => false,
                Sharing::Reads => true,
                Sharing::OneOfSeveral => self.index != other.index,
            }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (token {})", self.run, self.token)
    }
}

impl History {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("section"), SECTION).expect("a script");
        fs::write(directory.path().join("log"), "").expect("a log");
        Self { directory }
    }

    /// The command of a section of this run.
    pub(super) fn section(&self, run: &str, time: Duration, manners: &str) -> Vec<String> {
        let directory = self.directory.path().display();
        let (script, time) = (format!("{directory}/section"), time.as_millis());
        [
            "perl",
            &script,
            &directory.to_string(),
            run,
            &time.to_string(),
            manners,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// The run that wrote last: most likely it holds the lock.
    pub(super) fn last_run(&self) -> Option<String> {
        let mut log = File::open(self.directory.path().join("log")).expect("a log");
        let length = log.metadata().expect("a log").len();
        let tail = SeekFrom::Start(length.saturating_sub(500));
        log.seek(tail).expect("a log");
        let mut text = String::new();
        log.read_to_string(&mut text).expect("a log");
        Some(text.lines().last()?.split(' ').next()?.to_owned())
    }

    /// In the order of their starts.
    pub(super) fn sections(&self) -> Vec<Section> {
        sections(&self.text())
    }

    /// What must not be. The completed runs ended with success.
    pub(super) fn faults(&self, completed: &[String]) -> Vec<String> {
        faults(&self.text(), completed)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).expect("a log")
    }
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().map(|line| {
        let words: Vec<_> = line.split(' ').collect();
        let [run, token, kind, number, by, at] = words[..] else {
            panic!("{line:?} in the log");
        };
        Line {
            run,
            token: token.parse().expect("a token"),
            kind,
            number: number.parse().expect("a number"),
            by,
            at: Duration::from_nanos(at.parse().expect("nanoseconds")),
        }
    })
}

fn sections(text: &str) -> Vec<Section> {
    let mut found: HashMap<&str, Section> = HashMap::new();
    for line in lines(text) {
        let section = found.entry(line.run).or_insert_with(|| Section {
            run: line.run.to_owned(),
            token: line.token,
            sharing: Sharing::of(line.run),
            index: None,
            first: line.at,
            last: line.at,
        });
        if line.kind == "beat" {
            section.index = section.index.or(line.by.parse().ok());
        }
        section.last = section.last.max(line.at);
    }
    let mut sections: Vec<_> = found.into_values().collect();
    sections.sort_by_key(|section| section.first);
    sections
}

fn faults(text: &str, completed: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let sections = sections(text);
    for (at, section) in sections.iter().enumerate() {
        if section.sharing == Sharing::OneOfSeveral && section.index.is_none_or(|at| at >= HOLDERS)
        {
            faults.push(format!("{section} has the index {:?}", section.index));
        }
        for later in &sections[at + 1..] {
            if section.shares_with(later) {
                continue;
            }
            if section.last >= later.first {
                let overlap = section.last.min(later.last) - later.first;
                faults.push(format!("{section} and {later} overlap by {overlap:?}"));
            }
            // Of several who may hold at once a later one can be quicker to start.
            let in_order = section.sharing != later.sharing || section.sharing == Sharing::Alone;
            if in_order && section.token >= later.token {
                faults.push(format!("{section} came before {later}"));
            }
        }
    }
    // Who wrote a number says so, and who reads it says the same.
    let mut writers: HashMap<u64, &str> = HashMap::new();
    let mut wrote = HashSet::new();
    for line in lines(text).filter(|line| line.number > 0) {
        let writer = *writers.entry(line.number).or_insert(line.by);
        if writer != line.by {
            faults.push(format!(
                "{} of {writer} or of {} is lost",
                line.number, line.by
            ));
        }
        if line.kind == "wrote" {
            wrote.insert(line.run);
        }
    }
    let highest = writers.keys().max().copied().unwrap_or(0);
    if highest != writers.len() as u64 {
        faults.push(format!("{} of {highest} numbers", writers.len()));
    }
    let alone = completed.iter();
    let alone = alone.filter(|run| Sharing::of(run) == Sharing::Alone);
    for run in alone.filter(|run| !wrote.contains(&***run)) {
        faults.push(format!("{run} ended well and wrote nothing"));
    }
    faults
}

#[test]
fn the_history_shows_what_must_not_be() {
    let good = "a 1 read 0 - 10\na 1 wrote 1 a 20\nb 2 read 1 a 30\nb 2 wrote 2 b 40\n";
    assert_eq!(faults(good, &["b".to_owned()]), [""; 0]);
    // It was stopped after it had written, and before it had said so.
    let stopped = "a 1 read 0 - 10\nb 2 read 1 a 30\nb 2 wrote 2 b 40\n";
    assert_eq!(faults(stopped, &[]), [""; 0]);
    let silent = faults(stopped, &["a".to_owned()]);
    assert_eq!(silent, ["a ended well and wrote nothing"]);
    let lost = "a 1 read 0 - 10\na 1 wrote 1 a 20\nb 2 read 0 - 30\nb 2 wrote 1 b 40\n";
    assert_eq!(faults(lost, &[]), ["1 of a or of b is lost"]);
    // The file goes on from what another had written over.
    let late = "a 1 read 0 - 10\na 1 wrote 1 a 20\nc 3 read 1 b 30\n";
    assert_eq!(faults(late, &[]), ["1 of a or of b is lost"]);
    let both = faults(
        "a 1 read 0 - 10\nb 2 read 0 - 20\nb 2 beat 0 - 40\na 1 beat 0 - 30\n",
        &[],
    );
    assert_eq!(both, ["a (token 1) and b (token 2) overlap by 10ns"]);
    let tokens = faults("a 2 read 0 - 10\nb 2 read 0 - 20\n", &[]);
    assert_eq!(tokens, ["a (token 2) came before b (token 2)"]);
    let readers = "ar 1 beat 0 - 10\nbr 2 beat 0 - 20\nar 1 beat 0 - 30\n";
    assert_eq!(faults(readers, &["ar".to_owned()]), [""; 0]);
    let writer = faults("ar 1 beat 0 - 10\nb 2 beat 0 - 20\nar 1 beat 0 - 30\n", &[]);
    assert_eq!(writer, ["ar (token 1) and b (token 2) overlap by 0ns"]);
    let two = "an 1 beat 0 0 10\nbn 2 beat 0 1 20\nan 1 beat 0 0 30\nbn 2 beat 0 1 40\n";
    assert_eq!(faults(two, &[]), [""; 0]);
    let third = faults(&format!("{two}cn 3 beat 0 0 25\n"), &[]);
    assert_eq!(third, ["an (token 1) and cn (token 3) overlap by 0ns"]);
    let none = faults("an 1 beat 0 2 10\n", &[]);
    assert_eq!(none, ["an (token 1) has the index Some(2)"]);
}
