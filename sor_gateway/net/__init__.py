"""FIX sessions over asyncio: sockets, timers, TLS. Imports `fix` only; usable by any program."""
