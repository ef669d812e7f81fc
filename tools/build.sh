#!/usr/bin/env bash
# Configures a build folder, or brings its configuration up to date, and builds: build.sh FOLDER [MESON_OPTION...]
# Says nothing but errors and one progress line. CC and the like count when the folder is new.
set -euo pipefail

cd "$(dirname "$0")/.."
folder=$1
shift

setup=(meson setup "$folder" "$@")
if [ -e "$folder/build.ninja" ]; then
    setup+=(--reconfigure)
elif [ -d "$folder/meson-private" ]; then
    setup+=(--wipe) # a configuration that failed half-way
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "${setup[@]}" </dev/null >"$log" 2>&1; then
    cat "$log"
    exit 1
fi
ninja -C "$folder" --quiet
