#!/bin/sh
# Whether an image can be a store's: run once before pods are made or changed with it, so that one
# that will never do is told at once, and not by pods that restart until Pulumi's patience ends.
set -u

fail() {
    echo "$HF_IMAGE $1" >&2
    exit 1
}

missing=
for program in "$HF_SERVER_PROGRAM" "$HF_CLI" $HF_TOOLS; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
[ -z "$missing" ] || fail "has no$missing; choose an image that has (holdfast:image)"

found=$("$HF_SERVER_PROGRAM" --version 2>&1)
case $found in
*"v=$HF_ENGINE_VERSION "*) ;;
*) fail "has another server than $HF_ENGINE_VERSION, as set (holdfast:engineVersion): $found" ;;
esac

# Without the certificate it does not start either way; a server that has TLS says so.
said=$("$HF_SERVER_PROGRAM" --port 0 --tls-port 6379 --tls-cert-file /absent/tls.crt \
    --tls-key-file /absent/tls.key --tls-ca-cert-file /absent/ca.crt --save '' 2>&1)
case $said in
*ertificate:*) ;;
*) fail "has a server without TLS; choose one that is built with it (holdfast:image). It says: $(
    echo "$said" | sed -n '$p'
)" ;;
esac
echo "$HF_IMAGE can run the store: $found"
