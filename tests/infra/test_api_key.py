"""The API key, where the stack has one: asked for, and to be read nowhere."""

import pytest

from facts.deployed import Deployed


@pytest.fixture
def keyed(deployed: Deployed) -> Deployed:
    if not deployed.expected.get("api_key"):
        pytest.skip("the stack has no API key: `pulumi config set --secret gpuhost:apiKey`")
    return deployed


def test_without_it_nobody_is_served(keyed: Deployed) -> None:
    assert keyed.endpoint_for("").status("/v1/models") == 401


def test_another_key_opens_nothing(keyed: Deployed) -> None:
    assert keyed.endpoint_for("not-the-key-of-this-server").status("/v1/models") == 401


def test_with_it_clients_are_served(keyed: Deployed) -> None:
    assert keyed.endpoint.status("/v1/models") == 200


def test_it_shows_nowhere(keyed: Deployed) -> None:
    shown_in = keyed.container.places_that_show(keyed.api_key)
    assert shown_in == []


def test_its_file_is_for_root_and_the_server_alone(keyed: Deployed) -> None:
    folder = f"/var/lib/gpuhost/keys/{keyed.expected['service']}"
    group = keyed.expected["user"].split(":")[1]
    facts = keyed.host.check_output("stat -c '%%a %%u:%%g' %s && cd %s && stat -c '%%a %%u:%%g' -- *", folder, folder)
    assert facts.splitlines() == [f"750 0:{group}", f"440 0:{group}"]
