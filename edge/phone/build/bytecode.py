"""Compile Python files for the phone; this runs under a Python of Pyodide's version, and needs nothing else.

Lines of standard input: ``[source, name in tracebacks, target]`` as JSON. A phone has no use for docstrings,
which are half of numpy's Python, nor for times of files: the code is taken as it is. Assertions stay.
"""

import ast
import importlib.util
import json
import marshal
import pathlib
import sys
import types
from typing import Any

UNCHECKED = (0b01).to_bytes(4, "little")  # by the hash of a source that is not looked at (PEP 552)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def compiled(source: bytes, name: str) -> bytes:
    """Return the content of a .pyc."""
    tree = ast.parse(source, name)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            rest = node.body[1:]
            node.body = rest or [ast.copy_location(ast.Pass(), node.body[0])]
    code = compile(tree, name, "exec", dont_inherit=True, optimize=0)
    held: list[object] = []
    code = the_same_everywhere(code, held)
    return b"".join(
        [importlib.util.MAGIC_NUMBER, UNCHECKED, importlib.util.source_hash(source), marshal.dumps(code)]
    )


def the_same_everywhere(value: Any, held: list[object]) -> Any:
    """Return a constant or code for which marshal writes the same bytes in every process.

    It writes otherwise what is interned, and what others refer to: a name that some module in here has too.
    So every string is interned, and everything is held in a list.
    """
    if isinstance(value, str):
        value = sys.intern(value)
    elif isinstance(value, tuple | frozenset):
        value = type(value)(the_same_everywhere(part, held) for part in value)
    elif isinstance(value, types.CodeType):
        fields = ("co_consts", "co_name", "co_qualname", "co_filename")
        made = {field: the_same_everywhere(getattr(value, field), held) for field in fields}
        value = value.replace(**made)
        held += [*value.co_names, *value.co_varnames, *value.co_freevars, *value.co_cellvars]
    held.append(value)
    return value


def main() -> None:
    """Compile what standard input names."""
    for line in sys.stdin:
        source, name, target = json.loads(line)
        pathlib.Path(target).write_bytes(compiled(pathlib.Path(source).read_bytes(), name))


if __name__ == "__main__":
    main()
