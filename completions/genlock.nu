module completions {

  # Runs a command while holding a distributed lock, and stops it before anyone else can hold it
  export extern genlock [
    --help(-h)                # Print help (see more with '--help')
    --version(-V)             # Print version
  ]

  def "nu-complete genlock run queue" [] {
    [ "fifo" "latest" ]
  }

  def "nu-complete genlock run record_command" [] {
    [ "full" "name" "none" ]
  }

  # Take the lock KEY, run COMMAND, release the lock
  export extern "genlock run" [
    --try(-n)                 # Do not wait: exit with 75 if another holds it
    --wait(-w): string        # Wait this long at most, then exit with 75
    --conflict-exit-code(-E): string # The status when it was not acquired, not 75
    --shared(-s)              # Share it with all that say so too, as flock -s
    --exclusive(-x)           # Hold it alone, which is the default, as flock -x
    --max-holders: string     # At most N hold it at a time, who all say this N
    --also: string            # The lock of this KEY too, all at once or none; several, if given again
    --queue: string@"nu-complete genlock run queue" # Who goes first
    --ttl: string             # How long the store keeps it without us
    --kill-after(-k): string  # From SIGTERM to SIGKILL when the command is stopped
    --max-runtime: string     # Stop the command after this time; exit with 124
    --lost-exit-code: string  # The status when the lock was lost and the command stopped; never 0
    --leave-descendants       # Leave the processes that the command leaves behind: for one that starts a daemon on purpose
    --min-hold: string        # Hold the lock for at least so long, counted from when it was acquired
    --jitter: string          # Ask for the lock up to so much later, at most a day
    --once: string            # Skip, with 0, if a run has done NAME
    --once-per: string        # Skip, with 0, if done for this 15m, 1h, day, …
    --at-most-once            # Mark it when the command starts, however that ends
    --again                   # Run although it is done
    --no-renew                # Do not renew the lock: it, and with it the command, ends at the TTL
    --retry-interval: string  # The pause between attempts where a store must be polled, and before a reconnect
    --record-command: string@"nu-complete genlock run record_command" # What of the command others see in the holder's record
    --history: string         # Keep the last N runs in the store, for genlock history
    --no-record-command       # What --record-command none was called first
    --reason: string          # Why, for all who look who holds the lock
    --label: string           # A label in the holder's record; several, if given again
    --no-ci-label             # No label ci by itself, which is a link to the CI job that genlock runs in
    --report: path            # Write how the run ended to FILE, as JSON
    --events: path            # Write what happens to FILE, as lines of JSON
    --metrics-file: path      # Keep metrics of KEY in FILE, for Prometheus' textfile collector
    --quiet(-q)               # Say nothing of waiting, nor who holds the lock
    --verbose(-v)             # Say what happens; twice: renewals too
    --held                    # Run COMMAND under the lock that is held around it: no KEY, no option of the lock
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
    key: string               # The lock's name, such as /locks/backup
    ...command: string        # The command and its arguments, without quotes
  ]

  # Show who holds the lock KEY, and who waits for it
  export extern "genlock status" [
    --json                    # One JSON object
    --quiet(-q)               # Print nothing; the status tells
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
    key: string               # The lock's name
  ]

  def "nu-complete genlock ls sort" [] {
    [ "key" "held" "waiting" "token" ]
  }

  # List the locks that are held or waited for, a line each
  export extern "genlock ls" [
    --json                    # One JSON array
    --keys(-k)                # Only the keys, a line each
    --sort: string@"nu-complete genlock ls sort" # What comes first
    --reverse(-r)             # The other way round
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
    prefix?: string           # Only keys that begin so. Who may read no other keys has to say it
  ]

  # Tell what happens to the locks, a line each, until interrupted
  export extern "genlock watch" [
    --json                    # One JSON object a line
    --exact                   # PREFIX is the key of one lock, and no other is told of
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
    prefix?: string           # Only keys that begin so. Who may read no other keys has to say it
  ]

  # Wait until nobody holds the lock KEY or waits for it. Takes nothing
  export extern "genlock wait" [
    --wait(-w): string        # Wait this long at most, then exit with 75
    --quiet(-q)               # Say nothing when the time is over
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
    key: string               # The lock's name
  ]

  # In a command that genlock runs: ask whether the lock is still held for it
  export extern "genlock check" [
    --at-least: string        # Exit with 75 if less than this is left
    --json                    # One JSON object
    --quiet(-q)               # Print nothing; the status tells
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
  ]

  def "nu-complete genlock acquire queue" [] {
    [ "fifo" "latest" ]
  }

  # Take the lock KEY, and keep it for the steps that follow
  export extern "genlock acquire" [
    --try(-n)                 # Do not wait: exit with 75 if another holds it
    --wait(-w): string        # Wait this long at most, then exit with 75
    --conflict-exit-code(-E): string # The status when it was not acquired, not 75
    --shared(-s)              # Share it with all that say so too, as flock -s
    --exclusive(-x)           # Hold it alone, which is the default, as flock -x
    --max-holders: string     # At most N hold it at a time, who all say this N
    --also: string            # The lock of this KEY too, all at once or none; several, if given again
    --queue: string@"nu-complete genlock acquire queue" # Who goes first
    --ttl: string             # How long the store keeps it without us
    --pid: string             # Hold it while this process lives
    --for: string             # Hold it for so long at most
    --foreground              # Stay in front, and keep the lock until a signal comes
    --export                  # Print lines that a shell evaluates
    --json                    # Print one JSON object
    --history: string         # Keep the last N runs in the store, for genlock history
    --reason: string          # Why, for all who look who holds the lock
    --label: string           # A label in the holder's record; several, if given again
    --no-ci-label             # No label ci by itself, which is a link to the CI job that genlock runs in
    --report: path            # Write how the run ended to FILE, as JSON
    --events: path            # Write what happens to FILE, as lines of JSON
    --metrics-file: path      # Keep metrics of KEY in FILE, for Prometheus' textfile collector
    --quiet(-q)               # Say nothing of waiting, nor who holds the lock
    --verbose(-v)             # Say what happens; twice: renewals too
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
    key: string               # The lock's name
  ]

  # Hold the lock that genlock acquire has left in the environment for longer
  export extern "genlock renew" [
    --for: string             # Hold it for so long from now
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
  ]

  # Let go of the lock that genlock acquire has left in the environment
  export extern "genlock release" [
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
  ]

  # Take the lock KEY away from the holder that has exactly this token
  export extern "genlock break" [
    --token: string           # The fencing token of the one to hit
    --force                   # Do not leave it to the holder
    --wait(-w): string        # How long to wait for the holder to let go
    --waiters                 # Clear the queue of those who are not heard of any more
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
    key: string               # The lock's name
  ]

  # Delete the mark that NAME was done under the lock KEY, so that it is done again
  export extern "genlock forget" [
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
    key: string               # The lock's name
    name?: string             # What is done: the name, or a slot as genlock status shows it
  ]

  # Show the last runs under the lock KEY, the newest last
  export extern "genlock history" [
    --json                    # One JSON array
    --svg: path               # Draw into FILE who waited and who held when
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --help(-h)                # Print help (see more with '--help')
    key: string               # The lock's name
  ]

  # Say what works, what does not, and what mends it
  export extern "genlock doctor" [
    --json                    # One JSON object
    --verbose(-v)             # All settings, also those that nobody has set
    --ttl: string             # How long the store keeps it without us
    --endpoints: string       # The store: HOST:PORT, http://, https:// or unix:// for etcd, several with commas between; file:DIR, or file: for a directory of one's own, for this host alone; redis://HOST:PORT/DATABASE, rediss:// over TLS, redis+sentinel://S1,S2/MASTER; zk://HOST:PORT,HOST:PORT/CHROOT?layout=LAYOUT, or zks:// over TLS, for ZooKeeper. Default: 127.0.0.1:2379
    --cacert: path            # The authority that signed the servers' certificates, PEM. Default: the system's
    --cert: path              # Our certificate, PEM
    --key: path               # The key of our certificate, PEM
    --user: string            # Who we are to the store; the password is in --password-file or $GENLOCK_PASSWORD. In $GENLOCK_USER it may be NAME:PASSWORD
    --password-file: path     # The file whose first line is the password. It may be readable by nobody else (chmod 600); one of root's or another user's also by its group
    --insecure-skip-tls-verify # Do not check who the server is. Anyone on the way can then take its place
    --dial-timeout: string    # How long to try to reach the store, if it gives no sign of life. Default: 2s
    --command-timeout: string # How long one request to the store may take. Default: 5s
    --config: path            # The configuration. Default: ~/.config/genlock/config.toml, and for what that does not say /etc/genlock/config.toml
    --kill-after(-k): string  # From SIGTERM to SIGKILL when the command is stopped
    --help(-h)                # Print help (see more with '--help')
    key?: string              # The lock, or a prefix that ends in '/'
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "genlock help" [
  ]

  # Take the lock KEY, run COMMAND, release the lock
  export extern "genlock help run" [
  ]

  # Show who holds the lock KEY, and who waits for it
  export extern "genlock help status" [
  ]

  # List the locks that are held or waited for, a line each
  export extern "genlock help ls" [
  ]

  # Tell what happens to the locks, a line each, until interrupted
  export extern "genlock help watch" [
  ]

  # Wait until nobody holds the lock KEY or waits for it. Takes nothing
  export extern "genlock help wait" [
  ]

  # In a command that genlock runs: ask whether the lock is still held for it
  export extern "genlock help check" [
  ]

  # Take the lock KEY, and keep it for the steps that follow
  export extern "genlock help acquire" [
  ]

  # Hold the lock that genlock acquire has left in the environment for longer
  export extern "genlock help renew" [
  ]

  # Let go of the lock that genlock acquire has left in the environment
  export extern "genlock help release" [
  ]

  # Take the lock KEY away from the holder that has exactly this token
  export extern "genlock help break" [
  ]

  # Delete the mark that NAME was done under the lock KEY, so that it is done again
  export extern "genlock help forget" [
  ]

  # Show the last runs under the lock KEY, the newest last
  export extern "genlock help history" [
  ]

  # Say what works, what does not, and what mends it
  export extern "genlock help doctor" [
  ]

  # Print this message or the help of the given subcommand(s)
  export extern "genlock help help" [
  ]

}

export use completions *
