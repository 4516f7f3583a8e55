"""The operator of a crash run: he lets a venue back in that the gateway took out.

Owns: what he asks of the admin port, and what he does.
May not know: who is killed when.

A correction beyond an order's limit is denied and puts its venue into quarantine, and nobody but a
person ends that. The gateway dies under his hands like under everybody's.
"""

from __future__ import annotations

import asyncio

from sor_gateway.stack import Stack
from tests.admin import ask

LOOKS_EVERY_S = 0.2


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
        port = self._stack.admin_port
        for row in ask(port, "doubts")["venues"]:
            if "in quarantine" in row["reason"]:
                body = {"on": False, "reason": "their desk: a correction, it stands"}
                answer = ask(port, f"venues/{row['venue']}/quarantine", body)
                self.let_in += "error" not in answer
