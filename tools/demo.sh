#!/usr/bin/env bash
# Makes a sample tape, restores it, and says where both are: demo.sh BUILD_FOLDER
set -euo pipefail

cd "$(dirname "$0")/.."
program=$1/terminalai
folder=$1/demo
mkdir -p "$folder"

show() { # COMMAND...
    echo
    echo "\$ $*"
    "$@" </dev/null
}

show "$program" simulate -o "$folder/tape.avi" --overwrite
show "$program" restore "$folder/tape.avi" -o "$folder/restored.mp4" --preset vhs --overwrite
show "$program" verify "$folder/restored.mp4"

echo
echo "The tape:      $PWD/$folder/tape.avi"
echo "Restored:      $PWD/$folder/restored.mp4"
echo "What was done: $PWD/$folder/restored.mp4.json"
