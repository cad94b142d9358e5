# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a managed disk performs by its kind, size and tier (learn: managed disk types). Pure.

Azure shows tier, IOPS and MBps of every disk, also where nobody has set them: only what is more is a setting.
"""

from __future__ import annotations

import re
import typing as t

DIRECT = ("ultrassd_lrs", "premiumv2_lrs")
PREMIUM = ("premium_lrs", "premium_zrs")
STANDARD_SSD = ("standardssd_lrs", "standardssd_zrs")
LETTERS = {**dict.fromkeys(PREMIUM, "P"), **dict.fromkeys(STANDARD_SSD, "E"), "standard_lrs": "S"}
LARGEST_BELOW_P60 = 4096
"""GiB. A smaller disk takes no tier from P60 on (learn: change a disk's performance tier)."""

_NUMBERS = (1, 2, 3, 4, 6, 10, 15, 20, 30, 40, 50, 60, 70, 80)
_SIZES = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32767)
"""GiB: the largest disk that has the tier of that number by itself."""
_PREMIUM_IOPS = (120, 120, 120, 120, 240, 500, 1100, 2300, 5000, 7500, 7500, 16000, 18000, 20000)
_PREMIUM_MBPS = (25, 25, 25, 25, 50, 100, 125, 150, 200, 250, 250, 500, 750, 900)
_PREMIUM = dict(zip(_NUMBERS, zip(_PREMIUM_IOPS, _PREMIUM_MBPS, strict=True), strict=True))
_LARGE = {
    "E": {60: (2000, 400), 70: (4000, 600), 80: (6000, 750)},
    "S": {60: (1300, 300), 70: (2000, 500), 80: (2000, 500)},
}
_SMALL = {"E": (500, 100), "S": (500, 60)}


def number_of(tier: str) -> int:
    """`P30` -> 30; 0 for what is no tier."""
    found = re.fullmatch(r"[A-Za-z](\d+)", tier)
    return int(found[1]) if found else 0


def number_by_size(sku: str, size: int) -> int:
    """The number of the tier that a disk of so many GiB has by itself; Standard HDD begins with S4."""
    number = next((number for number, most in zip(_NUMBERS, _SIZES, strict=True) if size <= most), max(_NUMBERS))
    return max(number, 4) if LETTERS.get(sku) == "S" else number


def performance_of(sku: str, number: int) -> tuple[int, int] | None:
    """IOPS and MBps that such a disk has by its tier; None where they are set one by one, or nobody knows."""
    letter = LETTERS.get(sku, "")
    if letter == "P":
        return _PREMIUM.get(number)
    return _LARGE[letter].get(number, _SMALL[letter]) if letter else None


def more_than(shown: int | None, given: int | None) -> t.TypeGuard[int]:
    """Whether what a disk shows is more than what it has by itself, as far as that is known."""
    return shown is not None and given is not None and shown > given
