#!/usr/bin/env bash
# Builds the nasty pages, and the Redux docs when they are there, with the real Docusaurus in a temporary folder, and
# keeps the routes and anchors it makes in nasty.json and redux.json. Needs Node 20.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../../.." && pwd)"
corpus="${LECTERN_CORPUS:-$root/../shared/corpora/redux-docs/docs}"
python="${PYTHON:-$root/.venv/bin/python}"
site="${ORACLE_DIR:-$(mktemp -d)}"
[ -n "${ORACLE_DIR:-}" ] || trap 'rm -rf "$site"' EXIT

mkdir -p "$site"
cp "$here/package.json" "$here/docusaurus.config.js" "$site/"
echo "module.exports = () => null" >"$site/stub.js"
: >"$site/stub.css"
npm install --prefix "$site" --no-audit --no-fund --loglevel=error

build() { # DOCS_DIR OUTPUT
	rm -rf "$site/docs" "$site/build" "$site/.docusaurus"
	cp -r "$1" "$site/docs"
	chmod -R u+w "$site/docs"
	(cd "$site" && DOCUSAURUS_NO_PERSISTENT_CACHE=true NO_UPDATE_NOTIFIER=1 npx docusaurus build --no-minify)
	node "$here/collect.mjs" "$site" >"$2"
}

build "$here/nasty" "$site/nasty.json"
if [ -d "$corpus" ]; then
	build "$corpus" "$site/redux.json"
	"$python" "$here/keep.py" "$site/nasty.json" "$site/redux.json" "$corpus"
else
	echo "No Redux docs at LECTERN_CORPUS: only the nasty pages are renewed."
	"$python" "$here/keep.py" "$site/nasty.json"
fi
