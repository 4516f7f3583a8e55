from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from sor_gateway.ops.probe import EXIT_DOES_NOT, EXIT_LIVES, EXIT_USAGE, main
from sor_gateway.stack import free_port


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response({"/healthz": 200, "/readyz": 503}.get(self.path, 404))
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def server() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class TestHttp:
    def test_200_is_life_and_nothing_else_is(self, server: str) -> None:
        assert main([f"{server}/healthz"]) == EXIT_LIVES
        assert main([f"{server}/readyz"]) == EXIT_DOES_NOT
        assert main([server]) == EXIT_DOES_NOT

    def test_nobody_there(self) -> None:
        assert main([f"http://127.0.0.1:{free_port()}/healthz"]) == EXIT_DOES_NOT

    def test_something_that_speaks_no_http(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]

            def garble() -> None:
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(b"8=FIX.4.4\x01\r\n\r\n")
                    connection.recv(1_024)

            thread = threading.Thread(target=garble)
            thread.start()
            assert main([f"http://127.0.0.1:{port}/healthz"]) == EXIT_DOES_NOT
            thread.join()


class TestTcp:
    def test_a_port_that_takes_connections_lives(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
            assert main([address]) == EXIT_LIVES
        assert main([address]) == EXIT_DOES_NOT


class TestUsage:
    @pytest.mark.parametrize(
        "arguments", [[], ["a", "b"], ["gateway:9890"], ["tcp://gateway"], ["ftp://a:1"]]
    )
    def test_anything_else_is_explained(
        self, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(arguments) == EXIT_USAGE
        assert "http://127.0.0.1:9890/healthz" in capsys.readouterr().err
