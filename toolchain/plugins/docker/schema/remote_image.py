"""docker:index/remoteImage:RemoteImage, after the Terraform docker provider 4.5.0."""

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

ULIMIT: Block = {
    "name": string(required=True, force_new=True),
    "hard": integer(required=True, force_new=True),
    "soft": integer(required=True, force_new=True),
}

AUTH_CONFIG: Block = {
    "host_name": string(required=True),
    "user_name": string(),
    "password": string(),
    "auth": string(),
    "email": string(),
    "server_address": string(),
    "identity_token": string(),
    "registry_token": string(),
}

SECRET: Block = {
    "id": string(required=True, force_new=True),
    "src": string(force_new=True),
    "env": string(force_new=True),
}

BUILD: Block = {
    "context": string(required=True, force_new=True),
    "dockerfile": string(default="Dockerfile", force_new=True),
    "tag": list_of(Kind.STRING, pulumi_name="tags"),
    "remove": boolean(default=True),
    "force_remove": boolean(force_new=True),
    "label": map_of_strings(pulumi_name="label"),
    "labels": map_of_strings(force_new=True),
    "build_args": map_of_strings(force_new=True),
    "suppress_output": boolean(force_new=True),
    "remote_context": string(force_new=True),
    "no_cache": boolean(force_new=True),
    "pull_parent": boolean(force_new=True),
    "isolation": string(force_new=True),
    "cpu_set_cpus": string(force_new=True),
    "cpu_set_mems": string(force_new=True),
    "cpu_shares": integer(force_new=True),
    "cpu_quota": integer(force_new=True),
    "cpu_period": integer(force_new=True),
    "memory": integer(force_new=True),
    "memory_swap": integer(force_new=True),
    "cgroup_parent": string(force_new=True),
    "network_mode": string(force_new=True),
    "shm_size": integer(force_new=True),
    "ulimit": list_of(ULIMIT, pulumi_name="ulimits"),
    "auth_config": list_of(AUTH_CONFIG, pulumi_name="authConfigs"),
    "squash": boolean(force_new=True),
    "cache_from": list_of(Kind.STRING, force_new=True, pulumi_name="cacheFroms"),
    "cache_to": list_of(Kind.STRING, force_new=True, pulumi_name="cacheTos"),
    "security_opt": list_of(Kind.STRING, force_new=True, pulumi_name="securityOpts"),
    "extra_hosts": list_of(Kind.STRING, force_new=True),
    "target": string(force_new=True),
    "session_id": string(force_new=True),
    "platform": string(force_new=True),
    "version": string(force_new=True),
    "build_id": string(force_new=True),
    "builder": string(force_new=True),
    "build_log_file": string(force_new=True),
    "additional_contexts": list_of(Kind.STRING, force_new=True),
    "secrets": list_of(SECRET),
    "provenance": string(force_new=True),
    "sbom": string(force_new=True),
    "use_legacy_builder": boolean(force_new=True),
}

ATTRIBUTES: dict[str, Attribute] = {
    "name": string(required=True, force_new=True),
    "image_id": output(string()),
    "repo_digest": output(string()),
    "keep_locally": boolean(),
    "pull_triggers": set_of(Kind.STRING, force_new=True),
    "force_remove": boolean(),
    "build": set_of(BUILD, max_items=1, conflicts_with=("pull_triggers",)),
    "triggers": map_of_strings(force_new=True),
    "platform": string(default="", force_new=True),
}

REMOTE_IMAGE = Resource("docker:index/remoteImage:RemoteImage", "docker_image", ATTRIBUTES)
