"""docker:index/container:Container, after the Terraform docker provider 4.5.0."""

from __future__ import annotations

from toolchain.plugins.docker.schema.attribute import (
    Attribute,
    Block,
    Kind,
    Resource,
    boolean,
    integer,
    list_of,
    map_of_strings,
    output,
    set_of,
    string,
)
from toolchain.plugins.docker.schema.label import LABEL
from toolchain.plugins.docker.schema.mount import MOUNT
from toolchain.plugins.docker.schema.validators import (
    absolute_path,
    at_least,
    base64_encoded,
    duration,
    matches,
)


def _kept_when_empty(old: str, new: str) -> bool:
    """An empty new value leaves Docker's own one in place."""
    return new in ("", old)


CAPABILITIES: Block = {
    "add": set_of(Kind.STRING, force_new=True, pulumi_name="adds"),
    "drop": set_of(Kind.STRING, force_new=True, pulumi_name="drops"),
}

DEVICE: Block = {
    "host_path": string(required=True, force_new=True),
    "container_path": string(force_new=True),
    "permissions": string(force_new=True),
}

DEVICE_REQUEST: Block = {
    "driver": string(default="cdi", force_new=True),
    "count": integer(force_new=True),
    "device_ids": list_of(Kind.STRING, force_new=True),
    "capabilities": list_of(Kind.STRING, force_new=True),
    "options": map_of_strings(force_new=True),
}

DEVICE_RATE: Block = {
    "path": string(required=True),
    "rate": integer(required=True),
}

HEALTHCHECK: Block = {
    "test": list_of(Kind.STRING, pulumi_name="tests"),
    "interval": string(default="0s", validate=duration),
    "timeout": string(default="0s", validate=duration),
    "start_period": string(default="0s", validate=duration),
    "start_interval": string(default="0s", validate=duration),
    "retries": integer(default=0, validate=at_least(0)),
}

HOST: Block = {
    "ip": string(required=True, force_new=True),
    "host": string(required=True, force_new=True),
}

NETWORK: Block = {
    "name": string(required=True, force_new=True),
    "aliases": set_of(Kind.STRING, force_new=True),
    "ipv4_address": string(force_new=True),
    "ipv6_address": string(force_new=True),
    "mac_address": string(force_new=True),
    "link_local_ips": set_of(Kind.STRING, force_new=True),
    "driver_opts": set_of(Kind.STRING, force_new=True),
    "gw_priority": integer(force_new=True),
}

NETWORK_DATA: Block = {
    "network_name": output(string()),
    "ip_address": output(string()),
    "ip_prefix_length": output(integer()),
    "gateway": output(string()),
    "global_ipv6_address": output(string()),
    "global_ipv6_prefix_length": output(integer()),
    "ipv6_gateway": output(string()),
    "mac_address": output(string()),
}

PORT: Block = {
    "internal": integer(required=True, force_new=True),
    "external": integer(computed=True, force_new=True),
    "ip": string(default="0.0.0.0", force_new=True),  # noqa: S104 - Docker's own default
    "protocol": string(default="tcp", force_new=True),
}

ULIMIT: Block = {
    "name": string(required=True, force_new=True),
    "soft": integer(required=True, force_new=True),
    "hard": integer(required=True, force_new=True),
}

UPLOAD: Block = {
    "content": string(force_new=True),
    "content_base64": string(force_new=True, validate=base64_encoded),
    "file": string(required=True, force_new=True),
    "executable": boolean(default=False, force_new=True),
    "permissions": string(force_new=True, validate=matches(r"^0[0-7]{3}$")),
    "source": string(force_new=True),
    "source_hash": string(force_new=True),
}

VOLUME_ENTRY: Block = {
    "from_container": string(force_new=True),
    "container_path": string(force_new=True),
    "host_path": string(force_new=True, validate=absolute_path),
    "volume_name": string(force_new=True),
    "read_only": boolean(force_new=True),
    "selinux_relabel": string(force_new=True, validate=matches(r"^[zZ]$")),
}

ATTRIBUTES: dict[str, Attribute] = {
    "name": string(required=True, force_new=True, autoname=True),
    "image": string(required=True, force_new=True),
    "command": list_of(Kind.STRING, computed=True, force_new=True, pulumi_name="command"),
    "entrypoint": list_of(Kind.STRING, computed=True, force_new=True, pulumi_name="entrypoints"),
    "env": set_of(Kind.STRING, computed=True, force_new=True, pulumi_name="envs"),
    "labels": set_of(LABEL, computed=True, force_new=True),
    "user": string(force_new=True, suppress=_kept_when_empty),
    "working_dir": string(force_new=True, suppress=_kept_when_empty),
    "hostname": string(computed=True, force_new=True),
    "domainname": string(force_new=True),
    "platform": string(computed=True, force_new=True),
    "runtime": string(computed=True, force_new=True),
    "init": boolean(computed=True),
    "tty": boolean(default=False, force_new=True),
    "stdin_open": boolean(default=False, force_new=True),
    "read_only": boolean(default=False, force_new=True),
    "privileged": boolean(force_new=True),
    "capabilities": set_of(CAPABILITIES, force_new=True, max_items=1),
    "security_opts": set_of(Kind.STRING, computed=True, force_new=True),
    "group_add": set_of(Kind.STRING, force_new=True, pulumi_name="groupAdds"),
    "sysctls": map_of_strings(force_new=True),
    "ulimit": set_of(ULIMIT, force_new=True, pulumi_name="ulimits"),
    # Resources
    "memory": integer(validate=at_least(0)),
    "memory_reservation": integer(validate=at_least(0)),
    "memory_swap": integer(validate=at_least(-1)),
    "shm_size": integer(computed=True, force_new=True, validate=at_least(0)),
    "cpus": string(force_new=True),
    "cpu_set": string(validate=matches(r"^\d+([,-]\d+)*$")),
    "cpu_shares": integer(validate=at_least(0)),
    "cpu_period": integer(validate=at_least(0)),
    "cpu_quota": integer(validate=at_least(0)),
    "device_read_bps": set_of(DEVICE_RATE),
    "device_read_iops": set_of(DEVICE_RATE),
    "device_write_bps": set_of(DEVICE_RATE),
    "device_write_iops": set_of(DEVICE_RATE),
    "devices": set_of(DEVICE, force_new=True),
    "device_requests": list_of(DEVICE_REQUEST, force_new=True, conflicts_with=("gpus",)),
    "gpus": string(force_new=True, conflicts_with=("device_requests",)),
    # Storage
    "mounts": set_of(MOUNT, force_new=True),
    "volumes": set_of(VOLUME_ENTRY, force_new=True),
    "tmpfs": map_of_strings(),
    "storage_opts": map_of_strings(force_new=True),
    "upload": set_of(UPLOAD, force_new=True, pulumi_name="uploads"),
    # Network
    "network_mode": string(default="bridge", force_new=True),
    "networks_advanced": set_of(NETWORK, force_new=True, pulumi_name="networksAdvanced"),
    "ports": list_of(PORT, force_new=True),
    "publish_all_ports": boolean(force_new=True),
    "dns": set_of(Kind.STRING, force_new=True),
    "dns_opts": set_of(Kind.STRING, force_new=True),
    "dns_search": set_of(Kind.STRING, force_new=True, pulumi_name="dnsSearches"),
    "host": set_of(HOST, force_new=True, pulumi_name="hosts"),
    # Namespaces
    "ipc_mode": string(computed=True, force_new=True),
    "pid_mode": string(force_new=True),
    "userns_mode": string(force_new=True),
    "cgroupns_mode": string(force_new=True),
    "cgroup_parent": string(force_new=True),
    # Logs and health
    "log_driver": string(computed=True, force_new=True),
    "log_opts": map_of_strings(force_new=True),
    "healthcheck": list_of(HEALTHCHECK, computed=True, max_items=1),
    # Life cycle
    "restart": string(default="no", validate=matches("^(no|on-failure|always|unless-stopped)$")),
    "max_retry_count": integer(),
    "start": boolean(default=True),
    "must_run": boolean(default=True),
    "wait": boolean(default=False),
    "wait_timeout": integer(default=60),
    "attach": boolean(default=False),
    "logs": boolean(default=False),
    "rm": boolean(default=False),
    "remove_volumes": boolean(default=True),
    "destroy_grace_seconds": integer(),
    "stop_signal": string(computed=True, force_new=True),
    "stop_timeout": integer(computed=True, force_new=True),
    "container_read_refresh_timeout_milliseconds": integer(default=15000),
    # Outputs
    "bridge": output(string()),
    "container_logs": output(string()),
    "exit_code": output(integer()),
    "network_data": Attribute(Kind.LIST, computed=True, elem=NETWORK_DATA, pulumi_name="networkDatas"),
}

CONTAINER = Resource("docker:index/container:Container", "docker_container", ATTRIBUTES, delete_before_replace=True)
