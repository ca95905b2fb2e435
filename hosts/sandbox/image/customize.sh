#!/bin/sh
# Turns a fresh root file system ($1) into the sandbox's image. Run by mmdebstrap after the packages are in.
set -eu
root=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

install -D -m 0644 "$here/sshd.conf" "$root/etc/ssh/sshd_config.d/00-gpuhost.conf"
# From OpenSSH 9.8 on, an address with failed logins is kept out for a while.
if grep -qi persourcepenalties "$root/usr/sbin/sshd"; then
    echo 'PerSourcePenalties no' >>"$root/etc/ssh/sshd_config.d/00-gpuhost.conf"
fi
install -m 0755 "$here/pre_init.sh" "$root/usr/local/sbin/gpuhost-pre-init"
install -d -m 0700 "$root/root/.ssh"

# Made for each sandbox: identity, package sources, name resolution.
rm -f "$root"/etc/ssh/ssh_host_*
rm -f "$root/etc/hostname" "$root/etc/resolv.conf" "$root/var/lib/dbus/machine-id"
: >"$root/etc/machine-id"
rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* "$root/etc/apt/apt.conf.d/99mmdebstrap"

# Without a fixed target the graphical one is tried. sshd is a service, never started by a socket.
in_root() { chroot "$root" "$@" >/dev/null; }
in_root systemctl set-default multi-user.target
in_root systemctl disable ssh.socket 2>/dev/null || true
in_root systemctl enable ssh.service

# Of no use in a container, or failing there: devices, file systems of the kernel, consoles. The daily apt
# runs would hold apt's lock at times nobody chose.
in_root systemctl mask --quiet \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer man-db.timer \
    motd-news.timer \
    console-getty.service getty.target getty@tty1.service \
    dev-hugepages.mount dev-mqueue.mount proc-sys-fs-binfmt_misc.automount \
    sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    systemd-firstboot.service systemd-modules-load.service systemd-remount-fs.service \
    systemd-udev-trigger.service systemd-udevd.service systemd-udevd-control.socket \
    systemd-udevd-kernel.socket
