"""Two clients' opposite orders meet on the in-memory desk: from FIX to FIX, in both versions."""

from __future__ import annotations

import os

from sor_gateway.config import load
from sor_gateway.fix.values import utc_timestamp
from tests.daemon.test_routing import ROOT, Floor
from tests.daemon.trader import is_fill, reports


def floor(consent: str) -> Floor:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("SOR__")}
    for client in ("EMS", "EMS42"):
        environ[f"SOR__EMS__{client}__OWN_CROSSING"] = consent
    return Floor(load(ROOT / "config", environ), trades=0.0)


def order(made: Floor, client: str, cl_ord_id: str, side: str, quantity: int) -> None:
    body = [(11, cl_ord_id), (21, "1"), (55, "ACME"), (54, side), (38, str(quantity)), (40, "1")]
    body += [(59, "0"), (60, utc_timestamp(made.desk.now))]
    made.desk.peers[client].send("D", body, made.desk.now)


class TestCrossing:
    def test_both_are_told_of_one_trade_at_our_own_market(self) -> None:
        made = floor("true")
        order(made, "EMS", "b1", "1", 90_000)
        made.run(0.2)
        order(made, "EMS42", "s1", "2", 30_000)
        made.run(0.2)
        bought, sold = (
            [each for each in reports(made.desk.peers[client]) if is_fill(each)]
            for client in ("EMS", "EMS42")
        )
        assert [(each[30], each[32]) for each in bought] == [("SORX", "30000")]
        assert [(each[30], each[32]) for each in sold] == [("SORX", "30000")]
        assert bought[0][31] == sold[0][31]
        assert bought[0][60] == sold[0][60]
        assert made.status("s1", "EMS42")[39] == "2"
        assert made.status("b1")[39] == "1"
        assert not made.executed(*made.venues)

    def test_without_their_consent_each_goes_to_the_venues(self) -> None:
        made = floor("false")
        order(made, "EMS", "b1", "1", 90_000)
        made.run(0.2)
        order(made, "EMS42", "s1", "2", 30_000)
        made.run(0.2)
        assert not [each for each in reports(made.desk.peers["EMS42"]) if is_fill(each)]
        assert made.live("dark-a") == 2
