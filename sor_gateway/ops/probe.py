"""Health probes for containers, which have no curl: `python -m sor_gateway.ops.probe ADDRESS`.

Owns: how to ask an address whether it lives, and the exit code: 0 yes, 1 no, 2 no such address.
May not know: what listens there.

    http://127.0.0.1:9890/healthz    lives when it answers 200
    tcp://127.0.0.1:9951             lives when it takes a connection
"""

from __future__ import annotations

import http.client
import socket
import sys
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 3.0
EXIT_LIVES: Final = 0
EXIT_DOES_NOT: Final = 1
EXIT_USAGE: Final = 2
USAGE: Final = "expected one address such as http://127.0.0.1:9890/healthz or tcp://127.0.0.1:9951"


def lives(address: str) -> bool:
    """Whether something answers there. Raises ValueError for what is no such address."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "tcp") or not parts.hostname or not parts.port:
        raise ValueError(f"{address}: {USAGE}")
    try:
        if parts.scheme == "tcp":
            socket.create_connection((parts.hostname, parts.port), TIMEOUT_S).close()
            return True
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", parts.path or "/")
            return connection.getresponse().status == http.client.OK
        finally:
            connection.close()
    except (OSError, http.client.HTTPException):
        return False


def main(arguments: Sequence[str]) -> int:
    """The exit code; see the module."""
    try:
        (address,) = arguments
        return EXIT_LIVES if lives(address) else EXIT_DOES_NOT
    except ValueError as error:  # not one argument, or not an address
        sys.stderr.write(f"{USAGE} ({error})\n")
        return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
