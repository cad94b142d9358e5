# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What services make of the texts that they are sent: cut, folded, in another case or another form of Unicode. Pure."""

from __future__ import annotations

import unicodedata

LEAST_NAME = 8
"""Characters that are left of a name that was cut."""
LIMITS = {100, 128, 200, 250, 255, 256, 500, 512, 1000, 1023, 1024}
"""Where columns end: a description of just that length was probably cut there."""


def may_come_of(sent: str, kept: str) -> bool:
    """Whether a service may have stored the name `kept` for `sent`."""
    whole, part = _plain(sent), _plain(kept)
    return part == whole or (len(part) >= LEAST_NAME and whole.startswith(part))


def is_same_text(sent: str, kept: str) -> bool:
    """Whether two descriptions differ in nothing but line ends, blanks at ends and the form of Unicode."""
    return _lines(sent) == _lines(kept)


def is_cut_of(sent: str, kept: str) -> bool:
    """Whether `kept` is the beginning of a description that was too long."""
    return len(kept) in LIMITS and len(sent) > len(kept) and sent.startswith(kept)


def _plain(name: str) -> str:
    """The name without case, without what stands between its words, in one form of Unicode."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in unicodedata.normalize("NFKC", folded)).split())


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in unicodedata.normalize("NFC", text).strip().splitlines()]
