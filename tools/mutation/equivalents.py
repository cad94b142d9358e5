# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutants that were judged to change nothing that anybody could see, each with its reason."""

from __future__ import annotations

import tomllib
import typing as t
from pathlib import Path

from .mutant import Mutant

FILE = "tools/mutants-equivalent.toml"

Key = tuple[str, str, str, str, str, int]


def equivalents(root: Path) -> dict[Key, str]:
    """Reasons by mutant. An entry without a reason is none."""
    file = root / FILE
    if not file.is_file():
        return {}
    found: dict[Key, str] = {}
    for entry in tomllib.loads(file.read_text("utf-8")).get("equivalent", []):
        reason = str(entry["reason"]).strip()
        if not reason:
            raise SystemExit(f"{FILE}: {entry['file']} {entry['function']}: say why it changes nothing")
        key = (entry["file"], entry["function"], entry["operator"], entry["before"], entry["after"])
        found[(*key, int(entry.get("nth", 1)))] = reason
    return found


def stale(found: t.Collection[Key], mutants: t.Iterable[Mutant]) -> list[Key]:
    """Entries that no mutant of today answers to."""
    known = {mutant.key for mutant in mutants}
    return [key for key in found if key not in known]


def as_entry(mutant: Mutant) -> str:
    """An entry for the file, its reason still to be given."""
    lines = ["[[equivalent]]"]
    for name in ("file", "function", "operator", "before", "after"):
        lines.append(f"{name} = {_quoted(getattr(mutant, name))}")
    if mutant.nth > 1:
        lines.append(f"nth = {mutant.nth}")
    return "\n".join([*lines, 'reason = ""'])


def _quoted(text: str) -> str:
    if "'" not in text:
        return f"'{text}'"
    if "'''" not in text and not text.endswith("'"):
        return f"'''{text}'''"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
