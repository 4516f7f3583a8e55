"""Debian's Prometheus as a process of a test: its configuration, its API.

Owns: finding prometheus and promtool, a free port, a throw-away store.
May not know: the gateway. It installs nothing: it says which Debian package is missing.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Final

from sor_gateway.stack import free_port

START_S: Final = 20.0
STOP_S: Final = 10.0
POLL_S: Final = 0.1
PROMTOOL_S: Final = 60


class PrometheusMissing(Exception):  # noqa: N818 - says what is missing, not what went wrong
    """Nothing can be checked here; the text names the Debian package that is missing."""


def find(program: str) -> str:
    """The path of `prometheus` or `promtool`. Raises PrometheusMissing."""
    path = shutil.which(program)
    if path is None:
        raise PrometheusMissing(f"no {program}: apt-get install --no-install-recommends prometheus")
    return path


def promtool(*arguments: str, stdin: str = "") -> tuple[int, str]:
    """Run promtool; its exit code and all that it said. Raises PrometheusMissing."""
    done = subprocess.run(
        [find("promtool"), *arguments],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PROMTOOL_S,
        check=False,
    )
    return done.returncode, done.stdout


class Prometheus:
    """One server. `start` with a configuration, then ask, then `stop`."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, configuration: Path) -> None:
        """Start it and wait until it answers. Raises PrometheusMissing, AssertionError."""
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                find("prometheus"),
                f"--config.file={configuration}",
                f"--storage.tsdb.path={self._folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        for _ in range(int(START_S / POLL_S)):
            assert self._process.returncode is None, self.log()
            if await asyncio.to_thread(self._is_ready):
                return
            await asyncio.sleep(POLL_S)
        raise AssertionError(f"prometheus is not ready after {START_S} s: {self.log()}")

    async def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await asyncio.wait_for(self._process.wait(), STOP_S)

    def log(self) -> str:
        """The end of what it logged."""
        return (self._folder / "prometheus.log").read_text(errors="replace")[-2_000:]

    async def query(self, expression: str) -> list[Any]:
        """The series that an expression gives now. Raises AssertionError when it is no good."""
        return list((await self.get("query", query=expression))["result"])

    async def get(self, path: str, **parameters: str) -> Any:
        """The data of one answer of the API."""
        return await asyncio.to_thread(self._get, path, parameters)

    def _get(self, path: str, parameters: dict[str, str]) -> Any:
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error
        assert answer["status"] == "success", answer
        return answer["data"]

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2):
                return True
        except OSError:
            return False
