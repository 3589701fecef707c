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
