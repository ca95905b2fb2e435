#!/bin/sh
# Makes or updates .venv from the hashed lock files; does nothing when it already matches them.
# PYTHON names the interpreter to use (default: the first of python3, python3.13, .12, .11 that is 3.11 or newer).
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
SAY=venv
. "$root/toolchain/say.sh"
. "$root/toolchain/lock.sh"
. "$root/toolchain/apt.sh"

venv=$root/.venv
stamp=$venv/.lock-digest

lock_digest() { cat "$root/requirements.txt" "$root/requirements-dev.txt" | sha256sum | cut -d' ' -f1; }

is_current() {
    [ -x "$venv/bin/python" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(lock_digest)" ] &&
        "$venv/bin/python" -c '' 2>/dev/null
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        new_enough "$PYTHON" || fail "PYTHON=$PYTHON does not run or is older than 3.11"
        echo "$PYTHON"
        return
    fi
    for candidate in python3 python3.13 python3.12 python3.11; do
        if new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

if is_current; then exit 0; fi
only_one "$root/.gpuhost/venv.lock"
if is_current; then exit 0; fi

python=$(find_python)
if [ -z "$python" ]; then
    apt_install "no Python 3.11 or newer was found" python3 python3-venv
    python=$(find_python)
    [ -n "$python" ] || fail "this system's python3 is older than 3.11; install a newer one and name it in PYTHON"
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    apt_install "$python cannot make virtual environments yet" "python$version-venv"
fi

if ! [ -x "$venv/bin/python" ] || ! new_enough "$venv/bin/python"; then
    say "making .venv with $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
with_progress "installing the locked Python packages, hashes checked" \
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
    -r "$root/requirements.txt" -r "$root/requirements-dev.txt"
lock_digest >"$stamp"
