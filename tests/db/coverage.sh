#!/bin/sh
# Measures the branches of consent, retention, audit and erasure that tests take, on SQLite and on
# PostgreSQL, in the processes that are killed at every step too; fails under 100 %.
# Run it by `make coverage-store`; needs Debian's package postgresql.
set -eu

python=.venv/bin/python
rules=tests/db/coverage.ini
postgres=$(sh tests/db/start_postgres.sh)
eval "$postgres"
trap 'sh tests/db/start_postgres.sh stop "$MIEN_TEST_POSTGRES_DIR"' EXIT

rm -rf build/coverage
mkdir -p build/coverage
"$python" -m coverage run --rcfile="$rules" -m pytest -q -r f tests/db \
    tests/services/person/test_consent.py tests/services/person/test_controller.py \
    tests/services/operations/test_doctor.py tests/services/person/test_export.py tests/services/person/test_purge.py \
    tests/services/admin/test_review.py tests/services/admin/test_sign_in.py \
    tests/services/admin/test_sign_in_outside.py \
    tests/services/analysis/test_in_passing.py tests/services/person/test_withdrawal.py
"$python" -m coverage combine --rcfile="$rules" --quiet
"$python" -m coverage report --rcfile="$rules"
