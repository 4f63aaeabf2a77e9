#!/usr/bin/env bash
# Installs the clients of the conformance tests into a cache that all checkouts share, once for each set of pins: those of
# npm, and a Python environment of its own for LangChain. Prints the folder that holds node_modules and python. Exits with
# 69 where npm, Node 20 or Python's venv is missing.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
version="$(cat "$here/package.json" "$here/package-lock.json" "$here/requirements.txt" | cksum | cut -d ' ' -f 1)"
folder="${LECTERN_CONFORMANCE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/lectern/conformance-$version}"
if [ ! -d "$folder/node_modules" ] && [ "${1:-}" != --where ]; then
  python="$here/../../.venv/bin/python"
  [ -x "$python" ] || python=python3
  command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' &&
    "$python" -c 'import pip, venv' 2>/dev/null ||
    { echo "The conformance tests want npm, Node 20 or later, and Python with pip and venv." >&2; exit 69; }
  mkdir -p "$(dirname "$folder")"
  fresh="$(mktemp -d "$folder.XXXXXX")"
  trap 'rm -rf "$fresh"' EXIT
  cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$fresh"
  npm ci --prefix "$fresh" --no-audit --no-fund --loglevel=error >&2
  "$python" -m venv --without-pip "$fresh/python"
  "$python" -m pip --python "$fresh/python/bin/python" install --quiet --no-input --disable-pip-version-check \
    --require-hashes --requirement "$here/requirements.txt" >&2
  # Whoever was first has made the same.
  mv -T "$fresh" "$folder" 2>/dev/null || [ -d "$folder/node_modules" ]
fi
echo "$folder"
