# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identifiers that are random to look at and the same for the same seed."""

from __future__ import annotations

import random
import string
import uuid


class Ids:
    """A stream of identifiers; each service has its own, so that neither shifts the other's."""

    def __init__(self, seed: str, taken: frozenset[str] = frozenset()) -> None:
        self._seed = seed
        self._random = random.Random(seed)
        self._taken = taken

    def beside(self, name: str) -> Ids:
        """Another stream of the same seed: what is drawn from it shifts nothing here."""
        return Ids(f"{self._seed}:{name}", self._taken)

    def guid(self) -> str:
        """A version 4 GUID in lower case, as Edm.Guid is written; none that a loaded document holds already."""
        while (made := str(uuid.UUID(int=self._random.getrandbits(128), version=4))) in self._taken:
            pass
        return made

    def hex(self, digits: int) -> str:
        return "".join(self._random.choices("0123456789ABCDEF", k=digits))

    def text(self, length: int) -> str:
        """Letters and digits that need no escaping in a URL."""
        return "".join(self._random.choices(string.ascii_letters + string.digits, k=length))

    def between(self, least: float, most: float) -> float:
        """A number of seconds, whole ones: what takes minutes is not given to the millisecond."""
        return float(self._random.randint(round(least), round(most)))

    def milliseconds(self, most: int) -> float:
        """A fraction of a second, for times that refreshers write close together."""
        return self._random.randint(0, most) / 1000


def same(left: str | None, right: str | None) -> bool:
    """Whether two identifiers are one: GUIDs and ARM ids compare without case."""
    return left is not None and right is not None and left.lower() == right.lower()


def same_region(left: str, right: str) -> bool:
    """Whether two locations are one: ARM takes `West Europe` for `westeurope`."""
    return same(left.replace(" ", ""), right.replace(" ", ""))
