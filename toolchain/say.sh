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

# with_progress LABEL COMMAND... runs a long command quietly, with a line every 15 s that says it lives;
# its output is shown only if it fails.
with_progress() {
    _label=$1
    shift
    _log=$(mktemp)
    say "$_label"
    _start=$(date +%s)
    "$@" >"$_log" 2>&1 </dev/null &
    _pid=$!
    _next=15
    while kill -0 "$_pid" 2>/dev/null; do
        sleep 0.2
        _elapsed=$(($(date +%s) - _start))
        if [ "$_elapsed" -ge "$_next" ]; then
            say "  ... $_label ($_elapsed s)"
            _next=$((_next + 15))
        fi
    done
    _status=0
    wait "$_pid" || _status=$?
    if [ "$_status" -ne 0 ]; then
        tail -n 25 "$_log" | sed 's/^/    /' >&2
        say "  failed after $(($(date +%s) - _start)) s with status $_status: $_label"
    else
        say "  done in $(($(date +%s) - _start)) s"
    fi
    rm -f "$_log"
    return "$_status"
}
