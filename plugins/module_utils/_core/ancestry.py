# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a service's flat list of checkpoints to a tree: parent by `id`, depth, and which one is current."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .model import Checkpoint


class Row(t.NamedTuple):
    """A checkpoint as listed, and its parent's *host* id: both services refer to parents by the hypervisor's ids."""

    checkpoint: Checkpoint
    parent_host_id: str | None


def build_tree(rows: t.Sequence[Row], pointer: str | None) -> tuple[tuple[Checkpoint, ...], bool]:
    """The checkpoints with parent, depth and current filled in, oldest first where times are known.

    An unknown parent is the root: SPF's first checkpoint names the VM's own VMId (seen in 5 of 5 VMs), Arc's a GUID
    that is in no list (recorded 2023-10-31). `pointer` is the host id of the current checkpoint, or None if the service
    does not say. The second value is False if there are checkpoints and the pointer matches none of them and no root; a
    pointer to the root means that the VM runs on no checkpoint.
    """
    by_host = {c.host_id.lower(): c for c, _parent in rows if c.host_id}
    parents = {c.id: by_host.get((parent or "").lower()) for c, parent in rows}
    named = {parent.lower() for _c, parent in rows if parent}
    pointer = (pointer or "").lower()
    known = pointer in by_host or pointer in named or not rows
    placed = []
    for checkpoint, _parent in rows:
        parent = parents[checkpoint.id]
        current = checkpoint.host_id is not None and checkpoint.host_id.lower() == pointer if known else None
        placed.append(
            replace(
                checkpoint,
                parent_id=None if parent is None else parent.id,
                depth=_depth(checkpoint.id, parents),
                current=current,
                root=(_parent or "").lower() or None if parent is None else None,
            )
        )
    # Without times the service's own order stays.
    if all(c.created is not None for c in placed):
        placed.sort(key=lambda c: (c.created, c.depth, c.id))
    return tuple(placed), known


def _depth(checkpoint_id: str, parents: t.Mapping[str, Checkpoint | None]) -> int:
    """1 for a root; in a loop, which only a broken response could hold, the number of checkpoints."""
    depth, step = 1, parents.get(checkpoint_id)
    while step is not None and depth < len(parents):
        depth, step = depth + 1, parents.get(step.id)
    return depth
