"""What type checkers are told of the packages is what the packages have."""

from __future__ import annotations

import ast
from types import ModuleType

import pytest
from stubs import PACKAGES, path, stub


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_the_stub_is_fresh(package: ModuleType) -> None:
    assert path(package).read_text() == stub(package)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_name_stands_once_and_is_found_where_the_stub_looks(package: ModuleType) -> None:
    found = {}
    for node in ast.parse(path(package).read_text()).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert alias.name not in found
                found[alias.name] = node.module
    assert sorted(found) == package.__all__
    for name, module in found.items():
        assert getattr(package, name) is getattr(__import__(module, fromlist=[name]), name)
