"""How each kind of wearable is recognised and spoken to: a table.

A strap of Polar's is known without it. The rest of the table is made when it is first asked for: the other
decoders and the descriptions in TOML take as long to import as the whole link does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from os import PathLike, fspath
from typing import TYPE_CHECKING, Protocol

from ecgedge_bridge.protocols.polar.control import ECG_FS, PMD_SERVICE
from ecgedge_bridge.protocols.polar.session import PolarSession
from ecgedge_bridge.protocols.session import NotOfferedError, Session
from ecgedge_bridge.protocols.standard.heart_rate import HEART_RATE_SERVICE
from ecgedge_bridge.protocols.standard.session import HeartRateSession, NotifySession

if TYPE_CHECKING:
    from ecgedge_bridge.protocols.described.profile import GattProfile

PROFILES: dict[str, Profile]
"""Every kind of wearable that is known, by name."""


class _Make(Protocol):
    def __call__(self, device: str, fs: float, extras: Iterable[str]) -> Session:
        """Make a session."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of wearable.

    Parameters
    ----------
    name : str
        Its name in the table.
    services : frozenset of str
        UUIDs of the services by which it is known, in lower case.
    fs : float
        Nominal sampling rate of its ECG in Hz; 0 where it has none.
    make : callable
        Makes its session from ``device``, ``fs`` and ``extras``.
    names : tuple of str
        How its advertised name begins; capitals make no difference to :meth:`matches`, but to a browser.
    period_s : float
        How often the notifications of its main stream come, in seconds.
    rates : tuple of float
        Rates that it can have, in Hz; empty for any.

    Examples
    --------
    >>> from ecgedge_bridge import PROFILES
    >>> PROFILES["polar"].matches("Polar H10 1234", [])
    True
    >>> PROFILES["heart_rate"].matches("", ["0000180d-0000-1000-8000-00805f9b34fb"])
    True
    """

    name: str
    services: frozenset[str]
    fs: float
    make: _Make
    names: tuple[str, ...] = ()
    period_s: float = 0.56
    rates: tuple[float, ...] = ()

    def matches(self, name: str, service_uuids: Iterable[str]) -> bool:
        """Whether a device with this name and these services is of this kind."""
        return self._has_name(name) or self._has_service(service_uuids)

    def _has_name(self, name: str) -> bool:
        return self._beginning(name) > 0

    def _beginning(self, name: str) -> int:
        """How much of a name is a beginning that it is known by."""
        known = (
            len(beginning) for beginning in self.names if name.casefold().startswith(beginning.casefold())
        )
        return max(known, default=0)

    def _has_service(self, service_uuids: Iterable[str]) -> bool:
        return not self.services.isdisjoint(uuid.lower() for uuid in service_uuids)

    def make_session(
        self, *, device: str = "", fs: float | None = None, extras: Iterable[str] = ()
    ) -> Session:
        """Make a session for a device of this kind.

        Parameters
        ----------
        device : str
            Name that the values carry.
        fs : float, optional
            Nominal sampling rate in Hz.
        extras : iterable of {"heart_rate", "battery", "acc", "information"}
            What to subscribe to besides the ECG.

        Raises
        ------
        ValueError
            If the rate or an extra is not offered.
        """
        if fs is not None and self.rates and fs not in self.rates:
            offered = ", ".join(f"{rate:g}" for rate in self.rates)
            raise ValueError(f"{self.name} has no rate of {fs:g} Hz: use one of {offered}")
        return self.make(device, self.fs if fs is None else fs, extras)

    @property
    def rarity(self) -> float:
        """How much rarer than an H10's its notifications are; 1 at least."""
        return max(1.0, self.period_s / 0.56)


def _heart_rate(device: str, fs: float, extras: Iterable[str]) -> Session:
    return HeartRateSession(device, extras)


def described_profile(described: GattProfile, name: str = "") -> Profile:
    """Return the profile of a device that a TOML file describes.

    Parameters
    ----------
    described : GattProfile
        What the file describes.
    name : str
        Its name; by default the one in the file.
    """
    from ecgedge_bridge.protocols.described.decoder import make_decoder

    def make(device: str, fs: float, extras: Iterable[str]) -> Session:
        decoders = {described.characteristic: make_decoder(described, device)}
        command = described.command_characteristic or ""
        return NotifySession(decoders, device, extras, command, described.start, described.stop)

    return Profile(
        name=name or described.name,
        services=frozenset({described.service}),
        fs=described.fs,
        make=make,
        names=described.names,
        rates=(described.fs,),
    )


_POLAR = Profile(
    "polar",
    frozenset({PMD_SERVICE}),
    ECG_FS,
    PolarSession,
    names=("Polar H10", "Polar H9"),
    rates=(ECG_FS,),
)


def _movesense() -> tuple[Profile, ...]:
    from ecgedge_bridge.protocols.movesense.firmware import ACTIVITY_SERVICE, DEFAULT_FS, INTERVAL_FS
    from ecgedge_bridge.protocols.movesense.sensor_data import ECG_RATES, SENSOR_DATA_SERVICE
    from ecgedge_bridge.protocols.movesense.session import MovesenseFirmwareSession, MovesenseSession

    return (
        Profile(
            "movesense",
            frozenset({SENSOR_DATA_SERVICE}),
            128.0,
            MovesenseSession,
            names=("Movesense",),
            rates=ECG_RATES,
        ),
        Profile(
            "movesense_firmware",
            frozenset({ACTIVITY_SERVICE}),
            DEFAULT_FS,
            MovesenseFirmwareSession,
            names=("Movesense",),
            rates=tuple(INTERVAL_FS.values()),
        ),
    )


def _described() -> tuple[Profile, ...]:
    from ecgedge_bridge.protocols.described.profile import built_in_profiles

    return tuple(described_profile(profile, name) for name, profile in sorted(built_in_profiles().items()))


def _own() -> Profile:
    from ecgedge_bridge.protocols.own.frames import ECG_NOTIFY, ECG_SERVICE, RATES, FrameDecoder

    def make(device: str, fs: float, extras: Iterable[str]) -> Session:
        return NotifySession({ECG_NOTIFY: FrameDecoder(device, fs)}, device, extras)

    return Profile("ecgedge", frozenset({ECG_SERVICE}), 250.0, make, names=("ecgedge",), rates=RATES[1:])


@cache
def _profiles() -> dict[str, Profile]:
    # More special kinds first: profile_for takes the first that fits. period_s of the others is that of an
    # H10.
    heart_rate = Profile("heart_rate", frozenset({HEART_RATE_SERVICE}), 0.0, _heart_rate, period_s=1.0)
    table = (_POLAR, *_movesense(), *_described(), _own(), heart_rate)
    return {profile.name: profile for profile in table}


if not TYPE_CHECKING:  # for a type checker, every name would be there

    def __getattr__(name):
        """Make the table when it is first asked for."""
        if name == "PROFILES":
            return _profiles()
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def profile_for(
    name: str, service_uuids: Iterable[str], *, connected: bool = False, more: Iterable[Profile] = ()
) -> Profile:
    """Return the profile that fits a device best.

    Parameters
    ----------
    name : str
        What it advertises.
    service_uuids : iterable of str
        Services that it has, or advertises.
    connected : bool
        Whether these are all services that it has: then its name does not stand for one that is missing.
    more : iterable of Profile
        Kinds beside those in the table, looked at first.

    Raises
    ------
    NotOfferedError
        If none fits.

    Examples
    --------
    >>> profile_for("Polar H10 1234", ["0000180d-0000-1000-8000-00805f9b34fb"]).name
    'polar'
    >>> profile_for("Polar H7 1234", ["0000180d-0000-1000-8000-00805f9b34fb"]).name
    'heart_rate'
    """
    uuids = frozenset(service_uuids)
    # Known by both: nothing fits better, and the table need not be made.
    if _POLAR._has_name(name) and _POLAR._has_service(uuids):
        return _POLAR
    profiles = {**{profile.name: profile for profile in more}, **_profiles()}
    # Of two beginnings the longer one is more special.
    by_name = sorted(
        (profile for profile in profiles.values() if profile._has_name(name)),
        key=lambda profile: profile._beginning(name),
        reverse=True,
    )
    by_service = [profile for profile in profiles.values() if profile._has_service(uuids)]
    # A device that has ECG often has the standard heart rate as well.
    with_ecg = [profile for profile in by_service if profile.fs]
    both = [profile for profile in by_name if profile in with_ecg]
    if fitting := [*both, *with_ecg, *([] if connected else by_name), *by_service]:
        return fitting[0]
    raise NotOfferedError(
        f"{name or 'the device'} has no service that is known: use a Polar H10 or another of "
        f"{', '.join(profiles)}, or describe your own device in a TOML file and give it as profile="
    )


def find_profile(wanted: Profile | str | PathLike[str]) -> Profile:
    """Return a profile by its name in the table, or as a TOML file describes it.

    Parameters
    ----------
    wanted : Profile, str or path
        A name out of :data:`PROFILES`, or a file ``*.toml``.

    Raises
    ------
    ValueError
        If there is no profile of that name.
    ConfigError
        If the file cannot be used.

    Examples
    --------
    >>> find_profile("healthypi").fs
    128.0
    """
    if isinstance(wanted, Profile):
        return wanted
    profiles = _profiles()
    if (text := fspath(wanted)) in profiles:
        return profiles[text]
    if text.endswith(".toml"):
        from ecgedge_bridge.protocols.described.profile import load_profile

        return described_profile(load_profile(text))
    raise ValueError(f"unknown profile {text!r}: use one of {', '.join(profiles)}, or a file *.toml")
