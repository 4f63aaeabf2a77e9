#!/usr/bin/env bash
# Makes `make image-test` possible where root and apt allow: podman and what it leans on, and a base image for the
# Dockerfile's FROM. Says in one line why not, and exits with 69, where they do not. Running it again changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
base="python:3.11-slim"
export CONTAINERS_CONF="$PWD/containers.conf" PATH="$PATH:/usr/sbin"

give_up() {
  echo "The image cannot be tested here: $1." >&2
  exit 69
}

[ "$(id -u)" -eq 0 ] || give_up "limits of a container's CPU and memory want root"
missing=()
for package in podman buildah runc debootstrap fuse-overlayfs; do command -v "$package" >/dev/null || missing+=("$package"); done
if [ ${#missing[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || give_up "${missing[*]} missing, and no apt-get"
  apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
    { apt-get update >/dev/null && apt-get install --yes --no-install-recommends "${missing[@]}" >/dev/null; } ||
    give_up "apt-get cannot install ${missing[*]}"
fi

make_base() {
  podman image exists "$base" && return
  timeout 120 podman pull --quiet "$base" >/dev/null 2>&1 && return
  # No registry: the same Python on the same Debian, of the distribution's own packages. 80 MB larger than the real one.
  echo "No registry has $base here; making a stand-in by debootstrap (once, a minute or two) ..."
  local packages="python3,python3-venv,python3-pip,ca-certificates" root container
  folder="$(mktemp -d)"
  trap 'rm -rf "$folder"' EXIT
  root="$folder/root"
  debootstrap --variant=minbase --include="$packages" bookworm "$root" >"$folder/log" 2>&1 ||
    { tail -n 5 "$folder/log" >&2 && give_up "debootstrap failed"; }
  rm -rf "$root"/usr/lib/python3*/EXTERNALLY-MANAGED "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  ln -s /usr/bin/python3 "$root/usr/local/bin/python"
  ln -s /usr/bin/python3 "$root/usr/local/bin/python3"
  ln -s /usr/bin/pip3 "$root/usr/local/bin/pip"
  container="$(buildah from scratch)"
  buildah add --quiet "$container" "$root" / >/dev/null
  buildah config --env PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin --env LANG=C.UTF-8 \
    --cmd python3 "$container"
  buildah commit --quiet --rm "$container" "$base" >/dev/null
}

make_base
limits="--network=host --cpus=1 --memory=64m --cap-drop=all"
# shellcheck disable=SC2086 # the options are words
podman run --rm $limits "$base" true >/dev/null 2>&1 || give_up "podman cannot run a container with limits"
