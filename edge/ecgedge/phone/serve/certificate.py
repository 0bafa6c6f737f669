"""Certificates for the house: one that somebody has, or one of this machine's own."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.outlets.target import LOOPBACK
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.files import read_text, write_atomically

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["Certificate", "given", "own"]

_MOST_PEM = 1 << 20
_RENEW = dt.timedelta(days=30)
_ANYWHERE = ("0.0.0.0", "::")
# Of RFC 5737, for examples: nothing is sent there, but the system says from which address it would be.
_OUTSIDE = ("192.0.2.1", 9)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate to serve with.

    Parameters
    ----------
    file, key : Path
        PEM files.
    names : tuple of str
        Host names and addresses that it is for, in lower case.
    authority : Path or None
        What a phone has to install, where the certificate is this machine's own.
    fingerprint : str
        SHA-256 of that, as phones show it.
    """

    file: Path
    key: Path
    names: tuple[str, ...]
    authority: Path | None = None
    fingerprint: str = ""


def given(file: Path, key: Path) -> Certificate:
    """Look at a certificate that somebody has.

    Raises
    ------
    ConfigError
        Certificate or key cannot be read, do not belong together, or are of no use any more.
    """
    file, key = file.expanduser(), key.expanduser()
    (first, *_) = _chain(file)
    if first.not_valid_after_utc < _now():
        raise ConfigError(f"{file} was good until {first.not_valid_after_utc:%Y-%m-%d}: get a fresh one")
    _try(file, key)
    return Certificate(file, key, _names(first))


def own(folder: Path, host: str) -> Certificate:
    """Return this machine's own certificate, which is made where there is none that still serves.

    Parameters
    ----------
    folder : Path
        Where it is kept: key and certificate for their owner alone, what phones install beside them.
    host : str
        Where the app will be.

    Raises
    ------
    ConfigError
        The extra is not installed.
    OSError
        It cannot be written.
    """
    file, authority = folder / "certificate.pem", folder / "ecgedge-phone-authority.crt"
    wanted = _machine(host)
    with suppress(ConfigError):
        leaf, issuer = _chain(file)
        _try(file, file)
        fresh = leaf.not_valid_after_utc - _now() > _RENEW
        # An address may change with every visit of the router; the names stay.
        if fresh and {one for one in wanted if not _is_address(one) or one == host} <= set(_names(leaf)):
            return _kept(file, authority, leaf, issuer)
    from ecgedge.phone.serve.authority import made

    folder.mkdir(0o700, parents=True, exist_ok=True)
    key, leaf, issuer = made(socket.gethostname(), wanted)
    write_atomically(file, key + _pem(leaf) + _pem(issuer), 0o600)
    return _kept(file, authority, leaf, issuer)


def _kept(file: Path, authority: Path, leaf: x509.Certificate, issuer: x509.Certificate) -> Certificate:
    """Return an own certificate, and see to it that what phones install is there."""
    text = _pem(issuer)
    if not authority.is_file() or authority.read_bytes() != text:
        write_atomically(authority, text)
    digest = sha256(_der(issuer)).digest()
    return Certificate(file, file, _names(leaf), authority, digest.hex(":").upper())


def _try(file: Path, key: Path) -> None:
    """Load both as the server will."""

    def refuse() -> str:
        raise ConfigError(
            f"{key} asks for a passphrase: give a key without one, openssl pkey -in {key} -out plain.pem"
        )

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file, key, refuse)
    except ssl.SSLError as error:
        why = "do not belong together" if "MISMATCH" in str(error.reason) else "cannot be used"
        raise ConfigError(
            f"certificate {file} and key {key} {why}: give both as PEM, the whole chain in the first"
        ) from error
    except OSError as error:
        raise ConfigError(f"{key}: {error.strerror}: check the path and its permissions") from error


def _chain(file: Path) -> list[x509.Certificate]:
    library("cryptography", "phone")
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(read_text(file, _MOST_PEM, "ascii").encode())
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}: check the path and its permissions") from error
    except ValueError as error:  # of an encoding too
        raise ConfigError(f"{file} holds no certificate that can be read: give it as PEM") from error


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    names = [*found.get_values_for_type(x509.DNSName), *found.get_values_for_type(x509.IPAddress)]
    return tuple(str(name).lower() for name in names)


def _machine(host: str) -> list[str]:
    """Return what this machine is called, and the addresses that it is reached at."""
    name = socket.gethostname().lower()
    first = name.partition(".")[0]
    found = ["localhost", first, f"{first}.local", name, "127.0.0.1", "::1"]
    if host not in (*LOOPBACK, *_ANYWHERE):
        found.append(host.lower())
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(_OUTSIDE)
        found.append(asking.getsockname()[0])
    return list(dict.fromkeys(found))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _pem(certificate: x509.Certificate) -> bytes:
    return ssl.DER_cert_to_PEM_cert(_der(certificate)).encode()


def _der(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
