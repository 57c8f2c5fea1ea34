#!/bin/sh
# Beside each server: opens the gate (replica-priority) when the server is in step, remembers when
# it last was, and applies new users, passwords and certificates to the running server.
# One login for life: each further one over TLS costs 10 ms of CPU.
set -eu
# shellcheck source=k8s/scripts/lib.sh
. "$HF_SCRIPTS_DIR/lib.sh"
# shellcheck source=k8s/scripts/agent-gate.sh
. "$HF_SCRIPTS_DIR/agent-gate.sh"
# shellcheck source=k8s/scripts/agent-reload.sh
. "$HF_SCRIPTS_DIR/agent-reload.sh"

TICK_SECONDS=1
RELOAD_EVERY_TICKS=5

alive=$HF_RUN_DIR/agent.alive
commands=$HF_RUN_DIR/agent.commands
replies=$HF_RUN_DIR/agent.replies
cli_pid=
cli_secret=
number=0

disconnect() {
    if [ -n "$cli_pid" ]; then
        kill "$cli_pid" 2>/dev/null || true
        wait "$cli_pid" 2>/dev/null || true
        exec 3>&- 4<&-
        cli_pid=
    fi
}

connect() {
    read_secret agent
    cli_secret=$secret
    rm -f "$commands" "$replies"
    mkfifo -m 600 "$commands" "$replies"
    # Opened for both ways: a fifo that is opened for one waits for the other side.
    exec 3<>"$commands"
    (start_cli localhost "$HF_PORT" agent) <"$commands" >"$replies" 2>&1 3>&- &
    cli_pid=$!
    exec 4<"$replies"
}

# tell COMMAND: over the one login -> $reply; false when there is no login any more.
tell() {
    number=$((number + 1))
    printf '%s\nPING answered-%s\n' "$1" "$number" >&3
    reply=
    while IFS= read -r line <&4; do
        line=${line%"$CR"}
        case $line in
        "answered-$number")
            return 0
            ;;
        # The cli connects again by itself, but with the password that it was started with.
        # A server that loads, or that a script keeps busy, answers PING with that: the number
        # would be waited for in vain, for ever.
        'Could not connect'* | 'AUTH failed'* | 'Error: '* | NOAUTH* | WRONGPASS* | LOADING* | BUSY*)
            reply=$line
            return 1
            ;;
        esac
        reply=$reply$line$NL
    done
    return 1
}

trap 'disconnect; exit 0' TERM INT

tick=0
lost=
while :; do
    # probe.sh looks at it: without an agent no Sentinel ever chooses this server.
    : >"$alive"
    if [ -z "$cli_pid" ]; then connect; fi
    if tell 'INFO server replication' && gate_step &&
        { [ $((tick % RELOAD_EVERY_TICKS)) -ne 0 ] || reload_step; }; then
        [ -z "$lost" ] || log 'the server answers again'
        lost=
        read_secret agent
        if [ "$secret" != "$cli_secret" ]; then
            # The old password is about to go, and who still uses it holds its rotation up.
            log 'logs in anew: the own password is changed'
            disconnect
        fi
    else
        [ -n "$lost" ] || log "no answer from the server: ${reply:-connection closed}"
        lost=yes
        disconnect
    fi
    tick=$((tick + 1))
    sleep "$TICK_SECONDS"
done
