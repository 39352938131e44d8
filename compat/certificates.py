"""Certificates for tests, made by the `openssl` program: an authority and what it signs, valid for a few days.

    FOLDER/ca.crt ca.key              the authority
    FOLDER/server.crt server.key      for servers only
    FOLDER/client.crt client.key      for clients only
    FOLDER/redis.crt redis.key        for both
    FOLDER/redis.dh                   parameters for Diffie-Hellman key exchange, on request

The names are those that the official test suite looks for in its own folder. Nothing here is secret.
"""

import subprocess
from pathlib import Path
from typing import Final

DAYS: Final = "7"
KEY_BITS: Final = "2048"

KINDS: Final[dict[str, str]] = {
    "server": "keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth\n",
    "client": "keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=clientAuth\n",
    "redis": "",
}
NAMES: Final = "subjectAltName=DNS:localhost,IP:127.0.0.1\n"
IDENTIFIERS: Final = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
"""What strict checks ask for, which Python makes from 3.13 on."""


class Certificates:
    """A folder of certificates.

    Args:
        folder: Where to; made if it is not there.
        authority: What the authority is called.
    """

    def __init__(self, folder: Path, authority: str = "Test Authority") -> None:
        self.folder: Final = folder
        folder.mkdir(parents=True, exist_ok=True)
        subject = f"/O=Test/CN={authority}"
        openssl(
            *("req", "-x509", "-newkey", f"rsa:{KEY_BITS}", "-noenc", "-sha256", "-days", DAYS, "-subj", subject),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-keyout", str(self.key("ca")), "-out", str(self.certificate("ca"))),
        )
        for name in KINDS:
            self.issue(name)

    def certificate(self, name: str) -> Path:
        """Where a certificate is."""
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        """Where the private key of a certificate is."""
        return self.folder / f"{name}.key"

    def issue(self, name: str) -> None:
        """Makes a certificate with a new key, in place of the one there was."""
        extensions = self.folder / "extensions"
        extensions.write_text(KINDS[name] + NAMES + IDENTIFIERS)
        request = self.folder / "request"
        openssl(
            *("req", "-new", "-newkey", f"rsa:{KEY_BITS}", "-noenc", "-sha256", "-subj", f"/O=Test/CN={name}"),
            *("-keyout", str(self.key(name)), "-out", str(request)),
        )
        openssl(
            *("x509", "-req", "-sha256", "-days", DAYS, "-in", str(request), "-extfile", str(extensions)),
            *("-CA", str(self.certificate("ca")), "-CAkey", str(self.key("ca")), "-CAcreateserial"),
            *("-out", str(self.certificate(name))),
        )

    def encrypt_key(self, name: str, password: str) -> Path:
        """Makes a copy of a private key that needs a password; returns where it is."""
        encrypted = self.folder / f"{name}.key.encrypted"
        words = ("-in", str(self.key(name)), "-out", str(encrypted), "-aes256", "-passout", f"pass:{password}")
        openssl("rsa", *words)
        return encrypted

    def make_dh_parameters(self) -> Path:
        """Makes parameters for Diffie-Hellman key exchange; returns where they are."""
        path = self.folder / "redis.dh"
        openssl("dhparam", "-dsaparam", "-out", str(path), KEY_BITS)
        return path


def openssl(*words: str) -> None:
    """Runs the program.

    Raises:
        subprocess.CalledProcessError: It refused.
    """
    subprocess.run(["openssl", *words], check=True, capture_output=True, stdin=subprocess.DEVNULL)
