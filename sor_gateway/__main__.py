"""`python -m sor_gateway` is `sor-gateway`."""

from sor_gateway.cli import main

main()
