# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `[tool.mutants]` of pyproject.toml asks for, and the files that it means."""

from __future__ import annotations

import shutil
import tomllib
import typing as t
from dataclasses import dataclass
from pathlib import Path

from tools.house import pure_files

SOURCES = "plugins/module_utils"
_BUILT = ("krb5", "faketime")  # what tools/kerberos.py has unpacked
_NOT_COPIED = (".git", ".venv*", "build", "__pycache__", ".*_cache", ".hypothesis")


@dataclass(frozen=True)
class Settings:
    """Where mistakes are planted, and which tests are to see them."""

    root: Path
    rooms: tuple[str, ...]
    left_out: tuple[str, ...]
    tests: tuple[str, ...]
    options: tuple[str, ...]
    least_caught: float
    most_equivalent: float

    @classmethod
    def read(cls, root: Path) -> Settings:
        """The settings of a checkout."""
        section: dict[str, t.Any] = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["mutants"]
        return cls(
            root,
            rooms=tuple(section["rooms"]),
            left_out=tuple(section.get("left_out", ())),
            tests=tuple(path for path in section["tests"] if (root / path).exists()),
            options=tuple(section.get("options", ())),
            least_caught=section["least_caught"],
            most_equivalent=section["most_equivalent"],
        )

    def files(self) -> list[str]:
        """The files to plant mistakes in, by their paths below module_utils."""
        below = self.root / SOURCES
        found = {str(path.relative_to(below)) for room in self.rooms for path in (below / room).rglob("*.py")}
        found |= {f"{name}.py" for name in pure_files(self.root) if (below / f"{name}.py").is_file()}
        return sorted(found - {f"{name}.py" for name in self.left_out})


def private_copy(root: Path, copy: Path) -> None:
    """A tree to plant mistakes in; the collection's own name leads to it, and to nothing of the checkout."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED), symlinks=True)
    for link in sorted((root / "build/links").rglob("*")):
        if link.is_symlink():
            mine = copy / link.relative_to(root)
            mine.parent.mkdir(parents=True, exist_ok=True)
            mine.symlink_to(copy / link.resolve().relative_to(root.resolve()))
    for built in _BUILT:
        if (root / "build" / built).is_dir():
            (copy / "build" / built).symlink_to((root / "build" / built).resolve())
