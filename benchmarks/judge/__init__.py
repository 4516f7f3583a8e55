"""What routing costs in a market that is moved by it: ours against simple routers, seed by seed."""
