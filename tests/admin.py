"""The admin port of a gateway that runs as a process, asked by whoever tests one.

Owns: one question and its answer.
May not know: what is asked for.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Final

TIMEOUT_S: Final = 20.0
"""On a busy machine."""


def ask(port: int, path: str, body: dict[str, Any] | None = None) -> Any:
    """What it answers; a refusal says why under `error`. With a body something is to be done.

    Raises OSError when there is no gateway.
    """
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return json.load(refusal)
