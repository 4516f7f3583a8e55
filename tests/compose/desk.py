"""The desk under Docker Compose, as somebody outside sees it: commands, published ports, journals.

Owns: the project's name, its ports, every call of Compose, and the account of three sides.
May not know: how the gateway or a venue works.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sor_gateway import config
from sor_gateway.client.ledger import Ledger
from sor_gateway.projection import follower, queries
from sor_gateway.stack import Account, Totals, client_totals, free_port
from venue_sims.config import load_venue

ROOT: Final = Path(__file__).parents[2]
BUILD_TIMEOUT_S: Final = 900
COMMAND_TIMEOUT_S: Final = 300
READY_TIMEOUT_S: Final = 180
POLL_S: Final = 0.25
ASK: Final = """
import json, socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60) as line:
    line.sendall(json.dumps({"command": sys.argv[2]}).encode() + b"\\n")
    print(line.makefile().readline())
"""
"""`venue-sim ctl` in small: it starts in a tenth of the time, and there are many questions."""


class DockerMissing(Exception):  # noqa: N818 - says what is missing, not what went wrong
    """There is no engine or no Compose; the text says which."""


class ComposeError(Exception):
    """A command failed; the text has its output."""


def find_compose() -> list[str]:
    """The command that is Compose here. Raises DockerMissing."""
    if shutil.which("docker") is None:
        raise DockerMissing("docker is not installed")
    if _run(["docker", "info"]).returncode:
        raise DockerMissing("no Docker engine answers: is it started, is DOCKER_HOST right?")
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and _run([*command, "version"]).returncode == 0:
            return command
    raise DockerMissing("neither `docker compose` nor docker-compose is installed")


def _run(
    command: list[str],
    environment: dict[str, str] | None = None,
    timeout_s: float = COMMAND_TIMEOUT_S,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@dataclass(slots=True)
class Venue:
    """What the configuration says of a venue."""

    name: str
    mic: str
    control_port: int


class ComposeDesk:
    """One Compose project of its own, on free ports. Use `up`, then `down`."""

    def __init__(self, compose: list[str]) -> None:
        self.port = free_port()
        self.admin_port = free_port()
        self.project = f"sor-test-{os.getpid()}"
        self._compose = [*compose, "--project-name", self.project]
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SOR_")},
            "SOR_PORT": str(self.port),
            "SOR_ADMIN_PORT": str(self.admin_port),
            "SOR_IMAGE": "sor-gateway:compose-test",
        }
        routed = config.load(ROOT / "config", {}).router.venues
        self.venues = [
            Venue(name, settings.mic, control_port(name)) for name, settings in routed.items()
        ]

    # --- Compose ----------------------------------------------------------------------------

    def compose(self, *arguments: str, timeout_s: float = COMMAND_TIMEOUT_S) -> str:
        """Run one command of Compose; its output. Raises ComposeError."""
        done = _run([*self._compose, *arguments], self._environment, timeout_s)
        if done.returncode:
            raise ComposeError(
                f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}"
            )
        return done.stdout

    def up(self) -> None:
        """Build the image, start all services, wait until orders can flow."""
        self.compose("build", timeout_s=BUILD_TIMEOUT_S)
        self.compose("up", "--detach", timeout_s=BUILD_TIMEOUT_S)
        self.until("the gateway is ready", self.is_ready)

    def down(self, log: Path) -> None:
        """Keep what all services logged, and remove everything that `up` made."""
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(self.compose("logs", "--no-color"))
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "10")

    def execute(self, service: str, *command: str) -> str:
        """Run a command in a service's container; its output. Raises ComposeError."""
        return self._docker("exec", self.container(service), *command)

    def control(self, venue: Venue, command: str) -> Any:
        """Ask a venue's control socket, which listens inside its container only."""
        return json.loads(
            self.execute(venue.name, "python", "-c", ASK, str(venue.control_port), command)
        )

    def offer(self, symbol: str) -> Decimal:
        """The national best offer, as the venues compute it."""
        nbbo = self.control(self.venues[0], f"nbbo {symbol}")["nbbo"]
        return Decimal(nbbo[symbol]["ask_micros"]) / 1_000_000

    def container(self, service: str) -> str:
        """The id of a service's container, running or not."""
        labels = {"project": self.project, "service": service}
        filters = [f"--filter=label=com.docker.compose.{key}={labels[key]}" for key in labels]
        return self._docker("ps", "--all", "--quiet", *filters).strip()

    def inspect(self, service: str) -> Any:
        """What the engine knows of a service's container."""
        return json.loads(self._docker("inspect", self.container(service)))[0]

    def _docker(self, *arguments: str) -> str:
        done = _run(["docker", *arguments])
        if done.returncode:
            raise ComposeError(
                f"docker {arguments[0]} ended with {done.returncode}:\n{done.stdout}"
            )
        return done.stdout

    # --- the gateway ------------------------------------------------------------------------

    def ask(self, path: str) -> tuple[int, str]:
        """The gateway's admin port: status and body; status 0 when it does not answer."""
        url = f"http://127.0.0.1:{self.admin_port}/{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def is_ready(self) -> bool:
        """Whether all venues are synchronised and quotes are there."""
        return self.ask("readyz")[0] == 200

    def status(self) -> Any:
        """What the gateway is doing."""
        code, body = self.ask("status")
        assert code == 200, body
        return json.loads(body)

    def until(self, what: str, condition: Callable[[], bool]) -> None:
        """Poll. Raises ComposeError when the time is up."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not condition():
            if time.monotonic() > deadline:
                raise ComposeError(
                    f"not within {READY_TIMEOUT_S} s: {what}; readyz says {self.ask('readyz')}\n"
                    + self.compose("ps")
                    + self.compose("logs", "--no-color", "--tail=20")
                )
            time.sleep(POLL_S)

    # --- the account ------------------------------------------------------------------------

    def venue_totals(self, venue: Venue) -> Totals:
        """What a venue's own journal says was traded."""
        totals = Totals()
        for row in self.control(venue, "ledger")["sessions"]:
            totals.add(
                Totals(row["executions"], row["shares"], row["value_micros"], row["fees_micros"])
            )
        return totals

    def accounts(self, ledger: Ledger, folder: Path) -> list[Account]:
        """What venue, gateway and EMS each believe of each venue. The gateway's side is read out of
        its journal, copied into `folder`."""
        source = f"{self.container('gateway')}:/var/lib/sor/journal"
        self._docker("cp", source, str(folder / "journal"))
        follower.refresh(folder / "journal", folder / "gateway.db")
        at_gateway = {row.venue: row for row in queries.ledger(folder / "gateway.db").venues}
        at_client = client_totals(ledger)
        accounts = []
        for venue in self.venues:
            account = Account(venue.name, self.venue_totals(venue))
            account.at_client = at_client.pop(venue.mic, Totals())
            row = at_gateway.get(venue.name)
            if row is not None:
                account.at_gateway = Totals(
                    row.executions, row.shares, row.value_micros, row.fees_micros
                )
            accounts.append(account)
        assert not at_client, f"the EMS was told of markets that are no venue: {list(at_client)}"
        return accounts


def control_port(name: str) -> int:
    """Where a venue's control socket listens in its container, as its own file says."""
    control = load_venue(ROOT / "config" / "scenarios" / "default" / f"{name}.toml").control
    assert control is not None, f"{name} has no control socket"
    return control[1]
