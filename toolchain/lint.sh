#!/bin/sh
# Linters and types over everything in the tree: ruff, its formatter, mypy --strict and shellcheck.
# Runs all of them before it fails, so that one run shows everything.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
SAY=lint
. "$root/toolchain/say.sh"
cd "$root"
bin=.venv/bin
failed=''

check() {
    name=$1
    shift
    say "$name"
    "$@" || failed="$failed $name,"
}

# Every file of the tree that git does not ignore, one a line.
files() { git ls-files --cached --others --exclude-standard "$@" | while read -r file; do [ ! -f "$file" ] || echo "$file"; done; }

# Shell scripts by suffix or first line, whichever tells.
shell_scripts() {
    files '*.sh' activate .ci/run toolchain/pins.env
    files | grep -v '\.[a-z]*$' | while read -r file; do
        if head -n 1 "$file" | grep -qE '^#!(/usr)?/bin/(env )?(ba|da)?sh$'; then echo "$file"; fi
    done
}

check ruff "$bin/ruff" check --output-format concise .
check "ruff format" "$bin/ruff" format --check --output-format concise .
check mypy "$bin/mypy" --no-error-summary .
# shellcheck disable=SC2046 # none of these names contains a space
check shellcheck "$bin/shellcheck" $(shell_scripts | sort -u)

[ -z "$failed" ] || fail "not clean:${failed%,}. \`make format\` repairs what can be repaired by itself"
say "clean"
