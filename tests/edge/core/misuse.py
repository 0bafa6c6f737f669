"""Calls everything that ``ecgedge._core`` offers, rightly and wrongly, and watches what comes of it.

Run ``python tests/edge/core/misuse.py --count 1000000``; ``under_sanitizers.py`` does, with sanitizers.
Arguments are spoiled in type, size, alignment and value; objects among them run code of their own in the
middle of a call. Whatever comes, the process lives, an error is one of those that the binding may raise, and
no memory stays behind. Ends with status 1 where that does not hold.
"""

from __future__ import annotations

import argparse
import copy
import gc
import pickle
import sys
import time
import tracemalloc
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
from recipes import RECIPES, made
from values import INTS, RefusedError, anything, worse

from ecgedge.arithmetic.core import core

ALLOWED = (TypeError, ValueError, OverflowError, IndexError, BufferError, MemoryError, RefusedError)
LEAKING = 500  # calls of each function, twice: enough to tell what each leaves behind
GROWTH = 28 * 1024  # bytes: noise is up to 15 kB, a leak of the smallest object each call 33
NONES = 100  # references to None come and go
RENEW = 60  # calls before objects are made anew: one that was fed nonsense mostly refuses what follows
RARE = {"Net8": 0.03}  # those that cost a millisecond


@dataclass(slots=True)
class Report:
    """Calls by name that were served, and that were refused; and what went wrong."""

    served: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def problem(self, text: str) -> None:
        """Note one of the first."""
        if len(self.problems) < 20:
            self.problems.append(text)


class Misuse:
    """Live objects of each type, and calls on them."""

    def __init__(self, module: ModuleType, seed: int, names: Iterable[str] = RECIPES) -> None:
        self.module, self.rng, self.report = module, np.random.default_rng(seed), Report()
        self.names = sorted(names)
        self.types = [name for name in self.names if isinstance(getattr(module, name, None), type)]
        self.chances = np.array([RARE.get(name.split(".")[0], 1.0) for name in self.names])
        self.chances /= self.chances.sum()
        self.objects: dict[str, Any] = {}
        self._depth = 0

    def run(self, count: int) -> Report:
        """Make so many calls."""
        for i in range(count):
            if i % RENEW == 0:
                self.objects.clear()
            if self.types and i % 500 == 0:
                self.oddities(self.types[i // 500 % len(self.types)])
            self.call(str(self.rng.choice(self.names, p=self.chances)))
        self.objects.clear()
        return self.report

    def object(self, name: str) -> Any:
        """A live object of a type; some were only half made."""
        one = self.objects.get(name)  # other threads may share the objects, and forget them
        if one is None:
            one = self.objects[name] = (
                self._unmade(name) if self.rng.random() < 0.05 else made(name, self.rng)
            )
        return one

    def _unmade(self, name: str) -> Any:
        kind = getattr(self.module, name)
        try:
            return kind.__new__(kind)
        except ALLOWED:
            return made(name, self.rng)

    def target(self, name: str) -> Callable[..., Any]:
        """The function, the type, or the method of a live object."""
        kind, _, method = name.partition(".")
        if method:
            return getattr(self.object(kind), method)
        one = self.objects.get(kind)
        if one is not None and self.rng.random() < 0.3:
            return one.__init__
        return getattr(self.module, name)

    def call(self, name: str) -> None:
        """Call with arguments that are right, nearly right, or anything."""
        arguments = list(RECIPES[name](self.rng))
        keywords: dict[str, Any] = {}
        if self.rng.random() < 0.7:
            self._spoil(arguments, keywords)
        target = self.target(name)
        try:
            result = target(*arguments, **keywords)
        except ALLOWED:
            self.report.refused[name] += 1
        except Exception as error:
            self.report.problem(f"{name}: {type(error).__name__}: {error}")
        else:
            self.report.served[name] += 1
            self._check(name, result)
            if type(result).__name__ in self.types and self.rng.random() < 0.5:
                self.objects[type(result).__name__] = result  # it may have been made of nonsense

    def _spoil(self, arguments: list[Any], keywords: dict[str, Any]) -> None:
        way = self.rng.random()
        if arguments and way < 0.85:
            for _ in range(1 if way < 0.7 else 2):
                at = int(self.rng.integers(len(arguments)))
                arguments[at] = worse(self.rng, arguments[at], self.meddle)
        elif arguments and way < 0.9:
            arguments.pop(int(self.rng.integers(len(arguments))))
        elif way < 0.95:
            arguments.insert(int(self.rng.integers(len(arguments) + 1)), anything(self.rng, self.meddle))
        else:
            keywords["fs" if way < 0.97 else "x"] = anything(self.rng, self.meddle)

    def meddle(self) -> None:
        """What an object does while its value is asked for: the same things once more, inside the call."""
        if self._depth >= 2:
            return
        self._depth += 1
        try:
            way = self.rng.random()
            if way < 0.1:
                gc.collect(0)
            elif way < 0.2:
                self.objects.clear()
            else:
                for _ in range(int(self.rng.integers(1, 3))):
                    self.call(str(self.rng.choice(self.names, p=self.chances)))
        finally:
            self._depth -= 1

    def _check(self, name: str, result: Any) -> None:
        kind = type(result)
        if not (
            result is None
            or kind in (bytes, bool, int, float, tuple, list)
            or kind.__module__ == "ecgedge._core"
        ):
            self.report.problem(f"{name} gave {kind}")
        repr(result)

    def oddities(self, name: str) -> None:
        """What can be done with any object and type: each works, or is refused."""
        kind, one = getattr(self.module, name), made(name, self.rng)
        attempts: list[Callable[[], Any]] = [
            lambda: copy.copy(one),
            lambda: copy.deepcopy(one),
            lambda: [pickle.loads(pickle.dumps(one, protocol)) for protocol in range(6)],
            lambda: type("Sub", (kind,), {})(*RECIPES[name](self.rng)),
            lambda: object.__new__(kind),
            lambda: kind.__new__(int),
            lambda: kind.__new__(made(self.types[0], self.rng)),
            lambda: one.__init__(),
            lambda: one.__reduce__(),
            lambda: setattr(one, "attribute", 1),
            lambda: setattr(kind, "attribute", 1),
            lambda: setattr(kind, "__del__", lambda self: None),
            lambda: setattr(kind, "__new__", object.__new__),
            lambda: setattr(one, "__class__", getattr(self.module, str(self.rng.choice(self.types)))),
            lambda: kind.__call__(),
            lambda: weakref.ref(one),
            lambda: memoryview(one),
            lambda: one[0],
            lambda: len(one),
            lambda: one < one,
            lambda: hash(one) == hash(one) and one == one and repr(one) and dir(one) and sys.getsizeof(one),
            lambda: gc.get_referents(one) and gc.get_referrers(one) and gc.is_tracked(one),
        ]
        # With stars, since CPython 3.11 itself crashes where a method is often called without its object:
        # list.pop() is enough.
        for method in [m for m in RECIPES if m.startswith(f"{name}.")]:
            unbound = getattr(kind, method.partition(".")[2])
            attempts += [
                lambda unbound=unbound: unbound(*()),
                lambda unbound=unbound: unbound(object()),
                lambda unbound=unbound: unbound(made(str(self.rng.choice(self.types)), self.rng)),
                lambda unbound=unbound: unbound.__get__(INTS[0])(*()),
            ]
        for attempt in attempts:
            try:
                attempt()
            except (*ALLOWED, AttributeError, pickle.PicklingError):
                self.report.refused[f"{name} as an object"] += 1
            except Exception as error:
                self.report.problem(f"{name} as an object: {type(error).__name__}: {error}")
        self.call(next(m for m in RECIPES if m.startswith(f"{name}.")))


def unleaking(module: ModuleType, name: str, count: int, seed: int) -> list[str]:
    """Make the same calls again: what they leave in memory, and in counts of references to what all share."""
    shared: list[Any] = [None, True, False, b"", *(v for v in vars(module).values() if isinstance(v, type))]

    def counts() -> list[int]:
        gc.collect()
        return [sys.getrefcount(x) for x in shared]

    problems = []
    with _traced() as held:
        for i in range(3):
            if i == 1:  # the first time, caches are filled
                before, references = held(), counts()
            Misuse(module, seed, [name]).run(count)
        growth = held() - before
        if growth > GROWTH:
            problems.append(f"{name}: memory grew by {growth} bytes in {2 * count} calls")
        for x, now, then in zip(shared, counts(), references, strict=True):
            if abs(now - then) > (NONES if x is None else 20):
                problems.append(f"{name}: {now - then} references to {x!r} more after {2 * count} calls")
    return problems


@contextmanager
def _traced() -> Iterator[Callable[[], int]]:
    def held() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        yield held
    finally:
        tracemalloc.stop()


def main() -> int:
    """Run, print, return 1 for a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="calls")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="names that begin so")
    parser.add_argument(
        "--leaks", type=int, default=0, help="calls of each, twice, to see what they leave behind"
    )
    asked = parser.parse_args()
    if core is None:
        sys.stdout.write("there is no compiled core here\n")
        return 1
    begun = time.perf_counter()
    names = [name for name in RECIPES if name.startswith(asked.only)]
    report = Misuse(core, asked.seed, names).run(asked.count)
    problems = list(report.problems)
    for name in names if asked.leaks else []:
        problems += unleaking(core, name, asked.leaks, asked.seed + 1)
    sys.stdout.write(
        f"{sum(report.served.values())} calls served, {sum(report.refused.values())} refused, of "
        f"{len(names)} functions, types and methods, in {time.perf_counter() - begun:.0f} s\n"
    )
    sys.stdout.writelines(f"problem: {problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
