# shellcheck shell=sh
# Progress and errors, the same in every script of the toolchain. Sourced, not run.
# Everything goes to standard error, so that a script's standard output stays free for its result.
# SAY names the step in front of each line; the sourcing script sets it.

say() { printf '%s: %s\n' "${SAY:-toolchain}" "$*" >&2; }

# The one way to give up: what went wrong, and what would help.
fail() {
    say "error: $*"
    exit 1
}

# with_progress LABEL COMMAND... runs a long command, with a line every 15 s that says it lives.
# The command's own output is shown only if it fails; its status is returned.
with_progress() {
    _label=$1
    shift
    say "$_label"
    _log=$(mktemp)
    _start=$(date +%s)
    # A killed script cannot stop this loop, so the loop looks for its script. It keeps no lock (9) open.
    (
        while sleep 15 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
            say "  ... $(($(date +%s) - _start)) s: $_label"
        done
    ) 9>&- &
    _heartbeat=$!
    _status=0
    "$@" >"$_log" 2>&1 </dev/null || _status=$?
    kill "$_heartbeat" 2>/dev/null || true
    wait "$_heartbeat" 2>/dev/null || true
    _seconds=$(($(date +%s) - _start))
    if [ "$_status" -eq 0 ]; then
        [ "$_seconds" -lt 3 ] || say "  done in $_seconds s"
    else
        tail -n 25 "$_log" | sed 's/^/    /' >&2
        say "  failed after $_seconds s with status $_status: $_label"
    fi
    rm -f "$_log"
    return "$_status"
}
