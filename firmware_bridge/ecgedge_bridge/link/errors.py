"""Errors of Bluetooth stacks in words that say what to do; no stack is imported to read them."""

from __future__ import annotations

from ecgedge_bridge.errors import LinkError

_START_BLUEZ = (
    "install and start it with `sudo apt install bluez && sudo systemctl enable --now bluetooth`; "
    "in a container, mount the host's /run/dbus"
)
_POWER_ON = "switch it on with `rfkill unblock bluetooth && bluetoothctl power on`"

# Names of bleak.exc.BleakBluetoothNotAvailableReason.
_NOT_AVAILABLE = {
    "NO_BLUETOOTH": (
        "no Bluetooth adapter was found",
        "plug one in, or on a Raspberry Pi remove `dtoverlay=disable-bt`, and check `bluetoothctl list`",
    ),
    "NO_BLE_CENTRAL_ROLE": (
        "the Bluetooth adapter cannot be a BLE central",
        "use an adapter with Bluetooth 4.0 or newer",
    ),
    "POWERED_OFF": ("the Bluetooth adapter is off", _POWER_ON),
    "DENIED_BY_USER": (
        "Bluetooth is not allowed for this program",
        "allow it in the system's privacy settings",
    ),
    "DENIED_BY_SYSTEM": ("Bluetooth is not allowed by the system", "ask whoever administers this machine"),
    "DENIED_BY_UNKNOWN": ("Bluetooth is not allowed", "allow it in the system's privacy settings"),
}
# Names of D-Bus errors (D-Bus specification, and BlueZ's org.bluez.Adapter).
_DBUS = {
    "org.freedesktop.DBus.Error.ServiceUnknown": ("BlueZ is not running", _START_BLUEZ),
    "org.freedesktop.DBus.Error.NameHasNoOwner": ("BlueZ is not running", _START_BLUEZ),
    "org.freedesktop.DBus.Error.Spawn.ServiceNotFound": ("BlueZ is not running", _START_BLUEZ),
    "org.freedesktop.DBus.Error.AccessDenied": (
        "the system does not let this user use Bluetooth",
        "add the user to the group `bluetooth` and log in again",
    ),
    "org.bluez.Error.NotReady": ("the Bluetooth adapter is off", _POWER_ON),
    "org.bluez.Error.InProgress": (
        "the Bluetooth adapter is busy with another scan",
        "end the other program, or run `sudo systemctl restart bluetooth`",
    ),
}
_NO_BUS = ("there is no D-Bus system bus, so BlueZ cannot be reached", _START_BLUEZ)
_OTHER = "check `bluetoothctl show`, then `sudo systemctl restart bluetooth`"

# ATT: insufficient authentication, authorization, encryption (Core specification, Vol 3, Part F, 3.4.1.1).
_PAIRING_CODES = (0x05, 0x08, 0x0F)


def in_words(error: BaseException) -> str:
    """Say an error in words, also where it has none."""
    if isinstance(error, TimeoutError):
        return str(error) or "no answer in time"
    return str(error) or type(error).__name__


def explain(error: BaseException) -> LinkError:
    """Return the LinkError that says what went wrong with the radio, and what to do about it.

    Examples
    --------
    >>> print(str(explain(FileNotFoundError(2, "No such file or directory")))[:35])
    there is no D-Bus system bus, so Bl
    """
    reason = getattr(getattr(error, "reason", None), "name", "")
    found = _NOT_AVAILABLE.get(reason) or _DBUS.get(getattr(error, "dbus_error", ""))
    if found is None and isinstance(error, FileNotFoundError | ConnectionRefusedError):
        found = _NO_BUS
    what, advice = found or (f"the Bluetooth stack failed ({in_words(error)})", _OTHER)
    return LinkError(f"{what}: {advice}")


def needs_pairing(error: BaseException) -> bool:
    """Whether the device refused because it is not paired."""
    return getattr(error, "code", None) in _PAIRING_CODES
