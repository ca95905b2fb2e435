"""Volumes, networks and images, against the official plugin's answers."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.engine.plugins.docker import daemon
from tests.engine.plugins.docker.plugin import IMAGE, NETWORK, VOLUME, Plugin, RefusedError

pytestmark = pytest.mark.docker

Rows = list[dict[str, Any]]
_LABELS = [{"label": "a", "value": "b"}]


def _answer(rows: Rows, token: str, op: str, case: str) -> Any:
    return next(row["answer"] for row in rows if row["op"] == op and row["case"] == case and row["type"] == token)


def _neutral(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _neutral(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [_neutral(item, name) for item in value]
    if not isinstance(value, str):
        return value
    text = value.replace(name, "<id>").replace("oracle-n", "<id>")
    text = re.sub(r"\b[0-9a-f]{64}\b", "<id>", re.sub(r"sha256:[0-9a-f]{64}", "<image-id>", text))
    text = re.sub(r"\b\d+\.\d+\.\d+\.\d+", "<ip>", text)
    # How large a free address range is depends on the networks that are there.
    text = re.sub(r"^<ip>/\d+$", "<ip>/16", text)
    return re.sub(r"^/.*/volumes/", "<docker root>/volumes/", text)


def test_a_volume(plugin: Plugin, answers: Rows, name: str) -> None:
    inputs = {"name": name, "labels": _LABELS, "driver": "local"}
    created = plugin.create(VOLUME, inputs)
    assert _neutral(created.properties, name) == _answer(answers, VOLUME, "create", "base")
    resource_id, state, read_inputs = plugin.read(VOLUME, created.id, created.properties, created.inputs)
    assert resource_id == name
    wanted = _answer(answers, VOLUME, "read", "nothing changed")
    assert _neutral(state, name) == wanted["state"]
    assert _neutral(read_inputs, name) == wanted["inputs"]
    plugin.delete(VOLUME, created.id, state)
    assert plugin.read(VOLUME, created.id, state, read_inputs)[0] == ""


def test_a_network(plugin: Plugin, answers: Rows, name: str) -> None:
    inputs = {"name": name, "driver": "bridge", "labels": _LABELS}
    created = plugin.create(NETWORK, inputs)
    wanted = _answer(answers, NETWORK, "create", "base") | {"name": "<id>"}
    assert _neutral(created.properties, name) == wanted
    _, state, read_inputs = plugin.read(NETWORK, created.id, created.properties, created.inputs)
    read = _answer(answers, NETWORK, "read", "nothing changed")
    assert _neutral(state, name) == read["state"] | {"name": "<id>"}
    assert _neutral(read_inputs, name) == read["inputs"] | {"name": "<id>"}
    plugin.delete(NETWORK, created.id, state)
    assert plugin.read(NETWORK, created.id, state, read_inputs)[0] == ""
    # One that is gone is no error.
    plugin.delete(NETWORK, created.id, state)


@pytest.mark.slow
def test_what_is_in_use_is_not_removed(plugin: Plugin, answers: Rows, name: str, image: str) -> None:
    volume = plugin.create(VOLUME, {"name": name})
    network = plugin.create(NETWORK, {"name": name})
    user = f"{name}-user"
    daemon.docker("run", "-d", "--name", user, "--network", name, "-v", f"{name}:/models", image, "sleep", "1000")

    def refusal(token: str, resource_id: str, properties: dict[str, Any]) -> str:
        start = time.monotonic()
        with pytest.raises(RefusedError) as refused:
            plugin.delete(token, resource_id, properties)
        assert 29 < time.monotonic() - start < 36
        return refused.value.details

    # Both wait at the same time: one call must not hold up another.
    with ThreadPoolExecutor() as pool:
        texts = {
            VOLUME: pool.submit(refusal, VOLUME, volume.id, volume.properties),
            NETWORK: pool.submit(refusal, NETWORK, network.id, network.properties),
        }
        got = {token: text.result() for token, text in texts.items()}
    for token, text in got.items():
        assert text == _answer(answers, token, "delete", "in use")["error"]["details"]
    daemon.docker("rm", "-f", user)
    plugin.delete(VOLUME, volume.id, volume.properties)
    plugin.delete(NETWORK, network.id, network.properties)


def test_a_local_image(plugin: Plugin, answers: Rows, image: str) -> None:
    created = plugin.create(IMAGE, {"name": daemon.IMAGE, "keepLocally": True})
    assert created.id == image + daemon.IMAGE
    wanted = _answer(answers, IMAGE, "create", "base")
    assert created.properties | {"id": "<id>", "imageId": "<image-id>", "name": "tinyimg:1"} == wanted
    assert created.properties["imageId"] == image
    resource_id, state, inputs = plugin.read(IMAGE, created.id, created.properties, created.inputs)
    assert (resource_id, inputs) == (created.id, created.inputs)
    assert state == created.properties
    plugin.delete(IMAGE, created.id, state)
    assert daemon.docker("images", "-q", daemon.IMAGE)


def test_an_image_is_removed_unless_it_is_kept(plugin: Plugin, image: str, name: str) -> None:
    tag = f"{name}:1"
    daemon.docker("tag", image, tag)
    created = plugin.create(IMAGE, {"name": tag})
    plugin.delete(IMAGE, created.id, created.properties)
    assert daemon.docker("images", "-q", tag) == ""
    assert plugin.read(IMAGE, created.id, created.properties, created.inputs)[0] == ""


def test_an_image_that_cannot_be_pulled(plugin: Plugin, answers: Rows) -> None:
    wanted = _answer(answers, IMAGE, "create", "digest that cannot be pulled")["error"]["details"]
    with pytest.raises(RefusedError) as refused:
        plugin.create(IMAGE, {"name": f"nosuch.invalid/image@sha256:{'0' * 64}"})
    assert refused.value.details.partition("dial tcp")[0] == wanted.partition("dial tcp")[0]
    assert refused.value.recorded is None


def test_building_is_refused_by_name(plugin: Plugin, name: str) -> None:
    with pytest.raises(RefusedError, match="build: building an image is not supported"):
        plugin.create(IMAGE, {"name": name, "build": {"context": "."}})
