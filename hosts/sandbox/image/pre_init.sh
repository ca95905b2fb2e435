#!/bin/sh
# Runs before systemd as the sandbox's first process: makes what a container engine mounts look like what
# a machine has, keeps the machine underneath out of reach, and becomes systemd.
set -eu

# systemd and the sandbox's own Docker Engine make control groups. One mount on cgroup v2, one for each
# controller on v1; "bind" changes this mount only, a plain remount is refused as busy.
for mount_point in /sys/fs/cgroup /sys/fs/cgroup/*; do
    if mountpoint -q "$mount_point"; then
        mount -o remount,rw,bind "$mount_point"
    fi
done

# Kernel settings: net.* belong to the sandbox's network namespace and may be written.
# STAND-IN: vm.* belong to the machine underneath, so the sandbox gets a copy of its own: writes succeed,
# read back, are forgotten at reboot as on a machine, and change nothing underneath. All others stay
# read-only.
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,rw,bind /proc/sys/net
mkdir -p /run/sandbox/vm
for setting in /proc/sys/vm/*; do
    cat "$setting" >"/run/sandbox/vm/${setting##*/}" 2>/dev/null || true
done
mount --bind /run/sandbox/vm /proc/sys/vm

# The engine's resolver listens on the sandbox's loopback, where containers inside the sandbox cannot
# reach it. The machine's own servers, where they can be reached, serve both.
if [ -s /etc/gpuhost/resolv.conf ]; then
    cat /etc/gpuhost/resolv.conf >/etc/resolv.conf
fi

exec /sbin/init
