
use builtin;
use str;

set edit:completion:arg-completer[genlock] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'genlock'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'genlock'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand run 'Take the lock KEY, run COMMAND, release the lock'
            cand status 'Show who holds the lock KEY, and who waits for it'
            cand ls 'List the locks that are held or waited for, a line each'
            cand watch 'Tell what happens to the locks, a line each, until interrupted'
            cand wait 'Wait until nobody holds the lock KEY or waits for it. Takes nothing'
            cand check 'In a command that genlock runs: ask whether the lock is still held for it'
            cand acquire 'Take the lock KEY, and keep it for the steps that follow'
            cand renew 'Hold the lock that genlock acquire has left in the environment for longer'
            cand release 'Let go of the lock that genlock acquire has left in the environment'
            cand break 'Take the lock KEY away from the holder that has exactly this token'
            cand forget 'Delete the mark that NAME was done under the lock KEY, so that it is done again'
            cand history 'Show the last runs under the lock KEY, the newest last'
            cand doctor 'Say what works, what does not, and what mends it'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'genlock;run'= {
            cand -w 'Wait this long at most, then exit with 75'
            cand --wait 'Wait this long at most, then exit with 75'
            cand -E 'The status when it was not acquired, not 75'
            cand --conflict-exit-code 'The status when it was not acquired, not 75'
            cand --max-holders 'At most N hold it at a time, who all say this N'
            cand --also 'The lock of this KEY too, all at once or none; several, if given again'
            cand --queue 'Who goes first'
            cand --ttl 'How long the store keeps it without us'
            cand -k 'From SIGTERM to SIGKILL when the command is stopped'
            cand --kill-after 'From SIGTERM to SIGKILL when the command is stopped'
            cand --max-runtime 'Stop the command after this time; exit with 124'
            cand --lost-exit-code 'The status when the lock was lost and the command stopped; never 0'
            cand --min-hold 'Hold the lock for at least so long, counted from when it was acquired'
            cand --jitter 'Ask for the lock up to so much later, at most a day'
            cand --once 'Skip, with 0, if a run has done NAME'
            cand --once-per 'Skip, with 0, if done for this 15m, 1h, day, …'
            cand --retry-interval 'The pause between attempts where a store must be polled, and before a reconnect'
            cand --record-command 'What of the command others see in the holder''s record'
            cand --history 'Keep the last N runs in the store, for genlock history'
            cand --reason 'Why, for all who look who holds the lock'
            cand --label 'A label in the holder''s record; several, if given again'
            cand --report 'Write how the run ended to FILE, as JSON'
            cand --events 'Write what happens to FILE, as lines of JSON'
            cand --metrics-file 'Keep metrics of KEY in FILE, for Prometheus'' textfile collector'
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand -n 'Do not wait: exit with 75 if another holds it'
            cand --try 'Do not wait: exit with 75 if another holds it'
            cand -s 'Share it with all that say so too, as flock -s'
            cand --shared 'Share it with all that say so too, as flock -s'
            cand -x 'Hold it alone, which is the default, as flock -x'
            cand --exclusive 'Hold it alone, which is the default, as flock -x'
            cand --leave-descendants 'Leave the processes that the command leaves behind: for one that starts a daemon on purpose'
            cand --at-most-once 'Mark it when the command starts, however that ends'
            cand --again 'Run although it is done'
            cand --no-renew 'Do not renew the lock: it, and with it the command, ends at the TTL'
            cand --no-record-command 'What --record-command none was called first'
            cand --no-ci-label 'No label ci by itself, which is a link to the CI job that genlock runs in'
            cand -q 'Say nothing of waiting, nor who holds the lock'
            cand --quiet 'Say nothing of waiting, nor who holds the lock'
            cand -v 'Say what happens; twice: renewals too'
            cand --verbose 'Say what happens; twice: renewals too'
            cand --held 'Run COMMAND under the lock that is held around it: no KEY, no option of the lock'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;status'= {
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand --json 'One JSON object'
            cand -q 'Print nothing; the status tells'
            cand --quiet 'Print nothing; the status tells'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;ls'= {
            cand --sort 'What comes first'
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand --json 'One JSON array'
            cand -k 'Only the keys, a line each'
            cand --keys 'Only the keys, a line each'
            cand -r 'The other way round'
            cand --reverse 'The other way round'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;watch'= {
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand --json 'One JSON object a line'
            cand --exact 'PREFIX is the key of one lock, and no other is told of'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;wait'= {
            cand -w 'Wait this long at most, then exit with 75'
            cand --wait 'Wait this long at most, then exit with 75'
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand -q 'Say nothing when the time is over'
            cand --quiet 'Say nothing when the time is over'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;check'= {
            cand --at-least 'Exit with 75 if less than this is left'
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand --json 'One JSON object'
            cand -q 'Print nothing; the status tells'
            cand --quiet 'Print nothing; the status tells'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;acquire'= {
            cand -w 'Wait this long at most, then exit with 75'
            cand --wait 'Wait this long at most, then exit with 75'
            cand -E 'The status when it was not acquired, not 75'
            cand --conflict-exit-code 'The status when it was not acquired, not 75'
            cand --max-holders 'At most N hold it at a time, who all say this N'
            cand --also 'The lock of this KEY too, all at once or none; several, if given again'
            cand --queue 'Who goes first'
            cand --ttl 'How long the store keeps it without us'
            cand --pid 'Hold it while this process lives'
            cand --for 'Hold it for so long at most'
            cand --history 'Keep the last N runs in the store, for genlock history'
            cand --reason 'Why, for all who look who holds the lock'
            cand --label 'A label in the holder''s record; several, if given again'
            cand --report 'Write how the run ended to FILE, as JSON'
            cand --events 'Write what happens to FILE, as lines of JSON'
            cand --metrics-file 'Keep metrics of KEY in FILE, for Prometheus'' textfile collector'
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand -n 'Do not wait: exit with 75 if another holds it'
            cand --try 'Do not wait: exit with 75 if another holds it'
            cand -s 'Share it with all that say so too, as flock -s'
            cand --shared 'Share it with all that say so too, as flock -s'
            cand -x 'Hold it alone, which is the default, as flock -x'
            cand --exclusive 'Hold it alone, which is the default, as flock -x'
            cand --foreground 'Stay in front, and keep the lock until a signal comes'
            cand --export 'Print lines that a shell evaluates'
            cand --json 'Print one JSON object'
            cand --no-ci-label 'No label ci by itself, which is a link to the CI job that genlock runs in'
            cand -q 'Say nothing of waiting, nor who holds the lock'
            cand --quiet 'Say nothing of waiting, nor who holds the lock'
            cand -v 'Say what happens; twice: renewals too'
            cand --verbose 'Say what happens; twice: renewals too'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;renew'= {
            cand --for 'Hold it for so long from now'
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;release'= {
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;break'= {
            cand --token 'The fencing token of the one to hit'
            cand -w 'How long to wait for the holder to let go'
            cand --wait 'How long to wait for the holder to let go'
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand --force 'Do not leave it to the holder'
            cand --waiters 'Clear the queue of those who are not heard of any more'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;forget'= {
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;history'= {
            cand --svg 'Draw into FILE who waited and who held when'
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand --json 'One JSON array'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;doctor'= {
            cand --ttl 'How long the store keeps it without us'
            cand --endpoints 'The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one''s own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379'
            cand --cacert 'The authority that signed the servers'' certificates, PEM. Default: the system''s'
            cand --cert 'Our certificate, PEM'
            cand --key 'The key of our certificate, PEM'
            cand --user 'Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD'
            cand --password-file 'The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root''s or another user''s also by its group'
            cand --dial-timeout 'How long to try to reach the store, if it gives no sign of life. Default: 2s'
            cand --command-timeout 'How long one request to the store may take. Default: 5s'
            cand --config 'The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml'
            cand -k 'From SIGTERM to SIGKILL when the command is stopped'
            cand --kill-after 'From SIGTERM to SIGKILL when the command is stopped'
            cand --json 'One JSON object'
            cand -v 'All settings, also those that nobody has set'
            cand --verbose 'All settings, also those that nobody has set'
            cand --insecure-skip-tls-verify 'Do not check who the server is. Anyone on the way can then take its place'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'genlock;help'= {
            cand run 'Take the lock KEY, run COMMAND, release the lock'
            cand status 'Show who holds the lock KEY, and who waits for it'
            cand ls 'List the locks that are held or waited for, a line each'
            cand watch 'Tell what happens to the locks, a line each, until interrupted'
            cand wait 'Wait until nobody holds the lock KEY or waits for it. Takes nothing'
            cand check 'In a command that genlock runs: ask whether the lock is still held for it'
            cand acquire 'Take the lock KEY, and keep it for the steps that follow'
            cand renew 'Hold the lock that genlock acquire has left in the environment for longer'
            cand release 'Let go of the lock that genlock acquire has left in the environment'
            cand break 'Take the lock KEY away from the holder that has exactly this token'
            cand forget 'Delete the mark that NAME was done under the lock KEY, so that it is done again'
            cand history 'Show the last runs under the lock KEY, the newest last'
            cand doctor 'Say what works, what does not, and what mends it'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'genlock;help;run'= {
        }
        &'genlock;help;status'= {
        }
        &'genlock;help;ls'= {
        }
        &'genlock;help;watch'= {
        }
        &'genlock;help;wait'= {
        }
        &'genlock;help;check'= {
        }
        &'genlock;help;acquire'= {
        }
        &'genlock;help;renew'= {
        }
        &'genlock;help;release'= {
        }
        &'genlock;help;break'= {
        }
        &'genlock;help;forget'= {
        }
        &'genlock;help;history'= {
        }
        &'genlock;help;doctor'= {
        }
        &'genlock;help;help'= {
        }
    ]
    $completions[$command]
}
