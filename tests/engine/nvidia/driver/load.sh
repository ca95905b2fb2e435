#!/bin/sh
# STAND-IN for loading the NVIDIA kernel module: what of it can be seen from user space. Runs once a boot.
# The version is that of the module on disk at this moment, so a package that is upgraded later does not
# change what is "loaded": only a reboot does, as on a machine.
set -eu
here=/usr/lib/nvidia-stand-in
version=$(cat $here/module-version)

[ ! -e /sys/module/nvidia ] || exit 0
# /sys is the machine's underneath: one more module beside a view of the others.
mkdir -p /run/nvidia-stand-in/modules
mount --bind /sys/module /run/nvidia-stand-in/modules
mount -t tmpfs -o mode=0755 nvidia-stand-in /sys/module
for module in /run/nvidia-stand-in/modules/*; do ln -s "$module" "/sys/module/${module##*/}"; done
mkdir /sys/module/nvidia
echo "$version" >/sys/module/nvidia/version
mount -t tmpfs -o mode=0755 nvidia-stand-in /proc/driver
mkdir /proc/driver/nvidia
echo "NVRM version: NVIDIA UNIX x86_64 Kernel Module  $version  STAND-IN" >/proc/driver/nvidia/version

mknod -m 0666 /dev/nvidiactl c 195 255
mknod -m 0666 /dev/nvidia-uvm c 510 0
while read -r _ minor _; do
    mknod -m 0666 "/dev/nvidia$minor" c 195 "$minor"
done <"/lib/firmware/nvidia/$version/gsp_stand_in.bin"
