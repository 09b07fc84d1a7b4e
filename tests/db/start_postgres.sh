#!/bin/sh
# Starts Debian's PostgreSQL in a temporary folder on a port of its own and prints
#   export MIEN_TEST_POSTGRES_URL=postgresql://…
#   export MIEN_TEST_POSTGRES_DIR=…
# for `eval "$(sh tests/db/start_postgres.sh)"`. Stop it with
#   sh tests/db/start_postgres.sh stop "$MIEN_TEST_POSTGRES_DIR"
# PostgreSQL refuses to run as root; there it runs as the user postgres of Debian's package.
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
if [ -z "$bin" ]; then
    echo "PostgreSQL is not installed; run: apt-get install postgresql" >&2
    exit 1
fi

as_server() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

if [ "${1:-}" = stop ]; then
    as_server "$bin/pg_ctl" -D "$2/data" -m immediate -w stop >&2
    rm -rf "$2"
    exit 0
fi

dir=$(mktemp -d /tmp/mien-postgres.XXXXXX)
port=${MIEN_TEST_POSTGRES_PORT:-$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')}
[ "$(id -u)" = 0 ] && chown postgres "$dir"
cd "$dir"
as_server "$bin/initdb" -D "$dir/data" -U mien -A trust -E UTF8 --locale=C >&2
# No fsync: the folder is thrown away, and a crash of the machine is not what is tested here.
as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w start >&2 \
    -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$dir -c fsync=off -c max_connections=50"
echo "export MIEN_TEST_POSTGRES_URL=postgresql://mien@127.0.0.1:$port/postgres"
echo "export MIEN_TEST_POSTGRES_DIR=$dir"
