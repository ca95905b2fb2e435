# shellcheck shell=sh
# apt for the scripts that need it, put in front of them: asks nothing, restarts nothing, waits while another
# program holds apt's locks, and fails on what apt calls a warning (an index that could not be refreshed).
# The script brings `say` and `fail`.

apt_wait_s=${GPUHOST_APT_WAIT_S:-300}

apt_run() { # LOG ARGUMENTS…: with a line now and then, since a download may take minutes
  apt_log=$1
  shift
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l LC_ALL=C \
    apt-get -q -o DPkg::Lock::Timeout=0 -o APT::Update::Error-Mode=any "$@" > "$apt_log" 2>&1 &
  apt_pid=$! apt_seconds=0
  while kill -0 "$apt_pid" 2>/dev/null; do
    sleep 0.2
    apt_seconds=$((apt_seconds + 1))
    [ $((apt_seconds % 75)) -ne 0 ] || say "apt-get $1: $(tail -n 1 "$apt_log")"
  done
  wait "$apt_pid"
}

# What an apt that was killed has left half done, apt itself only tells about.
finish_interrupted() {
  for left in /var/lib/dpkg/updates/[0-9]*; do
    [ -e "$left" ] || continue
    say "finishing what an interrupted install left: dpkg --configure -a"
    DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a > /dev/null 2>&1 || true
    return
  done
}

# Runs apt-get; its own words come out where it fails. Returns its status.
apt_get() {
  command -v apt-get > /dev/null || { say "this host has no apt-get: packages are installed on Debian and Ubuntu alone"; return 127; }
  finish_interrupted
  apt_text=$(mktemp)
  apt_since=$(date +%s)
  apt_said=''
  while :; do
    apt_status=0
    apt_run "$apt_text" "$@" || apt_status=$?
    grep -qE 'Could not get lock|Unable to (acquire|lock)' "$apt_text" || break
    [ $(($(date +%s) - apt_since)) -lt "$apt_wait_s" ] || break
    [ -n "$apt_said" ] || say "waiting for apt: $(grep -m 1 -E 'lock' "$apt_text")"
    apt_said=yes
    sleep 2
  done
  # An apt too old for Error-Mode succeeds with its old lists.
  if [ "$apt_status" -eq 0 ] && grep -qE '^W: (Failed to fetch|GPG error|An error occurred|Some index files)' "$apt_text"; then
    apt_status=100
  fi
  [ "$apt_status" -eq 0 ] || grep -E '^(E|W|N|Err):? ' "$apt_text" | sort -u | head -n 12 >&2
  [ "$apt_status" -eq 0 ] || ! grep -A 12 'unmet dependencies' "$apt_text" >&2 || true
  rm -f "$apt_text"
  return "$apt_status"
}

installed_version() { dpkg-query -W -f '${db:Status-Abbrev} ${Version}' "$1" 2>/dev/null | sed -n 's/^[hi]i  *//p'; }
is_held() { apt-mark showhold "$1" 2>/dev/null | grep -qx "$1"; }
