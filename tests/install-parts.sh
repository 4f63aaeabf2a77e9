#!/usr/bin/env bash
# Installs what the test suite runs besides Python packages, where it is missing and this may install it: Debian's
# pgbouncer, redis-server, nodejs and valgrind. Without the first three, tests that need them are skipped, except under
# CI=true; without the last, `make counts` cannot count. Running it again changes nothing.
set -euo pipefail
export PATH="$PATH:/usr/sbin"
missing=()
command -v pgbouncer >/dev/null || missing+=(pgbouncer)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v node >/dev/null || missing+=(nodejs)
command -v valgrind >/dev/null || missing+=(valgrind)
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Missing: ${missing[*]}. Install with your package manager to run the tests that need it." >&2
  exit 0
fi
# These packages start servers of their own where an init system lets them; the tests start theirs.
apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
  { apt-get update >/dev/null && apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null; }
