#!/usr/bin/env bash
# Makes a sample tape, restores it, puts both side by side in a picture, and says where all is: demo.sh BUILD_FOLDER
set -euo pipefail

cd "$(dirname "$0")/.."
program=$1/terminalai
folder=$1/demo
tape=$folder/tape.avi
restored=$folder/restored.mp4
picture=$folder/before-after.png
mkdir -p "$folder"
rm -f "$picture"
where=$(cd "$folder" && pwd)

show() { # COMMAND...
    echo
    echo "\$ $*"
    "$@" </dev/null
}

# The same moment of both as a television shows it (4:3), the tape with nothing done to it but scaling, a detail of each enlarged.
# SECONDS
side_by_side() {
    local font label='' left right detail
    font=$(fc-match --format '%{file}' sans 2>/dev/null || true)
    if [ -e "$font" ]; then
        label=",drawtext=fontfile='$font':x=24:y=24:fontsize=36:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=10:text="
    fi
    left=${label:+${label}tape} right=${label:+${label}restored}
    detail='crop=200:150:560:440,scale=500:375:flags=neighbor,pad=508:383:4:4:white'
    ffmpeg -v error -nostdin -y -ss "$1" -i "$tape" -ss "$1" -i "$restored" -filter_complex \
        "[0:v]scale=960:720:flags=neighbor,setsar=1,split[t][u];[1:v]scale=960:-2:flags=lanczos,pad=960:720,setsar=1,split[r][s];
         [u]${detail}[v];[s]${detail}[w];[t][v]overlay=440:325${left}[a];[r][w]overlay=440:325${right}[b];[a][b]hstack" \
        -frames:v 1 -update 1 "$picture"
}

show "$program" simulate -o "$tape" --frames 360 --noise 8 --jitter 0.25 --dropouts 1 --overwrite
show "$program" restore "$tape" -o "$restored" --preset vhs_heavy --overwrite --restart
show "$program" verify "$restored"
if command -v ffmpeg >/dev/null; then
    side_by_side 3.2
fi

echo
echo "The tape:      $where/tape.avi"
echo "Restored:      $where/restored.mp4"
echo "What was done: $where/restored.mp4.json"
[ ! -e "$picture" ] || echo "Side by side:  $where/before-after.png"
