"""Flow: what other people do on the simulated market, all of it drawn from counted streams."""
