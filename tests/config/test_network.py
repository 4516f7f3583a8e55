"""Sessions, addresses, certificates and bounds as the configuration gives them, and its refusals:
each names the file, the key, and what to do."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from sor_gateway.config import load
from tests.config.spoiling import Replace, problems
from tests.net.certificates import Authority

EMS = '[ems.EMS]\nbegin_string = "FIX.4.4"\n'


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


class TestTls:
    def test_of_a_venue_and_of_the_gateway(self, folder: Path) -> None:
        tls = Authority(folder).sign("gateway")
        name = 'server_name = "fix.dark-a.example"'
        text = f'\n[tls]\nauthority = "{tls.authority}"\nminimum_version = "1.3"\n{name}\n'
        append(folder / "venues" / "dark-a.toml", text)
        configuration = load(
            folder,
            {
                "SOR__GATEWAY__TLS__CERTIFICATE": str(tls.certificate),
                "SOR__GATEWAY__TLS__KEY": str(tls.key),
                "SOR__GATEWAY__TLS__AUTHORITY": str(tls.authority),
                "SOR__GATEWAY__TLS__MUTUAL": "true",
            },
        )
        dark = configuration.venues[0].tls
        assert dark is not None
        assert (dark.authority, dark.minimum_version.name) == (tls.authority, "TLSv1_3")
        assert dark.server_name == "fix.dark-a.example"
        ours = configuration.gateway.tls
        assert ours is not None
        assert (ours.certificate, ours.key, ours.mutual) == (tls.certificate, tls.key, True)

    def test_a_missing_certificate_is_found_at_start(self, folder: Path) -> None:
        append(folder / "gateway.toml", '\n[gateway.tls]\ncertificate = "not-there.pem"\n')
        append(folder / "venues" / "dark-a.toml", '\n[tls]\nauthority = "nor-there.pem"\n')
        remedy = "(No such file or directory); put the file there or change the path"
        assert problems(folder) == [
            "config/venues/dark-a.toml [tls]: authority: config/nor-there.pem cannot be read "
            + remedy,
            "config/gateway.toml [gateway.tls]: certificate: config/not-there.pem cannot be read "
            + remedy,
        ]

    def test_a_listener_without_a_certificate_is_none(self, folder: Path) -> None:
        append(folder / "gateway.toml", "\n[gateway.tls]\nmutual = true\n")
        assert problems(folder) == [
            (
                "config/gateway.toml [gateway.tls]: certificate: a listener with TLS needs one;"
                " name its PEM file"
            )
        ]

    def test_keys_of_the_other_side_are_refused(self, folder: Path) -> None:
        tls = Authority(folder).sign("gateway")
        append(
            folder / "gateway.toml",
            f'\n[gateway.tls]\ncertificate = "{tls.certificate}"\nkey = "{tls.key}"\n'
            'server_name = "gateway.example"\n',
        )
        append(folder / "venues" / "dark-a.toml", "\n[tls]\nmutual = true\n")
        assert problems(folder) == [
            "config/venues/dark-a.toml [tls]: mutual means nothing for a dialer; remove it",
            (
                "config/gateway.toml [gateway.tls]: server_name means nothing for a listener;"
                " remove it"
            ),
        ]


class TestAddresses:
    def test_a_client_may_be_limited_to_networks(self, folder: Path, replace: Replace) -> None:
        replace("gateway.toml", EMS, EMS + 'allow = ["192.0.2.7", "10.1.0.0/16", "2001:db8::/32"]')
        clients = load(folder, {}).clients
        assert clients["EMS"].networks == [
            ip_network(each) for each in ("192.0.2.7/32", "10.1.0.0/16", "2001:db8::/32")
        ]
        assert clients["EMS42"].networks == []

    @pytest.mark.parametrize(
        "cidr",
        [
            pytest.param("10.1.0.0/33", id="too long a prefix"),
            pytest.param("10.1.2.3/16", id="bits behind the prefix"),
            pytest.param("ems.example", id="a name"),
        ],
    )
    def test_a_bad_network_is_refused(self, folder: Path, replace: Replace, cidr: str) -> None:
        replace("gateway.toml", EMS, EMS + f'allow = ["{cidr}"]')
        assert problems(folder) == [
            (
                f"config/gateway.toml [ems.EMS]: allow = '{cidr}': expected addresses and networks"
                ' such as ["192.0.2.7", "10.1.0.0/16"], [] for any; change it there or set'
                " SOR__EMS__EMS__ALLOW"
            )
        ]

    def test_a_venue_may_have_backups(self, folder: Path) -> None:
        backups = '["192.0.2.7:9901", "[2001:db8::1]:9901"]'
        configuration = load(folder, {"SOR__VENUES__DARK_A__BACKUPS": backups})
        assert configuration.venues[0].backups == [("192.0.2.7", 9901), ("2001:db8::1", 9901)]

    def test_a_backup_that_is_no_address_is_refused(self, folder: Path) -> None:
        assert problems(folder, {"SOR__VENUES__DARK_A__BACKUPS": '["192.0.2.7"]'}) == [
            (
                "environment SOR__VENUES__DARK_A__BACKUPS: backups = '192.0.2.7': expected a list"
                ' of host:port such as ["10.0.0.2:9906"]; change it there'
            )
        ]

    def test_a_backup_that_is_someone_else_is_refused(self, folder: Path) -> None:
        assert problems(folder, {"SOR__VENUES__DARK_A__BACKUPS": '["127.0.0.1:9906"]'}) == [
            (
                "config/venues/exchange.toml: port = 127.0.0.1:9906, which is also"
                " config/venues/dark-a.toml: backup 1; give one of them another port"
            )
        ]


class TestBounds:
    def test_have_names_and_may_be_changed(self, folder: Path) -> None:
        bounds = {
            "CONNECTIONS": "9",
            "CONNECTIONS_WITHOUT_LOGON": "8",
            "CONNECTIONS_PER_ADDRESS": "7",
            "LOGON_TIMEOUT_S": "6",
            "SLOW_CONSUMER_BYTES": "70000",
            "SLOW_CONSUMER_S": "4",
            "KEEP_OUT_S": "3",
            "HALF_OPEN_S": "9",
            "CONCURRENT_REPLAYS": "2",
        }
        environ = {f"SOR__LIMITS__{name}": value for name, value in bounds.items()}
        configuration = load(folder, environ | {"SOR__EMS__EMS__QUEUE_LIMIT": "2"})
        gateway = configuration.gateway
        listener, connection = gateway.listener_limits, gateway.connection_limits
        assert (listener.connections, listener.without_logon, listener.per_address) == (9, 8, 7)
        assert listener.logon_timeout_s == 6
        assert (connection.slow_consumer_bytes, connection.slow_consumer_s) == (70_000, 4)
        assert (connection.half_open_s, gateway.concurrent_replays) == (9, 2)
        assert gateway.keep_out_s == 3
        assert configuration.ems_sessions[0].queue_limit == 2
        assert configuration.ems_sessions[0].logon_timeout_ns == 6_000_000_000

    def test_of_a_client(self, folder: Path) -> None:
        environ = {
            "SOR__EMS__EMS__MESSAGES_PER_SECOND": "20",
            "SOR__EMS__EMS__CUT_MESSAGES_PER_SECOND": "30",
            "SOR__EMS__EMS__ON_DISCONNECT": "cancel",
            "SOR__EMS__EMS__BUSY_PER_CENT": "11",
            "SOR__EMS__EMS__OWN_CROSSING": "true",
            "SOR__EMS__EMS__BACKLOG_S": "12",
            "SOR__EMS__EMS__RESUME_WINDOW_S": "13",
            "SOR__EMS__EMS__AFTER_OUTAGE": "suspend",
        }
        assert load(folder, {}).router.crossing_clients == ()
        assert load(folder, environ).router.crossing_clients == ("EMS",)
        client = load(folder, environ).clients["EMS"]
        assert (client.messages_per_second, client.cut_messages_per_second) == (20, 30)
        assert (client.busy_per_cent, client.backlog_s) == (11, 12)
        assert (client.resume_window_s, client.after_outage) == (13, "suspend")
        assert client.on_disconnect == "cancel"

    def test_a_cut_below_the_throttle_is_refused(self, folder: Path) -> None:
        assert problems(folder, {"SOR__EMS__EMS__CUT_MESSAGES_PER_SECOND": "300"}) == [
            (
                "config/gateway.toml [ems.EMS]: cut_messages_per_second = 300: expected more than"
                " messages_per_second = 300; raise it"
            )
        ]
        load(folder, {"SOR__EMS__EMS__CUT_MESSAGES_PER_SECOND": "0"})

    def test_an_unknown_key_is_refused(self, folder: Path, replace: Replace) -> None:
        replace("gateway.toml", "keep_out_s =", "keep_out =")
        assert problems(folder) == [
            "unknown key `keep_out` in config/gateway.toml [limits]; did you mean `keep_out_s`?"
        ]
