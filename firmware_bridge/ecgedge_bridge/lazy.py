"""Public names that are imported when they are first used, from one table.

A package lists its names once, by the module that each lives in. For type checkers the same list stands in
``__init__.pyi``, which ``python tests/packaging/stubs.py`` writes from the table.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any


class LazyNames:
    """The names of a package, none of them loaded yet.

    Parameters
    ----------
    package : str
        ``__name__`` of the package.
    home : mapping of str to str
        Names, separated by blanks, by the module that they live in; by the package itself those of its
        subpackages.

    Examples
    --------
    >>> names = LazyNames(__name__, {"math": "tau floor"})
    >>> names.all, names.load("tau") > 6
    (['floor', 'tau'], True)
    """

    def __init__(self, package: str, home: Mapping[str, str]) -> None:
        self._package = package
        self.home = {name: module for module, names in home.items() for name in names.split()}
        self.all = sorted(self.home)

    def load(self, name: str) -> Any:
        """Import a name from its module; fits a package's ``__getattr__``.

        Raises
        ------
        AttributeError
            If it is not in the table.
        """
        if name not in self.home:
            raise AttributeError(f"module {self._package!r} has no attribute {name!r}")
        home = self.home[name]
        own = home == self._package  # a subpackage, which is no name in a module
        value = import_module(f"{home}.{name}") if own else getattr(import_module(home), name)
        # So that this is called once for each name.
        setattr(sys.modules[self._package], name, value)
        return value

    def dir(self) -> list[str]:
        """List also what is not loaded yet; fits a package's ``__dir__``."""
        return sorted({*vars(sys.modules[self._package]), *self.all})
