#!/usr/bin/env bash
# Installs the browser of the browser suite where it is missing and this may install it: Debian's chromium. Without it
# the suite is skipped, except under CI=true. Running it again changes nothing.
set -euo pipefail
if command -v chromium >/dev/null || command -v chromium-browser >/dev/null; then exit 0; fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Chromium is missing; install it with your package manager to run the browser suite." >&2
  exit 0
fi
packages=(chromium fonts-noto-core)
apt-get install --yes --no-install-recommends "${packages[@]}" >/dev/null 2>&1 ||
  { apt-get update >/dev/null && apt-get install --yes --no-install-recommends "${packages[@]}" >/dev/null; }
