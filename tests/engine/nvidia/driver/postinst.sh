#!/bin/sh
# STAND-IN for what dkms and depmod leave behind. A first install loads the module; an upgrade does not.
set -eu
if [ "$1" = configure ]; then
    mkdir -p "/lib/modules/$(uname -r)"
    echo "updates/dkms/nvidia.ko:" >"/lib/modules/$(uname -r)/modules.dep"
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload
        systemctl enable --quiet nvidia-stand-in.service
        systemctl start nvidia-stand-in.service
    fi
fi
