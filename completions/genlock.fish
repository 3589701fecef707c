# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_genlock_global_optspecs
    string join \n h/help V/version
end

function __fish_genlock_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_genlock_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_genlock_using_subcommand
    set -l cmd (__fish_genlock_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c genlock -n "__fish_genlock_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_needs_command" -s V -l version -d 'Print version'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "run" -d 'Take the lock KEY, run COMMAND, release the lock'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "status" -d 'Show who holds the lock KEY, and who waits for it'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "ls" -d 'List the locks that are held or waited for, a line each'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "watch" -d 'Tell what happens to the locks, a line each, until interrupted'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "wait" -d 'Wait until nobody holds the lock KEY or waits for it. Takes nothing'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "check" -d 'In a command that genlock runs: ask whether the lock is still held for it'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "acquire" -d 'Take the lock KEY, and keep it for the steps that follow'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "renew" -d 'Hold the lock that genlock acquire has left in the environment for longer'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "release" -d 'Let go of the lock that genlock acquire has left in the environment'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "break" -d 'Take the lock KEY away from the holder that has exactly this token'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "forget" -d 'Delete the mark that NAME was done under the lock KEY, so that it is done again'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "history" -d 'Show the last runs under the lock KEY, the newest last'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "doctor" -d 'Say what works, what does not, and what mends it'
complete -c genlock -n "__fish_genlock_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -s w -l wait -d 'Wait this long at most, then exit with 75' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -s E -l conflict-exit-code -d 'The status when it was not acquired, not 75' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l max-holders -d 'At most N hold it at a time, who all say this N' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l also -d 'The lock of this KEY too, all at once or none; several, if given again' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l queue -d 'Who goes first' -r -f -a "fifo\t'First come, first served'
latest\t'Newer ones send older ones away'"
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l ttl -d 'How long the store keeps it without us' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -s k -l kill-after -d 'From SIGTERM to SIGKILL when the command is stopped' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l max-runtime -d 'Stop the command after this time; exit with 124' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l lost-exit-code -d 'The status when the lock was lost and the command stopped; never 0' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l min-hold -d 'Hold the lock for at least so long, counted from when it was acquired' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l jitter -d 'Ask for the lock up to so much later, at most a day' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l once -d 'Skip, with 0, if a run has done NAME' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l once-per -d 'Skip, with 0, if done for this 15m, 1h, day, …' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l retry-interval -d 'The pause between attempts where a store must be polled, and before a reconnect' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l record-command -d 'What of the command others see in the holder\'s record' -r -f -a "full\t''
name\t''
none\t''"
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l history -d 'Keep the last N runs in the store, for genlock history' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l reason -d 'Why, for all who look who holds the lock' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l label -d 'A label in the holder\'s record; several, if given again' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l report -d 'Write how the run ended to FILE, as JSON' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l events -d 'Write what happens to FILE, as lines of JSON' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l metrics-file -d 'Keep metrics of KEY in FILE, for Prometheus\' textfile collector' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -s n -l try -d 'Do not wait: exit with 75 if another holds it'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -s s -l shared -d 'Share it with all that say so too, as flock -s'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -s x -l exclusive -d 'Hold it alone, which is the default, as flock -x'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l leave-descendants -d 'Leave the processes that the command leaves behind: for one that starts a daemon on purpose'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l at-most-once -d 'Mark it when the command starts, however that ends'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l again -d 'Run although it is done'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l no-renew -d 'Do not renew the lock: it, and with it the command, ends at the TTL'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l no-record-command -d 'What --record-command none was called first'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l no-ci-label -d 'No label ci by itself, which is a link to the CI job that genlock runs in'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -s q -l quiet -d 'Say nothing of waiting, nor who holds the lock'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -s v -l verbose -d 'Say what happens; twice: renewals too'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l held -d 'Run COMMAND under the lock that is held around it: no KEY, no option of the lock'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand status" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand status" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand status" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand status" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand status" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand status" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand status" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand status" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand status" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand status" -l json -d 'One JSON object'
complete -c genlock -n "__fish_genlock_using_subcommand status" -s q -l quiet -d 'Print nothing; the status tells'
complete -c genlock -n "__fish_genlock_using_subcommand status" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l sort -d 'What comes first' -r -f -a "key\t''
held\t''
waiting\t''
token\t''"
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l json -d 'One JSON array'
complete -c genlock -n "__fish_genlock_using_subcommand ls" -s k -l keys -d 'Only the keys, a line each'
complete -c genlock -n "__fish_genlock_using_subcommand ls" -s r -l reverse -d 'The other way round'
complete -c genlock -n "__fish_genlock_using_subcommand ls" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l json -d 'One JSON object a line'
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l exact -d 'PREFIX is the key of one lock, and no other is told of'
complete -c genlock -n "__fish_genlock_using_subcommand watch" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand wait" -s w -l wait -d 'Wait this long at most, then exit with 75' -r
complete -c genlock -n "__fish_genlock_using_subcommand wait" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand wait" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand wait" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand wait" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand wait" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand wait" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand wait" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand wait" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand wait" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand wait" -s q -l quiet -d 'Say nothing when the time is over'
complete -c genlock -n "__fish_genlock_using_subcommand wait" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand wait" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand check" -l at-least -d 'Exit with 75 if less than this is left' -r
complete -c genlock -n "__fish_genlock_using_subcommand check" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand check" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand check" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand check" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand check" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand check" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand check" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand check" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand check" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand check" -l json -d 'One JSON object'
complete -c genlock -n "__fish_genlock_using_subcommand check" -s q -l quiet -d 'Print nothing; the status tells'
complete -c genlock -n "__fish_genlock_using_subcommand check" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -s w -l wait -d 'Wait this long at most, then exit with 75' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -s E -l conflict-exit-code -d 'The status when it was not acquired, not 75' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l max-holders -d 'At most N hold it at a time, who all say this N' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l also -d 'The lock of this KEY too, all at once or none; several, if given again' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l queue -d 'Who goes first' -r -f -a "fifo\t'First come, first served'
latest\t'Newer ones send older ones away'"
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l ttl -d 'How long the store keeps it without us' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l pid -d 'Hold it while this process lives' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l for -d 'Hold it for so long at most' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l history -d 'Keep the last N runs in the store, for genlock history' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l reason -d 'Why, for all who look who holds the lock' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l label -d 'A label in the holder\'s record; several, if given again' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l report -d 'Write how the run ended to FILE, as JSON' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l events -d 'Write what happens to FILE, as lines of JSON' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l metrics-file -d 'Keep metrics of KEY in FILE, for Prometheus\' textfile collector' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -s n -l try -d 'Do not wait: exit with 75 if another holds it'
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -s s -l shared -d 'Share it with all that say so too, as flock -s'
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -s x -l exclusive -d 'Hold it alone, which is the default, as flock -x'
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l foreground -d 'Stay in front, and keep the lock until a signal comes'
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l export -d 'Print lines that a shell evaluates'
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l json -d 'Print one JSON object'
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l no-ci-label -d 'No label ci by itself, which is a link to the CI job that genlock runs in'
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -s q -l quiet -d 'Say nothing of waiting, nor who holds the lock'
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -s v -l verbose -d 'Say what happens; twice: renewals too'
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand renew" -l for -d 'Hold it for so long from now' -r
complete -c genlock -n "__fish_genlock_using_subcommand renew" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand renew" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand renew" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand renew" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand renew" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand renew" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand renew" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand renew" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand renew" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand renew" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand renew" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand release" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand release" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand release" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand release" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand release" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand release" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand release" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand release" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand release" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand release" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand release" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand break" -l token -d 'The fencing token of the one to hit' -r
complete -c genlock -n "__fish_genlock_using_subcommand break" -s w -l wait -d 'How long to wait for the holder to let go' -r
complete -c genlock -n "__fish_genlock_using_subcommand break" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand break" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand break" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand break" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand break" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand break" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand break" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand break" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand break" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand break" -l force -d 'Do not leave it to the holder'
complete -c genlock -n "__fish_genlock_using_subcommand break" -l waiters -d 'Clear the queue of those who are not heard of any more'
complete -c genlock -n "__fish_genlock_using_subcommand break" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand break" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand forget" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand forget" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand forget" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand forget" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand forget" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand forget" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand forget" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand forget" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand forget" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand forget" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand forget" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand history" -l svg -d 'Draw into FILE who waited and who held when' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand history" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand history" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand history" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand history" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand history" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand history" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand history" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand history" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand history" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand history" -l json -d 'One JSON array'
complete -c genlock -n "__fish_genlock_using_subcommand history" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l ttl -d 'How long the store keeps it without us' -r
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l endpoints -d 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one\'s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379' -r
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l cacert -d 'The authority that signed the servers\' certificates, PEM. Default: the system\'s' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l cert -d 'Our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l key -d 'The key of our certificate, PEM' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l user -d 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD' -r
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l password-file -d 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root\'s or another user\'s also by its group' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l dial-timeout -d 'How long to try to reach the store, if it gives no sign of life. Default: 2s' -r
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l command-timeout -d 'How long one request to the store may take. Default: 5s' -r
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l config -d 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml' -r -F
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -s k -l kill-after -d 'From SIGTERM to SIGKILL when the command is stopped' -r
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l json -d 'One JSON object'
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -s v -l verbose -d 'All settings, also those that nobody has set'
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -l insecure-skip-tls-verify -d 'Do not check who the server is. Anyone on the way can then take its place'
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "run" -d 'Take the lock KEY, run COMMAND, release the lock'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "status" -d 'Show who holds the lock KEY, and who waits for it'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "ls" -d 'List the locks that are held or waited for, a line each'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "watch" -d 'Tell what happens to the locks, a line each, until interrupted'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "wait" -d 'Wait until nobody holds the lock KEY or waits for it. Takes nothing'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "check" -d 'In a command that genlock runs: ask whether the lock is still held for it'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "acquire" -d 'Take the lock KEY, and keep it for the steps that follow'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "renew" -d 'Hold the lock that genlock acquire has left in the environment for longer'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "release" -d 'Let go of the lock that genlock acquire has left in the environment'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "break" -d 'Take the lock KEY away from the holder that has exactly this token'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "forget" -d 'Delete the mark that NAME was done under the lock KEY, so that it is done again'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "history" -d 'Show the last runs under the lock KEY, the newest last'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "doctor" -d 'Say what works, what does not, and what mends it'
complete -c genlock -n "__fish_genlock_using_subcommand help; and test (count (commandline -opc)) -eq 2" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c genlock -n "__fish_genlock_using_subcommand run; and not __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -f -a "(__fish_genlock_keys)"
complete -c genlock -n "__fish_genlock_using_subcommand run; and __fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config >/dev/null" -f -a "(__fish_genlock_complete_command (__fish_genlock_command 1 -w --wait -E --conflict-exit-code --max-holders --also --queue --ttl -k --kill-after --max-runtime --lost-exit-code --min-hold --jitter --once --once-per --retry-interval --record-command --history --reason --label --report --events --metrics-file --endpoints --cacert --cert --key --user --password-file --dial-timeout --command-timeout --config))"
complete -c genlock -n "__fish_genlock_using_subcommand status" -f -a "(__fish_genlock_keys)"
complete -c genlock -n "__fish_genlock_using_subcommand ls" -f -a "(__fish_genlock_keys)"
complete -c genlock -n "__fish_genlock_using_subcommand watch" -f -a "(__fish_genlock_keys)"
complete -c genlock -n "__fish_genlock_using_subcommand wait" -f -a "(__fish_genlock_keys)"
complete -c genlock -n "__fish_genlock_using_subcommand check" -f
complete -c genlock -n "__fish_genlock_using_subcommand acquire" -f -a "(__fish_genlock_keys)"
complete -c genlock -n "__fish_genlock_using_subcommand renew" -f
complete -c genlock -n "__fish_genlock_using_subcommand release" -f
complete -c genlock -n "__fish_genlock_using_subcommand break" -f -a "(__fish_genlock_keys)"
complete -c genlock -n "__fish_genlock_using_subcommand forget" -f -a "(__fish_genlock_keys)"
complete -c genlock -n "__fish_genlock_using_subcommand history" -f -a "(__fish_genlock_keys)"
complete -c genlock -n "__fish_genlock_using_subcommand doctor" -f -a "(__fish_genlock_keys)"

# Prints the command that a verb runs, as far as it stands before the cursor's word; fails if the
# cursor is not in it. The first argument is how many arguments stand before the command, the
# others are the options that take the word behind them.
function __fish_genlock_command
    set -l before $argv[1]
    set -l valued $argv[2..-1]
    set -l skip
    set -l dashes
    set -l words (commandline -opc)
    # `genlock` and the verb.
    set -e words[1..2]
    while set -q words[1]
        if set -q skip[1]
            set -e skip[1]
        else if not set -q dashes[1]; and string match -q -- -- $words[1]
            set dashes yes
        else if not set -q dashes[1]; and string match -q -- '-*' $words[1]
            contains -- $words[1] $valued
            and set skip yes
        else if test $before -gt 0
            set before (math $before - 1)
        else
            printf '%s\n' $words
            return 0
        end
        set -e words[1]
    end
    test $before -eq 0
    and not set -q skip[1]
    and begin
        set -q dashes[1]
        or not string match -q -- '-*' (commandline -ct)
    end
end

# Completes these words, and the cursor's, as a line of their own.
function __fish_genlock_complete_command
    complete -C (string join ' ' -- (string escape -- $argv) (commandline -ct))
end

# The names of locks that begin as the cursor's word does, from the store: within a tenth of a
# second or not at all.
function __fish_genlock_keys
    timeout 0.1 genlock ls --keys -- (commandline -ct) 2>/dev/null
end
