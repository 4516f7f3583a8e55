"""TLS contexts from plain settings.

Owns: which protocol versions and certificates are acceptable.
May not know: files other than the ones it is given, sessions.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class TlsSettings:
    """What a side of a TLS connection needs."""

    certificate: Path | None = None
    """Our certificate chain, PEM. A server needs one; a client where the server asks for it."""
    key: Path | None = None
    """The private key of `certificate`, PEM; None when it is in the same file."""
    authority: Path | None = None
    """Certificates that we trust, PEM; None for those of the system."""
    mutual: bool = False
    """Server: whether clients must show a certificate that `authority` signed."""
    minimum_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """The context of a listener. Raises ValueError for missing settings, OSError (ssl.SSLError
    among them) for files that cannot be read or do not fit together."""
    if settings.certificate is None:
        raise ValueError("a TLS listener needs `certificate`")
    if settings.mutual and settings.authority is None:
        raise ValueError("mutual TLS needs `authority`: whose client certificates are good?")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = settings.minimum_version
    context.load_cert_chain(settings.certificate, settings.key)
    if settings.authority is not None:
        context.load_verify_locations(settings.authority)
    context.verify_mode = ssl.CERT_REQUIRED if settings.mutual else ssl.CERT_NONE
    return context


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """The context of a dialer: the server's certificate and host name are always checked. Raises
    OSError (ssl.SSLError among them) for files that cannot be read or do not fit together."""
    context = ssl.create_default_context(
        ssl.Purpose.SERVER_AUTH,
        cafile=str(settings.authority) if settings.authority is not None else None,
    )
    context.minimum_version = settings.minimum_version
    if settings.certificate is not None:
        context.load_cert_chain(settings.certificate, settings.key)
    return context
