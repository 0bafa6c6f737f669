"""A certificate for this machine, signed by an authority that can sign nothing else.

An authority, because a phone takes nothing less: Android installs authorities only, and Chrome starts no
service worker, without which there is no app offline, where a certificate was merely clicked away. What makes
it safe to install is that it is of no other use: it names this machine alone (name constraints, critical),
and its key ends with the function that signs.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

__all__ = ["Made", "made"]

# Apple takes 825 days from an authority that a person installs (support.apple.com/103769), Chrome any.
_GOOD_FOR = dt.timedelta(days=800)
_CLOCKS_DIFFER = dt.timedelta(days=1)
_LONGEST_NAME = 64  # of a subject (RFC 5280, ub-common-name)


class Made(NamedTuple):
    """A key as PEM, its certificate, and the authority that has signed that."""

    key: bytes
    certificate: x509.Certificate
    authority: x509.Certificate


def made(machine: str, names: Iterable[str]) -> Made:
    """Make a certificate.

    Parameters
    ----------
    machine : str
        What the authority is called by, in the phone's list.
    names : iterable of str
        Host names and addresses that it is for.

    Examples
    --------
    >>> pair = made("pi", ["pi.local", "192.168.1.7"])
    >>> pair.certificate.verify_directly_issued_by(pair.authority)
    """
    names = list(names)
    key, signing = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    title = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"ecgedge on {machine}"[:_LONGEST_NAME])])
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ecgedge phone app")])
    authority = (
        _begun(title, title, signing.public_key(), signing.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True), critical=True)
        .add_extension(x509.NameConstraints([_constraint(one) for one in names], None), critical=True)
        .sign(signing, SHA256())
    )
    certificate = (
        _begun(own, title, key.public_key(), signing.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_name(one) for one in names]), critical=False)
        .sign(signing, SHA256())
    )
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Made(text, certificate, authority)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, signer: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + _GOOD_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _usage(*, key_cert_sign: bool = False, digital_signature: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _constraint(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_network(name))
    except ValueError:
        return x509.DNSName(name)
