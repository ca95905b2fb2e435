#!/bin/sh
# Docker at or above a floor, and its daemon.json with our keys merged in: validated before it replaces the
# old one, backed up, and rolled back when Docker does not come back with it.
# usage: docker_engine.sh apply FLOOR assert|install [PACKAGE…]
#        docker_engine.sh remove
#        docker_engine.sh check FLOOR
# Two functions come in front: `wishes` prints our keys as JSON, `merge_program` the Python that merges them.
set -eu

file=${GPUHOST_DAEMON_JSON:-/etc/docker/daemon.json}
home=/var/lib/gpuhost
state=$home/docker_engine

say() { echo "docker: $*" >&2; }
fail() { say "$*"; exit 1; }

server_version() { docker version --format '{{.Server.Version}}' 2>/dev/null; }
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

answers() { # waits until the engine answers
  left=60
  until docker version --format '{{.Server.Version}}' > /dev/null 2>&1; do
    left=$((left - 1))
    [ $left -gt 0 ] || return 1
    sleep 1
  done
}

install_engine() { # PACKAGE…
  say "installing $*"
  apt_get update || say "apt could not refresh all of its lists, see above; going on with those it has"
  apt_get -y --no-install-recommends install "$@" || fail "Docker's packages did not install, see above; undo: apt-get remove $*"
  systemctl enable --now docker >&2
  answers || fail "Docker was installed but does not answer: journalctl -u docker"
  let_in
}

# The user who deploys reaches Docker through its group. Connections that are open already do not know of a new
# membership, so the socket is theirs until the deploy is through; root can read it whoever owns it.
let_in() {
  [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ] || return 0
  id -nG "$SUDO_USER" | tr ' ' '\n' | grep -qx docker && return
  usermod -aG docker "$SUDO_USER"
  say "$SUDO_USER is now in the group docker, as the connection over SSH needs"
  socket=/run/docker.sock
  chown "$SUDO_USER" "$socket"
  systemd-run --quiet --collect --on-active=1h --unit gpuhost-docker-socket chown root "$socket" ||
    say "$socket belongs to $SUDO_USER until the next boot"
}

# The packages that an engine with its client needs; Debian 13 parted the client from docker.io.
wanted_packages() { # PACKAGE…
  echo "$@"
  case " $* " in
    *' docker.io '*) apt-cache show docker-cli > /dev/null 2>&1 && echo docker-cli ;;
  esac
  command -v iptables > /dev/null || echo iptables
}

require_engine() { # FLOOR POLICY PACKAGE…
  floor=$1 policy=$2
  shift 2
  if ! version=$(server_version); then
    if command -v dockerd > /dev/null; then
      if ! systemctl start docker || ! answers; then
        fail "Docker is installed but does not start: journalctl -u docker"
      fi
    elif [ "$policy" = install ]; then
      # shellcheck disable=SC2046 # a list of words
      install_engine $(wanted_packages "$@")
    else
      fail "no Docker Engine answers here, and the policy is 'assert': install one of $floor or newer, or set docker.policy to 'install'"
    fi
    version=$(server_version)
  fi
  at_least "$floor" "${version%%[+~-]*}" && return
  [ "$policy" = install ] || fail "Docker $version is older than the floor $floor: upgrade it on this host, or set docker.policy to 'install'"
  say "Docker $version is older than the floor $floor"
  # shellcheck disable=SC2046 # a list of words
  install_engine $(wanted_packages "$@")
  version=$(server_version)
  at_least "$floor" "${version%%[+~-]*}" ||
    fail "Docker is $version, older than the floor $floor, and this host's sources have no newer $*: name Docker's own repository in docker.repository"
}

# dockerd's own flags from its unit: a key that is given as a flag too keeps Docker from starting.
flags() {
  pid=$(systemctl show docker --property MainPID --value)
  [ "${pid:-0}" -gt 0 ] && tr '\0' '\n' < "/proc/$pid/cmdline" | sed 1d | grep -v '^--config-file'
}

validate() { # FILE
  dockerd --help 2>&1 | grep -q -- --validate || return 0
  flags > "$work/flags" || true
  set -- --validate --config-file "$1"
  while read -r flag; do set -- "$@" "$flag"; done < "$work/flags"
  dockerd "$@" > "$work/verdict" 2>&1
}

restart_engine() {
  systemctl reset-failed docker 2>/dev/null || true
  systemctl restart docker && answers
}

# A daemon older than its file does not run with it, whatever the file says.
outdated() {
  [ -f "$file" ] || return 1
  since=$(systemctl show docker --property ActiveEnterTimestamp --value)
  [ -n "$since" ] && [ "$(stat -c %Y "$file")" -gt "$(date -d "$since" +%s)" ]
}

replace_with() { # NEW: the validated next daemon.json; an empty one means none
  mkdir -p "$state" "$(dirname "$file")"
  if [ -f "$file" ]; then cp -p "$file" "$state/daemon.json.backup"; else : > "$state/daemon.json.backup"; fi
  if [ -s "$1" ]; then
    chmod 0644 "$1"
    mv "$1" "$file"
  else
    rm -f "$1" "$file"
  fi
  # live-restore takes effect on reload: with it, containers live through the restart that the rest needs.
  systemctl reload docker 2>/dev/null || true
  restart_engine && return
  say "Docker does not start with the new $file; going back to the old one"
  if [ -s "$state/daemon.json.backup" ]; then cp -p "$state/daemon.json.backup" "$file"; else rm -f "$file"; fi
  restart_engine || fail "Docker does not start with its old configuration either: journalctl -u docker"
  fail "the old $file is back and Docker runs; the refused keys: $(wishes | tr -d '\n')"
}

apply() { # FLOOR POLICY PACKAGE…
  require_engine "$@"
  install -d -m 0700 "$home" "$home/incoming"
  [ -z "${SUDO_USER:-}" ] || chown "$SUDO_USER" "$home" "$home/incoming"
  mkdir -p "$state"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  merge_program > "$work/merge.py"
  wishes > "$work/wishes.json"
  if [ -f "$file" ]; then cp "$file" "$work/old.json"; else echo '{}' > "$work/old.json"; fi
  [ -e "$state/daemon.json.before" ] || { if [ -f "$file" ]; then cp -p "$file" "$state/daemon.json.before"; else : > "$state/daemon.json.before"; fi; }
  python3 "$work/merge.py" merge "$work/wishes.json" --engine "$version" < "$work/old.json" > "$work/new.json" ||
    fail "$file was left as it is"
  if [ -f "$file" ] && cmp -s "$work/new.json" "$file"; then
    chown root:root "$file"
    chmod 0644 "$file"
    if outdated; then
      say "Docker has run since before $file was written: restarting it"
      restart_engine || fail "Docker does not start: journalctl -u docker"
    fi
  else
    python3 "$work/merge.py" check "$work/wishes.json" < "$work/new.json" || fail "$file was left as it is"
    validate "$work/new.json" ||
      fail "dockerd refuses the merged file, the old one is in force: $(cat "$work/verdict")"
    say "merged our keys into $file, restarting Docker"
    cp "$work/new.json" "$state/daemon.json.written"
    replace_with "$work/new.json"
  fi
  server_version
}

differences() { # OLD NEW: our keys that differ, with both values
  python3 - "$1" "$2" <<'COMPARE'
import json, sys

def load(path):
    with open(path) as stream:
        text = stream.read().strip()
    return json.loads(text) if text else {}

def show(old, new, path):
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(set(old) | set(new)):
            show(old.get(key), new.get(key), path + [key])
    elif old != new:
        print(f"daemon.json {'.'.join(path)} is {json.dumps(old)}, not {json.dumps(new)}")

show(load(sys.argv[1]), load(sys.argv[2]), [])
COMPARE
}

check() { # FLOOR: one line for each thing that is not as wished
  version=$(server_version) || { echo "Docker does not answer"; return; }
  at_least "$1" "$version" || echo "Docker is $version, below $1"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  merge_program > "$work/merge.py"
  wishes > "$work/wishes.json"
  if [ -f "$file" ]; then cp "$file" "$work/old.json"; else echo '{}' > "$work/old.json"; fi
  if python3 "$work/merge.py" merge "$work/wishes.json" --engine "$version" < "$work/old.json" > "$work/new.json" 2> "$work/why"; then
    differences "$work/old.json" "$work/new.json"
  else
    cat "$work/why"
  fi
  if [ -f "$file" ] && [ "$(stat -c '%U:%G %a' "$file")" != 'root:root 644' ]; then
    echo "$file is $(stat -c '%U:%G %a' "$file"), not root:root 644"
  fi
  outdated && echo "Docker has run since before $file was written"
  [ -d "$home/incoming" ] || echo "$home/incoming is missing"
}

remove() {
  if [ -e "$state/daemon.json.before" ]; then
    if cmp -s "$state/daemon.json.written" "$file"; then
      cp -p "$state/daemon.json.before" "$state/daemon.json.next"
      replace_with "$state/daemon.json.next"
      say "$file is as it was before"
    else
      say "$file was changed since by someone else: left as it is; ours are $(wishes | tr -d '\n')"
    fi
  fi
  # With the engine go the notes on what ran in it: images and servers have no undo of their own.
  rm -rf "$state" "$home/incoming" "$home/services" "$home/stamps" /run/gpuhost
  rmdir "$home" 2>/dev/null || true
  echo "removed"
}

case "${1:-}" in
  apply) [ $# -ge 3 ] || fail "usage: docker_engine.sh apply FLOOR assert|install [PACKAGE…]"; shift; apply "$@" ;;
  check) check "$2" ;;
  remove) remove ;;
  *) fail "usage: docker_engine.sh apply FLOOR assert|install | remove | check FLOOR" ;;
esac
