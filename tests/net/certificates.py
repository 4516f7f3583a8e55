"""Certificates for tests, made with the openssl program: an authority, and what it signs."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

from sor_gateway.net.tls import TlsSettings

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder = folder
        self.name = name
        folder.mkdir(parents=True, exist_ok=True)
        self.certificate = folder / f"{name}.pem"
        openssl(
            *("req", "-x509", *CURVE, "-subj", f"/CN={name}"),
            *("-keyout", str(folder / f"{name}.key"), "-out", str(self.certificate)),
        )

    def sign(self, name: str, *, alternative: str = "IP:127.0.0.1") -> TlsSettings:
        """A certificate that this authority signed, as settings that trust this authority."""
        key, request = self.folder / f"{name}.key", self.folder / f"{name}.csr"
        extensions, certificate = self.folder / f"{name}.ext", self.folder / f"{name}.pem"
        extensions.write_text(f"subjectAltName={alternative}\n")
        openssl("req", *CURVE, "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request))
        openssl(
            *("x509", "-req", "-in", str(request), "-days", "2", "-extfile", str(extensions)),
            *("-CA", str(self.certificate), "-CAkey", str(self.folder / f"{self.name}.key")),
            *("-CAcreateserial", "-out", str(certificate)),
        )
        return TlsSettings(certificate, key, self.certificate)


def openssl(*arguments: str) -> None:
    """Run the program. It is part of every Debian; the tests of TLS cannot do without."""
    program = shutil.which("openssl")
    assert program is not None, "the tests of TLS need the openssl program (Debian: openssl)"
    done = subprocess.run([program, *arguments], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr


def common_name(peer_certificate: object) -> str:
    """The name in what `getpeercert()` gives."""
    assert isinstance(peer_certificate, dict)
    return str(dict(pair[0] for pair in peer_certificate["subject"])["commonName"])


VERSION_1_2 = ssl.TLSVersion.TLSv1_2
VERSION_1_3 = ssl.TLSVersion.TLSv1_3
