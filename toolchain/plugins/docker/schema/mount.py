"""An entry of a container's mounts."""

from __future__ import annotations

from toolchain.plugins.docker.schema.attribute import (
    Block,
    boolean,
    integer,
    list_of,
    map_of_strings,
    set_of,
    string,
)
from toolchain.plugins.docker.schema.label import LABEL
from toolchain.plugins.docker.schema.validators import matches

BIND_OPTIONS: Block = {
    "propagation": string(validate=matches("^(private|rprivate|shared|rshared|slave|rslave)$")),
}

VOLUME_OPTIONS: Block = {
    "no_copy": boolean(),
    "labels": set_of(LABEL),
    "driver_name": string(),
    "driver_options": map_of_strings(),
    "subpath": string(force_new=True),
}

TMPFS_OPTIONS: Block = {
    "size_bytes": integer(),
    "mode": integer(),
}

MOUNT: Block = {
    "target": string(required=True),
    "source": string(),
    "type": string(required=True, validate=matches("^(bind|volume|tmpfs)$")),
    "read_only": boolean(),
    "bind_options": list_of(BIND_OPTIONS, max_items=1),
    "volume_options": list_of(VOLUME_OPTIONS, max_items=1),
    "tmpfs_options": list_of(TMPFS_OPTIONS, force_new=True, max_items=1),
}
