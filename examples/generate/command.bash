# Completes the command that a verb runs. $1: how many arguments stand before it; $2: the options
# that take the word behind them; $3: those of them with certain values, `--sort=key,held`, or files,
# `--cert=`. Fails if the cursor is at the name of an option. The name of a lock that is held is
# completed here, and no file is.
_genlock_command() {
    local before=$1 valued=" $2 " offered=" $3 " line=$COMP_LINE i gap word skip= dashes= count=0
    local -a words=() starts=()
    # COMP_WORDS is split at `=` and `:`, too; what stands together is one word.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        gap=${line%%[![:space:]]*}
        line=${line#"$gap"}
        line=${line#"${COMP_WORDS[i]}"}
        if ((i > 0)) && [[ -z $gap ]]; then
            words[${#words[@]} - 1]+=${COMP_WORDS[i]}
        else
            words+=("${COMP_WORDS[i]}")
            starts+=("$i")
        fi
    done
    # Behind `genlock` and the verb.
    for ((i = 2; i < ${#words[@]}; i++)); do
        word=${words[i]}
        if [[ $skip ]] && ((i == ${#words[@]} - 1)); then
            _genlock_value "${words[i - 1]}" "$word"
            return 0
        elif [[ $skip ]]; then
            skip=
        elif [[ -z $dashes && $word == -- ]] && ((i < ${#words[@]} - 1)); then
            dashes=1
        elif [[ -z $dashes && $word == -*=* ]] && ((i == ${#words[@]} - 1)); then
            _genlock_value "${word%%=*}" "${word#*=}"
            return 0
        elif [[ -z $dashes && $word == -* ]]; then
            [[ $valued == *" $word "* ]] && skip=1
        elif ((count++ == before)); then
            _genlock_hand_over "${starts[i]}"
            return 0
        elif ((i == ${#words[@]} - 1)); then
            compopt +o default +o bashdefault
            ((before >= 0)) && _genlock_keys "$word"
            # All options begin with a dash, which nobody wants in place of a name, nor behind the
            # `:` or `=` in one.
            [[ -z $word || $word == *[:=]* || ${#COMPREPLY[@]} -gt 0 ]] && return 0
        fi
    done
    return 1
}

# The value of option $1 that begins with $2, of `offered`. Without certain ones it is a file, or
# nothing.
_genlock_value() {
    local values=${offered#*" $1="}
    if [[ $values == "$offered" ]]; then
        compopt +o default +o bashdefault
        return
    fi
    values=${values%% *}
    [[ -z $values ]] && return
    compopt +o default +o bashdefault
    # Where bash does not split at `=`, the option is a part of the word.
    mapfile -t COMPREPLY < <(compgen -P "${cur%"$2"}" -W "${values//,/ }" -- "$2")
}

# The names of locks that begin with $1, from the store: within a tenth of a second or not at all.
# Words that bash splits (COMP_WORDBREAKS) it would put together wrongly.
_genlock_keys() {
    local key
    [[ $1 == *[:=]* ]] && return
    while IFS= read -r key; do
        COMPREPLY+=("$(printf %q "$key")")
    done < <(timeout 0.1 genlock ls --keys -- "$1" 2>/dev/null)
}

# Completes what begins at COMP_WORDS[$1] as a line of its own.
_genlock_hand_over() {
    if declare -F _comp_command_offset >/dev/null; then # bash-completion 2.12 and later
        _comp_command_offset "$1"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif (($1 == COMP_CWORD)); then
        mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
    fi
}
