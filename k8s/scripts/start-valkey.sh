#!/bin/sh
# Starts the server of this pod, as a primary or as a replica. Wrong here means data lost: a stale
# or empty node that starts as the primary makes everybody else drop what it does not have.
set -eu
# shellcheck source=k8s/scripts/lib.sh
. "$HF_SCRIPTS_DIR/lib.sh"

ROUNDS=10
ROUND_SECONDS=1
PRIMARY_WAIT_SECONDS=60
POLL_SECONDS=2
FAILOVER_EVERY_SECONDS=10
# Longer than the Sentinels try (failover-timeout): nothing comes of it afterwards.
TAKEOVER_SECONDS=20
TAKEOVER_POLL_SECONDS=1
LOG_EVERY_SECONDS=10

marker=$HF_DATA_DIR/.bootstrapped
last_primary_file=$HF_DATA_DIR/.last-primary
last_synced_file=$HF_DATA_DIR/.last-synced

server_address "$HF_NODE_FQDN"
me=$address
own_data=no
if holds_data "$HF_DATA_DIR"; then own_data=yes; fi
if [ "$own_data" = no ]; then
    # They told of data that is no more.
    rm -f "$last_synced_file" "$last_primary_file"
fi
last_primary=
[ ! -s "$last_primary_file" ] || IFS= read -r last_primary <"$last_primary_file"
first_second=$(date +%s)

# log_seldom TEXT: a line now and then while waiting
last_text='' last_logged=0
log_seldom() {
    now=$(date +%s)
    if [ "$1" != "$last_text" ] || [ $((now - last_logged)) -ge "$LOG_EVERY_SECONDS" ]; then
        log "$1"
        last_text=$1 last_logged=$now
    fi
}

waited() {
    now=$(date +%s)
    [ $((now - first_second)) -ge "$1" ]
}

# The template says replica-priority 0: no Sentinel chooses this server before its agent opens that.
server_conf() {
    render "$HF_CONF_DIR/valkey.conf" || return 1
    if [ -n "$1" ]; then echo "replicaof ${1%:*} ${1##*:}"; fi
}

run_server() {
    write_file "$HF_RUN_DIR/valkey.conf" server_conf "$1"
    exec "$HF_SERVER_PROGRAM" "$HF_RUN_DIR/valkey.conf"
}

start_primary() {
    log "starts as the primary: $1"
    write_file "$last_primary_file" echo "$me"
    write_file "$marker" date
    run_server ''
}

start_replica() {
    log "starts as a gated replica of $1: $2"
    write_file "$last_primary_file" echo "$1"
    run_server "$1"
}

# Sentinels name another node.
follow() {
    if [ "$own_data" = no ]; then
        # Without data there is nothing to lose by following, and the others may wait for an answer.
        start_replica "$named" 'named by the Sentinels; nothing here to lose'
    fi
    ask_role "$named"
    if [ "$role" = master ]; then start_replica "$named" 'named by the Sentinels and a primary'; fi
    if waited "$PRIMARY_WAIT_SECONDS"; then
        start_replica "$named" "named by the Sentinels, no primary after $PRIMARY_WAIT_SECONDS s"
    fi
    log_seldom "the Sentinels name $named, which is no primary (${role:-no answer}); waits"
}

# Sentinels name this node.
lead_with_data() {
    case $last_primary in
    '' | "$me")
        let_replica_take_over
        return
        ;;
    esac
    # Sentinels that lost their own files name the node of their template: here last followed
    # another primary, so somebody else may be ahead. Promoted since then is all but impossible.
    if waited $((HF_COLD_START_GRACE_SECONDS + PRIMARY_WAIT_SECONDS)); then
        start_primary "named by the Sentinels; $last_primary, followed last, did not come back"
    fi
    log_seldom "the Sentinels name this node, but it followed $last_primary; waits for another answer"
    ask_role "$last_primary"
    if [ "$role" = master ]; then start_replica "$last_primary" 'followed last, and a primary'; fi
    request_failover
}

# The last primary comes back before the Sentinels missed it. While the disk is slow a server answers
# before it writes (appendfsync everysec), so replicas may have turns, confirmed ones, that are not in
# the file here, and would drop them: one of them leads, if all followed until this server ended. Where
# one did not, or does not answer, the file here may have what nobody else has.
takeover_since=''
let_replica_take_over() {
    if [ -z "$takeover_since" ]; then
        ask_peers
        if [ -z "$peers_with_data" ] || [ -n "$peers_silent$peers_behind" ]; then
            start_primary 'named by the Sentinels, with its data'
        fi
        request_failover
        case $failover_reply in
        OK* | *INPROG*) ;;
        *) start_primary "named by the Sentinels, which do not fail over: ${failover_reply:-no answer}" ;;
        esac
        takeover_since=$(date +%s)
        log "the replicas followed until this server ended, and may have more: waits for one to lead"
    fi
    now=$(date +%s)
    if [ $((now - takeover_since)) -ge "$TAKEOVER_SECONDS" ]; then
        start_primary "named by the Sentinels still, $TAKEOVER_SECONDS s after they were asked to fail over"
    fi
    poll_seconds=$TAKEOVER_POLL_SECONDS
}

lead_without_data() {
    ask_peers
    if [ -n "$peers_with_data" ]; then
        log_seldom "the Sentinels name this node, which is empty; keys are on: $peers_with_data"
        request_failover
    elif [ -n "$peers_silent" ]; then
        log_seldom "the Sentinels name this node, which is empty; no answer from: $peers_silent"
    else
        start_primary 'named by the Sentinels; every node answered and is empty'
    fi
}

# request_failover -> $failover_reply of the first Sentinel that agrees, else of the last that answers
last_failover=0 failover_reply=''
request_failover() {
    now=$(date +%s)
    [ $((now - last_failover)) -ge "$FAILOVER_EVERY_SECONDS" ] || return 0
    last_failover=$now
    failover_reply=''
    for sentinel in $HF_SENTINELS; do
        split_address "$sentinel" "$HF_SENTINEL_PORT"
        ask "$host" "$port" agent SENTINEL FAILOVER "$HF_SERVICE" || continue
        failover_reply=$reply
        log "asked $sentinel to fail over: $reply"
        # INPROG: another one was asked, or acts by itself.
        case $reply in OK* | *INPROG*) return 0 ;; esac
    done
}

without_majority() {
    ask_peers
    case $peers_primary in
    '' | *' '*) ;;
    *) start_replica "$peers_primary" 'no majority of Sentinels; the only primary that answers' ;;
    esac
    if [ "$own_data" = no ] && [ -z "$peers_with_data$peers_silent" ] &&
        [ "$HF_ORDINAL" = 0 ] && [ ! -e "$marker" ]; then
        start_primary 'no majority of Sentinels; first start, every node answered and is empty'
    fi
    target=$last_primary
    if [ -z "$target" ] && [ "$own_data" = no ]; then
        # The first start: the others answer as empty replicas, so that node 0 can begin.
        server_address "${HF_NODES%% *}"
        target=$address
    fi
    if [ -n "$target" ] && [ "$target" != "$me" ]; then
        start_replica "$target" 'no majority of Sentinels; the last primary known here'
    fi
    log_seldom "no majority of Sentinels ($sentinel_answers answered); keeps asking"
}

log "this is $me, data here: $own_data, last primary: ${last_primary:-unknown}"
round=0 poll_seconds=$POLL_SECONDS
while :; do
    round=$((round + 1))
    ask_sentinels
    if [ -z "$named" ]; then
        if [ "$round" -ge "$ROUNDS" ]; then without_majority; fi
        sleep "$ROUND_SECONDS"
        continue
    fi
    if [ "$named" != "$me" ]; then
        follow
    elif [ "$own_data" = yes ]; then
        lead_with_data
    else
        lead_without_data
    fi
    sleep "$poll_seconds"
done
