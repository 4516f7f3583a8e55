"""The errors of the FIX layer.

Owns: the exceptions that fix/ raises about what a peer or a file said. Our own bugs are assertions
and plain ValueErrors, never these.
May not know: what anyone does about them.
"""

from __future__ import annotations


class FixError(Exception):
    """Something from outside is not FIX as it has to be."""


class Garbled(FixError):  # noqa: N818 - the word of the standard
    """A frame that cannot be read as tag=value fields: it is ignored, and its number is not
    consumed (FIX 4.4 vol. 2, "garbled message")."""


class DictionaryError(FixError):
    """A data dictionary that cannot be used; the text names the element and what was expected."""
