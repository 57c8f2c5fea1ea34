#!/bin/sh
# Starts the Sentinel of this pod. Its file remembers who the primary is, through a stop of
# everything: it is made once; later starts renew the settings and keep the memory.
set -eu
# shellcheck source=k8s/scripts/lib.sh
. "$HF_SCRIPTS_DIR/lib.sh"

conf=$HF_DATA_DIR/sentinel.conf
HF_SENTINEL_ID=

index=0
# shellcheck disable=SC2153 # two names, on purpose: the ids of all, and this one's
for id in $HF_SENTINEL_IDS; do
    if [ "$index" = "$HF_ORDINAL" ]; then HF_SENTINEL_ID=$id; fi
    index=$((index + 1))
done
[ -n "$HF_SENTINEL_ID" ] || fail "no id for ordinal $HF_ORDINAL"

# The primary that others know -> $primary, empty if they know none.
ask_others() {
    ask_sentinels
    primary=$named
    [ -z "$primary" ] || return 0
    ask_peers
    case $peers_primary in *' '*) ;; *) primary=$peers_primary ;; esac
}

if [ -s "$conf" ] && grep -q "^sentinel monitor $HF_SERVICE " "$conf"; then
    log 'keeps what its file remembers'
    memory=$conf
else
    # A lost volume: what the template names may be a node that fell behind long ago.
    ask_others
    if [ -n "$primary" ]; then
        log "no file; the others know the primary $primary"
    else
        log 'no file, and nobody knows a primary; begins with the template'
    fi
    memory=$HF_RUN_DIR/memory
    write_file "$memory" echo \
        "${primary:+sentinel monitor $HF_SERVICE ${primary%:*} ${primary##*:} $HF_QUORUM}"
fi

# Settings from the template, the primary and all that was learned from memory, but of those alone
# that the store still has: a Sentinel that was taken away would be counted for ever, and the
# majority of all that are counted has to agree to a failover. The file has them by the names that
# they announce (sentinel announce-hostnames).
merge() {
    awk -v service="$HF_SERVICE" -v quorum="$HF_QUORUM" -v memory="$memory" \
        -v nodes="$HF_NODES" -v sentinels="$HF_SENTINELS" '
        function has(names, name) { return index(" " names " ", " " name " ") }
        FILENAME != memory && $1 == "sentinel" && $2 == "monitor" && $3 == service && primary != "" {
            print "sentinel monitor " service " " primary " " quorum
            next
        }
        FILENAME != memory { print; next }
        $1 != "sentinel" { next }
        $2 == "monitor" && $3 == service { primary = $4 " " $5 }
        $2 == "current-epoch" { learned[++n] = $0 }
        $3 != service { next }
        $2 == "config-epoch" || $2 == "leader-epoch" { learned[++n] = $0 }
        $2 == "known-replica" || $2 == "known-slave" { if (has(nodes, $4)) learned[++n] = $0 }
        $2 == "known-sentinel" { if (has(sentinels, $4)) learned[++n] = $0 }
        END { for (i = 1; i <= n; i++) print learned[i] }
    ' "$memory" "$HF_RUN_DIR/sentinel.conf"
}

write_file "$HF_RUN_DIR/sentinel.conf" render "$HF_CONF_DIR/sentinel.conf"
write_file "$conf" merge
rm -f "$HF_RUN_DIR/sentinel.conf"
exec "$HF_SERVER_PROGRAM" "$conf" --sentinel
