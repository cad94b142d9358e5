# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and descriptions of checkpoints as VMM stores them, and the name of one that was created without any."""

from __future__ import annotations

import html
import re
import unicodedata
import urllib.parse
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from simulator.switches.all import Switches


def local(moment: float, switches: Switches) -> datetime:
    """`moment` on the wall clock of the VMM server."""
    sign = -1 if switches.spf_utc_offset.startswith("-") else 1
    hours, minutes = switches.spf_utc_offset.lstrip("+-").split(":")
    zone = timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))
    return datetime.fromtimestamp(moment, zone)


def default_name(vm_name: str, moment: float, switches: Switches) -> str:
    """`VM - (local time)`; both ways of writing the time were seen (docs/services.md)."""
    when = local(moment + switches.vmm_clock_skew, switches)
    if switches.null_name == "empty":
        return ""
    if switches.null_name == "us":
        hour = when.hour % 12 or 12
        half = "AM" if when.hour < 12 else "PM"
        return f"{vm_name} - ({when.month}/{when.day}/{when.year} - {hour}:{when:%M:%S} {half})"
    return f"{vm_name} - ({when:%m/%d/%Y %H:%M:%S})"


def stored_name(name: str, switches: Switches) -> str:
    """`name` as VMM keeps it."""
    position = switches.vmm_names
    if position.startswith("cut_"):
        return name[: int(position.removeprefix("cut_"))]
    return _STORED[position](name)


def stored_description(text: str, switches: Switches) -> str:
    """`text` as VMM keeps it."""
    position = switches.vmm_descriptions
    if position == "crlf":
        return re.sub(r"\r?\n", "\r\n", text)
    if position.startswith("cut_"):
        return text[: int(position.removeprefix("cut_"))]
    return _STORED[position](text)


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


_STORED: dict[str, Callable[[str], str]] = {
    "kept": str,
    "slash_to_underscore": lambda text: text.replace("/", "_"),
    "fold_blanks": lambda text: re.sub(r"\s+", " ", text).strip(),
    "nfc": lambda text: unicodedata.normalize("NFC", text),
    "no_separators": lambda text: re.sub(r"[\W_]", "", text),
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "no_accents": _without_accents,
    "trimmed": str.strip,
    "escaped": html.escape,
    "upper": str.upper,
    "one_line": lambda text: " ".join(text.split()),
    "no_markup": lambda text: text.replace("<", "").replace(">", ""),
    "ascii": lambda text: text.encode("ascii", "replace").decode(),
    "tenant": lambda text: f"[tenant] {text}",
}
