# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disks are left, why, and which of them must stay."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Leftover
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.leftovers import (
    NOT_OURS,
    UNFINISHED,
    UNPROVEN,
    claims_on,
    left_disks,
    leftovers,
    not_idle,
    owner_of,
    why_kept,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import AzureVmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import short_hash
from tests.unit.plugins.module_utils.azure_builders import GROUP, SOURCE, detail, disk

RUN = "0123456789ab"
NEW = f"v-os-{RUN}"
OF_POINT = {"replaces": "rg/o", "source": short_hash(SOURCE)}


def idle(found: DiskEntity, **members: Any) -> DiskEntity:
    """The disk as one that the service shows as unattached."""
    document = found.model_dump(mode="json")
    properties = {**document["properties"], "diskState": "Unattached", **members.pop("properties", {})}
    return DiskEntity.model_validate({**document, **members, "properties": properties})


def new(state: str, **tags: str) -> DiskEntity:
    """The OS disk that a restore has made to replace the disk o."""
    return idle(disk(NEW, run=RUN, state=state, point="c/p", **{**OF_POINT, **tags}))


def left_by_name(state: AzureVmState) -> dict[str, tuple[str, str]]:
    """The disks that are left: the reason, and why they must stay."""
    return {each.disk.name: (each.reason, each.needed) for each in left_disks(state)}


OLD = idle(disk("o"))


@pytest.mark.parametrize(
    ("state", "attached", "wanted"),
    [
        ("done", NEW, {"o": (f"replaced by {NEW} in the restore {RUN} to c/p", "")}),
        ("done", "o", {NEW: (f"made by the restore {RUN} to c/p, and detached since", "")}),
        ("given-up", "o", {NEW: (f"made by the restore {RUN} to c/p, which was given up", "")}),
        ("pending", "o", {NEW: (f"made by the restore {RUN} to c/p, which was interrupted", "")}),
        ("pending", NEW, {"o": (f"replaced by {NEW} in the restore {RUN} to c/p", UNFINISHED)}),
        (
            "pending",
            None,
            {
                "o": (f"replaced by {NEW} in the restore {RUN} to c/p", UNFINISHED),
                NEW: (f"made by the restore {RUN} to c/p, which was interrupted", UNFINISHED),
            },
        ),
        ("given-up", None, {NEW: (f"made by the restore {RUN} to c/p, which was given up", "")}),
        ("given-up", NEW, {}),
    ],
)
def test_what_is_left_of_a_restore(state: str, attached: str | None, wanted: dict[str, tuple[str, str]]) -> None:
    assert left_by_name(detail(OLD, new(state), attached={"os": attached} if attached else {})) == wanted


def test_a_run_whose_point_is_gone_leads_nowhere() -> None:
    state = detail(OLD, new("pending", source="another"))
    assert left_by_name(state)[NEW] == (
        f"made by the restore {RUN} to c/p, which leads nowhere: its restore point is gone",
        "",
    )


def test_a_name_or_a_vm_that_does_not_fit_is_not_ours() -> None:
    copied = idle(disk("copy", run=RUN, state="done"))
    other = idle(disk(NEW, run=RUN, state="done", vm="another"))
    state = detail(copied, other)
    assert left_by_name(state) == {}
    assert why_kept(state, copied) == NOT_OURS


def test_a_disk_that_only_a_tag_names() -> None:
    stranger = idle(disk("s"))
    state = detail(stranger, new("done", replaces="rg/s"), attached={"os": NEW})
    assert left_by_name(state)["s"][1] == UNPROVEN
    assert why_kept(state, stranger) == UNPROVEN
    assert left_disks(state)[0].show().removable is False


def test_a_replaced_disk_that_no_point_knows_any_more() -> None:
    state = detail(OLD, new("done"), attached={"os": NEW}, point=False)
    assert left_by_name(state)["o"][1] == UNPROVEN


@pytest.mark.parametrize(
    ("members", "owner"),
    [
        ({"managedBy": f"{GROUP}/virtualMachines/w"}, "w has it"),
        ({"managedByExtended": [f"{GROUP}/virtualMachines/x"]}, "x has it"),
        ({"managedByExtended": []}, ""),
    ],
)
def test_who_has_a_disk(members: dict[str, Any], owner: str) -> None:
    found = idle(disk("o"), **members)
    state = detail(found, new("done"), attached={"os": NEW})
    assert owner_of(state, found) == owner
    assert why_kept(state, found) == owner
    assert ("o" in left_by_name(state)) is not bool(owner)


def test_the_vm_itself_has_a_disk_whatever_the_disk_shows() -> None:
    assert owner_of(detail(OLD), OLD) == "this VM has it"


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({}, ""),
        ({"diskState": "unattached"}, ""),
        ({"diskState": "Reserved"}, "its state is Reserved"),
        ({"diskState": "UnattachedFrozen"}, "its state is UnattachedFrozen"),
        ({"diskState": None}, "the service does not show whether it is attached"),
        ({"provisioningState": "Creating"}, "it is creating"),
        ({"provisioningState": "Updating"}, "it is updating"),
        ({"provisioningState": "Deleting"}, "it is deleting"),
        ({"provisioningState": "Failed"}, ""),
    ],
)
def test_what_a_disk_is_used_for(properties: dict[str, Any], why: str) -> None:
    found = idle(disk("o"), properties=properties)
    assert not_idle(found) == why
    assert left_by_name(detail(found, new("done"), attached={"os": NEW}))["o"][1] == why


def test_a_run_of_which_one_disk_is_given_up_is_over() -> None:
    data = idle(disk(f"v-lun0-{RUN}", run=RUN, state="pending", point="c/p", of="d"))
    assert left_by_name(detail(OLD, new("given-up"), data, attached={"os": "o"}))[data.name][1] == ""
    both = detail(OLD, new("pending"), data, attached={"os": NEW})
    assert left_by_name(both)[data.name][1] == UNFINISHED


def test_what_is_left_as_results_show_it() -> None:
    old = idle(disk("o"), properties={"timeCreated": "2026-11-20T09:30:00Z", "diskSizeGB": 30})
    spare = disk(f"v-lun1-{'1' * 12}", run="1" * 12, state="given-up")
    assert leftovers(detail(old, new("done"), spare, attached={"os": NEW})) == [
        Leftover(
            "disk",
            old.id,
            "o",
            f"replaced by {NEW} in the restore {RUN} to c/p",
            datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
            30,
            removable=True,
        ),
        Leftover(
            "disk",
            spare.id,
            spare.name,
            "made by the restore 111111111111, which was given up; the service does not show whether it is attached",
            removable=False,
        ),
    ]


DATA = f"v-lun0-{RUN}"


@pytest.mark.parametrize(
    ("os_state", "data_state", "attached", "reason"),
    [
        # The lead disk's word is the run's; a disk's own counts as well, as long as nothing is under way.
        ("done", "pending", {"os": NEW, "lun0": DATA}, ""),
        ("pending", "done", {"os": "o", "lun0": "e"}, ""),
        ("pending", "pending", {"os": NEW, "lun0": "e"}, UNFINISHED),
        ("pending", "pending", {"os": "o", "lun0": "e"}, None),
    ],
)
def test_a_data_disk_that_was_replaced(
    os_state: str, data_state: str, attached: dict[str, str], reason: str | None
) -> None:
    made = idle(disk(DATA, run=RUN, state=data_state, point="c/p", of="d", replaces="rg/d", source=short_hash(SOURCE)))
    state = detail(OLD, idle(disk("d")), new(os_state), made, attached=attached, also={"lun0": "d"})
    replaced = f"replaced by {DATA} in the restore {RUN} to c/p"
    assert left_by_name(state).get("d") == (None if reason is None else (replaced, reason))


def test_a_disk_with_a_longer_name_is_another_one() -> None:
    longer = f"{NEW}0"
    state = detail(OLD, new("pending"), idle(disk(longer)), attached={"os": longer})
    assert left_by_name(state) == {NEW: (f"made by the restore {RUN} to c/p, which was interrupted", "")}
    assert claims_on(detail(OLD, idle(disk("o2")), new("done", replaces="rg/o2")), OLD) == []


def test_only_the_disk_that_bears_the_name_of_its_run_has_replaced_another() -> None:
    copied = idle(disk("copy", run=RUN, state="done", **OF_POINT))
    assert claims_on(detail(OLD, copied), OLD) == []
    made = new("done")
    far = made.model_copy(update={"id": made.id.replace("/rg/", "/far/")})
    shorter = idle(disk(NEW[:-1], run=RUN, state="done", **OF_POINT))
    assert claims_on(detail(OLD, far, shorter, made), OLD) == [made]


def test_a_restore_whose_point_no_tag_names() -> None:
    state = detail(OLD, idle(disk(NEW, run=RUN, state="done", **OF_POINT)))
    assert left_by_name(state) == {NEW: (f"made by the restore {RUN}, and detached since", "")}
