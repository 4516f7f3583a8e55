"""The operator of a crash run: he lets a venue back in that the gateway took out.

Owns: what he asks of the admin port, and what he does.
May not know: who is killed when.

A correction beyond an order's limit is denied and puts its venue into quarantine, and nobody but a
person ends that. The gateway dies under his hands like under everybody's.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

from sor_gateway.stack import Stack

LOOKS_EVERY_S = 0.2
TIMEOUT_S = 5


class Operator:
    """Looks at the doubts again and again, until he is cancelled."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.let_in = 0
        """How often a venue was let back in."""

    async def watch(self) -> None:
        """Let in whoever is in quarantine, while there is a gateway."""
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            try:
                await asyncio.to_thread(self._look)
            except OSError:
                continue  # there is no gateway now; he calls again

    def _look(self) -> None:
        for row in self._ask("doubts")["venues"]:
            if "in quarantine" in row["reason"]:
                body = {"on": False, "reason": "their desk: a correction, it stands"}
                self._ask(f"venues/{row['venue']}/quarantine", body)
                self.let_in += 1

    def _ask(self, path: str, body: dict[str, object] | None = None) -> Any:
        url = f"http://127.0.0.1:{self._stack.admin_port}/{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
