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
        -w --workdir -u --user --ulimit --memory --cpus --pids --restart --grace
end

complete -c portmux -f
complete -c portmux -n __fish_use_subcommand -a run -d 'start copies of a program'
complete -c portmux -n __fish_use_subcommand -x -l inside \
    -d 'run a command in the network of a run without root'
complete -c portmux -n __fish_use_subcommand -s h -l help -d 'tell the commands'
complete -c portmux -n __fish_use_subcommand -s V -l version -d 'tell the version'

complete -c portmux -n '__fish_seen_subcommand_from run' -x -a '(__portmux_command)'
set -l run -c portmux -n __portmux_is_before_command
complete $run -x -s n -l copies -d 'how many'
complete $run -x -s p -l publish -d 'which host ports lead to a port'
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
complete $run -x -l grace -d 'seconds between SIGTERM and SIGKILL'
complete $run -l json -d 'events as JSON'
complete $run -s q -l quiet -d 'only what the copies print'
complete $run -s h -l help -d 'tell the options'
complete $run -s V -l version -d 'tell the version'
