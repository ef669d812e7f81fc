#!/usr/bin/env bash
# Runs every linter, says for each whether it passed, and ends with "N passed, N failed, N skipped".
# lint.sh --format rewrites the C files in the project's form instead.
set -uo pipefail

cd "$(dirname "$0")/.." || exit 1

# Tracked files and new ones, in a git checkout; without git, all files.
c_files() {
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard -- '*.c' '*.h'
    else
        find include src tests examples bench -name '*.[ch]'
    fi | while read -r file; do [ -e "$file" ] && printf '%s\0' "$file"; done
}

shell_files() {
    printf '%s\0' setup.sh .ci/run
    find tools tests examples bench -name '*.sh' -print0
}

# Only version 14 counts: others format differently.
clang_format=
for name in clang-format-14 clang-format; do
    if command -v "$name" >/dev/null && "$name" --version | grep -q 'version 14\.'; then
        clang_format=$name
        break
    fi
done

if [ "${1-}" = --format ]; then
    [ -n "$clang_format" ] || { echo "lint.sh: clang-format 14 is missing" >&2; exit 1; }
    c_files | xargs -0 "$clang_format" -i
    exit
fi

passed=0 failed=0 skipped=0

# A check prints what is wrong and fails; status 77 means that it can't run here.
check() { # NAME COMMAND...
    local name=$1 output status
    shift
    output=$("$@" 2>&1)
    status=$?
    case $status in
    0)
        passed=$((passed + 1))
        echo "ok      $name"
        ;;
    77)
        skipped=$((skipped + 1))
        echo "skipped $name: $output"
        ;;
    *)
        failed=$((failed + 1))
        echo "FAILED  $name"
        echo "$output" | sed 's/^/        /' | head -n 60
        ;;
    esac
}

format_check() {
    [ -n "$clang_format" ] || { echo "clang-format 14 is missing"; return 77; }
    c_files | xargs -0 "$clang_format" --dry-run -Werror 2>&1 | grep -E 'error:' | cut -d: -f1 | sort | uniq -c |
        sed 's/^ *\([0-9]*\) \(.*\)/\2: \1 places (make format)/'
    [ "${PIPESTATUS[1]}" -eq 0 ]
}

shell_check() {
    command -v shellcheck >/dev/null || { echo "shellcheck is missing"; return 77; }
    shell_files | xargs -0 shellcheck
}

python_check() {
    local out
    out=$(mktemp -d)
    PYTHONPYCACHEPREFIX=$out python3 -m compileall -q tools tests examples bench
    local status=$?
    rm -rf "$out"
    return $status
}

commit_check() {
    git rev-parse --git-dir >/dev/null 2>&1 || { echo "not a git checkout"; return 77; }
    python3 tests/checks/commits.py
}

# One build without warnings by each compiler would be the build's task; this one looks at names.
names_check() {
    command -v nm >/dev/null || { echo "nm is missing"; return 77; }
    tools/build.sh build || return 1
    python3 tests/checks/symbols.py names build/libta_internal.a build/libta_cli.a
}

for self in layers source commits; do
    check "self-test of $self.py" python3 "tests/checks/$self.py" --self-test
done
check "format" format_check
check "direction of includes" python3 tests/checks/layers.py
check "source rules" python3 tests/checks/source.py
check "names" names_check
check "shell scripts" shell_check
check "python" python_check
check "commit messages" commit_check

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
