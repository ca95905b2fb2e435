# shellcheck shell=sh
# Debian packages that a bare machine lacks. Sourced, not run; needs say.sh.

# apt_install REASON PACKAGE... installs as root, or through sudo, and says so.
apt_install() {
    _reason=$1
    shift
    command -v apt-get >/dev/null 2>&1 || fail "$_reason; please install $* (this machine has no apt-get)"
    _sudo=''
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || fail "$_reason; as root, please run: apt-get install $*"
        _sudo='sudo'
        say "sudo is used for apt-get"
    fi
    say "installing $* with apt-get: $_reason"
    with_progress "apt-get update" $_sudo apt-get -q update
    with_progress "apt-get install $*" \
        $_sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$@"
}
