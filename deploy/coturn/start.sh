#!/bin/sh
# Starts coturn with the secret from its file, which so is in no list of processes.
set -eu
umask 077
{
    cat "${MIEN_TURN_CONFIG:-/etc/coturn/mien.conf}"
    echo "static-auth-secret=$(cat "${MIEN_TURN_SECRET_FILE:-/run/secrets/mien_turn_secret}")"
    echo "realm=$MIEN_TURN_REALM"
    [ -z "${MIEN_TURN_EXTERNAL_IP:-}" ] || echo "external-ip=$MIEN_TURN_EXTERNAL_IP"
} >/tmp/mien-turnserver.conf
exec turnserver -c /tmp/mien-turnserver.conf
