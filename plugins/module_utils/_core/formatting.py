# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in the words of an error: texts as they are, what holds more in parentheses, nothing as Python writes it."""

from __future__ import annotations

MOST = 20
DEEPEST = 5


def format_value(value: object, depth: int = 0) -> str:
    """Any JSON value, bounded: a service or a stored plan may send anything where a text belongs."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (dict, list, tuple)):
        return str(value)
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, dict):
        parts = [f"{name}: {format_value(each, depth + 1)}" for name, each in list(value.items())[:MOST]]
    else:
        parts = [format_value(each, depth + 1) for each in value[:MOST]]
    inside = ", ".join([*parts, *(["…"] if len(value) > MOST else [])])
    return f"({inside})" if depth else inside
