#!/bin/sh
# Makes sure that a Docker Engine answers, and says in one line what it did and why.
#
#   DOCKER_HOST set        that engine is used as it is; nothing is started for it
#   an engine answers      nothing is done
#   Debian or Ubuntu       package docker.io is installed if missing and the engine is started: by
#                          systemd or init.d where an init runs, else dockerd by itself, detached
#
# Needs root or sudo only for the last row. Safe to run twice, and after everything was killed.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
SAY='docker engine'
. "$root/toolchain/say.sh"
. "$root/toolchain/lock.sh"
. "$root/toolchain/apt.sh"

wait_seconds=${GPUHOST_ENGINE_WAIT_SECONDS:-90}
dockerd_log=/var/log/gpuhost-dockerd.log
lock_file=/run/lock/gpuhost-docker-engine.lock

# --- looking -------------------------------------------------------------------------------------

socket_path() {
    case ${DOCKER_HOST:-} in
        '') echo /var/run/docker.sock ;;
        unix://*) echo "${DOCKER_HOST#unix://}" ;;
        *) echo '' ;;
    esac
}

# The engine's version, or nothing. Without the docker client, curl asks the socket directly.
engine_version() {
    if command -v docker >/dev/null 2>&1; then
        timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null || true
    elif command -v curl >/dev/null 2>&1 && [ -S "$(socket_path)" ]; then
        curl -s -m 10 --unix-socket "$(socket_path)" http://docker/version |
            sed -n 's/^{.*"Version":"\([0-9][^"]*\)","ApiVersion".*/\1/p'
    fi
}

is_debian_like() {
    [ -r /etc/os-release ] || return 1
    # shellcheck source=/dev/null
    (. /etc/os-release; case " ${ID:-} ${ID_LIKE:-} " in *' debian '* | *' ubuntu '*) ;; *) exit 1 ;; esac)
}

# Is process $1 alive, in this PID namespace, and called $2? (Sandboxes run engines of their own, which
# are visible from here but are not this machine's engine.)
is_process() {
    [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ] &&
        [ "$(readlink "/proc/$1/ns/pid")" = "$(readlink /proc/self/ns/pid)" ]
}

runs() {
    for process in /proc/[0-9]*; do
        if is_process "${process#/proc/}" "$1"; then return 0; fi
    done
    return 1
}

# --- doing ---------------------------------------------------------------------------------------

# What a reboot would have cleared. A pid file whose number now belongs to another process, or a socket
# nobody listens on, would keep dockerd from starting; runc's records of dead containers would keep those
# containers from starting again.
clear_stale_files() {
    pid=$(cat /run/docker.pid 2>/dev/null || true)
    if [ -n "$pid" ] && ! is_process "$pid" dockerd; then rm -f /run/docker.pid; fi
    runs containerd || rm -f /run/containerd/containerd.sock /run/containerd/containerd.sock.ttrpc \
        /run/docker/containerd/containerd.pid /run/docker/containerd/containerd.sock \
        /run/docker/containerd/containerd.sock.ttrpc
    runs containerd-shim || rm -rf /run/docker/runtime-runc/moby \
        /run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby
    rm -f /run/docker.sock
}

start_engine() {
    init=$(cat /proc/1/comm)
    if [ "$init" = systemd ] && [ -d /run/systemd/system ]; then
        how="systemd unit docker"
        say "starting it through systemd"
        systemctl reset-failed docker 2>/dev/null || true
        systemctl start docker || { last_log_lines; fail "systemd could not start docker; see above"; }
    elif [ "$init" = init ] && [ -x /etc/init.d/docker ]; then
        how="service docker"
        say "starting it through init.d"
        service docker start >/dev/null || true
    elif runs dockerd; then
        how="a dockerd found starting"
        say "dockerd already runs; waiting for it to answer"
    else
        how="dockerd by itself, as no init runs here; log $dockerd_log"
        say "starting dockerd by itself, as no init runs here (log $dockerd_log)"
        clear_stale_files
        # 9 is this script's lock, which the engine must not hold.
        setsid dockerd >"$dockerd_log" 2>&1 </dev/null 9>&- &
        dockerd_pid=$!
    fi
}

# A child that nobody waited for yet still has an entry.
ended() { ! [ -e "/proc/$1" ] || grep -q '^State:[[:space:]]*Z' "/proc/$1/status"; }

last_log_lines() {
    if [ -n "${dockerd_pid:-}" ]; then tail -n 15 "$dockerd_log"
    elif command -v journalctl >/dev/null 2>&1; then journalctl -u docker -n 15 -o cat --no-pager
    fi >&2 || true
}

await_engine() {
    waited=0
    until version=$(engine_version) && [ -n "$version" ]; do
        if [ -n "${dockerd_pid:-}" ] && ended "$dockerd_pid"; then
            last_log_lines
            fail "dockerd ended before it answered; its last log lines are above"
        fi
        if [ "$waited" -ge "$wait_seconds" ]; then
            last_log_lines
            fail "no answer within $wait_seconds s; the last log lines are above"
        fi
        [ $((waited % 10)) -ne 9 ] || say "waiting for the engine to answer, $((waited + 1)) s"
        sleep 1
        waited=$((waited + 1))
    done
}

# --- deciding ------------------------------------------------------------------------------------

version=$(engine_version)
if [ -n "$version" ]; then
    say "using the running engine $version${DOCKER_HOST:+ at $DOCKER_HOST}"
    exit 0
fi
[ -z "${DOCKER_HOST:-}" ] ||
    fail "DOCKER_HOST is $DOCKER_HOST, but no engine answers there. Start that engine, or unset DOCKER_HOST."

if [ "$(id -u)" -ne 0 ]; then
    if [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ]; then
        fail "/var/run/docker.sock is not open to user $(id -un). Join its group (sudo usermod -aG docker" \
            "$(id -un), then log in again), or run this as root."
    fi
    command -v sudo >/dev/null 2>&1 ||
        fail "no engine answers, and installing or starting one needs root: run this as root, or install sudo."
    say "no engine answers; using sudo to start one"
    sudo sh "$0"
    [ -n "$(engine_version)" ] ||
        fail "the engine runs, but its socket is not open to user $(id -un). Join its group" \
            "(sudo usermod -aG docker $(id -un), then log in again)."
    exit 0
fi

only_one "$lock_file" # the second of two runs finds the first one's engine
version=$(engine_version)
if [ -n "$version" ]; then
    say "using the engine $version that another process just started"
    exit 0
fi
if ! command -v dockerd >/dev/null 2>&1; then
    is_debian_like || fail "no engine answers, and this is neither Debian nor Ubuntu: install Docker Engine" \
        "20.10 or newer yourself and start it, or set DOCKER_HOST."
    apt_install "no dockerd on this machine" docker.io
fi
start_engine
await_engine
say "engine $version answers ($how)"
