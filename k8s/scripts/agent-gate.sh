# shellcheck shell=sh disable=SC2154
# Sourced by agent.sh: who may be chosen as the primary. No Sentinel chooses priority 0, and of the
# others it takes the lowest; so the freshest replica wins without a word between the pods.
# SC2154: reply and the like are set by lib.sh and agent.sh.

IN_STEP_PRIORITY=100
IN_STEP_SECONDS=5
ESCAPE_EVERY_SECONDS=5
# The Sentinels read a replica's priority every 10 s, and all agents shall have opened by then.
ASK_AFTER_SECONDS=20

last_synced_file=$HF_DATA_DIR/.last-synced
last_primary_file=$HF_DATA_DIR/.last-primary
server_address "$HF_NODE_FQDN"
me=$address
in_step_since=''
was_primary=''
remembered_primary=''
no_primary_since='' last_escape_check=0 opened_at='' asked='' late_logged=''
[ ! -s "$last_primary_file" ] || IFS= read -r remembered_primary <"$last_primary_file" || true

# read_info: $reply of INFO -> $now $role $link $syncing $priority $primary
read_info() {
    now='' role='' link='' syncing='' priority='' primary_host='' primary_port=''
    while IFS=: read -r name value; do
        case $name in
        server_time_usec) now=${value%??????} ;;
        role) role=$value ;;
        master_host) primary_host=$value ;;
        master_port) primary_port=$value ;;
        master_link_status) link=$value ;;
        master_sync_in_progress) syncing=$value ;;
        slave_priority) priority=$value ;;
        esac
    done <<EOF
$reply
EOF
    primary=$primary_host:$primary_port
    if [ -z "$now" ]; then now=$(date +%s); fi
}

set_priority() {
    [ "$priority" != "$1" ] || return 0
    tell "CONFIG SET replica-priority $1" || return 1
    log "replica-priority $priority -> $1: $2 (${reply%"$NL"})"
}

# In place, without a process: ten digits over ten digits.
remember_synced() {
    printf '%s\n' "$now" 1<>"$last_synced_file"
}

remember_primary() {
    if [ "$remembered_primary" != "$1" ]; then
        write_file "$last_primary_file" echo "$1"
        log "the primary is $1"
        remembered_primary=$1
    fi
}

gate_step() {
    read_info
    case $role in
    master)
        remember_synced
        remember_primary "$me"
        was_primary=yes in_step_since='' no_primary_since='' opened_at=''
        ;;
    slave)
        if [ -n "$was_primary" ]; then
            # Demoted: it may have writes that the new primary never saw, or lack newer ones.
            set_priority 0 'no primary any more, not yet in step' || return 1
            priority=0 was_primary=''
        fi
        if [ "$link" = up ] && [ "$syncing" = 0 ]; then
            remember_synced
            remember_primary "$primary"
            no_primary_since='' opened_at=''
            : "${in_step_since:=$now}"
            if [ $((now - in_step_since)) -ge "$IN_STEP_SECONDS" ]; then
                set_priority "$IN_STEP_PRIORITY" "in step with $primary" || return 1
            fi
        else
            in_step_since=''
            if [ $((now - last_escape_check)) -ge "$ESCAPE_EVERY_SECONDS" ]; then
                last_escape_check=$now
                escape_step || return 1
            fi
        fi
        ;;
    esac
}

# Out of step: after the grace without a reachable primary, the freshest replica may be chosen.
escape_step() {
    ask_sentinels
    [ -n "$named" ] || return 0
    ask_role "$named"
    if [ "$role" = master ]; then
        no_primary_since='' opened_at=''
        return 0
    fi
    : "${no_primary_since:=$now}"
    [ $((now - no_primary_since)) -ge "$HF_COLD_START_GRACE_SECONDS" ] || return 0
    # Never in step with anybody: nothing that could be promoted.
    [ -s "$last_synced_file" ] || return 0
    IFS= read -r synced <"$last_synced_file"
    if [ -z "$opened_at" ]; then
        peers_priorities
        if [ -n "$late_peers" ]; then
            if [ "$late_peers" != "$late_logged" ]; then
                log "no primary for $((now - no_primary_since)) s; lets those open that started later:$late_peers"
                late_logged=$late_peers
            fi
            return 0
        fi
        opened_at=$now asked=''
        set_priority $((IN_STEP_PRIORITY + opened_at - synced)) \
            "no primary for $((now - no_primary_since)) s, in step $((opened_at - synced)) s ago" || return 1
    elif [ -z "$asked" ] && [ $((now - opened_at)) -ge "$ASK_AFTER_SECONDS" ]; then
        # By themselves they try again only after twice their failover timeout.
        peers_priorities
        [ -z "$lower_peers" ] || return 0
        for sentinel in $HF_SENTINELS; do
            split_address "$sentinel" "$HF_SENTINEL_PORT"
            if ask "$host" "$port" agent SENTINEL FAILOVER "$HF_SERVICE"; then
                log "the freshest; asked $sentinel to fail over: $reply"
                case $reply in OK*) asked=yes ;; esac
                return 0
            fi
        done
    fi
}

# What the peers that answer are at -> $late_peers (still within their own grace), $lower_peers
# (would be chosen before this node).
peers_priorities() {
    late_peers='' lower_peers=''
    for node in $HF_NODES; do
        server_address "$node"
        [ "$address" != "$me" ] || continue
        peer=$address
        ask "$host" "$port" agent INFO server replication || continue
        uptime=${reply##*uptime_in_seconds:} uptime=${uptime%%[!0-9]*}
        theirs=${reply##*slave_priority:} theirs=${theirs%%[!0-9]*}
        case $reply in *slave_priority:[0-9]*) ;; *) continue ;; esac
        if [ "$theirs" = 0 ]; then
            if [ "${uptime:-0}" -lt "$HF_COLD_START_GRACE_SECONDS" ]; then late_peers="$late_peers $peer"; fi
        elif [ "$theirs" -lt "$priority" ]; then
            lower_peers="$lower_peers $peer"
        fi
    done
}
