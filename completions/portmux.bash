# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion of portmux(1) for bash, also without the package bash-completion.

_portmux_commands='run ps logs scale restart publish unpublish stop kill exec'
_portmux_flags='--json --restart-unhealthy -q --quiet -h --help -V --version'
# Options that take a value.
_portmux_valued='-n --copies -p --publish --balance --files -d --state --name -e --env -w --workdir -u --user
--ulimit --memory --cpus --pids --restart --health --health-interval --health-timeout
--health-retries --grace --drain'
_portmux_limits='core= cpu= data= fsize= locks= memlock= msgqueue= nice= nofile= nproc= rss= rtprio=
rttime= sigpending= stack='

# The words up to the cursor, into words; into starts, where each begins in COMP_WORDS. bash has cut
# them at : and =, too: what has no space before it belongs to the word before.
_portmux_read_words() {
    local rest=$COMP_LINE piece i

    words=() starts=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $rest != [[:space:]]* ]]; then
            words[${#words[@]} - 1]+=$piece
        else
            words+=("$piece") starts+=("$i")
        fi
        rest=${rest#*"$piece"}
    done
}

# _portmux_offer PREFIX TEXT ARGUMENT...: what compgen finds for TEXT, each with PREFIX before it; but
# without what bash has cut off, which stays as it is.
_portmux_offer() {
    local prefix=$1 text=$2
    shift 2

    mapfile -t COMPREPLY < <(compgen -P "$prefix" "$@" -- "$text")
    COMPREPLY=("${COMPREPLY[@]#"$cut_off"}")
}

# _portmux_value OPTION PREFIX TEXT: a value that begins with TEXT.
_portmux_value() {
    local option=$1 prefix=$2 text=$3

    case $option in
    --balance) _portmux_offer "$prefix" "$text" -W 'round-robin random source' ;;
    --files) _portmux_offer "$prefix" "$text" -W 'overlay shared private' ;;
    --restart) _portmux_offer "$prefix" "$text" -W 'no on-failure always' ;;
    --health)
        _portmux_offer "$prefix" "$text" -W 'http:/ tcp exec: notify'
        [[ $text == [he]* ]] && compopt -o nospace 2>/dev/null
        ;;
    --ulimit)
        [[ $text == *=* ]] && return
        _portmux_offer "$prefix" "$text" -W "$_portmux_limits"
        compopt -o nospace 2>/dev/null
        ;;
    -e | --env) _portmux_offer "$prefix" "$text" -e ;;
    -d | --state | -w | --workdir)
        _portmux_offer "$prefix" "$text" -d
        compopt -o filenames 2>/dev/null
        ;;
    -u | --user)
        if [[ $text == *:* ]]; then
            _portmux_offer "$prefix${text%%:*}:" "${text#*:}" -g
        else
            _portmux_offer "$prefix" "$text" -u
        fi
        ;;
    esac
}

# Whether the value of an option is the next word: an option may be shortened, and letters may stand
# together.
_portmux_takes_next() {
    local word=$1 letter

    case $word in
    --*=*) return 1 ;;
    --*) [[ " ${_portmux_valued//$'\n'/ } " == *" $word"* ]] ;;
    *)
        for ((letter = 1; letter < ${#word}; letter++)); do
            [[ ${word:letter:1} == [npdewu] ]] && return $((letter + 1 < ${#word}))
        done
        return 1
        ;;
    esac
}

# _portmux_command INDEX: the command, which begins at that word, or its arguments.
_portmux_command() {
    if declare -F _command_offset >/dev/null; then
        _command_offset "${starts[$1]}"
    elif (($1 == last)) && [[ $word != */* ]]; then
        _portmux_offer '' "$word" -c
    else
        _portmux_offer '' "$word" -f
        compopt -o filenames 2>/dev/null
    fi
}

_portmux_run() {
    local i

    for ((i = 2; i < last; i++)); do
        case ${words[i]} in
        --)
            _portmux_command $((i + 1))
            return
            ;;
        -?*)
            _portmux_takes_next "${words[i]}" || continue
            if ((i + 1 == last)); then
                _portmux_value "${words[i]}" '' "$word"
                return
            fi
            i=$((i + 1))
            ;;
        *)
            _portmux_command "$i"
            return
            ;;
        esac
    done
    case $word in
    --*=*) _portmux_value "${word%%=*}" "${word%%=*}=" "${word#*=}" ;;
    -*) _portmux_offer '' "$word" -W "$_portmux_flags $_portmux_valued" ;;
    *) _portmux_command "$last" ;;
    esac
}

# The names of all runs.
_portmux_names() {
    local path

    while read -r _ _ _ _ _ _ _ path; do
        [[ $path == @portmux/* ]] && printf '%s\n' "${path#@portmux/}"
    done </proc/net/unix
}

# _portmux_copies NAME: the numbers of its copies.
_portmux_copies() {
    local number

    "${words[0]}" ps "$1" 2>/dev/null | while read -r _ number _; do
        [[ $number == [0-9]* ]] && printf '%s\n' "$number"
    done
}

# A command for a run: its options, the name, and perhaps copies.
_portmux_for_run() {
    local flags='-h --help' most=0 operands=() i

    case ${words[1]} in
    ps) flags+=' --json --watch' ;;
    logs) flags+=' -f --follow --json' most=1 ;;
    scale) flags+=' --timeout -q --quiet' ;;
    restart) flags+=' --surge --timeout -q --quiet' most=1023 ;;
    kill | exec) most=1 ;;
    esac
    for ((i = 2; i < last; i++)); do
        case ${words[i]} in
        --)
            [[ ${words[1]} == restart ]] && _portmux_command $((i + 1))
            return
            ;;
        --timeout) i=$((i + 1)) ;;
        -*) ;;
        *) operands+=("${words[i]}") ;;
        esac
        if [[ ${words[1]} == exec ]] && ((${#operands[@]} == 2)); then
            _portmux_command $((i + 1))
            return
        fi
    done
    if ((i > last)); then # the value of --timeout
        return
    elif [[ $word == -* ]]; then
        _portmux_offer '' "$word" -W "$flags"
    elif ((${#operands[@]} == 0)); then
        _portmux_offer '' "$word" -W "$(_portmux_names)"
    elif ((${#operands[@]} <= most)); then
        _portmux_offer '' "$word" -W "$(_portmux_copies "${operands[0]}")"
    fi
}

_portmux() {
    local words starts last word cut_off

    COMPREPLY=()
    _portmux_read_words
    last=$((${#words[@]} - 1))
    word=${words[last]}
    cut_off=${word%"${COMP_WORDS[COMP_CWORD]}"}
    [[ ${COMP_WORDS[COMP_CWORD]} == [:=] ]] && cut_off=$word
    if ((last == 1)) && [[ $word == -* ]]; then
        _portmux_offer '' "$word" -W '--inside -h --help -V --version'
    elif ((last == 1)); then
        _portmux_offer '' "$word" -W "$_portmux_commands"
    elif [[ ${words[1]} == run ]]; then
        _portmux_run
    elif [[ " $_portmux_commands " == *" ${words[1]} "* ]]; then
        _portmux_for_run
    fi
}

complete -F _portmux portmux
