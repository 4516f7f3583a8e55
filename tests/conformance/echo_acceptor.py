"""The acceptor that the public acceptance definitions are played against.

    python -m tests.conformance.echo_acceptor --port 0 --begin-string FIX.4.4 --sender ISLD \
        --target TW44 [--dictionary FILE] [--next-expected] [--last-processed] [--resend-chunk N]

Our session layer under the echo application (echo.py), with asyncio glue of its own, so that the
session layer is judged without the gateway's. Prints the port when it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

from sor_gateway.fix.dictionary import Dictionary, load_packaged
from sor_gateway.fix.session import Role, SessionSettings
from tests.conformance.echo import Acceptor, Echo

READ_LIMIT_BYTES = 65_536


async def converse(
    acceptor: Acceptor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One connection, from its first byte to its last."""
    echo = acceptor.connection(time.time_ns())
    try:
        while not echo.closed:
            data = await read(reader, echo)
            if data == b"":
                break
            now = time.time_ns()
            writer.write(echo.tick(now) if data is None else echo.receive(data, now))
    finally:
        echo.disconnect(time.time_ns())
        writer.close()


async def read(reader: asyncio.StreamReader, echo: Echo) -> bytes | None:
    """Bytes, b"" at the end of the stream, None at a deadline."""
    deadline = echo.session.next_deadline()
    timeout = None if deadline is None else max(0.0, (deadline - time.time_ns()) / 1e9)
    try:
        return await asyncio.wait_for(reader.read(READ_LIMIT_BYTES), timeout)
    except TimeoutError:
        return None
    except ConnectionError:
        return b""


async def serve(arguments: argparse.Namespace) -> None:
    settings = SessionSettings(
        name="echo",
        begin_string=arguments.begin_string,
        sender_comp_id=arguments.sender,
        target_comp_id=arguments.target,
        role=Role.ACCEPTOR,
        markers=False,
        user_defined="none",
        send_next_expected=arguments.next_expected,
        last_processed=arguments.last_processed,
        resend_chunk=arguments.resend_chunk,
    )
    dictionary = (
        Dictionary.load(arguments.dictionary)
        if arguments.dictionary
        else load_packaged(arguments.begin_string)
    )
    acceptor = Acceptor(settings, dictionary)

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await converse(acceptor, reader, writer)

    server = await asyncio.start_server(on_connection, arguments.host, arguments.port)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--begin-string", default="FIX.4.4")
    parser.add_argument("--sender", default="ISLD")
    parser.add_argument("--target", default="TW44")
    parser.add_argument("--dictionary", type=Path)
    parser.add_argument("--next-expected", action="store_true", help="789 in our Logon")
    parser.add_argument("--last-processed", action="store_true", help="369 in every header")
    parser.add_argument("--resend-chunk", type=int, default=0, help="messages a ResendRequest")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
