#!/usr/bin/env bash
# Installs what building and testing TerminalAI needs, by the system's own package manager. Asks nothing.
#
#   setup.sh [--check] [--test] [--lint] [--bench]
#
# Without --check: looks what is missing and installs it; quick when nothing is. With --check: says what is missing and
# exits 1, installs nothing. --test, --lint and --bench add what tests, the linters and the benchmarks need.
set -euo pipefail

check=no
groups=(build page)
for arg in "$@"; do
    case $arg in
    --check) check=yes ;;
    --test) groups+=(test) ;;
    --lint) groups+=(lint) ;;
    --bench) groups+=(bench) ;;
    -h | --help)
        sed -n '2,7s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        echo "setup.sh: unknown option $arg (--check, --test, --lint, --bench)" >&2
        exit 2
        ;;
    esac
done

# --- what is missing ---------------------------------------------------------------------------------------------------

missing=()

need_command() { # NAME... : one of them is enough
    local name
    for name in "$@"; do
        if command -v "$name" >/dev/null 2>&1; then
            return 0
        fi
    done
    missing+=("$1")
}

need_library() { # pkg-config NAME...; all in one call when nothing is missing
    local name
    if ! command -v pkg-config >/dev/null 2>&1; then
        missing+=("$@")
        return 0
    fi
    if pkg-config --exists "$@" 2>/dev/null; then
        return 0
    fi
    for name in "$@"; do
        pkg-config --exists "$name" 2>/dev/null || missing+=("$name")
    done
}

need_header() {
    local dir
    for dir in /usr/include /usr/local/include /opt/homebrew/include; do
        if [ -e "$dir/$1" ]; then
            return 0
        fi
    done
    missing+=("$1")
}

# pytest may belong to the system's Python while another one comes first in PATH; tools/run_tests.py looks in the same places.
# pytest-xdist runs the tests on all cores; Homebrew has no package of it, and without it they run one by one.
need_pytest() {
    local python modules="pytest,xdist"
    [ "$(uname)" != Darwin ] || modules=pytest
    for python in python3 /usr/bin/python3; do
        if "$python" -c "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, '$modules'.split(','))))" 2>/dev/null; then
            return 0
        fi
    done
    missing+=("${modules//,/ with }")
}

# clang with the run-time libraries for fuzzing; a clang without them compiles, but does not link.
need_fuzzer() {
    local clang library
    for clang in clang-14 clang; do
        if command -v "$clang" >/dev/null 2>&1; then
            for library in "libclang_rt.fuzzer-$(uname -m).a" libclang_rt.fuzzer.a libclang_rt.fuzzer_osx.a; do
                if [ -e "$("$clang" -print-file-name="$library")" ]; then
                    return 0
                fi
            done
        fi
    done
    missing+=("clang with libFuzzer")
}

# Opened at run time by "perf analyze"; clang's own headers belong to it.
need_libclang() {
    local file
    for file in /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*-linux-gnu/libclang-*.so* /usr/lib64/libclang.so* /usr/lib/libclang.so* \
        /opt/homebrew/opt/llvm/lib/libclang.dylib /usr/local/opt/llvm/lib/libclang.dylib; do
        case $file in
        *libclang-cpp*) ;;
        *) [ ! -e "$file" ] || return 0 ;;
        esac
    done
    missing+=("libclang")
}

# Fills `missing`, and `lacking` with the groups that it belongs to: packages of a group that is whole are left alone, for they
# may come from elsewhere and be in the way of the system's own (Node's own package and Debian's npm).
look() {
    local group before
    missing=()
    lacking=()
    for group in "${groups[@]}"; do
        before=${#missing[@]}
        case $group in
        build)
            need_command cc gcc clang
            need_command pkg-config
            need_command meson
            need_command ninja
            need_command python3
            need_library libavformat libavcodec libavfilter libavutil libswresample libswscale zimg jansson yaml-0.1 libcurl \
                sqlite3 libmicrohttpd libebur128
            need_header uthash.h
            ;;
        page)
            need_command node
            need_command npm
            ;;
        test)
            need_command g++ c++ clang++
            need_command nm
            need_command git
            need_command ffmpeg
            need_command ffprobe
            need_library cmocka
            need_pytest
            need_fuzzer
            need_libclang
            ;;
        lint)
            need_command git
            need_command clang-format-14 clang-format
            need_command shellcheck
            ;;
        bench)
            need_command ffmpeg
            need_command HandBrakeCLI
            need_command valgrind
            ;;
        esac
        [ ${#missing[@]} -eq "$before" ] || lacking+=("$group")
    done
}

# ONNX Runtime, which the program opens when it is there, for the tests of engines; they are skipped without it. NumPy is
# for its own Python, whose pictures are what the program's are compared with.
fetch_engine() {
    local folder
    folder=$(dirname "$0")/build/engines
    if [ "$check" = yes ] || [[ " ${groups[*]} " != *" test "* ]] || 
        { [ -e "$folder/onnxruntime" ] && [ -e "$folder/numpy" ]; }; then
        return 0
    fi
    python3 -m pip --disable-pip-version-check install -q --retries 0 --timeout 15 --no-deps --only-binary :all: \
        --target "$folder" --upgrade onnxruntime numpy </dev/null >/dev/null 2>&1 ||
        echo "setup.sh: no ONNX Runtime by pip; its tests will be skipped" >&2
}

# Schemathesis, which makes requests of the service's own description, for the Python that runs the tests; one test is skipped
# without it.
fetch_schemathesis() {
    local folder python
    folder=$(dirname "$0")/build/schemathesis
    if [ "$check" = yes ] || [[ " ${groups[*]} " != *" test "* ]] || [ -e "$folder/schemathesis" ]; then
        return 0
    fi
    for python in python3 /usr/bin/python3; do
        if "$python" -c "import pytest, xdist" 2>/dev/null; then
            "$python" -m pip --disable-pip-version-check install -q --retries 0 --timeout 15 --only-binary :all: \
                --target "$folder" schemathesis </dev/null >/dev/null 2>&1 && return 0
            break
        fi
    done
    echo "setup.sh: no Schemathesis by pip; its test will be skipped" >&2
}

look
if [ ${#missing[@]} -eq 0 ]; then
    fetch_engine
    fetch_schemathesis
    exit 0
fi
echo "setup.sh: missing: ${missing[*]}" >&2
if [ "$check" = yes ]; then
    exit 1
fi

# --- packages ----------------------------------------------------------------------------------------------------------

apt_has() { # NAME OTHER: NAME where the release has it
    if [ -n "$(apt-cache --names-only search "^$1\$" 2>/dev/null)" ]; then
        echo "$1"
    else
        echo "$2"
    fi
}

packages() { # MANAGER GROUP
    case $1-$2 in
    # Debian 12 and 13, Ubuntu 24.04. Tests and lint use clang 14 where the release has it.
    apt-build)
        echo build-essential meson ninja-build pkg-config python3 libavformat-dev libavcodec-dev libavfilter-dev \
            libavutil-dev libswresample-dev libswscale-dev libzimg-dev libjansson-dev libyaml-dev uthash-dev \
            libcurl4-openssl-dev libsqlite3-dev libmicrohttpd-dev libebur128-dev
        ;;
    apt-page) echo nodejs npm ;;
    apt-test) echo g++ binutils git strace valgrind ffmpeg chromium libcmocka-dev python3-pytest python3-pytest-xdist "$(apt_has clang-14 clang)" \
        "$(apt_has libclang-rt-14-dev libclang-rt-dev)" "$(apt_has libclang1-14 libclang1)" ;;
    apt-lint) echo git "$(apt_has clang-format-14 clang-format)" shellcheck ;;
    apt-bench) echo ffmpeg handbrake-cli valgrind ;;

    # Fedora; libav comes from ffmpeg-free or from RPM Fusion, whichever is enabled
    dnf-build)
        echo gcc meson ninja-build pkgconf-pkg-config python3 'pkgconfig(libavformat)' 'pkgconfig(libavcodec)' \
            'pkgconfig(libavfilter)' 'pkgconfig(libavutil)' 'pkgconfig(libswresample)' 'pkgconfig(libswscale)' 'pkgconfig(zimg)' 'pkgconfig(jansson)' \
            'pkgconfig(yaml-0.1)' uthash-devel 'pkgconfig(libcurl)' 'pkgconfig(sqlite3)' 'pkgconfig(libmicrohttpd)' 'pkgconfig(libebur128)'
        ;;
    dnf-page) echo nodejs nodejs-npm ;;
    dnf-test)
        echo gcc-c++ binutils git strace valgrind /usr/bin/ffmpeg 'pkgconfig(cmocka)' python3-pytest python3-pytest-xdist clang clang-libs compiler-rt libasan libubsan \
            libtsan
        ;;
    dnf-lint) echo git clang-tools-extra ShellCheck ;;
    dnf-bench) echo /usr/bin/ffmpeg HandBrake-cli valgrind ;;

    # Arch
    pacman-build) echo base-devel meson ninja pkgconf python ffmpeg zimg jansson libyaml uthash curl sqlite libmicrohttpd libebur128 ;;
    pacman-page) echo nodejs npm ;;
    pacman-test) echo git strace valgrind ffmpeg cmocka python-pytest python-pytest-xdist clang compiler-rt ;;
    pacman-lint) echo git clang shellcheck ;;
    pacman-bench) echo ffmpeg handbrake-cli valgrind ;;

    # Homebrew
    brew-build) echo meson ninja pkg-config python3 ffmpeg zimg jansson libyaml uthash curl sqlite libmicrohttpd libebur128 ;;
    brew-page) echo node ;;
    brew-test) echo git cmocka pytest llvm ;;
    brew-lint) echo git clang-format shellcheck ;;
    brew-bench) echo handbrake ;;
    esac
}

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
    # Without a terminal nobody can type a password.
    [ -t 0 ] || as_root=(sudo -n)
fi

run() {
    echo "setup.sh: $*" >&2
    "$@" </dev/null || {
        echo "setup.sh: that failed; run it by hand, or install by other means: ${missing[*]}" >&2
        exit 1
    }
}

# All that is lacking in one go; where the packages of one group can't be had together with the rest, each group for itself, so
# that a page that can't be built doesn't keep the program from being built. What is still missing is said at the end.
install_groups() { # MANAGER COMMAND...
    local manager=$1 group wanted=()
    shift
    for group in "${lacking[@]}"; do
        # shellcheck disable=SC2207 # package names hold no spaces
        wanted+=($(packages "$manager" "$group"))
    done
    echo "setup.sh: $* ${wanted[*]}" >&2
    "$@" "${wanted[@]}" </dev/null && return 0
    [ ${#lacking[@]} -gt 1 ] || return 0
    for group in "${lacking[@]}"; do
        # shellcheck disable=SC2207 # as above
        wanted=($(packages "$manager" "$group"))
        echo "setup.sh: $group alone: $* ${wanted[*]}" >&2
        "$@" "${wanted[@]}" </dev/null || echo "setup.sh: the packages of \"$group\" could not be installed" >&2
    done
}

if command -v apt-get >/dev/null 2>&1; then
    apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
    run "${apt[@]}" update
    install_groups apt "${apt[@]}" install -y --no-install-recommends
elif command -v dnf >/dev/null 2>&1; then
    install_groups dnf "${as_root[@]}" dnf install -y
elif command -v pacman >/dev/null 2>&1; then
    install_groups pacman "${as_root[@]}" pacman -S --needed --noconfirm
elif command -v brew >/dev/null 2>&1; then
    install_groups brew brew install
else
    echo "setup.sh: no apt-get, dnf, pacman or brew here; install by other means: ${missing[*]}" >&2
    exit 1
fi

hash -r
look
if [ ${#missing[@]} -gt 0 ]; then
    echo "setup.sh: still missing: ${missing[*]}; install them by other means" >&2
    # Tests count what they lack as skipped; only what the build needs stops here.
    wanted_groups=("${groups[@]}")
    groups=(build)
    look
    [ ${#missing[@]} -eq 0 ] || exit 1
    groups=("${wanted_groups[@]}")
fi
fetch_engine
fetch_schemathesis
