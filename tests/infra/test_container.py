"""The container that serves is the one that was promised, and as locked down as promised."""

from facts.deployed import Deployed


def test_the_promised_container_runs(deployed: Deployed) -> None:
    assert deployed.container.is_running


def test_it_is_the_only_one_of_its_service(deployed: Deployed) -> None:
    service = deployed.expected["service"]
    names = deployed.host.check_output("docker ps --filter label=gpuhost.service=%s --format '{{.Names}}'", service)
    assert names.split() == [deployed.container.name]


def test_its_image_is_the_pinned_one(deployed: Deployed) -> None:
    wished = deployed.expected["image"]
    if wished.startswith("sha256:"):
        assert deployed.container.image == wished
    else:
        digests = [name.split("@", 1)[1] for name in deployed.container.image_digests]
        assert wished.split("@", 1)[1] in digests


def test_it_runs_as_the_declared_user(deployed: Deployed) -> None:
    assert deployed.container.process.user == deployed.expected["user"]


def test_its_root_filesystem_is_read_only(deployed: Deployed) -> None:
    assert deployed.container.process.mounts["/"].read_only


def test_it_has_no_capability_and_cannot_gain_one(deployed: Deployed) -> None:
    assert deployed.container.process.capabilities == 0


def test_it_cannot_gain_privileges(deployed: Deployed) -> None:
    assert not deployed.container.process.can_gain_privileges


def test_its_port_is_bound_to_the_declared_address_alone(deployed: Deployed) -> None:
    port = deployed.expected["port"]
    assert deployed.container.published == {f"{port}/tcp": [(deployed.expected["bind_address"], port)]}


def test_it_runs_the_declared_arguments(deployed: Deployed) -> None:
    wished = ["serve", *deployed.expected["arguments"]]
    lines = [list(line) for line in deployed.container.command_lines]
    assert any(line[-len(wished) :] == wished for line in lines), f"wish: {wished}\nfact: {lines}"


def test_it_reports_no_usage_statistics(deployed: Deployed) -> None:
    assert deployed.container.environment.get("VLLM_NO_USAGE_STATS") == "1"


def test_it_has_the_declared_environment(deployed: Deployed) -> None:
    wished = deployed.expected["environment"]
    assert {key: deployed.container.environment.get(key) for key in wished} == wished
