# Completes the command that a verb runs. $1: how many arguments stand before it; $2: the options
# that take the word behind them. Fails if the cursor is not in the command. Names of locks, from
# the store, would be completed where the cursor is in KEY; no file is.
_genlock_command() {
    local before=$1 valued=" $2 " line=$COMP_LINE i gap word skip= dashes= count=0
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
        if [[ $skip ]]; then
            skip=
        elif [[ -z $dashes && $word == -- ]] && ((i < ${#words[@]} - 1)); then
            dashes=1
        elif [[ -z $dashes && $word == -* ]]; then
            [[ $valued == *" $word "* ]] && skip=1
        elif ((count++ == before)); then
            _genlock_hand_over "${starts[i]}"
            return 0
        elif [[ $word ]] && ((i == ${#words[@]} - 1)); then
            compopt +o default +o bashdefault
        fi
    done
    return 1
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
