"""The bundled EMS: a FIX initiator on simplefix, for people, the demo and tests.

It is the outsider among our programs: it shares no code with the gateway's FIX layer, so a mistake
there cannot hide on both sides of the wire.
"""
