"""The stub has the docstrings of the native half, so that editors can show them.

`UPDATE_STUB=1 pytest tests/test_stub.py` writes them anew.
"""

from __future__ import annotations

import ast
import inspect
import os
from pathlib import Path

from azs_backup import _native

STUB = Path(__file__).parents[1] / "python" / "azs_backup" / "_native.pyi"
Described = ast.ClassDef | ast.FunctionDef


def described(stub: str) -> list[tuple[str, Described, str]]:
    """Returns what the stub declares and the module documents: its name, its node in the stub, and the docstring."""
    found = []
    for node in ast.parse(stub).body:
        if not isinstance(node, Described) or node.name.startswith("_"):
            continue
        owner = getattr(_native, node.name)
        found.append((node.name, node, inspect.getdoc(owner) or ""))
        for member in node.body if isinstance(node, ast.ClassDef) else []:
            if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                # What a lookup gives: a static method is a descriptor, whose docstring says what static methods are.
                text = inspect.getdoc(getattr(owner, member.name)) or ""
                found.append((f"{node.name}.{member.name}", member, text))
    return found


def quoted(text: str, indent: str) -> list[str]:
    raw = "r" if "\\" in text else ""
    lines = text.splitlines()
    if len(lines) == 1:
        return [f'{indent}{raw}"""{text}"""']
    return [f'{indent}{raw}"""{lines[0]}', *(f"{indent}{line}".rstrip() for line in lines[1:]), f'{indent}"""']


def with_docstrings(stub: str) -> str:
    """Returns the stub with the docstrings of the module, and no others."""
    lines = stub.splitlines()
    for _, node, text in reversed(described(stub)):
        body = node.body
        indent = " " * (node.col_offset + 4)
        first = body[0]
        has_one = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
        if has_one:
            assert first.end_lineno is not None
            del lines[first.lineno - 1 : first.end_lineno]
            rest = body[1:]
        else:
            rest = body
        # `...` on the line of a function gives way to its docstring.
        is_empty = not rest or isinstance(rest[0], ast.Expr) and isinstance(rest[0].value, ast.Constant) and rest[0].value.value is ...
        at = min([first.lineno, *(decorator.lineno for decorator in getattr(first, "decorator_list", []))]) - 1
        if is_empty and not has_one:
            lines[at] = lines[at].removesuffix(" ...")
            at += 1
        if text:
            lines[at:at] = quoted(text, indent)
        elif is_empty:
            lines[at - 1] += " ..."
    return "\n".join(lines) + "\n"


def test_the_stub_has_the_docstrings_of_the_module() -> None:
    stub = STUB.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_STUB"):
        STUB.write_text(with_docstrings(stub), encoding="utf-8")
        stub = STUB.read_text(encoding="utf-8")
    assert len(described(stub)) > 200
    for name, node, text in described(stub):
        assert text, f"{name} has no docstring"
        assert not text.startswith(("staticmethod(", "classmethod(")), f"{name} has the docstring of its kind"
        assert ast.get_docstring(node) == text, f"{name}: UPDATE_STUB=1 pytest tests/test_stub.py writes it anew"
