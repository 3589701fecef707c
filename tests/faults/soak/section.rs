//! The command under the locks: it says that it lives, reads a number of each key and who wrote it, and, if
//! it holds them alone, writes the next one by renaming a file, so that one that is stopped on the way has
//! either written or not.

use std::path::Path;
use std::time::Duration;

use super::asking::{Asking, Sharing};
use super::history::{BEATS, HISTORY, LAST, VALUE};

/// `perl section DIRECTORY RUN MILLISECONDS MANNERS WRITES KEY…`. When it lived last is in a file of its
/// own, written over with each beat: an hour of beats would be too much to keep.
pub(super) const SECTION: &str = r#"
use Time::HiRes qw(clock_gettime usleep);
my ($directory, $run, $milliseconds, $manners, $writes, @keys) = @ARGV;
open my $history, '>>', "$directory/HISTORY" or die "history: $!";
open my $beats, '>', "$directory/BEATS/$run" or die "beats: $!";
sub beat {
    sysseek $beats, 0, 0;
    syswrite $beats, sprintf("%.6f\n", clock_gettime(7));
}
sub note {
    my ($event, $fields) = @_;
    my $wall = clock_gettime(0);
    my ($s, $m, $h, $day, $month, $year) = gmtime $wall;
    my $at = sprintf '%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', $year + 1900, $month + 1, $day, $h, $m, $s,
        ($wall - int $wall) * 1000;
    my $boot = sprintf '%.6f', clock_gettime(7);
    syswrite $history, qq({"by":"section","event":"$event","run":"$run",)
        . qq("boottime_seconds":$boot,"at":"$at"$fields}\n);
}
sub place { my $key = shift; $key =~ s{/}{_}g; "$directory/$key" }
$SIG{TERM} = sub {
    note('told', '');
    return if $manners eq 'stubborn';
    $SIG{TERM} = 'DEFAULT';
    kill TERM => $$;
};
beat();
my $index = $ENV{GENLOCK_HELD_INDEX} // 'null';
note('began', qq(,"token":$ENV{GENLOCK_HELD_TOKEN},"index":$index));
my %number;
for my $key (@keys) {
    my ($number, $by) = (0, '');
    if (open my $value, '<', place($key) . '/VALUE') { ($number, $by) = split ' ', <$value> }
    $number{$key} = $number;
    note('read', qq(,"key":"$key","number":$number,"writer":"$by"));
    if (open my $last, '>', place($key) . '/LAST') { print $last "$run\n" }
}
my $until = clock_gettime(7) + $milliseconds / 1000;
while (clock_gettime(7) < $until) { usleep 10000; beat() }
for my $key ($writes ? @keys : ()) {
    my ($number, $new) = ($number{$key} + 1, place($key) . "/new.$run");
    open my $value, '>', $new or die "value: $!";
    print $value "$number $run\n";
    close $value or die "value: $!";
    beat();
    rename $new, place($key) . '/VALUE' or die "value: $!";
    note('wrote', qq(,"key":"$key","number":$number,"writer":"$run"));
}
beat();
note('done', '');
"#;

/// The script, with the names of the files.
pub(super) fn script() -> String {
    let names = [
        ("HISTORY", HISTORY),
        ("BEATS", BEATS),
        ("VALUE", VALUE),
        ("LAST", LAST),
    ];
    let mut script = SECTION.to_owned();
    for (placeholder, name) in names {
        script = script.replace(placeholder, name);
    }
    script
}

/// What runs under the locks of this run.
pub(super) fn command(
    directory: &Path,
    run: &str,
    asking: &Asking,
    time: Duration,
    manners: &str,
) -> Vec<String> {
    let writes = asking.sharing == Sharing::Alone;
    let mut words = vec!["perl".to_owned()];
    words.push(directory.join("section").display().to_string());
    words.push(directory.display().to_string());
    words.push(run.to_owned());
    words.push(time.as_millis().to_string());
    words.push(manners.to_owned());
    words.push(u8::from(writes).to_string());
    words.extend(asking.keys.iter().cloned());
    words
}
