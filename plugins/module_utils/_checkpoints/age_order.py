# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a VM's checkpoints was made before which: by what stands on what, and by time. Pure."""

from __future__ import annotations

from datetime import datetime

from .._core.model import Checkpoint, ObservedVm


class AgeOrder:
    """The order of a VM's checkpoints, worked out once: Azure allows five hundred, and each is held against each.

    What a checkpoint stands on was there before it. So it was made no later than the earliest known time of itself and
    of what stands on it, and no earlier than the latest known time of itself and of what it stands on.
    """

    def __init__(self, observed: ObservedVm) -> None:
        self._below = {each.id: observed.ancestors(each) for each in observed.checkpoints}
        self._at_latest: dict[str, datetime] = {}
        self._at_earliest: dict[str, datetime] = {}
        for each in observed.checkpoints:
            if each.created is None:
                continue
            for below in (each.id, *self._below[each.id]):
                self._at_latest[below] = min(each.created, self._at_latest.get(below, each.created))
        for each in observed.checkpoints:
            times = [c.created for c in observed.checkpoints if c.id == each.id or c.id in self._below[each.id]]
            known = [time for time in times if time is not None]
            if known:
                self._at_earliest[each.id] = max(known)

    def is_older(self, older: Checkpoint, newer: Checkpoint) -> bool:
        """Whether `older` was surely made first."""
        if newer.id in self._below.get(older.id, ()):
            return False  # ancestry is the service's own, while a mark's time is a claim
        if older.id in self._below.get(newer.id, ()):
            return True
        at_latest, at_earliest = self._at_latest.get(older.id), self._at_earliest.get(newer.id)
        return at_latest is not None and at_earliest is not None and at_latest < at_earliest
