"""FIX as a protocol: bytes, messages, dictionaries and the session, without I/O.

Usable by any program: nothing in here knows an order, a socket or a clock.
"""
