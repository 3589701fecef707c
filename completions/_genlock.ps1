
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'genlock' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'genlock'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'genlock' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Take the lock KEY, run COMMAND, release the lock')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show who holds the lock KEY, and who waits for it')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the locks that are held or waited for, a line each')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Tell what happens to the locks, a line each, until interrupted')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until nobody holds the lock KEY or waits for it. Takes nothing')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'In a command that genlock runs: ask whether the lock is still held for it')
            [CompletionResult]::new('acquire', 'acquire', [CompletionResultType]::ParameterValue, 'Take the lock KEY, and keep it for the steps that follow')
            [CompletionResult]::new('renew', 'renew', [CompletionResultType]::ParameterValue, 'Hold the lock that genlock acquire has left in the environment for longer')
            [CompletionResult]::new('release', 'release', [CompletionResultType]::ParameterValue, 'Let go of the lock that genlock acquire has left in the environment')
            [CompletionResult]::new('break', 'break', [CompletionResultType]::ParameterValue, 'Take the lock KEY away from the holder that has exactly this token')
            [CompletionResult]::new('forget', 'forget', [CompletionResultType]::ParameterValue, 'Delete the mark that NAME was done under the lock KEY, so that it is done again')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Show the last runs under the lock KEY, the newest last')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Say what works, what does not, and what mends it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'genlock;run' {
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Wait this long at most, then exit with 75')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait this long at most, then exit with 75')
            [CompletionResult]::new('-E', '-E ', [CompletionResultType]::ParameterName, 'The status when it was not acquired, not 75')
            [CompletionResult]::new('--conflict-exit-code', '--conflict-exit-code', [CompletionResultType]::ParameterName, 'The status when it was not acquired, not 75')
            [CompletionResult]::new('--max-holders', '--max-holders', [CompletionResultType]::ParameterName, 'At most N hold it at a time, who all say this N')
            [CompletionResult]::new('--also', '--also', [CompletionResultType]::ParameterName, 'The lock of this KEY too, all at once or none; several, if given again')
            [CompletionResult]::new('--queue', '--queue', [CompletionResultType]::ParameterName, 'Who goes first')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long the store keeps it without us')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'From SIGTERM to SIGKILL when the command is stopped')
            [CompletionResult]::new('--kill-after', '--kill-after', [CompletionResultType]::ParameterName, 'From SIGTERM to SIGKILL when the command is stopped')
            [CompletionResult]::new('--max-runtime', '--max-runtime', [CompletionResultType]::ParameterName, 'Stop the command after this time; exit with 124')
            [CompletionResult]::new('--lost-exit-code', '--lost-exit-code', [CompletionResultType]::ParameterName, 'The status when the lock was lost and the command stopped; never 0')
            [CompletionResult]::new('--min-hold', '--min-hold', [CompletionResultType]::ParameterName, 'Hold the lock for at least so long, counted from when it was acquired')
            [CompletionResult]::new('--jitter', '--jitter', [CompletionResultType]::ParameterName, 'Ask for the lock up to so much later, at most a day')
            [CompletionResult]::new('--once', '--once', [CompletionResultType]::ParameterName, 'Skip, with 0, if a run has done NAME')
            [CompletionResult]::new('--once-per', '--once-per', [CompletionResultType]::ParameterName, 'Skip, with 0, if done for this 15m, 1h, day, …')
            [CompletionResult]::new('--retry-interval', '--retry-interval', [CompletionResultType]::ParameterName, 'The pause between attempts where a store must be polled, and before a reconnect')
            [CompletionResult]::new('--record-command', '--record-command', [CompletionResultType]::ParameterName, 'What of the command others see in the holder''s record')
            [CompletionResult]::new('--history', '--history', [CompletionResultType]::ParameterName, 'Keep the last N runs in the store, for genlock history')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why, for all who look who holds the lock')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'A label in the holder''s record; several, if given again')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write how the run ended to FILE, as JSON')
            [CompletionResult]::new('--events', '--events', [CompletionResultType]::ParameterName, 'Write what happens to FILE, as lines of JSON')
            [CompletionResult]::new('--metrics-file', '--metrics-file', [CompletionResultType]::ParameterName, 'Keep metrics of KEY in FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Do not wait: exit with 75 if another holds it')
            [CompletionResult]::new('--try', '--try', [CompletionResultType]::ParameterName, 'Do not wait: exit with 75 if another holds it')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Share it with all that say so too, as flock -s')
            [CompletionResult]::new('--shared', '--shared', [CompletionResultType]::ParameterName, 'Share it with all that say so too, as flock -s')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Hold it alone, which is the default, as flock -x')
            [CompletionResult]::new('--exclusive', '--exclusive', [CompletionResultType]::ParameterName, 'Hold it alone, which is the default, as flock -x')
            [CompletionResult]::new('--leave-descendants', '--leave-descendants', [CompletionResultType]::ParameterName, 'Leave the processes that the command leaves behind: for one that starts a daemon on purpose')
            [CompletionResult]::new('--at-most-once', '--at-most-once', [CompletionResultType]::ParameterName, 'Mark it when the command starts, however that ends')
            [CompletionResult]::new('--again', '--again', [CompletionResultType]::ParameterName, 'Run although it is done')
            [CompletionResult]::new('--no-renew', '--no-renew', [CompletionResultType]::ParameterName, 'Do not renew the lock: it, and with it the command, ends at the TTL')
            [CompletionResult]::new('--no-record-command', '--no-record-command', [CompletionResultType]::ParameterName, 'What --record-command none was called first')
            [CompletionResult]::new('--no-ci-label', '--no-ci-label', [CompletionResultType]::ParameterName, 'No label ci by itself, which is a link to the CI job that genlock runs in')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing of waiting, nor who holds the lock')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing of waiting, nor who holds the lock')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what happens; twice: renewals too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what happens; twice: renewals too')
            [CompletionResult]::new('--held', '--held', [CompletionResultType]::ParameterName, 'Run COMMAND under the lock that is held around it: no KEY, no option of the lock')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;status' {
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing; the status tells')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing; the status tells')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;ls' {
            [CompletionResult]::new('--sort', '--sort', [CompletionResultType]::ParameterName, 'What comes first')
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON array')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'Only the keys, a line each')
            [CompletionResult]::new('--keys', '--keys', [CompletionResultType]::ParameterName, 'Only the keys, a line each')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'The other way round')
            [CompletionResult]::new('--reverse', '--reverse', [CompletionResultType]::ParameterName, 'The other way round')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;watch' {
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object a line')
            [CompletionResult]::new('--exact', '--exact', [CompletionResultType]::ParameterName, 'PREFIX is the key of one lock, and no other is told of')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;wait' {
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Wait this long at most, then exit with 75')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait this long at most, then exit with 75')
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing when the time is over')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing when the time is over')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;check' {
            [CompletionResult]::new('--at-least', '--at-least', [CompletionResultType]::ParameterName, 'Exit with 75 if less than this is left')
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print nothing; the status tells')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print nothing; the status tells')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;acquire' {
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Wait this long at most, then exit with 75')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait this long at most, then exit with 75')
            [CompletionResult]::new('-E', '-E ', [CompletionResultType]::ParameterName, 'The status when it was not acquired, not 75')
            [CompletionResult]::new('--conflict-exit-code', '--conflict-exit-code', [CompletionResultType]::ParameterName, 'The status when it was not acquired, not 75')
            [CompletionResult]::new('--max-holders', '--max-holders', [CompletionResultType]::ParameterName, 'At most N hold it at a time, who all say this N')
            [CompletionResult]::new('--also', '--also', [CompletionResultType]::ParameterName, 'The lock of this KEY too, all at once or none; several, if given again')
            [CompletionResult]::new('--queue', '--queue', [CompletionResultType]::ParameterName, 'Who goes first')
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long the store keeps it without us')
            [CompletionResult]::new('--pid', '--pid', [CompletionResultType]::ParameterName, 'Hold it while this process lives')
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Hold it for so long at most')
            [CompletionResult]::new('--history', '--history', [CompletionResultType]::ParameterName, 'Keep the last N runs in the store, for genlock history')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Why, for all who look who holds the lock')
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'A label in the holder''s record; several, if given again')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Write how the run ended to FILE, as JSON')
            [CompletionResult]::new('--events', '--events', [CompletionResultType]::ParameterName, 'Write what happens to FILE, as lines of JSON')
            [CompletionResult]::new('--metrics-file', '--metrics-file', [CompletionResultType]::ParameterName, 'Keep metrics of KEY in FILE, for Prometheus'' textfile collector')
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Do not wait: exit with 75 if another holds it')
            [CompletionResult]::new('--try', '--try', [CompletionResultType]::ParameterName, 'Do not wait: exit with 75 if another holds it')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Share it with all that say so too, as flock -s')
            [CompletionResult]::new('--shared', '--shared', [CompletionResultType]::ParameterName, 'Share it with all that say so too, as flock -s')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Hold it alone, which is the default, as flock -x')
            [CompletionResult]::new('--exclusive', '--exclusive', [CompletionResultType]::ParameterName, 'Hold it alone, which is the default, as flock -x')
            [CompletionResult]::new('--foreground', '--foreground', [CompletionResultType]::ParameterName, 'Stay in front, and keep the lock until a signal comes')
            [CompletionResult]::new('--export', '--export', [CompletionResultType]::ParameterName, 'Print lines that a shell evaluates')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object')
            [CompletionResult]::new('--no-ci-label', '--no-ci-label', [CompletionResultType]::ParameterName, 'No label ci by itself, which is a link to the CI job that genlock runs in')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing of waiting, nor who holds the lock')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing of waiting, nor who holds the lock')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Say what happens; twice: renewals too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Say what happens; twice: renewals too')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;renew' {
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Hold it for so long from now')
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;release' {
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;break' {
            [CompletionResult]::new('--token', '--token', [CompletionResultType]::ParameterName, 'The fencing token of the one to hit')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'How long to wait for the holder to let go')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'How long to wait for the holder to let go')
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Do not leave it to the holder')
            [CompletionResult]::new('--waiters', '--waiters', [CompletionResultType]::ParameterName, 'Clear the queue of those who are not heard of any more')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;forget' {
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;history' {
            [CompletionResult]::new('--svg', '--svg', [CompletionResultType]::ParameterName, 'Draw into FILE who waited and who held when')
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON array')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;doctor' {
            [CompletionResult]::new('--ttl', '--ttl', [CompletionResultType]::ParameterName, 'How long the store keeps it without us')
            [CompletionResult]::new('--endpoints', '--endpoints', [CompletionResultType]::ParameterName, 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'The authority that signed the servers'' certificates, PEM. Default: the system''s')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our certificate, PEM')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of our certificate, PEM')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group')
            [CompletionResult]::new('--dial-timeout', '--dial-timeout', [CompletionResultType]::ParameterName, 'How long to try to reach the store, if it gives no sign of life. Default: 2s')
            [CompletionResult]::new('--command-timeout', '--command-timeout', [CompletionResultType]::ParameterName, 'How long one request to the store may take. Default: 5s')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml')
            [CompletionResult]::new('-k', '-k', [CompletionResultType]::ParameterName, 'From SIGTERM to SIGKILL when the command is stopped')
            [CompletionResult]::new('--kill-after', '--kill-after', [CompletionResultType]::ParameterName, 'From SIGTERM to SIGKILL when the command is stopped')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'All settings, also those that nobody has set')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'All settings, also those that nobody has set')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not check who the server is. Anyone on the way can then take its place')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'genlock;help' {
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Take the lock KEY, run COMMAND, release the lock')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show who holds the lock KEY, and who waits for it')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List the locks that are held or waited for, a line each')
            [CompletionResult]::new('watch', 'watch', [CompletionResultType]::ParameterValue, 'Tell what happens to the locks, a line each, until interrupted')
            [CompletionResult]::new('wait', 'wait', [CompletionResultType]::ParameterValue, 'Wait until nobody holds the lock KEY or waits for it. Takes nothing')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'In a command that genlock runs: ask whether the lock is still held for it')
            [CompletionResult]::new('acquire', 'acquire', [CompletionResultType]::ParameterValue, 'Take the lock KEY, and keep it for the steps that follow')
            [CompletionResult]::new('renew', 'renew', [CompletionResultType]::ParameterValue, 'Hold the lock that genlock acquire has left in the environment for longer')
            [CompletionResult]::new('release', 'release', [CompletionResultType]::ParameterValue, 'Let go of the lock that genlock acquire has left in the environment')
            [CompletionResult]::new('break', 'break', [CompletionResultType]::ParameterValue, 'Take the lock KEY away from the holder that has exactly this token')
            [CompletionResult]::new('forget', 'forget', [CompletionResultType]::ParameterValue, 'Delete the mark that NAME was done under the lock KEY, so that it is done again')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Show the last runs under the lock KEY, the newest last')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Say what works, what does not, and what mends it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'genlock;help;run' {
            break
        }
        'genlock;help;status' {
            break
        }
        'genlock;help;ls' {
            break
        }
        'genlock;help;watch' {
            break
        }
        'genlock;help;wait' {
            break
        }
        'genlock;help;check' {
            break
        }
        'genlock;help;acquire' {
            break
        }
        'genlock;help;renew' {
            break
        }
        'genlock;help;release' {
            break
        }
        'genlock;help;break' {
            break
        }
        'genlock;help;forget' {
            break
        }
        'genlock;help;history' {
            break
        }
        'genlock;help;doctor' {
            break
        }
        'genlock;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
