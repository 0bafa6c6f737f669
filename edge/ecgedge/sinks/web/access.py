"""Who may look: this machine, or whoever holds the token; and what a browser must not do on the way.

Rules of the file
-----------------
1. On the loopback no token is needed: whoever can connect has an account here.
2. ``Host`` must name this machine: a page elsewhere whose name was pointed at 127.0.0.1 (DNS rebinding) names
   its own. An address in figures is never such a name.
3. ``Origin``, which browsers send with each WebSocket and each POST, must be the page's own.
4. The token is compared in constant time. The cookie is made from it and is not it: a cookie cannot be given
   on as a link.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ecgedge.sinks.outlets.target import LOOPBACK

__all__ = ["HEADERS", "Access", "new_token"]

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address bar may hold the token for a moment
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def new_token() -> str:
    """Return a token that nobody guesses: 192 bits."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may look at a page.

    Parameters
    ----------
    host : str
        Where it listens.
    token : str or None
        None: nobody needs one.
    names : tuple of str
        More names of this machine: those in its certificate, of which ``*.`` may stand for one label.

    Examples
    --------
    >>> access = Access("127.0.0.1", None)
    >>> access.names_this_machine("localhost:8350"), access.names_this_machine("evil.example:8350")
    (True, False)
    >>> access.is_own("http://localhost:8350", "localhost:8350")
    True
    """

    host: str
    token: str | None = field(default=None, repr=False)
    names: tuple[str, ...] = ()

    @property
    def cookie(self) -> str:
        """What a browser that gave the token keeps."""
        key = (self.token or "").encode()
        return hmac.new(key, b"ecgedge page", hashlib.sha256).hexdigest()

    def knows(self, token: str) -> bool:
        """Whether this is the token; in constant time."""
        return hmac.compare_digest((self.token or "").encode(), token.encode())

    def admits(self, cookie: str) -> bool:
        """Whether a browser may see the page; in constant time."""
        return self.token is None or hmac.compare_digest(self.cookie.encode(), cookie.encode())

    def names_this_machine(self, host: str) -> bool:
        """Whether a ``Host`` header is one of this machine's names."""
        name = _name(host)
        if name is None:
            return False
        if _is_address(name):
            return self.host not in LOOPBACK or name in LOOPBACK
        own = {"localhost", self.host.lower(), *self.names}
        if self.host not in LOOPBACK:
            machine = socket.gethostname().lower()
            own |= {machine, f"{machine.split('.')[0]}.local"}
        return name in own or f"*.{name.partition('.')[2]}" in own

    @staticmethod
    def is_own(origin: str, host: str) -> bool:
        """Whether an ``Origin`` is the page's own, which was asked for at this ``Host``."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def _name(host: str) -> str | None:
    """Return the name in a ``Host`` header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
