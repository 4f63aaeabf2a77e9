#!/usr/bin/env bash
# Installs the Better Auth of the tests into a cache that all checkouts share, once for each package-lock.json: minutes,
# as its SQLite module is compiled where no ready one can be had. Prints the folder that holds node_modules. Exits with
# 69 where npm or Node 20 is missing.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
version="$(cat "$here/package.json" "$here/package-lock.json" | cksum | cut -d ' ' -f 1)"
folder="${LECTERN_BETTER_AUTH_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/lectern/better-auth-$version}"
if [ ! -d "$folder/node_modules" ] && [ "${1:-}" != --where ]; then
  command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' ||
    { echo "Better Auth's tests want npm and Node 20 or later." >&2; exit 69; }
  mkdir -p "$(dirname "$folder")"
  fresh="$(mktemp -d "$folder.XXXXXX")"
  trap 'rm -rf "$fresh"' EXIT
  cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$fresh"
  npm ci --prefix "$fresh" --no-audit --no-fund --loglevel=error >&2
  # Whoever was first has made the same.
  mv -T "$fresh" "$folder" 2>/dev/null || [ -d "$folder/node_modules" ]
fi
echo "$folder"
