#!/usr/bin/env bash
# Installs what the test suite runs besides Python packages, where it is missing and this may install it: Debian's
# pgbouncer, redis-server, nginx, nodejs, npm and valgrind, the Better Auth of better_auth/ and the clients of
# conformance/. Without them, tests that need one are skipped, except under CI=true; without valgrind, `make counts` cannot
# count. Running it again changes nothing.
set -euo pipefail
export PATH="$PATH:/usr/sbin"
missing=()
command -v pgbouncer >/dev/null || missing+=(pgbouncer)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v nginx >/dev/null || missing+=(nginx)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v valgrind >/dev/null || missing+=(valgrind)
if [ ${#missing[@]} -gt 0 ] && { [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; }; then
  echo "Missing: ${missing[*]}. Install with your package manager to run the tests that need it." >&2
elif [ ${#missing[@]} -gt 0 ]; then
  # Some of these start servers of their own where an init system lets them; the tests start theirs.
  apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
    { apt-get update >/dev/null && apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null; }
fi
for suite in better_auth conformance; do
  "$(dirname "${BASH_SOURCE[0]}")/$suite/install.sh" >/dev/null || [ $? -eq 69 ]
done
