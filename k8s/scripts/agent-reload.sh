# shellcheck shell=sh disable=SC2154
# Sourced by agent.sh: applies changed files to the running server, and proves that they are.
# A mounted Secret changes up to a minute after the object: only what the server says counts.
# SC2154: reply and the like are set by lib.sh and agent.sh.

acl_file=$HF_ACL_DIR/users.acl
# What the server had before: digests only, to see whose old password is gone.
acl_before=$HF_RUN_DIR/agent.acl
tls_applied='' acl_applied='' replica_applied=''
tls_problem='' acl_problem=''

reload_step() {
    reload_acl && reload_replica_password && reload_certificate
}

# The last line of the file: `user _rev off #<digest of the lines before>`. It can do nothing; that
# the server has it proves that it has this file.
acl_revision() {
    revision=$(sed -n 's/^user _rev off.* #\([0-9a-f]\{64\}\).*/\1/p' "$acl_file")
}

has_revision() {
    tell 'ACL GETUSER _rev' || return 1
    case $reply in *"$revision"*) ;; *) proved=no ;; esac
}

reload_acl() {
    sum=$(cksum <"$acl_file") || fail "cannot read $acl_file"
    [ "$sum" != "$acl_applied" ] || return 0
    acl_revision
    proved=yes
    if [ -n "$revision" ] && [ -z "$acl_applied" ]; then
        # The agent is new, the server need not be: it may have this file already.
        has_revision || return 1
        if [ "$proved" = yes ]; then
            # The agent before this one may have ended after it loaded the file and before it had cut
            # the old logins. In a pod that starts nothing was before.
            cut_old_logins || return 1
            acl_done
            return 0
        fi
    fi
    tell 'ACL LOAD' || return 1
    case $reply in
    OK*) ;;
    *)
        if [ "$acl_problem" != "$sum" ]; then log "the server refuses the users, keeps the old: ${reply%"$NL"}"; fi
        acl_problem=$sum
        return 0
        ;;
    esac
    if [ -z "$revision" ]; then
        log 'users loaded, not proved: the file has no revision'
    else
        proved=yes
        has_revision || return 1
        if [ "$proved" = no ]; then
            log "users loaded, but the server does not have revision $revision"
            return 0
        fi
        log "users loaded, revision $revision read back"
    fi
    cut_old_logins || return 1
    acl_done
}

acl_done() {
    acl_applied=$sum
    write_file "$acl_before" cat "$acl_file"
}

# A login outlives the password that it was made with.
cut_old_logins() {
    [ -s "$acl_before" ] || return 0
    users=$(awk '
        $1 != "user" || $2 == "_rev" { next }
        FNR == NR { for (i = 3; i <= NF; i++) if ($i ~ /^#/) had[$2, $i] = $2; next }
        { for (i = 3; i <= NF; i++) delete had[$2, $i] }
        END { for (key in had) gone[had[key]]; for (user in gone) print user }
    ' "$acl_before" "$acl_file")
    for user in $users; do
        # This login goes on; connections of the agent's old password are its own.
        tell "CLIENT KILL USER $user SKIPME yes" || return 1
        log "an old password of $user is gone, its logins are cut: ${reply%"$NL"}"
    done
}

reload_replica_password() {
    read_secret replica
    [ "$secret" != "$replica_applied" ] || return 0
    tell "CONFIG SET masterauth $secret" || return 1
    case $reply in
    OK*) [ -z "$replica_applied" ] || log 'the password towards the primary is changed' ;;
    *) log "the server refuses the password towards the primary: ${reply%%"$secret"*}" ;;
    esac
    replica_applied=$secret
}

reload_certificate() {
    sum=$(cat "$HF_TLS_DIR/tls.crt" "$HF_TLS_DIR/tls.key" "$HF_TLS_DIR/ca.crt" | cksum)
    [ "$sum" != "$tls_applied" ] || return 0
    tell "CONFIG SET tls-cert-file $HF_TLS_DIR/tls.crt tls-key-file $HF_TLS_DIR/tls.key tls-ca-cert-file $HF_TLS_DIR/ca.crt" || return 1
    case $reply in
    OK*) ;;
    *)
        if [ "$tls_problem" != "$sum" ]; then log "the server refuses the certificate, keeps the old: ${reply%"$NL"}"; fi
        tls_problem=$sum
        return 0
        ;;
    esac
    certificate_serial "$HF_TLS_DIR/tls.crt"
    served_serial || return 1
    if [ -z "$served" ]; then
        log "certificate $serial loaded, not proved: no openssl here, and the server does not tell"
    elif [ "$served" = "$serial" ]; then
        log "certificate $serial loaded, the server serves it"
    else
        log "certificate $serial is in the file, the server serves $served"
        return 0
    fi
    tls_applied=$sum
}

# What the server serves -> $served, hex without leading zeros; empty if nobody can tell.
served_serial() {
    tell 'INFO tls' || return 1
    served=
    case $reply in
    *tls_server_cert_serial:*)
        served=${reply##*tls_server_cert_serial:}
        served=${served%%"$NL"*}
        ;;
    *)
        # Before 9.1 the server does not say; a handshake shows it.
        if command -v openssl >/dev/null; then
            served=$(openssl s_client -connect "localhost:$HF_PORT" -CAfile "$HF_TLS_DIR/ca.crt" \
                -cert "$HF_TLS_DIR/tls.crt" -key "$HF_TLS_DIR/tls.key" </dev/null 2>/dev/null |
                openssl x509 -noout -serial 2>/dev/null) || served=
            served=${served#serial=}
        fi
        ;;
    esac
    served=$(printf '%s' "$served" | sed 'y/ABCDEF/abcdef/;s/^0*//')
}
