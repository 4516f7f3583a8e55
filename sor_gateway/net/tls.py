"""TLS contexts from plain settings.

Owns: which protocol versions and certificates are acceptable, and which setting is to blame when
there is no making a context of them.
May not know: files other than the ones it is given, sessions, configuration files.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path


class TlsError(ValueError):
    """The settings make no context; `key` is the one to mend, the text says why and how."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(f"{key}: {text}")
        self.key = key
        self.text = text


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
    server_name: str | None = None
    """Client: the name to ask for (SNI) and to find in the server's certificate; None for the host
    that is dialled."""


class Renewable(ssl.SSLContext):
    """A listener's context that may be renewed while it listens.

    Event loops ask the context that they were given for a new SSLObject for each connection; this
    one passes the question on to `current`. So the next connection meets what is put there, and
    those that are up live on with theirs.
    """

    current: ssl.SSLContext

    def __new__(cls, current: ssl.SSLContext) -> Renewable:
        """Stands for `current` from now on."""
        self = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        self.current = current
        return self

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """The TLS of one connection."""
        return self.current.wrap_bio(incoming, outgoing, server_side, server_hostname, session)


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """The context of a listener. Raises TlsError."""
    if settings.certificate is None:
        raise TlsError("certificate", "a listener with TLS needs one; name its PEM file")
    if settings.mutual and settings.authority is None:
        text = "mutual TLS needs to know whose client certificates are good; name its PEM file"
        raise TlsError("authority", text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = settings.minimum_version
    _show(context, settings)
    if settings.authority is not None:
        _trust(context, settings.authority)
    context.verify_mode = ssl.CERT_REQUIRED if settings.mutual else ssl.CERT_NONE
    return context


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """The context of a dialer: the server's certificate and name are always checked. Raises
    TlsError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = settings.minimum_version
    if settings.authority is not None:
        _trust(context, settings.authority)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if settings.certificate is not None:
        _show(context, settings)
    elif settings.key is not None:
        raise TlsError("certificate", "there is a key and no certificate; name its PEM file")
    return context


def _show(context: ssl.SSLContext, settings: TlsSettings) -> None:
    """Load what we show to peers."""
    assert settings.certificate is not None
    _check_readable("certificate", settings.certificate)
    if settings.key is not None:
        _check_readable("key", settings.key)
    try:
        context.load_cert_chain(settings.certificate, settings.key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text = f"{settings.key or settings.certificate} is not the key of the certificate"
            raise TlsError("key", f"{text}; name the one that belongs to it") from error
        text = f"{settings.certificate} and its key are not PEM that can be used ({error.reason})"
        raise TlsError("certificate", f"{text}; put whole PEM files there") from error


def _trust(context: ssl.SSLContext, authority: Path) -> None:
    """Load whom we trust."""
    _check_readable("authority", authority)
    try:
        context.load_verify_locations(authority)
    except ssl.SSLError as error:
        text = f"{authority} holds no PEM certificate; put the authority's certificate there"
        raise TlsError("authority", text) from error


def _check_readable(key: str, path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        text = f"{path} cannot be read ({error.strerror}); put the file there or change the path"
        raise TlsError(key, text) from error


def _no_password() -> str:
    """Nobody is there to type one."""
    raise TlsError("key", "the key is encrypted; give one without a password, readable by us alone")
