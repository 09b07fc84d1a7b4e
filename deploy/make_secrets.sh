#!/bin/sh
# Makes the secrets that docker-compose.yml asks for, in deploy/secrets; keeps those that are there.
# The certificate is self-made, for trying out: put your own in its place.
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
name=${MIEN_SERVER_NAME:-localhost}
mkdir -p "$folder"

keep() { # keep FILE COMMAND...: write what the command prints into FILE, unless it is there
    file=$folder/$1
    shift
    [ -s "$file" ] || { "$@" >"$file.new" && mv "$file.new" "$file"; }
}

keep mien_master_key openssl rand -base64 32
keep mien_cookie_secret openssl rand -hex 32
keep mien_turn_secret openssl rand -hex 32
keep postgres_password openssl rand -hex 32
keep mien_database_url printf 'postgresql://mien:%s@database/mien\n' "$(cat "$folder/postgres_password")"
if [ ! -s "$folder/tls_certificate.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
        -subj "/CN=$name" -addext "subjectAltName=DNS:$name" \
        -keyout "$folder/tls_key.pem" -out "$folder/tls_certificate.pem" 2>/dev/null
fi
# Containers read them as their own users; the folder keeps others on this machine out.
chmod 644 "$folder"/*
chmod 700 "$folder"
