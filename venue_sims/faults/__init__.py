"""Faults that a venue is asked to have: when each strikes, and what it then does.

Owns: a class a fault (table.py lists them by name), the settings of each, what is remembered of
them. A fault hooks in at one stage of the venue (fault.py lists the stages); the board holds those
that are set and asks them there.
May not know: sockets, asyncio, the clock, files. Bytes and times come in, decisions go out.

Everything that a fault does is a fact before anybody can see it, and what it draws is keyed by its
own name and by what it is asked about: no fault moves another's draws, and a fold of the journal
draws nothing.
"""
