"""This machine's own certificate, and one that somebody brings."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ecgedge.phone.serve import authority
from ecgedge.phone.serve.authority import made
from ecgedge.phone.serve.certificate import given, own
from ecgedge_bridge.errors import ConfigError


def test_the_key_is_its_owners_alone(home: Path) -> None:
    certificate = own(home, "0.0.0.0")
    assert stat.S_IMODE(certificate.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert certificate.authority is not None
    assert b"PRIVATE" not in certificate.authority.read_bytes()


def test_it_is_for_this_machine_and_its_addresses(home: Path) -> None:
    names = own(home, "192.168.77.8").names
    assert {"localhost", "127.0.0.1", "::1", "192.168.77.8", socket.gethostname().lower()} <= set(names)
    assert any(name.endswith(".local") for name in names)


def test_it_stays_the_same_while_it_serves(home: Path) -> None:
    first = own(home, "0.0.0.0")
    assert first.authority is not None
    assert own(home, "0.0.0.0") == first
    first.authority.unlink()
    assert own(home, "0.0.0.0") == first
    assert first.authority.is_file()
    # Another address that it is to be reached at needs another certificate.
    assert own(home, "192.168.77.8").fingerprint != first.fingerprint


@pytest.mark.parametrize("damage", ["cut", "empty", "another key", "old"])
def test_one_that_no_longer_serves_is_made_anew(
    home: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if damage == "old":
        with monkeypatch.context() as then:
            then.setattr(authority, "_GOOD_FOR", dt.timedelta(days=29))
            first = own(home, "0.0.0.0")
    else:
        first = own(home, "0.0.0.0")
    text = first.file.read_text()
    if damage == "cut":
        first.file.write_text(text[: len(text) // 2])
    elif damage == "empty":
        first.file.write_text("")
    elif damage == "another key":
        rest = text[text.index("-----BEGIN CERTIFICATE") :]
        first.file.write_bytes(made("other", ["localhost"]).key + rest.encode())
    fresh = own(home, "0.0.0.0")
    assert fresh.fingerprint != first.fingerprint
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(fresh.file, fresh.key)


def test_its_authority_vouches_for_nothing_else(tmp_path: Path) -> None:
    """Even if its key had been kept: what it signs for another name, a client refuses."""
    keys: list[ec.EllipticCurvePrivateKey] = []
    real = ec.generate_private_key

    def keep(curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
        keys.append(real(curve))
        return keys[-1]

    with pytest.MonkeyPatch.context() as watched:
        watched.setattr(authority.ec, "generate_private_key", keep)
        pair = made("pi", ["pi.local", "192.168.1.7"])
    _, signing = keys
    for name, accepted in {"pi.local": True, "bank.example": False, "localhost": False}.items():
        forged = tmp_path / "forged.pem"
        key = real(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        leaf = (
            x509.CertificateBuilder(
                pair.authority.subject, x509.Name([]), key.public_key(), x509.random_serial_number(),
                now - dt.timedelta(days=1), now + dt.timedelta(days=9),
            )
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False
            )
            .sign(signing, SHA256())
        )  # fmt: skip
        plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        forged.write_bytes(plain + leaf.public_bytes(Encoding.PEM))
        trusted = tmp_path / "authority.pem"
        trusted.write_bytes(pair.authority.public_bytes(Encoding.PEM))
        assert shakes_hands(forged, trusted, name) is accepted, name


def shakes_hands(served: Path, trusted: Path, name: str) -> bool:
    """Whether a client that trusts something goes on with who serves this."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=str(trusted))
    server.load_cert_chain(served)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(back, there, server_hostname=name)
    other = server.wrap_bio(there, back, server_side=True)
    done: set[Any] = set()
    for _ in range(10):
        for side in (one, other):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError:
                return False
    return done == {one, other}


@pytest.fixture
def brought(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """What writes a certificate and its key, as somebody may have them."""

    def write(name: str = "pi.home.example", passphrase: bytes | None = None) -> tuple[Path, Path]:
        pair = made("pi", [name])
        file, key = tmp_path / "cert.pem", tmp_path / "key.pem"
        file.write_bytes(
            pair.certificate.public_bytes(Encoding.PEM) + pair.authority.public_bytes(Encoding.PEM)
        )
        kept = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        secret = load_pem_private_key(pair.key, None)
        key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, kept))
        return file, key

    return write


def test_one_that_is_brought_says_its_own_names(brought: Any) -> None:
    assert given(*brought()).names == ("pi.home.example",)
    assert given(*brought(str(ipaddress.ip_address("10.1.2.3")))).names == ("10.1.2.3",)


def test_what_cannot_be_used_is_refused_with_what_to_do(
    brought: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, key = brought(passphrase=b"secret")
    with pytest.raises(ConfigError, match=r"asks for a passphrase: .*openssl pkey"):
        given(file, key)
    file, key = brought()
    other = tmp_path / "other.pem"
    other.write_bytes(made("pi", ["pi"]).key)
    with pytest.raises(ConfigError, match="do not belong together"):
        given(file, other)
    with pytest.raises(ConfigError, match="cannot be used"):
        given(file, file)
    with pytest.raises(ConfigError, match="holds no certificate"):
        given(key, key)
    with pytest.raises(ConfigError, match=r"away\.pem: No such file"):
        given(tmp_path / "away.pem", key)
    with pytest.raises(ConfigError, match=r"away\.pem: No such file"):
        given(file, tmp_path / "away.pem")
    monkeypatch.setattr(authority, "_GOOD_FOR", dt.timedelta(seconds=-1))
    with pytest.raises(ConfigError, match="get a fresh one"):
        given(*brought())
