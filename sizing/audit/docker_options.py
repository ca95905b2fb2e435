"""The options of `docker run`, `podman run` and `nerdctl run`: which take a value and which do not."""

# ruff: noqa: SIM905 - a page of words reads better than a page of quotes

SWITCHES = frozenset(
    """
    detach disable-content-trust help init interactive no-healthcheck oom-kill-disable privileged publish-all quiet
    read-only rm sig-proxy tty use-api-socket
    all env-host http-proxy no-hostname no-hosts passwd read-only-tmpfs replace rmi rootfs tls-verify unsetenv-all
    """.split()
)
SHORT_SWITCHES = {"d": "detach", "i": "interactive", "t": "tty", "P": "publish-all", "q": "quiet"}
SHORT_VALUES = {
    "a": "attach",
    "c": "cpu-shares",
    "e": "env",
    "h": "hostname",
    "l": "label",
    "m": "memory",
    "p": "publish",
    "u": "user",
    "v": "volume",
    "w": "workdir",
}
VALUES = frozenset(
    """
    add-host annotation attach blkio-weight blkio-weight-device cap-add cap-drop cgroup-parent cgroupns cidfile
    cpu-count cpu-percent cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares cpus cpuset-cpus cpuset-mems
    detach-keys device device-cgroup-rule device-read-bps device-read-iops device-write-bps device-write-iops dns
    dns-opt dns-option dns-search domainname entrypoint env env-file expose gpus group-add health-cmd
    health-interval health-retries health-start-interval health-start-period health-timeout hostname
    io-maxbandwidth io-maxiops ip ip6 ipc isolation kernel-memory label label-file link link-local-ip log-driver
    log-opt mac-address memory memory-reservation memory-swap memory-swappiness mount name net net-alias network
    network-alias oom-score-adj pid pids-limit platform publish pull restart runtime security-opt shm-size
    stop-signal stop-timeout storage-opt sysctl tmpfs ulimit user userns uts volume volume-driver volumes-from
    workdir
    arch authfile cert-dir cgroup-conf cgroups chrootdirs conmon-pidfile creds decryption-key env-merge gidmap
    group-entry health-log-destination health-max-log-count health-max-log-size health-on-failure health-startup-cmd
    health-startup-interval health-startup-retries health-startup-success health-startup-timeout hosts-file hostuser
    image-volume init-ctr init-path intel-rdt-closid os passwd-entry personality pidfile pod pod-id-file preserve-fd
    preserve-fds requires retry retry-delay sdnotify seccomp-policy secret shm-size-systemd subgidname subuidname
    rdt-class systemd timeout tz uidmap umask unsetenv variant
    cosign-key ipfs-address verify
    """.split()
)
SAME = {"net": "network", "net-alias": "network-alias", "dns-opt": "dns-option"}
