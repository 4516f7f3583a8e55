"""How a quantity is split over venues: pure functions."""
