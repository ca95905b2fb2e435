#!/bin/sh
# NVIDIA's container toolkit: its four packages at one version, pinned, held, and kept from unattended upgrades.
# usage: nvidia_toolkit.sh apply VERSION
#        nvidia_toolkit.sh remove
#        nvidia_toolkit.sh check VERSION
# The repository is there already. When the install fails, the packages that were there before come back.
set -eu

packages='nvidia-container-toolkit nvidia-container-toolkit-base libnvidia-container-tools libnvidia-container1'
pin=/etc/apt/preferences.d/gpuhost-nvidia-container-toolkit
unattended=/etc/apt/apt.conf.d/60gpuhost-unattended-upgrades
list=/etc/apt/sources.list.d/nvidia-container-toolkit.list
state=/var/lib/gpuhost/nvidia_toolkit

say() { echo "toolkit: $*" >&2; }
fail() { say "$*"; exit 1; }

write() { # FILE: from standard input, only where it differs
  cat > "$work/new"
  cmp -s "$work/new" "$1" && return
  install -m 0644 "$work/new" "$1.gpuhost-new"
  mv "$1.gpuhost-new" "$1"
  say "wrote $1"
}

# The four versions as apt takes them, name=version; what is not installed is left out.
present() {
  for package in $packages; do
    version=$(installed_version "$package")
    [ -z "$version" ] || echo "$package=$version"
  done
}

# Waits, as apt_get does, while another apt has the lock. Status 1 where that takes too long.
hold() {
  since=$(date +%s)
  for package in $packages; do
    [ -n "$(installed_version "$package")" ] || continue
    until is_held "$package" || apt-mark hold "$package" > /dev/null 2>&1; do
      [ $(($(date +%s) - since)) -lt "${apt_wait_s:-300}" ] || return 1
      sleep 2
    done
  done
}

offered() { apt-cache madison "$1" 2>/dev/null | awk -F' *[|] *' -v version="$2" '$2 == version { found = 1 } END { exit !found }'; }

not_offered() { # VERSION: the packages that are neither installed at it nor to be had
  for package in $packages; do
    [ "$(installed_version "$package")" = "$1" ] || offered "$package" "$1" || echo "$package"
  done
}

check_offered() { # VERSION: naming the top package alone would let apt mix versions
  [ -n "$(not_offered "$1")" ] || return 0
  # A release newer than this host's lists.
  apt_get -o Dir::Etc::SourceList="$list" -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0 update ||
    say "the repository cannot be asked for its newest list, see above"
  lacking=$(not_offered "$1" | tr '\n' ' ')
  [ -z "$lacking" ] || fail "the repository has no version $1 of ${lacking% }; nothing was changed. It has: $(apt-cache madison nvidia-container-toolkit | awk '{ print $3 }' | head -n 5 | tr '\n' ' ')"
}

install_all() { # NAME=VERSION…
  # Held packages are ours to change; the hold is put back whatever happens.
  apt_get -y --no-install-recommends --allow-change-held-packages --allow-downgrades install "$@"
}

in_words() { echo "$before" | tr '\n' ' '; }

go_back() {
  dpkg --configure -a > /dev/null 2>&1 || true
  # shellcheck disable=SC2086 # a list of words
  if [ -z "$before" ]; then
    apt_get -y --allow-change-held-packages remove $packages || true
    fail "the install failed, see above: no toolkit is installed, as before"
  elif [ "$(present)" = "$before" ] || install_all $before; then
    hold || fail "the install failed, see above: $(in_words)as before, but not held. By hand: apt-mark hold $packages"
    fail "the install failed, see above: $(in_words)as before, and held"
  else
    hold || true
    fail "the install failed, see above, and so did the way back. By hand: apt-get install --allow-downgrades --allow-change-held-packages $(in_words)&& apt-mark hold $packages"
  fi
}

apply() { # VERSION
  wished=$1-1
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$state"
  before=$(present)
  wishes=''
  for package in $packages; do wishes="$wishes $package=$wished"; done
  # shellcheck disable=SC2086 # a list of words
  if [ "$before" != "$(printf '%s\n' $wishes)" ]; then
    check_offered "$wished"
    say "installing $1${before:+; there is $(echo "$before" | tr '\n' ' ')}"
    install_all $wishes || go_back
    [ "$(present)" = "$(printf '%s\n' $wishes)" ] || go_back
  fi
  hold || fail "version $1 is installed and not held, since another apt has the lock. By hand: apt-mark hold $packages"
  write "$pin" <<PIN
Explanation: the release that this host was deployed with
Package: $packages
Pin: version $wished
Pin-Priority: 1001
PIN
  # Under a loaded module or a running server none of these may change unasked.
  write "$unattended" <<'CONF'
Unattended-Upgrade::Package-Blacklist {
  "nvidia-";
  "libnvidia-";
  "libcuda1$";
  "linux-modules-nvidia-";
  "docker\.io$";
  "docker-ce";
  "containerd";
};
CONF
  nvidia-ctk --version | sed -n 's/.* version //p' | head -n 1
}

check() { # VERSION: one line for each thing that is not as wished
  for package in $packages; do
    version=$(installed_version "$package")
    if [ "$version" != "$1-1" ]; then
      echo "$package is ${version:-not installed}, not $1-1"
    elif ! is_held "$package"; then
      echo "$package is not held"
    fi
  done
  for each in "$pin" "$unattended"; do [ -f "$each" ] || echo "$each is missing"; done
}

remove() {
  rm -f "$pin" "$unattended"
  # shellcheck disable=SC2086 # a list of words
  apt-mark unhold $packages > /dev/null 2>&1 || true
  rm -rf "$state"
  rmdir "${state%/*}" 2>/dev/null || true
  say "the packages stay, no longer held; to remove them: apt-get remove $packages"
  echo "removed"
}

case "${1:-}" in
  apply) [ $# -eq 2 ] || fail "usage: nvidia_toolkit.sh apply VERSION"; apply "$2" ;;
  check) check "$2" ;;
  remove) remove ;;
  *) fail "usage: nvidia_toolkit.sh apply VERSION | remove | check VERSION" ;;
esac
