"""What a gateway that runs for days keeps and lets go of, on the in-memory desk."""

from __future__ import annotations

import os

from sor_gateway.config import load
from sor_gateway.sor.estimators.volatility import (
    LEAST_SAMPLES,
    SAMPLES_A_DAY,
    TOLD_EVERY,
    day_micros,
)
from tests.daemon.test_routing import ROOT, Floor

DAY_S = 60
STEP_NS = DAY_S * 1_000_000_000 // SAMPLES_A_DAY


class TestVolatility:
    """How wild a symbol is, is known to a gateway that was restarted."""

    def test_what_was_watched_before_a_crash_is_known_behind_it(self) -> None:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("SOR__")}
        environ["SOR__ROUTER__TRADING_DAY_S"] = str(DAY_S)
        made = Floor(load(ROOT / "config", environ), trades=0.0)
        desk = made.desk
        for sample in range(LEAST_SAMPLES + TOLD_EVERY):
            desk.now += STEP_NS
            mid = 50_000_000 + 5_000 * (sample % 2)
            quote = ([(mid - 5_000, 300)], [(mid + 5_000, 300)])
            desk.engine.router.market.update("exchange", "BOLT", *quote, desk.now)
            desk.turn()
        known = desk.engine.router.state.volatility["BOLT"]
        assert known.samples >= LEAST_SAMPLES
        desk.assert_fold_is_live()
        desk.crash()
        assert desk.engine.router.state.volatility["BOLT"] == known
        watched = desk.engine.router.market.volatility
        assert watched.day_micros("BOLT") == day_micros(known) > 0
