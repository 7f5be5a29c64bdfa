# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion of portmux(1) for fish.

function __portmux_limits
    printf '%s=\n' core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime \
        sigpending stack
end

function __portmux_users
    set -l parts (string split -m 1 : -- (commandline -ct | string replace -r '^(-u|--user=)' ''))
    if set -q parts[2]
        printf "$parts[1]:%s\n" (__fish_complete_groups)
    else
        __fish_complete_users
    end
end

# Whether the command is still to come.
function __portmux_is_before_command
    set -l words (commandline -opc)
    set -e words[1]
    test "$words[1]" = run; or return
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --
                return 1
            case '--*=*' --json --quiet --help --version
            case '--*'
                set -e words[1]
            case '-*'
                # Letters may stand together; one that takes a value takes what follows it.
                string match -qr '^-[^npdewu]*[npdewu]$' -- $words[1]; and set -e words[1]
            case '*'
                return 1
        end
        set -e words[1]
    end
end

# The command and its arguments. What stands behind these options is not the command.
function __portmux_command
    __fish_complete_subcommand --fcs-skip=2 -n --copies -p --publish --files -d --state --name -e --env \
        -w --workdir -u --user --ulimit --memory --cpus --pids --restart --grace --drain --balance \
        --health --health-interval --health-timeout --health-retries
end

# The names of all runs.
function __portmux_names
    string replace -rf '.* @portmux/' '' </proc/net/unix
end

# What is no option of a command for a run: its name, and what follows.
function __portmux_operands
    set -l words (commandline -opc)
    set -e words[1..2]
    while set -q words[1]
        switch $words[1]
            case --timeout
                set -e words[1]
            case --
                return
            case '-*'
            case '*'
                printf '%s\n' $words[1]
        end
        set -e words[1]
    end
end

# The numbers of the copies of the run that is named already.
function __portmux_copies
    set -l operands (__portmux_operands)
    portmux ps $operands[1] 2>/dev/null | string replace -rf '^\S+ +(\d+) .*' '$1'
end

# __portmux_awaits LEAST MOST COMMAND...: it is one of these, and so many operands are there.
function __portmux_awaits
    set -l words (commandline -opc)
    contains -- "$words[2]" $argv[3..-1]; or return
    __portmux_inner_words >/dev/null; and return 1
    set -l count (count (__portmux_operands))
    test $count -ge $argv[1] -a $count -le $argv[2]
end

# A command in a copy is due, and its words: behind the -- of `portmux restart`, or behind the copy of
# `portmux exec`.
function __portmux_inner_words
    set -l words (commandline -opc)
    switch "$words[2]"
        case restart
            set -l at (contains -i -- -- $words); or return 1
            printf '%s\n' $words[$at..-1]
        case exec
            set -l operands (__portmux_operands)
            test (count $operands) -ge 2; and printf '%s\n' $operands[2..-1]
        case '*'
            return 1
    end
end

function __portmux_inner_command
    set -l words (__portmux_inner_words)
    set -e words[1] # -- or the copy
    complete -C (string join ' ' -- (string escape -- $words) (commandline -ct))
end

complete -c portmux -f
complete -c portmux -n __fish_use_subcommand -a run -d 'start copies of a program'
complete -c portmux -n __fish_use_subcommand -a ps -d 'show runs and their copies'
complete -c portmux -n __fish_use_subcommand -a logs -d 'show what copies have printed'
complete -c portmux -n __fish_use_subcommand -a scale -d 'give a run more or fewer copies'
complete -c portmux -n __fish_use_subcommand -a restart -d 'start its copies again, one after the other'
complete -c portmux -n __fish_use_subcommand -a publish -d 'map a host port'
complete -c portmux -n __fish_use_subcommand -a unpublish -d 'give a host port up'
complete -c portmux -n __fish_use_subcommand -a stop -d 'end a run'
complete -c portmux -n __fish_use_subcommand -a kill -d 'kill a copy, or a run'
complete -c portmux -n __fish_use_subcommand -a exec -d 'run a command in a copy'
complete -c portmux -n __fish_use_subcommand -x -l inside \
    -d 'run a command in the network of a run without root'
complete -c portmux -n __fish_use_subcommand -s h -l help -d 'tell the commands'
complete -c portmux -n __fish_use_subcommand -s V -l version -d 'tell the version'

set -l for_run ps logs scale restart publish unpublish stop kill exec
complete -c portmux -n "__portmux_awaits 0 0 $for_run" -x -a '(__portmux_names)'
complete -c portmux -n '__portmux_awaits 1 1 logs kill exec' -x -a '(__portmux_copies)'
complete -c portmux -n '__portmux_awaits 1 1023 restart' -x -a '(__portmux_copies)'
complete -c portmux -n '__portmux_inner_words >/dev/null' -x -a '(__portmux_inner_command)'
complete -c portmux -n "__portmux_awaits 0 1023 $for_run" -s h -l help -d 'tell the options'
complete -c portmux -n '__portmux_awaits 0 1023 ps' -l json -d 'a JSON object for each copy'
complete -c portmux -n '__portmux_awaits 0 1023 ps' -l watch -d 'again every second'
complete -c portmux -n '__portmux_awaits 0 1023 logs' -s f -l follow -d 'and what they print from now on'
complete -c portmux -n '__portmux_awaits 0 1023 logs' -l json -d 'as events'
complete -c portmux -n '__portmux_awaits 0 1023 restart' -l surge -d 'start one more copy first'
complete -c portmux -n '__portmux_awaits 0 1023 scale restart' -x -l timeout -d 'seconds until a copy is ready'
complete -c portmux -n '__portmux_awaits 0 1023 scale restart' -s q -l quiet -d 'say nothing of each step'

complete -c portmux -n '__fish_seen_subcommand_from run' -x -a '(__portmux_command)'
set -l run -c portmux -n __portmux_is_before_command
complete $run -x -s n -l copies -d 'how many'
complete $run -x -s p -l publish -d 'which host ports lead to a port'
complete $run -x -l balance -d 'which copy a connection goes to' \
    -a 'round-robin\t"to each in turn" random\t"to any" source\t"a client\'s to the same"'
complete $run -x -l files -d 'what a copy writes in this directory' \
    -a 'overlay\t"is its own" shared\t"is all copies\'" private\t"it works in an empty directory"'
complete $run -x -s d -l state -d 'where the files of the copies are kept' -a '(__fish_complete_directories)'
complete $run -x -l name -d 'the name of the run'
complete $run -x -s e -l env -d 'set a variable' -a '(set -nx)='
complete $run -x -s w -l workdir -d 'where the program starts' -a '(__fish_complete_directories)'
complete $run -x -s u -l user -d 'who the program runs as' -a '(__portmux_users)'
complete $run -x -l ulimit -d 'a limit of the processes' -a '(__portmux_limits)'
complete $run -x -l memory -d 'memory of each copy'
complete $run -x -l cpus -d 'processors of each copy'
complete $run -x -l pids -d 'processes of each copy'
complete $run -x -l restart -d 'start a copy again' -a 'no on-failure always'
complete $run -x -l health -d 'serve a copy while it is well' -a 'http:/ tcp exec: notify'
complete $run -x -l health-interval -d 'seconds from one check to the next'
complete $run -x -l health-timeout -d 'seconds that a check may take'
complete $run -x -l health-retries -d 'checks that fail in a row'
complete $run -l restart-unhealthy -d 'start a copy again that is not well'
complete $run -x -l grace -d 'seconds between SIGTERM and SIGKILL'
complete $run -x -l drain -d 'seconds for the connections of a copy that is taken away'
complete $run -l json -d 'events as JSON'
complete $run -s q -l quiet -d 'only what the copies print'
complete $run -s h -l help -d 'tell the options'
complete $run -s V -l version -d 'tell the version'
