# shellcheck shell=sh disable=SC2034
# SC2034: what a function answers with is read by the scripts that source this file.
# Sourced by all scripts. Variables are those of k8s/environment.py.
# A function that answers with a variable names it in its comment: $(...) costs a process.
# What the image needs for all this is in k8s/image_check.py (TOOLS).

NL='
'
CR=$(printf '\r')
ANSWER_SECONDS=2
LINK_DOWN_SLACK_SECONDS=5
STEP=${0##*/}

log() {
    printf '%s %s: %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${STEP%.sh}" "$*" >&2
}

fail() {
    log "$@"
    exit 1
}

# write_file PATH COMMAND...: what the command prints becomes the file, whole or not at all (a
# command that fails leaves the old one), readable by the owner alone.
write_file() {
    written=$1
    shift
    if ! (umask 077 && "$@" >"$written.new") || ! mv -f "$written.new" "$written"; then
        fail "cannot write $written"
    fi
}

# read_secret ROLE -> $secret. Never an argument of a program: those can be listed by others.
read_secret() {
    secret=
    IFS= read -r secret <"$HF_SECRETS_DIR/$1" || [ -n "$secret" ] || fail "no secret of $1"
}

# split_address NAME[:PORT] DEFAULT_PORT -> $host $port
split_address() {
    host=${1%:*}
    port=$2
    case $1 in *:*) port=${1##*:} ;; esac
}

# server_address NAME[:PORT] -> $address, always with its port
server_address() {
    split_address "$1" "$HF_PORT"
    address=$host:$port
}

# start_cli HOST PORT ROLE [COMMAND...]: replaces this process by a logged-in cli.
start_cli() {
    cli_host=$1 cli_port=$2 cli_role=$3
    shift 3
    read_secret "$cli_role"
    export VALKEYCLI_AUTH="$secret" REDISCLI_AUTH="$secret"
    exec "$HF_CLI" -h "$cli_host" -p "$cli_port" --user "$cli_role" --tls \
        --cacert "$HF_TLS_DIR/ca.crt" --cert "$HF_TLS_DIR/tls.crt" --key "$HF_TLS_DIR/tls.key" "$@"
}

# ask HOST PORT ROLE COMMAND... -> $reply; error replies too. False if there is no answer.
ask() {
    ask_host=$1 ask_port=$2 ask_role=$3
    shift 3
    read_secret "$ask_role"
    reply=$(
        VALKEYCLI_AUTH=$secret REDISCLI_AUTH=$secret timeout "$ANSWER_SECONDS" \
            "$HF_CLI" -h "$ask_host" -p "$ask_port" --user "$ask_role" --tls \
            --cacert "$HF_TLS_DIR/ca.crt" --cert "$HF_TLS_DIR/tls.crt" \
            --key "$HF_TLS_DIR/tls.key" "$@" 2>&1
    ) || {
        reply=
        return 1
    }
    case $reply in 'Could not connect'* | 'Error: '*) return 1 ;; esac
}

# ask_sentinels: whom a majority of all the Sentinels names -> $named, empty if there is none.
# $sentinel_answers: how many answered at all.
ask_sentinels() {
    named=
    sentinel_answers=0
    seen=
    total=0
    for sentinel in $HF_SENTINELS; do
        total=$((total + 1))
        split_address "$sentinel" "$HF_SENTINEL_PORT"
        ask "$host" "$port" agent SENTINEL GET-MASTER-ADDR-BY-NAME "$HF_SERVICE" || continue
        case $reply in
        *" "* | '' | "$NL"*) ;; # an error, or a Sentinel that does not know the service
        *"$NL"*)
            sentinel_answers=$((sentinel_answers + 1))
            seen="$seen ${reply%%"$NL"*}:${reply##*"$NL"}"
            ;;
        esac
    done
    for candidate in $seen; do
        votes=0
        for answer in $seen; do
            [ "$answer" != "$candidate" ] || votes=$((votes + 1))
        done
        if [ $((votes * 2)) -gt "$total" ]; then
            named=$candidate
            return
        fi
    done
}

# ask_role ADDRESS -> $role: master, slave, or something else (empty: no answer)
ask_role() {
    split_address "$1" "$HF_PORT"
    role=
    ! ask "$host" "$port" agent ROLE || role=${reply%%"$NL"*}
}

# ask_peers: what the other servers hold -> $peers_with_data $peers_silent $peers_primary
# $peers_behind (not in step, see below), all of them addresses
ask_peers() {
    peers_with_data='' peers_silent='' peers_primary='' peers_behind=''
    for node in $HF_NODES; do
        server_address "$node"
        [ "$address" != "${me:-}" ] || continue
        peer=$address
        if ask "$host" "$port" agent INFO keyspace persistence replication; then
            case $reply in
            # A server that loads does not know yet what it has.
            *loading:1* | *db[0-9]*:keys=[1-9]*) peers_with_data="$peers_with_data $peer" ;;
            *'# Keyspace'*) ;;
            *) peers_silent="$peers_silent $peer" ;;
            esac
            case $reply in *role:master*) peers_primary="$peers_primary $peer" ;; esac
            is_in_step || peers_behind="$peers_behind $peer"
        else
            peers_silent="$peers_silent $peer"
        fi
    done
    peers_with_data=${peers_with_data# } peers_silent=${peers_silent# }
    peers_primary=${peers_primary# } peers_behind=${peers_behind# }
}

# is_in_step: whether $reply (INFO) is that of a replica with keys and an open gate that followed its
# primary until just now. A link breaks as soon as the primary's process ends: one that is down for
# longer than the Sentinels take to replace a primary fell behind before.
is_in_step() {
    case $reply in *loading:1* | *master_sync_in_progress:1*) return 1 ;; esac
    for sign in 'role:slave' 'slave_priority:[1-9]' 'db[0-9]*:keys=[1-9]'; do
        # shellcheck disable=SC2254 # patterns
        case $reply in *$sign*) ;; *) return 1 ;; esac
    done
    case $reply in *master_link_down_since_seconds:*) ;; *) return 0 ;; esac
    down=${reply##*master_link_down_since_seconds:} down=${down%%[!0-9]*}
    # Without a number (-1) it never was in step.
    [ -n "$down" ] && [ "$down" -le $((HF_DOWN_AFTER_MS / 1000 + LINK_DOWN_SLACK_SECONDS)) ]
}

# holds_data FOLDER: whether a server that starts there has keys. Its twin for servers on this
# machine is provider/servers/datafolder.py; tests/start_cases.py holds both to the same cases.
holds_data() {
    [ -n "$(echo "$1"/appendonlydir/*.manifest | sed '/\*/d')" ] || return 1
    for file in "$1"/appendonlydir/*.aof "$1"/appendonlydir/*.rdb; do
        case ${file##*/} in '*'* | temp-*) continue ;; esac
        [ -s "$file" ] || continue
        # Keys follow the header's fields (0xFA); an empty file has its end (0xFF) there. What is
        # no RDB, or not understood, is taken for data: to be wrong on that side loses nothing.
        od -An -v -tu1 -N 65536 "$file" | awk '
            { for (i = 1; i <= NF; i++) b[n++] = $i }
            function skip(   x, l) {
                x = b[p++]
                if (x == 192) l = 1
                else if (x == 193) l = 2
                else if (x == 194) l = 4
                else if (x < 64) l = x
                else if (x < 128) l = (x - 64) * 256 + b[p++]
                else return 0
                p += l
                return p < n
            }
            END {
                redis = b[0] == 82 && b[1] == 69 && b[2] == 68 && b[3] == 73 && b[4] == 83
                valkey = b[0] == 86 && b[1] == 65 && b[2] == 76 && b[3] == 75 && b[4] == 69 && b[5] == 89
                if (!redis && !valkey) exit 0
                p = 9
                while (b[p] == 250) { p++; if (!skip() || !skip()) exit 0 }
                exit b[p] == 255
            }' && return 0
    done
    return 1
}

# is_valkey_at_least MAJOR
is_valkey_at_least() {
    [ "$HF_ENGINE" = valkey ] && [ "${HF_ENGINE_VERSION%%.*}" -ge "$1" ]
}

# render TEMPLATE: fill in @HF_...@ and @secret:<role>@, to stdout
render() {
    while IFS= read -r line || [ -n "$line" ]; do
        while :; do
            case $line in
            *@secret:*@*)
                rest=${line#*@secret:}
                read_secret "${rest%%@*}"
                case $secret in
                *[!A-Za-z0-9_.~-]*) fail "the secret of ${rest%%@*} has characters that a config cannot hold" ;;
                esac
                line=${line%%@secret:*}$secret${rest#*@}
                ;;
            *@HF_*@*)
                rest=${line#*@HF_}
                name=HF_${rest%%@*}
                case $name in *[!A-Z_]*) fail "$1: bad placeholder" ;; esac
                eval "value=\${$name:-}"
                [ -n "$value" ] || fail "$1: $name is not set"
                line=${line%%@HF_*}$value${rest#*@}
                ;;
            *) break ;;
            esac
        done
        printf '%s\n' "$line"
    done <"$1"
}

# certificate_serial FILE -> $serial of its first certificate, hex without leading zeros
certificate_serial() {
    # DER: two sequences, the version where there is one, then the serial as an integer.
    serial=$(sed -n '/BEGIN CERT/,/END CERT/p;/END CERT/q' "$1" | sed '/-----/d' | base64 -d |
        od -An -v -tx1 -N 80 | awk '
            { for (i = 1; i <= NF; i++) b[n++] = $i }
            function head() { p += 2 + (b[p + 1] ~ /^8/ ? substr(b[p + 1], 2) : 0) }
            END {
                head()
                head()
                if (b[p] == "a0") p += 5
                size = index("0123456789abcdef", substr(b[p + 1], 1, 1)) * 16 - 16
                size += index("0123456789abcdef", substr(b[p + 1], 2, 1)) - 1
                for (i = 0; i < size; i++) s = s b[p + 2 + i]
                sub(/^0+/, "", s)
                print s
            }')
}
