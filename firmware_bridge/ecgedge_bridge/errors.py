"""Errors, split by whose fault they are. Every message ends with what to do about it.

A program that has to distinguish cases reads ``code``, never the message.
"""

from __future__ import annotations

from ecgedge_bridge.codes import FrameCode, LinkCode


class EcgEdgeError(Exception):
    """Root of every error that ecgedge raises on purpose."""


class FrameError(EcgEdgeError):
    """Bytes from a device that do not follow its protocol: the device's or the radio's fault.

    Examples
    --------
    >>> FrameError("wrong CRC; the frame is lost", FrameCode.CHECKSUM).code == "checksum"
    True
    """

    def __init__(self, message: str = "", code: FrameCode = FrameCode.OTHER) -> None:
        super().__init__(message)
        self.code = code


class LinkError(EcgEdgeError):
    """The radio link: no adapter, no device, refused, lost; ``code`` names which.

    Examples
    --------
    >>> LinkError("strap was not found: put it on", LinkCode.NOT_FOUND).code == "not_found"
    True
    """

    def __init__(self, message: str = "", code: LinkCode = LinkCode.OTHER) -> None:
        super().__init__(message)
        self.code = code


class ModelError(EcgEdgeError):
    """A model artefact that is missing, changed, or does not fit its manifest."""


class ConfigError(EcgEdgeError):
    """A setting or an input file that the user has to change."""
