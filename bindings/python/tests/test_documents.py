"""The documents match the code: docstrings, the README, the table of names, the version."""

from __future__ import annotations

import doctest
import inspect
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import azs_backup
import pytest
from azs_backup import _native
from conftest import PASSWORD, REPOSITORY


def described() -> list[tuple[str, Any]]:
    """Every public class and function, and every method and property of its own; and what the native half has besides."""
    found: dict[str, Any] = {}
    for module in (azs_backup, _native):
        for name in module.__all__:
            thing = getattr(module, name)
            if not callable(thing):
                continue
            found[name] = thing
            if not inspect.isclass(thing):
                continue
            for member, what in vars(thing).items():
                if not member.startswith("_") and (callable(what) or inspect.isdatadescriptor(what) or hasattr(what, "__func__")):
                    found[f"{name}.{member}"] = getattr(thing, member)
    assert len(found) > 200
    return list(found.items())


@pytest.mark.parametrize(("name", "thing"), described(), ids=[name for name, _ in described()])
def test_docstrings_are_there_and_their_examples_run(name: str, thing: Any, request: pytest.FixtureRequest) -> None:
    text = inspect.getdoc(thing)
    assert text, f"{name} has no docstring"
    assert text[0].isupper() or text[0] == "`", text
    examples = doctest.DocTestParser().get_examples(text)
    if not examples:
        return
    names = {name: getattr(azs_backup, name) for name in azs_backup.__all__}
    for fixture in ("folder", "share", "place", "certificate", "opener", "backup"):
        names[fixture] = request.getfixturevalue(fixture)
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    runner = doctest.DocTestRunner(optionflags=flags, verbose=False)
    runner.run(doctest.DocTest(examples, names, name, None, None, text), clear_globs=False)
    assert runner.failures == 0


def rows() -> list[tuple[str, list[str]]]:
    """Operations of the table in bindings/README.md with their names in Python."""
    found = []
    for line in (REPOSITORY / "bindings" / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[1] != "Rust" and not cells[1].startswith("-"):
            found.append((cells[0], re.findall(r"`([^`]+)`", cells[2])))
    return found


def test_every_name_of_the_table_exists() -> None:
    names = [name for _, several in rows() for name in several]
    assert len(names) > 100
    missing = []
    for name in names:
        path, _, keyword = name.removesuffix(")").partition("(")
        thing: Any = azs_backup
        try:
            for part in path.split("."):
                thing = getattr(thing, part)
            if keyword and keyword.removesuffix("=") not in inspect.signature(thing).parameters:
                missing.append(name)
        except AttributeError:
            # Fields of values are declared, not stored in the class.
            owner, _, field = path.rpartition(".")
            if not owner or field not in getattr(getattr(azs_backup, owner, None), "__annotations__", {}):
                missing.append(name)
    assert not missing


def test_everything_exported_is_in_order_and_documented() -> None:
    names = azs_backup.__all__
    assert len(names) == len(set(names))
    public = {name for name in vars(azs_backup) if not name.startswith("_")}
    modules = {"annotations", "errors", "kinds", "literals", "values"}
    assert public - modules == set(names) - {"__version__"}
    for name in names:
        assert name in ("RULES", "__version__") or inspect.getdoc(getattr(azs_backup, name)), name


def test_the_version_is_that_of_the_library() -> None:
    manifest = (REPOSITORY / "Cargo.toml").read_text(encoding="utf-8")
    assert f'version = "{azs_backup.__version__}"' in manifest and version("azs-backup") == azs_backup.__version__


def blocks(file: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", file.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("file", ["README.md", "bindings/python/README.md"])
def test_the_readme_runs_as_it_is_printed(file: str, folder: Path, tmp_path: Path) -> None:
    examples = blocks(REPOSITORY / file)
    assert examples
    configs = folder / "switch-configs"
    configs.mkdir()
    (configs / "tor2.cfg").write_text("hostname tor2\n")
    for number, example in enumerate(examples):
        script = folder / f"example{number}.py"
        script.write_text(example)
        environment = {"AZS_PFX_PASSWORD": PASSWORD, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            [sys.executable, "-W", "error", str(script)], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr


def test_python_and_node_know_the_same_words() -> None:
    from typing import get_args

    from azs_backup import literals

    node = (REPOSITORY / "bindings" / "node" / "words.d.ts").read_text(encoding="utf-8")
    types = dict(re.findall(r"^export type (\w+) =((?:[^\n]*\n)(?: {2}[^\n]*\n)*)", node, re.MULTILINE))
    assert len(types) > 25
    for name, union in types.items():
        known = str(getattr(literals, name))
        assert set(re.findall(r"'([^']+)'", union)) == set(re.findall(r"'([^']+)'", known)), name
    assert set(get_args(literals.ErrorCode)) == set(azs_backup.ErrorKind)
    assert set(get_args(literals.AlertCode)) == set(azs_backup.AlertKind)
