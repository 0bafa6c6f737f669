"""Errors, split by whose fault they are. Every message ends with what to do about it."""


class EcgEdgeError(Exception):
    """Root of every error that ecgedge raises on purpose."""


class FrameError(EcgEdgeError):
    """Bytes from a device that do not follow its protocol: the device's or the radio's fault."""


class LinkError(EcgEdgeError):
    """The radio link: no adapter, no device, refused, lost."""


class ModelError(EcgEdgeError):
    """A model artefact that is missing, changed, or does not fit its manifest."""


class ConfigError(EcgEdgeError):
    """A setting or an input file that the user has to change."""
