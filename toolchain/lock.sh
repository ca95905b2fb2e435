# shellcheck shell=sh
# One run at a time for each thing that is built. Sourced, not run.
# The lock goes with the process, so a killed run leaves nothing to clean up.

# only_one FILE waits until no other run holds FILE, then holds it until this process ends.
only_one() {
    mkdir -p "$(dirname "$1")"
    exec 9>"$1"
    command -v flock >/dev/null 2>&1 || return 0 # not on every system; then two runs merely repeat work
    flock -n 9 && return 0
    say "another run is at it; waiting"
    flock 9
}
