"""``ecgedge phone``: hand the phone app out."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecgedge.cli.output import say, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecgedge.phone.serve.built import BuiltApp
    from ecgedge.phone.serve.certificate import Certificate

__all__ = ["phone"]

_PLACE = "127.0.0.1:8360"
_BUILT = Path("build", "phone")


def phone(
    app: Annotated[
        Path | None,
        typer.Argument(help="The built app: a folder, or a zip of one; without it build/phone."),
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Hand it out until Ctrl-C.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only look whether every file is as it was built.")
    ] = False,
    at: Annotated[
        str,
        typer.Option(
            "--at", metavar="HOST:PORT", help="Where; 0.0.0.0:8360 for the house, with a certificate."
        ),
    ] = _PLACE,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="For https: certificate and chain, PEM.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", help="Its key, PEM, without a passphrase.")] = None,
    own_certificate: Annotated[
        bool,
        typer.Option(
            "--own-certificate", help="For https: one of this machine's own, made where there is none."
        ),
    ] = False,
) -> None:
    """Hand the phone app out, on this machine alone or in the house.

    What it is, how it is built and three ways onto a phone: docs/phone.md
    """
    if serve == check:
        raise typer.BadParameter("give --serve or --check", param_hint="--serve")
    from ecgedge.phone.serve.built import read_app

    tls = _certificate(at, certificate, key, own_certificate) if serve else None
    built = read_app(app or _default())
    say(f"{built.place}: {len(built.files)} files, each as it was built")
    if serve:
        _serve(built, at, tls)


def _default() -> Path:
    """Where `make phone` puts it: below this folder, or in the checkout that this code is of."""
    from ecgedge_bridge.errors import ConfigError

    for place in (_BUILT, Path(__file__).resolve().parents[4] / _BUILT):
        if place.is_dir():
            return place
    raise ConfigError(
        f"there is no {_BUILT}: build the app with `make phone` in a checkout of ecgedge, or name the folder "
        "or zip of one that was built elsewhere"
    )


def _certificate(at: str, file: Path | None, key: Path | None, own: bool) -> Certificate | None:
    """Return what to serve with; None for http, which this machine alone gets.

    Raises
    ------
    ConfigError
        http for others, or a certificate that cannot be used.
    """
    from ecgedge.sinks.outlets.target import LOOPBACK, host_and_port
    from ecgedge_bridge.errors import ConfigError

    host, _ = host_and_port(at, "--at")
    if (file is None) != (key is None):
        raise ConfigError("--certificate and --key belong together: give both, or --own-certificate")
    if own and file is not None:
        raise ConfigError("--own-certificate and --certificate: give one of them")
    if file is None and not own:
        if host not in LOOPBACK:
            raise ConfigError(
                f"--at {at}: a browser gives Bluetooth to https and to localhost alone: add "
                "--own-certificate, or --certificate CERT.pem --key KEY.pem; or leave --at out, with a cable"
            )
        return None
    from ecgedge.phone.serve import certificate

    if file is not None and key is not None:
        return certificate.given(file, key)
    from platformdirs import user_data_path

    return certificate.own(user_data_path("ecgedge") / "phone", host)


def _serve(built: BuiltApp, at: str, certificate: Certificate | None) -> None:
    from ecgedge.sinks.outlets.extras import library
    from ecgedge.sinks.outlets.target import host_and_port
    from ecgedge.sinks.web.access import Access
    from ecgedge.sinks.web.server import Server

    for name in ("uvicorn", "starlette"):
        library(name, "phone")
    from ecgedge.phone.serve.app import make_app

    host, port = host_and_port(at, "--at")
    access = Access(host, names=certificate.names if certificate else ())
    tls = (
        {"ssl_certfile": str(certificate.file), "ssl_keyfile": str(certificate.key)} if certificate else None
    )
    with closing(
        Server(lambda own: make_app(built, access, own), host, port, option="--at", tls=tls)
    ) as server:
        for line in _advice(built, server.url, server.port, certificate):
            say(line)
        if certificate is not None and certificate.key.stat().st_mode & 0o077:
            warn(f"others can read {certificate.key}: chmod 600 {certificate.key}")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def _advice(built: BuiltApp, url: str, port: int, certificate: Certificate | None) -> Iterator[str]:
    """What to do on the phone."""
    yield f"The app is at {url} until Ctrl-C."
    yield ""
    if certificate is None:
        yield "On the phone, in Chrome for Android, in one of three ways:"
        yield f"  1. By cable, with USB debugging on: adb reverse tcp:{port} tcp:{port}"
        yield f"     then http://localhost:{port}/ on the phone. Once loaded, it works without the cable."
        yield "  2. In the house: ecgedge phone --serve --at 0.0.0.0:8360 --own-certificate"
        yield f"  3. From any host of static files with https: put what is in {built.place} there."
        return
    if certificate.authority is not None:
        yield f"Once, on the phone: bring it {certificate.authority}"
        yield "  (adb push, or a cable: not over a network that is not yours), and install it:"
        yield "  Settings, Security, Encryption & credentials, Install a certificate, CA certificate."
        yield "  It vouches for this machine alone, and its key was thrown away. Its SHA-256, to compare:"
        yield f"  {certificate.fingerprint}"
    names = [name for name in certificate.names if name not in ("localhost", "127.0.0.1", "::1")]
    shown = [f"https://{f'[{name}]' if ':' in name else name}:{port}/" for name in names]
    yield f"Then, in Chrome for Android: {' or '.join(shown) or url}"
