#!/bin/sh
# NVIDIA's driver: loaded, the same in kernel and user space, new enough for the image's CUDA and for safety.
# usage: nvidia_driver.sh apply assert|install CUDA CUDA_FLOOR GPUS [BRANCH]
#        nvidia_driver.sh remove
#        nvidia_driver.sh check CUDA_FLOOR
# `branches` prints "BRANCH FLOOR" lines: the first release of each branch without known vulnerabilities.
# `packages` prints the packages of the branch, per distribution: "ID NAME…"; "any NAME…" stands for all.
# Nothing here reboots: where it takes one, the last line says so.
set -eu

state=/var/lib/gpuhost/nvidia_driver

say() { echo "driver: $*" >&2; }
fail() { say "$*"; exit 1; }

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }
branch_of() { echo "${1%%.*}"; }

loaded_version() {
  cat /sys/module/nvidia/version 2>/dev/null ||
    sed -n 's/^NVRM version:.*Module  *\([0-9.]*\).*/\1/p' /proc/driver/nvidia/version 2>/dev/null ||
    true # none is loaded
}

# The library that every program in a container will talk to.
library_version() {
  library=$(ldconfig -p | awk '/libnvidia-ml\.so\.1 .*x86-64|libnvidia-ml\.so\.1 .*AArch64/ { print $NF; exit }')
  [ -n "$library" ] || return 0
  readlink -f "$library" | sed -n 's/.*\.so\.\([0-9]*\.[0-9.]*\)$/\1/p'
}

reboot_needed() { fail "$1 Reboot this host (sudo systemctl reboot) when its servers may stop, then run pulumi up again: nothing here reboots by itself."; }

distribution() {
  # shellcheck source=/dev/null
  (. /etc/os-release; echo "$ID")
}

package_names() {
  packages | awk -v id="$(distribution)" '$1 == id || $1 == "any" { for (i = 2; i <= NF; i++) print $i; exit }'
}

install_driver() { # BRANCH
  names=$(package_names)
  [ -n "$names" ] || fail "no driver packages are known for '$(distribution)': name them in nvidia.driver.packages"
  apt_get update || say "apt could not refresh all of its lists, see above; going on with those it has"
  for name in $names; do
    candidate=$(apt-cache policy "$name" | sed -n 's/^  Candidate: //p')
    [ -n "$candidate" ] && [ "$candidate" != '(none)' ] ||
      candidate=$(apt-cache showpkg "$name" | sed -n '/^Reverse Provides:/,$ { s/^[^ ]* \([0-9][^ ]*\) .*/\1/p; }' | sort -V | tail -n 1)
    [ -n "$candidate" ] ||
      fail "no source of this host has $name. Debian: enable contrib and non-free; Ubuntu: restricted; or add NVIDIA's repository. Nothing was changed"
    upstream=${candidate#*:}
    [ "$(branch_of "$upstream")" = "$1" ] ||
      fail "this host's sources offer $name $candidate, which is not of branch $1; nothing was changed. Ask for branch $(branch_of "$upstream"), or add a source that has $1"
  done
  say "installing branch $1: $(echo "$names" | tr '\n' ' ')"
  # shellcheck disable=SC2086 # a list of words
  apt_get -y --no-install-recommends install $names || fail "the driver's packages did not install, see above; undo: apt-get remove $(echo "$names" | tr '\n' ' ')"
  # shellcheck disable=SC2086 # a list of words
  apt-mark hold $names > /dev/null
  mkdir -p "$state"
  echo "$names" > "$state/held"
  [ -n "$(loaded_version)" ] || modprobe nvidia 2>/dev/null || true
  [ -n "$(loaded_version)" ] || reboot_needed "The driver is installed and its module is not loaded."
}

check_security() { # VERSION
  branch=$(branch_of "$1")
  floor=$(branches | awk -v branch="$branch" '$1 == branch { print $2 }')
  if [ -n "$floor" ]; then
    at_least "$floor" "$1" || fail "driver $1 has known vulnerabilities; the first of branch $branch without is $floor: upgrade it on this host"
  elif [ "$branch" -le "$(branches | awk '{ last = $1 } END { print last }')" ]; then
    fail "driver $1 is of branch $branch, which gets no security fixes any more; supported are $(branches | awk '{ printf "%s%s", comma, $1; comma = ", " }')"
  else
    say "branch $branch is newer than the list of known floors: taken as it is"
  fi
}

# Between two servers nothing holds the GPU, and the next start would wait for its initialisation.
keep_initialised() {
  systemctl cat nvidia-persistenced.service > /dev/null 2>&1 || return 0
  systemctl is-active --quiet nvidia-persistenced.service && return
  systemctl enable --quiet --now nvidia-persistenced.service 2>/dev/null || { say "nvidia-persistenced does not start: journalctl -u nvidia-persistenced"; return; }
  say "nvidia-persistenced is enabled and runs"
}

apply() { # POLICY CUDA CUDA_FLOOR GPUS BRANCH
  loaded=$(loaded_version)
  if [ "$1" = install ]; then
    [ "$(branch_of "${loaded:-0}")" = "$5" ] || [ "$(branch_of "$(library_version)")" = "$5" ] || install_driver "$5"
    loaded=$(loaded_version)
  fi
  [ -n "$loaded" ] ||
    fail "no NVIDIA driver is loaded on this host: install one of $3 or newer, or set nvidia.driver to {policy: install, branch: $(branch_of "$3")}"
  library=$(library_version)
  [ -n "$library" ] || fail "the module $loaded is loaded, but there is no libnvidia-ml.so.1: the driver's user space is not installed"
  [ "$loaded" = "$library" ] ||
    reboot_needed "The loaded module is $loaded and the libraries are $library (Driver/library version mismatch): the packages were upgraded under it."
  at_least "$3" "$loaded" ||
    fail "driver $loaded is too old for the image: CUDA $2 needs $3 or newer. Upgrade the driver, or choose an image of an older CUDA (vLLM's tags ending in -cu129)"
  check_security "$loaded"
  said=$(nvidia-smi --query-gpu=uuid --format=csv,noheader 2>&1) || fail "nvidia-smi fails: $said"
  count=$(echo "$said" | grep -c '^GPU-' || true)
  [ "$count" -ge "$4" ] || fail "this host shows $count GPUs and its shape promises $4"
  keep_initialised
  echo "$loaded"
}

check() { # CUDA_FLOOR: one line for each thing that is not as wished
  loaded=$(loaded_version)
  if [ -z "$loaded" ]; then
    echo "no NVIDIA driver is loaded"
  elif [ "$loaded" != "$(library_version)" ]; then
    echo "the loaded module is $loaded, the libraries are $(library_version)"
  elif ! at_least "$1" "$loaded"; then
    echo "driver $loaded is below $1"
  fi
}

remove() {
  if [ -s "$state/held" ]; then
    xargs apt-mark unhold < "$state/held" > /dev/null
    say "the driver stays, no longer held"
  fi
  rm -rf "$state"
  rmdir "${state%/*}" 2>/dev/null || true
  echo "removed"
}

case "${1:-}" in
  apply) [ $# -ge 5 ] || fail "usage: nvidia_driver.sh apply assert|install CUDA CUDA_FLOOR GPUS [BRANCH]"; apply "$2" "$3" "$4" "$5" "${6:-}" ;;
  check) check "$2" ;;
  remove) remove ;;
  *) fail "usage: nvidia_driver.sh apply assert|install CUDA CUDA_FLOOR GPUS [BRANCH] | remove | check CUDA_FLOOR" ;;
esac
