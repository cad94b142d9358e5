# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of restore points: which collections and points can be copied, and what is said of the others."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import parse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    InvalidInput,
    MissingCheckpoint,
    NotFound,
    VmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import (
    CollectionEntity,
    PointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.copies import (
    refuse_copies,
    refuse_elsewhere,
    refuse_source,
    takes_copies,
)

GROUP = "/subscriptions/33333333-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Compute"
VM = f"{GROUP}/virtualMachines/v"
HOME = f"{GROUP}/restorePointCollections/home"
SOURCE = f"{HOME}/restorePoints/p"


def _collection(source: str, location: str = "westeurope", points: int = 0) -> CollectionEntity:
    held = [{"id": f"{HOME}/restorePoints/p{n}", "name": f"p{n}", "properties": {}} for n in range(points)]
    properties = {"source": {"id": source}, "restorePoints": held}
    return CollectionEntity.model_validate(
        {"id": f"{GROUP}/restorePointCollections/c", "name": "c", "location": location, "properties": properties}
    )


def _point(state: str = "Succeeded", access: str | None = None) -> PointEntity:
    rows = [{"snapshotAccessState": access}] if access else []
    properties = {"provisioningState": state, "instanceView": {"diskRestorePoints": rows}}
    return PointEntity.model_validate({"id": SOURCE, "name": "p", "properties": properties})


COPIES = _collection(HOME)


def test_what_takes_copies() -> None:
    assert takes_copies(COPIES)
    assert takes_copies(_collection(HOME.upper()))
    assert not takes_copies(_collection(VM))


@pytest.mark.parametrize(
    ("origin", "kind", "said"),
    [
        (None, NotFound, f"its source collection {HOME} does not exist, or is hidden."),
        (COPIES, InvalidInput, f"home holds copies itself, of {HOME}, and copies cannot be copied again."),
        (
            _collection(VM, "West Europe"),
            InvalidInput,
            "home lies in West Europe too, and copies go to another region.",
        ),
    ],
)
def test_a_collection_that_cannot_be_copied(
    origin: CollectionEntity | None, kind: type[CheckpointError], said: str
) -> None:
    with pytest.raises(kind) as caught:
        refuse_copies(parse(HOME), origin, "westeurope")
    assert caught.value.message.endswith(said)
    assert caught.value.changed_nothing is (origin is not None)


def test_a_collection_that_can() -> None:
    refuse_copies(parse(HOME), _collection(VM, "northeurope"), "westeurope")


def test_a_point_lies_in_the_source_of_its_collection() -> None:
    refuse_elsewhere(SOURCE, COPIES)
    with pytest.raises(InvalidInput, match="does not lie in") as caught:
        refuse_elsewhere(f"{GROUP}/restorePointCollections/other/restorePoints/p", COPIES)
    assert caught.value.message.endswith(f"/restorePoints/p does not lie in {HOME}, which collection c copies.")


@pytest.mark.parametrize(
    ("origin", "point", "kind", "said"),
    [
        (None, _point(), NotFound, f"the source collection {HOME} of its collection does not exist, or is hidden."),
        (_collection(VM), None, MissingCheckpoint, "nothing to copy: c holds no restore point p. There are: none."),
        (_collection(VM, points=2), None, MissingCheckpoint, "holds no restore point p. There are: p0, p1."),
        (_collection(VM, points=21), None, MissingCheckpoint, ", p18, p19."),
        (_collection(VM), _point("Failed"), VmState, "restore point p cannot be copied: it failed."),
        (_collection(VM), _point("Creating"), VmState, "restore point p cannot be copied: it is creating."),
        (
            _collection(VM),
            _point(access="Pending"),
            VmState,
            "restore point p cannot be copied yet: its data is still on its way (Pending).",
        ),
    ],
)
def test_a_point_that_cannot_be_copied(
    origin: CollectionEntity | None, point: PointEntity | None, kind: type[CheckpointError], said: str
) -> None:
    with pytest.raises(kind) as caught:
        refuse_source(SOURCE, origin, point, COPIES)
    assert caught.value.message.endswith(said)
    assert caught.value.changed_nothing is (kind is VmState)


def test_a_point_that_can() -> None:
    refuse_source(SOURCE, _collection(VM), _point(access="Available"), COPIES)


def test_ids_are_one_in_any_case() -> None:
    refuse_elsewhere(SOURCE.upper(), COPIES)
    refuse_source(SOURCE.upper(), _collection(VM), _point(), COPIES)
