"""Errors of Bluetooth stacks as codes, and as sentences that end with what to do.

No stack is imported to read them."""

from __future__ import annotations

from typing import NamedTuple

from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.errors import FrameError, LinkError


class Trouble(NamedTuple):
    """What an error of a Bluetooth stack means: its code, what is wrong, and what to do about it."""

    code: LinkCode
    what: str
    advice: str


class Reason(NamedTuple):
    """Why a link is down."""

    code: LinkCode
    text: str


_START_BLUEZ = (
    "install and start it with `sudo apt install bluez && sudo systemctl enable --now bluetooth`; "
    "in a container, mount the host's /run/dbus"
)
_POWER_ON = "switch it on with `rfkill unblock bluetooth && bluetoothctl power on`"
# What bleak and BlueZ both report, each in its own way.
_OFF = Trouble(LinkCode.POWERED_OFF, LinkCode.POWERED_OFF.sentence, _POWER_ON)
_NO_BLUEZ = Trouble(LinkCode.NO_STACK, "BlueZ is not running", _START_BLUEZ)
_NO_BUS = Trouble(LinkCode.NO_STACK, "there is no D-Bus system bus, so BlueZ cannot be reached", _START_BLUEZ)

# Names of bleak.exc.BleakBluetoothNotAvailableReason.
_NOT_AVAILABLE = {
    "NO_BLUETOOTH": Trouble(
        LinkCode.NO_ADAPTER,
        "no Bluetooth adapter was found",
        "plug one in, or on a Raspberry Pi remove `dtoverlay=disable-bt`, and check `bluetoothctl list`",
    ),
    "NO_BLE_CENTRAL_ROLE": Trouble(
        LinkCode.NO_ADAPTER,
        "the Bluetooth adapter cannot be a BLE central",
        "use an adapter with Bluetooth 4.0 or newer",
    ),
    "POWERED_OFF": _OFF,
    "DENIED_BY_USER": Trouble(
        LinkCode.DENIED,
        "Bluetooth is not allowed for this program",
        "allow it in the system's privacy settings",
    ),
    "DENIED_BY_SYSTEM": Trouble(
        LinkCode.DENIED, "Bluetooth is not allowed by the system", "ask whoever administers this machine"
    ),
    "DENIED_BY_UNKNOWN": Trouble(
        LinkCode.DENIED, "Bluetooth is not allowed", "allow it in the system's privacy settings"
    ),
}
# Names of D-Bus errors (D-Bus specification, and BlueZ's org.bluez.Adapter).
_DBUS = {
    "org.freedesktop.DBus.Error.ServiceUnknown": _NO_BLUEZ,
    "org.freedesktop.DBus.Error.NameHasNoOwner": _NO_BLUEZ,
    "org.freedesktop.DBus.Error.Spawn.ServiceNotFound": _NO_BLUEZ,
    "org.freedesktop.DBus.Error.AccessDenied": Trouble(
        LinkCode.DENIED,
        "the system does not let this user use Bluetooth",
        "add the user to the group `bluetooth` and log in again",
    ),
    "org.bluez.Error.NotReady": _OFF,
    "org.bluez.Error.InProgress": Trouble(
        LinkCode.BUSY,
        LinkCode.BUSY.sentence,
        "end the other program, or run `sudo systemctl restart bluetooth`",
    ),
}
# Names of DOMExceptions of Web Bluetooth, and what Chromium means by them (its bluetooth_error.cc).
_BROWSER = {
    "NetworkError": Trouble(
        LinkCode.LOST,
        "the connection failed",
        "keep the wearable near and worn, wet its electrodes, and end every other app that holds it",
    ),
    "NotFoundError": Trouble(
        LinkCode.NOT_FOUND,
        "the browser does not find the wearable, or what was asked of it",
        "switch Bluetooth on, put the wearable on, and choose it again",
    ),
    "SecurityError": Trouble(
        LinkCode.DENIED,
        "the browser does not let this page use the wearable",
        "confirm the pairing if the phone asks for it, open the page by https or from localhost, "
        "and choose the wearable again",
    ),
    "NotSupportedError": Trouble(
        LinkCode.REFUSED,
        "the wearable or the browser cannot do what was asked",
        "switch the wearable off and on, update the browser, and choose the wearable again",
    ),
    "InvalidStateError": Trouble(
        LinkCode.STACK_FAILED,
        "the phone's Bluetooth is not ready, or holds the wearable already",
        "switch Bluetooth off and on, and connect again",
    ),
    "AbortError": Trouble(LinkCode.LOST, "the connection was given up", "connect again"),
    "NotAllowedError": Trouble(
        LinkCode.DENIED,
        "the browser is not allowed to use Bluetooth",
        "allow it in the settings of the phone and of this page",
    ),
}
# What to try for every other error of a browser.
_OTHER_OF_BROWSER = Trouble(
    LinkCode.STACK_FAILED, "the phone's Bluetooth failed", "switch it off and on, and reload the page"
)
# Another try changes nothing about these.
_FINAL = ("SecurityError", "NotAllowedError")
# What to try for every other error of the stack.
_OTHER = "check `bluetoothctl show`, then `sudo systemctl restart bluetooth`"

# ATT: insufficient authentication, authorization, encryption (Core specification, Vol 3, Part F, 3.4.1.1).
_PAIRING_CODES = (0x05, 0x08, 0x0F)


def reason(error: BaseException) -> Reason:
    """Return why a link is down after an error that is worth another try.

    Examples
    --------
    >>> reason(TimeoutError())
    Reason(code=<LinkCode.NO_ANSWER: 'no_answer'>, text='no answer in time')
    """
    if isinstance(error, LinkError):
        return Reason(error.code, str(error))
    if isinstance(error, FrameError):
        return Reason(LinkCode.UNREADABLE, str(error))
    if isinstance(error, TimeoutError):
        return Reason(LinkCode.NO_ANSWER, str(error) or "no answer in time")
    found = _known(error)
    code = LinkCode.STACK_FAILED if found is None else found.code
    return Reason(code, str(error) or type(error).__name__)


def explain(error: BaseException) -> LinkError:
    """Return the LinkError for trouble with the radio: what went wrong, and what to do about it.

    Examples
    --------
    >>> print(str(explain(FileNotFoundError(2, "No such file or directory")))[:35])
    there is no D-Bus system bus, so Bl
    """
    code, text = reason(error)
    found = _known(error) or Trouble(code, f"the Bluetooth stack failed ({text})", _OTHER)
    # A browser has few names for many troubles: its words say which.
    what = f"{found.what} ({text.rstrip('.')})" if hasattr(error, "dom_name") else found.what
    return LinkError(f"{what}: {found.advice}", found.code)


def is_final(error: BaseException) -> bool:
    """Whether another try would change nothing: somebody has to allow it first."""
    return getattr(error, "dom_name", "") in _FINAL


def _known(error: BaseException) -> Trouble | None:
    """Look an error up by what it carries, never by its words."""
    why = getattr(getattr(error, "reason", None), "name", "")
    if (dom_name := getattr(error, "dom_name", None)) is not None:
        return _BROWSER.get(dom_name, _OTHER_OF_BROWSER)
    found = _NOT_AVAILABLE.get(why) or _DBUS.get(getattr(error, "dbus_error", ""))
    if found is None and isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return _NO_BUS
    return found


def needs_pairing(error: BaseException) -> bool:
    """Whether the device refused because it is not paired."""
    return getattr(error, "code", None) in _PAIRING_CODES
