#!/usr/bin/env bash
# Shows that "make demo", "make test" and "make deb" work on a bare Debian: makes one in a folder with debootstrap, puts a fresh clone of
# the last commit in it, and runs them there by chroot. Needs root, debootstrap, git and unshare; takes what the network and the
# machine need (minutes to half an hour, 3 GB of disk).
#
#   fresh-machine.sh [--only demo|test|deb|container] [--keep] [--folder DIR]
#
# --only    runs one of them (without: demo, test and deb, in this order, on the same machine). "deb" also installs the
#           package, uses it and removes it; "container" runs the commands of Containerfile, where there is nothing that
#           makes containers
# --keep    keeps the folder and says where it is; otherwise only the logs of a failed run stay
# --folder  where to make it; must not exist yet
#
# Environment: TA_DEBIAN_MIRROR, the mirror's address (without: the one that this machine's apt uses, or debootstrap's own);
# TA_DEBIAN_SUITE, the release (bookworm). The machine's apt settings (proxy, certificates) are used inside too.
set -euo pipefail

usage() {
    sed -n '2,15s/^# \{0,1\}//p' "$0"
    exit "$1"
}

die() {
    echo "fresh-machine.sh: $*" >&2
    exit 1
}

targets=(demo test deb) keep=no folder=
while [ $# -gt 0 ]; do
    case $1 in
    --only)
        case ${2-} in demo | test | deb | container) targets=("$2") ;; *) usage 2 >&2 ;; esac
        shift
        ;;
    --keep) keep=yes ;;
    --folder)
        folder=${2:?--folder needs a name}
        shift
        ;;
    -h | --help) usage 0 ;;
    *) usage 2 >&2 ;;
    esac
    shift
done

suite=${TA_DEBIAN_SUITE:-bookworm}
repo=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" -eq 0 ] || die "needs root, for chroot"
for tool in debootstrap git unshare chroot; do
    command -v "$tool" >/dev/null || die "$tool is missing"
done

if [ -n "$folder" ]; then
    [ ! -e "$folder" ] || die "$folder exists already"
    mkdir -p "$folder"
else
    folder=$(mktemp -d "${TMPDIR:-/var/tmp}/terminalai-fresh.XXXXXX")
fi
folder=$(cd "$folder" && pwd)
root=$folder/root
logs=$folder/logs
mkdir "$logs"

failed=no
clean_up() {
    status=$?
    if [ "$keep" = yes ]; then
        echo "kept: $folder (chroot $root)"
    else
        rm -rf --one-file-system "$root"
        if [ "$failed" = yes ] || [ "$status" -ne 0 ]; then
            echo "logs: $logs"
        else
            rm -rf "$folder"
        fi
    fi
}
trap clean_up EXIT

# --- the machine -------------------------------------------------------------------------------------------------------

# The address from which this machine's apt takes the release's main part.
mirror=${TA_DEBIAN_MIRROR-}
if [ -z "$mirror" ] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2016 # apt-get expands these
    mirror=$(apt-get indextargets --format '$(CREATED_BY) $(CODENAME) $(COMPONENT) $(REPO_URI)' 2>/dev/null |
        awk -v suite="$suite" '$1 == "Packages" && $2 == suite && $3 == "main" { print $4; exit }') || mirror=
fi

settings=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb)
for name in http_proxy https_proxy no_proxy; do
    [ -z "${!name-}" ] || settings+=("$name=${!name}")
done

proxy=
if command -v apt-config >/dev/null; then
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
fi

echo "making a bare Debian $suite in $root"
begin=$SECONDS
bootstrap=(debootstrap --variant=minbase "--include=ca-certificates,git,make" "$suite" "$root")
[ -z "$mirror" ] || bootstrap+=("$mirror")
http_proxy=${http_proxy-${proxy-}} "${bootstrap[@]}" >"$logs/debootstrap.log" 2>&1 || {
    tail -n 15 "$logs/debootstrap.log" >&2
    die "debootstrap failed"
}

# Whatever lets this machine's apt reach its mirror: settings, credentials, names, certificates.
for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/* /etc/apt/auth.conf /etc/apt/auth.conf.d/*; do
    if [ -f "$file" ] && { [[ $file == *auth.conf* ]] || grep -qi acquire "$file"; }; then
        install -D -m 644 "$file" "$root$file"
    fi
done
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/hosts "$root/etc/hosts"
if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
fi
if [ -d /usr/local/share/ca-certificates ]; then
    cp -rL /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
fi

git clone --quiet --no-hardlinks "$repo" "$root/root/terminalai"
commit=$(git -C "$root/root/terminalai" rev-parse --short HEAD)
packages=$(chroot "$root" dpkg-query -f '.\n' -W | wc -l)
echo "ready after $((SECONDS - begin)) s: $packages packages, commit $commit"

# --- the commands ------------------------------------------------------------------------------------------------------

# Mounts live in a name space of their own, and processes too: nothing outlives this.
inside() { # COMMAND
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --pid --fork --kill-child bash -c '
        set -e
        mount -t proc proc "$1/proc"
        mount --rbind /dev "$1/dev"
        [ ! -d /sys/devices ] || mount --rbind /sys "$1/sys"
        root=$1 command=$2
        shift 2
        exec "$@" chroot "$root" sh -c "cd /root/terminalai && $command"
    ' - "$root" "$1" "${settings[@]}" </dev/null
}

# The package as somebody has it who gets it: installed with what it needs, used, and removed without a trace.
# shellcheck disable=SC2016 # the shell inside expands it
use_package='
    apt-get -q install -y --no-install-recommends "$1"
    terminalai --version
    terminalai doctor
    cd "$(mktemp -d)"
    terminalai simulate -o tape.avi --frames 30
    terminalai restore tape.avi --quality fast --preset-speed ultrafast
    terminalai verify tape.restored.mp4
    dpkg -L terminalai | sort >files
    apt-get -q remove -y terminalai
    for file in $(cat files); do
        [ -d "$file" ] || [ ! -e "$file" ] || { echo "left: $file"; exit 1; }
    done
    hash -r # the shell remembers where it was
    ! command -v terminalai
'

for target in "${targets[@]}"; do
    command="make $target"
    printf '%s' "$use_package" >"$root/root/use_package.sh"
    case $target in
    # With what judges packages there, "make deb" asks it.
    deb) command="apt-get -q update && apt-get -q install -y --no-install-recommends lintian && make deb && sh -ex /root/use_package.sh ./build/terminalai_*.deb" ;;
    container)
        {
            echo 'ln -sfn /root/terminalai /source'
            sed -e ':join' -e '/\\$/N' -e 's/\\\n//' -e 't join' "$repo/Containerfile" | sed -n 's/^RUN //p'
        } >"$root/root/container.sh"
        command="sh -ex /root/container.sh && terminalai doctor"
        ;;
    esac
    echo "running: $target"
    begin=$SECONDS status=0
    inside "$command" >"$logs/$target.log" 2>&1 || status=$?
    tail -n 12 "$logs/$target.log" | sed 's/^/    /'
    if [ "$status" -eq 0 ]; then
        echo "$target: done after $((SECONDS - begin)) s"
    else
        echo "$target: FAILED with status $status after $((SECONDS - begin)) s"
        failed=yes
    fi
done
[ "$failed" = no ]
