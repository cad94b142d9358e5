# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text without its spelling: escapes undone, then white space folded, or letters and digits alone.

Layers between us and a service percent-encode what they echo, escape it for XML, HTML, JSON and OData, wrap it, fold it
and change its case. A reading keeps where in the text its characters came from.
"""

from __future__ import annotations

import html
import re
import typing as t

_ESCAPE = re.compile(
    r"""
    %u[0-9a-fA-F]{4} | %[0-7][0-9a-fA-F] | (?:%[89a-fA-F][0-9a-fA-F])+
    | &\#[0-9]{1,7};? | &\#[xX][0-9a-fA-F]{1,6};? | &[a-zA-Z][a-zA-Z0-9]{1,30};
    | (?:\\u[0-9a-fA-F]{4})+ | \\x[0-9a-fA-F]{2} | \\[\\/"'bfnrt]
    """,
    re.X,
)
_LAYERS = 5
"""How many times over an echo may have been escaped."""
_NOT_BARE = re.compile(r"[^0-9a-z]+")
_CONTROLS = dict.fromkeys("bfnrt", " ")
Span = tuple[int, int]


class Reading(t.NamedTuple):
    """A text as it is read, and for each of its characters where in the original it stands."""

    text: str
    spans: list[Span]


def decoded(text: str) -> str:
    """`text` with percent signs, entities and backslashes undone, layer by layer."""
    for _layer in range(_LAYERS):
        before, text = text, _ESCAPE.sub(_meant, text)
        if text == before:
            break
    return text


def folded(text: str) -> str:
    """`text` with each run of white space, control characters and plus signs as one space, and none at its ends."""
    if text.isprintable() and "+" not in text:
        return " ".join(text.split())
    return " ".join("".join(" " if is_gap(c) else c for c in text).split())


def bare(text: str) -> str:
    """ASCII's letters and digits in `text`, in lower case: what every layer leaves alone."""
    return _NOT_BARE.sub("", text.lower())


def read_decoded(text: str) -> Reading:
    """decoded(), with places."""
    spans = [(place, place + 1) for place in range(len(text))]
    for _layer in range(_LAYERS):
        pieces: list[str] = []
        places: list[Span] = []
        end = 0
        for found in _ESCAPE.finditer(text):
            meant = _meant(found)
            pieces += [text[end : found.start()], meant]
            places += spans[end : found.start()]
            places += [(spans[found.start()][0], spans[found.end() - 1][1])] * len(meant)
            end = found.end()
        before, text = text, "".join([*pieces, text[end:]])
        spans = places + spans[end:]
        if text == before:
            break
    return Reading(text, spans)


def read_folded(reading: Reading) -> Reading:
    """folded(), with places in `reading`; spaces at its ends may stay."""
    kept: list[str] = []
    spans: list[Span] = []
    for place, character in enumerate(reading.text):
        gap = is_gap(character)
        if gap and kept and kept[-1] == " ":
            spans[-1] = (spans[-1][0], place + 1)
        else:
            kept.append(" " if gap else character)
            spans.append((place, place + 1))
    return Reading("".join(kept), spans)


def read_bare(reading: Reading) -> Reading:
    """bare(), with places in `reading`."""
    kept = [(c, place) for place, character in enumerate(reading.text) for c in bare(character)]
    return Reading("".join(c for c, _place in kept), [(place, place + 1) for _c, place in kept])


def is_gap(character: str) -> bool:
    """Whether folding makes a space of it."""
    return character == "+" or character.isspace() or not character.isprintable()


def _meant(found: re.Match[str]) -> str:
    """What an escape stands for; itself where it is none after all."""
    text = found[0]
    if text[0] == "&":
        return html.unescape(text)
    if text[:2] in ("%u", "\\u"):
        units = [int(unit, 16) for unit in text.replace(text[:2], " ").split()]
        return b"".join(unit.to_bytes(2, "big") for unit in units).decode("utf-16-be", "replace")
    if text[0] == "%":
        octets = bytes.fromhex(text.replace("%", ""))
        known = octets.decode("utf-8", "replace")
        return octets.decode("latin-1") if "\ufffd" in known else known
    if text[1] == "x":
        return chr(int(text[2:], 16))
    return _CONTROLS.get(text[1], text[1])
