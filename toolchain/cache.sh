# shellcheck shell=sh
# One cache for each user, its parts named by a digest of what they are made from. Sourced, not run.

# cache_part NAME FILE... prints the directory for NAME as made from these files.
# A part is built under another name and renamed when it is whole: one that exists is complete.
cache_part() {
    _name=$1
    shift
    _digest=$(cat "$@" | sha256sum | cut -c1-12)
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/gpuhost/$_name-$_digest"
}
