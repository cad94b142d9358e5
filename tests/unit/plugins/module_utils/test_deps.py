# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without the third-party libraries every file can still be imported, and the module says which are missing."""

from __future__ import annotations

import builtins
import importlib
import importlib.metadata
import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils import _deps


def without(missing: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The file as it is loaded where that library is not installed."""
    real = builtins.__import__

    def guarded(name: str, *args: Any, **kwargs: Any) -> ModuleType:
        if name == missing:
            raise ImportError(f"No module named {missing!r}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", guarded)
    spec = importlib.util.spec_from_file_location("deps_without", str(_deps.__file__))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_with_them_there_is_nothing_to_say() -> None:
    assert _deps.IMPORT_ERROR is None


@pytest.mark.parametrize("missing", ["anyio", "httpx", "pydantic"])
def test_without_one_of_them_definitions_still_work(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    deps = without(missing, monkeypatch)
    assert f"No module named '{missing}'" in deps.IMPORT_ERROR

    class Model(deps.pydantic.BaseModel):  # type: ignore[misc,name-defined]  # a stand-in for a class
        field: int = deps.pydantic.Field(ge=1)

        @deps.pydantic.model_validator(mode="after")  # type: ignore[untyped-decorator]  # a stand-in for a decorator
        def check(self) -> None:
            """Never called."""

    assert Model.__mro__ == (Model, object)
    assert deps.httpx.Auth.anything("at", all=True) is deps.httpx


@pytest.mark.parametrize(
    ("library", "version", "needed"),
    [("anyio", "3.6.2", ">=4.4,<5"), ("httpx", "1.0.2", ">=0.27,<1"), ("pydantic", "1.10.4", ">=2.7,<3")],
)
def test_one_that_is_too_old_or_too_new_counts_as_missing(
    library: str, version: str, needed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module(library), "__version__", version, raising=False)
    deps = without("nothing", monkeypatch)
    assert f"{library} {version} is installed, {library}{needed} is needed" == deps.IMPORT_ERROR


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("2.7", True),
        ("2.7.0", True),
        ("2.10.0b1", True),
        ("2.6.9", False),
        ("1.10.4", False),
        ("3", False),
        ("2", False),
    ],
)
def test_versions_are_compared_as_numbers(version: str, fits: bool) -> None:
    assert _deps.meets("pydantic>=2.7,<3", version) is fits


def test_an_msal_that_is_too_old_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("msal"), "__version__", "1.20.0")
    with pytest.raises(ImportError, match=r"msal 1\.20\.0 is installed, msal>=1\.29,<2 is needed"):
        _deps.msal()


@pytest.mark.parametrize("name", ["anyio", "httpx", "pydantic", "msal"])
def test_a_version_is_found_without_the_metadata_of_all_packages(name: str) -> None:
    library = importlib.import_module(name)
    expected = importlib.metadata.version(name)
    assert _deps.version_of(library) == expected
    bare = SimpleNamespace(__name__=name, __file__=library.__file__)
    assert _deps.version_of(bare) == expected


@pytest.mark.parametrize("directories", [[], ["anyio-4.5.0.dist-info", "anyio-4.6.0.dist-info"]])
def test_a_library_that_lies_elsewhere_is_asked_for_by_name(tmp_path: Path, directories: list[str]) -> None:
    for name in directories:
        (tmp_path / name).mkdir()
    (tmp_path / "anyio").mkdir()
    elsewhere = SimpleNamespace(__name__="anyio", __file__=str(tmp_path / "anyio/__init__.py"))
    assert _deps.version_of(elsewhere) == importlib.metadata.version("anyio")


def test_what_is_asked_for_is_what_requirements_txt_asks_for() -> None:
    listed = (Path(__file__).parents[4] / "requirements.txt").read_text().split()
    assert listed == list(_deps.REQUIREMENTS)
