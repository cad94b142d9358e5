# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checkpoint of a reading is the one that is meant."""

from __future__ import annotations

from .._core.model import Checkpoint, ObservedVm
from .._core.normalising import is_cut_of, is_form_of, is_same_text, may_come_of


def marked(now: ObservedVm, nonce: str) -> Checkpoint | None:
    """The checkpoint this run made, by its mark."""
    return next((c for c in now.checkpoints if c.mark is not None and c.mark.nonce == nonce), None)


def only_new(now: ObservedVm, known: set[str], name: str) -> Checkpoint | None:
    """Where a service dropped the mark of a create that it accepted: the only new one of that name without any."""
    new = [c for c in now.checkpoints if c.id.lower() not in known and c.mark is None and may_come_of(name, c.name)]
    return new[0] if len(new) == 1 else None


def is_gone(now: ObservedVm, checkpoint: Checkpoint, before: ObservedVm) -> bool:
    """Whether no list shows it: not by its id, and not as one more of its name that is shown without an id."""
    hidden = [sum(not c.identified and c.name == checkpoint.name for c in each.checkpoints) for each in (before, now)]
    return now.by_id(checkpoint.id) is None and hidden[1] <= hidden[0]


def is_another(found: Checkpoint, planned: Checkpoint) -> bool:
    """Whether a checkpoint of the same id is not the one that was planned for."""
    if found.created is not None and planned.created is not None:
        return found.created != planned.created
    return planned.usability == "unusable" != found.usability


def keeps(checkpoint: Checkpoint, description: str) -> bool:
    """Whether it has that description, as far as the service can keep it.

    Where it still bears its mark, which stands behind the description, nothing was cut off.
    """
    kept = checkpoint.description
    return is_same_text(description, kept) or (checkpoint.mark is None and is_cut_of(description, kept))


def description_drift(found: Checkpoint, description: str) -> dict[str, object]:
    """An element of the `drift` key."""
    return {"field": "description", "desired": description, "actual": found.description}


def stores(checkpoint: Checkpoint, description: str) -> bool:
    """Whether the service has made another text of that description, and would again if it were written again."""
    return is_form_of(description, checkpoint.description, whole=checkpoint.mark is not None)


def is_current(observed: ObservedVm, target: Checkpoint) -> bool:
    current = observed.current()
    return current is not None and current.has_id(target.id)
