#!/bin/sh
# Before a server is stopped: a primary hands over, so that no acknowledged write is lost.
# The answer of a Sentinel proves nothing: done is when a majority names another node and that
# node says that it is the primary.
set -eu
# What a hook prints goes nowhere; the server's own log is where people look.
if [ -w /proc/1/fd/2 ]; then exec 2>/proc/1/fd/2; fi
# shellcheck source=k8s/scripts/lib.sh
. "$HF_SCRIPTS_DIR/lib.sh"

CANDIDATE_SECONDS=12
COORDINATED_SECONDS=20
PAUSED_SECONDS=30
# All waits together. However slowly everybody answers, nothing is begun after that, so that the pod's
# grace holds it, the answers that are still waited for, and the server's own shutdown-timeout.
HAND_OVER_SECONDS=86
PAUSE_MS=20000
POLL_SECONDS=1
QUICK_LOOKS=20

server_address "$HF_NODE_FQDN"
me=$address
last_second=$(date +%s)
last_second=$((last_second + HAND_OVER_SECONDS))

own_role() {
    role=
    ! ask localhost "$HF_PORT" agent ROLE || role=${reply%%"$NL"*}
}

deadline_in() {
    deadline=$(date +%s)
    deadline=$((deadline + $1))
    if [ "$deadline" -gt "$last_second" ]; then deadline=$last_second; fi
}

in_time() {
    [ "$(date +%s)" -lt "$deadline" ]
}

has_online_replica() {
    ask localhost "$HF_PORT" agent INFO replication || return 1
    case $reply in *state=online*) return 0 ;; esac
    return 1
}

# request [COORDINATED]: of the first Sentinel with a quorum; false where it has no candidate, or
# when the time is over
request() {
    for sentinel in $HF_SENTINELS; do
        in_time || return 1
        split_address "$sentinel" "$HF_SENTINEL_PORT"
        ask "$host" "$port" agent SENTINEL CKQUORUM "$HF_SERVICE" || continue
        case $reply in OK*) ;; *) continue ;; esac
        ask "$host" "$port" agent SENTINEL FAILOVER "$HF_SERVICE" "$@" || continue
        log "asked $sentinel to fail over${1:+ $1}: $reply"
        # INPROG: somebody else asked; what counts is what comes of it.
        case $reply in OK* | *INPROG*) return 0 ;; esac
        return 1
    done
    return 1
}

# request_coordinated: repeated while no replica may be chosen, because Sentinels learn of an
# opened gate up to 10 s late.
request_coordinated() {
    deadline_in "$CANDIDATE_SECONDS"
    while in_time; do
        ! request COORDINATED || return 0
        sleep "$POLL_SECONDS"
    done
    return 1
}

# request_paused: whatever is acknowledged before the pause reaches the replicas during it. Writers
# do not wait for Sentinels that have no candidate.
request_paused() {
    deadline_in "$CANDIDATE_SECONDS"
    while in_time; do
        if ! ask localhost "$HF_PORT" agent CLIENT PAUSE "$PAUSE_MS" WRITE || [ "$reply" != OK ]; then
            log "cannot pause writes: ${reply:-no answer}"
            return 1
        fi
        ! request || return 0
        ask localhost "$HF_PORT" agent CLIENT UNPAUSE || true
        sleep "$POLL_SECONDS"
    done
    return 1
}

# handed_over SECONDS
handed_over() {
    deadline_in "$1"
    looks=0
    while :; do
        ask_sentinels
        if [ -n "$named" ] && [ "$named" != "$me" ]; then
            ask_role "$named"
            if [ "$role" = master ]; then
                log "the primary is $named now"
                return 0
            fi
        fi
        in_time || return 1
        # It takes a second or so, and where writes are paused somebody waits for each moment.
        looks=$((looks + 1))
        [ "$looks" -le "$QUICK_LOOKS" ] || sleep "$POLL_SECONDS"
    done
}

own_role
case $role in
master) ;;
*)
    log "not a primary (${role:-no answer}): nothing to hand over"
    exit 0
    ;;
esac

deadline_in "$CANDIDATE_SECONDS"
until has_online_replica; do
    if ! in_time; then
        log 'no replica is online: nobody to hand over to'
        exit 0
    fi
    sleep "$POLL_SECONDS"
done

if is_valkey_at_least 9; then
    if request_coordinated && handed_over "$COORDINATED_SECONDS"; then exit 0; fi
    log 'the coordinated failover did not succeed; pauses writes and fails over'
fi
if request_paused; then
    if handed_over "$PAUSED_SECONDS"; then exit 0; fi
    ask localhost "$HF_PORT" agent CLIENT UNPAUSE || true
fi
log 'NOT handed over; the stop waits for the replicas, the Sentinels choose afterwards'
