//! The text of help about stores, made from the list of them.

use crate::stores::STORES;

/// The help of `--endpoints`.
pub(super) fn endpoints() -> String {
    let each = STORES.iter().map(|kind| kind.help.endpoints);
    let default = STORES[0].default_endpoint;
    let each = each.collect::<Vec<_>>().join("; ");
    format!("The store: {each}. Default: {default}")
}

/// The section about the stores and what each assumes.
pub(super) fn all() -> String {
    let widest = STORES.iter().map(|kind| kind.name().len()).max();
    let widest = widest.unwrap_or_default();
    let mut text = "Stores:\n".to_owned();
    for kind in STORES {
        let assumed = format!("Assumed: {}", kind.capabilities.assumption);
        let lines = kind.help.about.iter().copied().chain([&*assumed]);
        for (number, line) in lines.enumerate() {
            let label = if number == 0 { kind.name() } else { "" };
            text += &format!("  {label:<widest$}  {line}\n");
        }
    }
    text + "  A store that cannot be reached is an error: genlock never falls back to another."
}

/// The section about the command's environment.
pub(super) fn environment() -> String {
    let mut text = ENVIRONMENT.to_owned();
    for kind in STORES {
        for (name, meaning) in kind.variables {
            text += &format!("  {name:<23} {meaning} ({})\n", kind.name());
        }
    }
    text + PASSWORDS
}

const ENVIRONMENT: &str = "\
Environment of the command:
  GENLOCK_HELD_KEY        the key as it was asked for
  GENLOCK_HELD_TOKEN      the fencing token, larger than that of any earlier holder
  GENLOCK_HELD_INDEX      which of N holders it is, with --max-holders N: 0 to N - 1
  GENLOCK_HELD_KEYS       with --also: all keys, with spaces between; in a key a space,
                          % and control characters are %XX
  GENLOCK_HELD_TTL        the TTL that was granted, in seconds, where locks expire
  GENLOCK_HELD_OWNER_KEY  what stands for the holder in the store, and for no other
  GENLOCK_HELD_OWNER_KEYS the same of all locks around the command, a JSON array, outermost first
  GENLOCK_HELD_SOCKET     where the genlock that runs the command answers genlock check
  GENLOCK_HELD_ENDPOINTS  the store that keeps the lock, which genlock check asks otherwise
";

const PASSWORDS: &str = "  \
  GENLOCK_PASSWORD and the password in GENLOCK_USER are taken out of the command's environment.
  What is etcdctl's, ETCDCTL_..., stays in it.";

/// Above the options in `genlock run --help`.
pub(super) fn run_examples() -> String {
    let mut text = RUN_EXPLAINED.to_owned();
    for kind in STORES {
        let (endpoints, what) = kind.help.example;
        text += &format!("\n  genlock run --endpoints {endpoints} /locks/x ./job.sh\n      {what}");
    }
    text
}

const RUN_EXPLAINED: &str = "\
Examples:
  genlock run /locks/backup -- ./backup.sh
      wait for the lock, run, release
  genlock run --try -E 0 -q /locks/report ./report.sh
      in a crontab: skip this run, silently, if the last one still runs
  genlock run --once-per day /locks/backup ./backup.sh
      in a crontab of many hosts: whichever comes first, once a day
  genlock run --wait 10m --max-runtime 1h /locks/deploy make deploy
      in a pipeline: wait at most ten minutes, run at most an hour
  genlock run --max-holders 4 /locks/gpu ./train.sh
      four at a time; $GENLOCK_HELD_INDEX is 0 to 3
  genlock run --shared /locks/db ./backup.sh
      beside other readers; without --shared, alone
  genlock run --history 20 --report end.json /locks/backup ./backup.sh
      leave behind how it ended: for genlock history, and as JSON";

/// What `genlock doctor --json` prints.
pub(super) fn doctor_json() -> String {
    let names: Vec<_> = STORES.iter().map(|kind| kind.name()).collect();
    format!(
        "{DOCTOR_JSON}  store      {}\n{DOCTOR_FIELDS}",
        names.join(" or ")
    )
}

const DOCTOR_JSON: &str = "\
JSON:
  ok         whether nothing is wrong
  status     the exit status
";

const DOCTOR_FIELDS: &str = "  \
  assumption what locks in that store rest on
  settings   an array of: key, value (null if there is none, or it is a password), origin, kind of
             origin (option, variable, file, default)
  findings   an array of: state, topic, text, mend (or null), status (or null)
  endpoints  an array of: endpoint, reached, version and role (leader, follower, learner, none,
             observer, standalone, master), which some servers do not tell every user,
             read_seconds (an array, one for each read), certificate
  auth       whether the store has users log in, or null; user: as whom we are
  rights     prefix, read, write and lease: true, false, or null if it was not asked
  times      in seconds: ttl, renewed_every, told, killed, unnoticed
  directory  path, owner, mode, filesystem, local (true, false, or null if it is not known)
  A certificate has subject, names, issuer, from and until (RFC 3339). What is not known, or is
  not of this store, is null.";

/// Files and directories that count.
pub(super) fn files() -> String {
    let own = CONFIGURATIONS.iter();
    let all = own.chain(STORES.iter().flat_map(|kind| kind.help.files));
    let lines = all.map(|(path, what)| format!("\n  {path:<29}  {what}"));
    format!("Files:{}", lines.collect::<String>())
}

const CONFIGURATIONS: [(&str, &str); 2] = [
    ("~/.config/genlock/config.toml", "the user's configuration"),
    ("/etc/genlock/config.toml", "the host's"),
];
