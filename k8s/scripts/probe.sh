#!/bin/sh
# probe.sh startup|liveness|readiness|agent: exit code 0 if this pod, or its agent, passes.
set -eu
# shellcheck source=k8s/scripts/lib.sh
. "$HF_SCRIPTS_DIR/lib.sh"

probe=${1:-}
port=$HF_PORT
if [ "$HF_KIND" = sentinel ]; then port=$HF_SENTINEL_PORT; fi

refuse() {
    # The last line of a probe is what the events of the pod show.
    echo "$HF_KIND is not $1"
    exit 1
}

case $probe in
agent)
    # Its turns leave a trace once a second; one since the last look is enough.
    alive=$HF_RUN_DIR/agent.alive seen=$HF_RUN_DIR/agent.seen
    if [ ! -e "$alive" ] || { [ -e "$seen" ] && [ ! "$alive" -nt "$seen" ]; }; then
        echo 'the agent does not turn any more'
        exit 1
    fi
    : >"$seen"
    ;;
startup | liveness)
    ask localhost "$port" probe PING || refuse "answering"
    # A server that loads, or that a script keeps busy, is alive: to kill it only loses the time.
    # NOAUTH: the password is being changed, and the server is there to say so.
    case $NL$reply in
    *"$NL"PONG* | *"$NL"LOADING* | *"$NL"MASTERDOWN* | *"$NL"BUSY* | *"$NL"NOAUTH*) ;;
    *) refuse "well: $reply" ;;
    esac
    ;;
readiness)
    if [ "$HF_KIND" = sentinel ]; then
        ask localhost "$port" probe INFO sentinel || refuse "answering"
        case $reply in *sentinel_masters:1*) exit 0 ;; esac
        refuse "watching its primary"
    fi
    ask localhost "$port" probe INFO persistence replication || refuse "answering"
    case $reply in *loading:1*) refuse "done with loading" ;; esac
    case $reply in
    *role:master*) ;;
    *master_link_status:up*)
        case $reply in *master_sync_in_progress:1*) refuse "done with its synchronisation" ;; esac
        ;;
    *) refuse "in step with a primary" ;;
    esac
    ;;
*) fail "usage: probe.sh startup|liveness|readiness|agent" ;;
esac
