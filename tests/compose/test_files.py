"""Dockerfile and docker-compose.yml without an engine: what they say, held against the
configuration. The engine itself is asked by `make compose-test`."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from sor_gateway import config
from venue_sims.config import load_venue

ROOT = Path(__file__).parents[2]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SUBSTITUTION = re.compile(r"\$\{([A-Z_]+):-([^}]*)\}")


def by_default(text: str) -> str:
    """What Compose makes of a value when nothing is set."""
    return SUBSTITUTION.sub(lambda found: found[2], text)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load(by_default(COMPOSE_TEXT))["services"])


def environment_of(service: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in service["environment"].items()}


class TestServices:
    def test_there_is_one_for_each_venue(self, services: dict[str, Any]) -> None:
        venues = set(config.load(ROOT / "config", {}).router.venues)
        others = {"gateway", "ems", "prometheus", "grafana"}
        assert set(services) == venues | others

    def test_the_image_of_all_is_built_once_and_first(self, services: dict[str, Any]) -> None:
        ours = [name for name, each in services.items() if each["image"] == "sor-gateway"]
        assert set(services) - set(ours) == {"prometheus", "grafana"}
        assert [name for name in services if "build" in services[name]] == ours[:1]

    def test_only_the_desk_itself_starts_by_default(self, services: dict[str, Any]) -> None:
        profiles = {name: each.get("profiles") for name, each in services.items()}
        assert {name: each for name, each in profiles.items() if each} == {
            "ems": ["ems"],
            "prometheus": ["monitoring"],
            "grafana": ["monitoring"],
        }

    def test_the_environment_of_the_gateway_is_a_configuration(
        self, services: dict[str, Any]
    ) -> None:
        loaded = config.load(ROOT / "config", environment_of(services["gateway"]))
        assert (loaded.gateway.host, loaded.gateway.port) == ("0.0.0.0", 9880)
        assert (loaded.gateway.admin_host, loaded.gateway.admin_port) == ("0.0.0.0", 9890)
        assert {venue.name: venue.host for venue in loaded.venues} == {
            venue.name: venue.name for venue in loaded.venues
        }

    def test_each_venue_reads_its_own_file_and_the_market_of_all(
        self, services: dict[str, Any]
    ) -> None:
        markets = set()
        for venue in config.load(ROOT / "config", {}).venues:
            words = shlex.split(services[venue.name]["command"])
            options = dict(zip(words[1::2], words[2::2], strict=True))
            assert words[0] == "venue-sim"
            file = load_venue(ROOT / options["--venue"])
            assert (file.name, file.port) == (venue.name, venue.port)
            assert options["--host"] == "0.0.0.0"
            assert options["--journal"].startswith("/var/lib/sor/")
            markets.add((options["--market"], options["--clock"]))
            assert file.control is not None
            probe = services[venue.name]["healthcheck"]["test"]
            assert probe[-1] == f"tcp://127.0.0.1:{file.control[1]}"
        assert markets == {("config/market.toml", "scaled:60")}

    def test_each_keeps_its_journal_in_a_volume_of_its_own(self, services: dict[str, Any]) -> None:
        volumes = yaml.safe_load(COMPOSE_TEXT)["volumes"]
        used = []
        for name, service in services.items():
            named = [each for each in service["volumes"] if not each.startswith("./")]
            (volume,) = [each.split(":")[0] for each in named]
            assert volume in volumes, name
            used.append(volume)
        assert sorted(used) == sorted(volumes)

    def test_ports_are_published_on_loopback(self, services: dict[str, Any]) -> None:
        published = {
            name: service["ports"] for name, service in services.items() if "ports" in service
        }
        assert published == {
            "gateway": ["127.0.0.1:9880:9880", "127.0.0.1:9890:9890"],
            "prometheus": ["127.0.0.1:9090:9090"],
            "grafana": ["127.0.0.1:3000:3000"],
        }

    def test_the_ems_has_a_session(self, services: dict[str, Any]) -> None:
        words = services["ems"]["entrypoint"]
        options = dict(word.removeprefix("--").split("=") for word in words if "=" in word)
        sessions = {
            (each.begin_string, each.target_comp_id)
            for each in config.load(ROOT / "config", {}).ems_sessions
        }
        assert (options["begin-string"], options["sender"]) in sessions


class TestWhatEveryComposeReads:
    def test_nothing_that_only_a_newer_one_knows(self) -> None:
        parsed = yaml.safe_load(COMPOSE_TEXT)
        assert set(parsed) == {"x-service", "x-health", "services", "volumes"}
        assert "start_interval" not in COMPOSE_TEXT

    def test_nothing_in_the_dockerfile_that_only_a_newer_engine_knows(self) -> None:
        assert not re.search(r"# *syntax *=|RUN +--mount|start-interval|<<EOF", DOCKERFILE)

    def test_every_variable_is_explained_with_its_default(self) -> None:
        head = COMPOSE_TEXT[: COMPOSE_TEXT.index("\nx-service")]
        for name, default in set(SUBSTITUTION.findall(COMPOSE_TEXT)):
            assert f"{name} ({default})" in head, name
        assert set(re.findall(r"\$\{?([A-Z_]+)", COMPOSE_TEXT)) == {
            name for name, _ in SUBSTITUTION.findall(COMPOSE_TEXT)
        }


class TestDockerfile:
    def test_what_it_copies_is_sent_to_the_engine(self) -> None:
        sent = {
            line.removeprefix("!")
            for line in (ROOT / ".dockerignore").read_text().splitlines()
            if line.startswith("!")
        }
        copied = {
            source
            for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M)
            for source in line.split()[:-1]
        }
        assert copied == sent
        assert all((ROOT / name).exists() for name in copied)

    def test_it_is_not_root_that_runs(self) -> None:
        (user,) = re.findall(r"^USER (.+)$", DOCKERFILE, re.M)
        assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)

    def test_the_base_is_a_python_that_the_project_takes(self) -> None:
        bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.M))
        (version,) = {re.match(r"python:(\d+\.\d+)-slim", base)[1] for base in bases}  # type: ignore[index]
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert project["requires-python"] == f">={version}"

    def test_the_folder_of_the_journal_is_the_volume(self, services: dict[str, Any]) -> None:
        (volume,) = re.findall(r"^VOLUME (.+)$", DOCKERFILE, re.M)
        for variable in ("JOURNAL", "DATABASE"):
            (path,) = re.findall(rf"SOR__GATEWAY__{variable}=(\S+)", DOCKERFILE)
            assert path.startswith(f"{volume}/")
        assert services["gateway"]["volumes"] == [f"gateway:{volume}"]
