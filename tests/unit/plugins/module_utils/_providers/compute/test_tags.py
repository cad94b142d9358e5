# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the disks that a restore makes are known."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.runs import disks_of
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import (
    RestoreTags,
    disk_name,
    hashed,
    lead_slot,
    short_hash,
    short_name,
    slot_in,
    source_hash,
    users_tags,
    with_state,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import Disk
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    SOURCE,
    detail,
    disk,
)

FIELDS = ("run", "state", "point", "point-id", "source", "keyed", "vm", "power", "replaces", "held")


def test_each_tag_has_its_name() -> None:
    tags = RestoreTags(*"abcdefghij")
    written = tags.to_tags()
    assert written == {f"hybridvm-restore-{name}": value for name, value in zip(FIELDS, "abcdefghij", strict=True)}
    document = {"id": f"{GROUP}/disks/d", "name": "d", "location": "l", "tags": written, "properties": {}}
    assert RestoreTags.of(type(disk("d")).model_validate(document)) == tags
    assert RestoreTags.of(disk("d")) == RestoreTags(*[""] * 10)


def test_another_state_leaves_all_other_tags() -> None:
    made = disk("d", run="r", state="pending")
    assert with_state(made, "done") == {**(made.tags or {}), "hybridvm-restore-state": "done"}
    assert with_state(disk("d"), "done") == {"hybridvm-restore-state": "done"}


def test_the_user_s_own_tags_are_those_that_no_restore_has_written() -> None:
    mine = disk("d", run="r")
    tagged = mine.model_copy(update={"tags": {"b": "2", **(mine.tags or {}), "HYBRIDVM-Restore-x": "y", "a": "1"}})
    assert users_tags(tagged) == [("a", "1"), ("b", "2")]
    assert users_tags(disk("d")) == users_tags(None) == []


@pytest.mark.parametrize(
    ("name", "slot"),
    [("v-os-r", "os"), ("v-with-hyphens-lun7-r", "lun7"), ("v-os", ""), ("o", ""), ("", "")],
)
def test_the_slot_in_a_disk_s_name(name: str, slot: str) -> None:
    assert slot_in(name) == slot


def test_a_disk_s_name_has_room_for_its_run() -> None:
    assert disk_name("v", "os", "r") == "v-os-r"
    longest = disk_name("v" * 64, "lun63", "0123456789ab")
    assert (len(longest), longest) == (77, f"{'v' * 58}-lun63-0123456789ab")


@pytest.mark.parametrize(
    ("slots", "lead"), [(["lun0", "os"], "os"), (["lun1", "lun0"], "lun0"), (["lun0", "lun1"], "lun0"), (["os"], "os")]
)
def test_which_disk_speaks_for_its_run(slots: list[str], lead: str) -> None:
    assert lead_slot(slots) == lead


def test_a_run_without_the_os_disk_has_ended_when_its_first_disk_says_so() -> None:
    first, second = disk("v-lun0-r", run="r", state="done"), disk("v-lun1-r", run="r", state="pending")
    assert disks_of(detail(first, second), "r").is_done
    other = disk("v-lun0-r", run="r", state="pending"), disk("v-lun1-r", run="r", state="done")
    assert not disks_of(detail(*other), "r").is_done


def test_short_names_and_hashes() -> None:
    assert short_name(f"{GROUP}/disks/D") == "rg/D"
    assert short_name("/a/b") == "/a/b"
    assert short_name(f"{GROUP}/disks/d/x") == f"{GROUP}/disks/d/x"
    assert short_hash("/A/b/") == short_hash("a/B") == hashed("id", "a/b") != short_hash("a/b/c")
    assert hashed("a", "b") == hashed("A", "B") != hashed("ab")
    assert len(hashed("a")) == 12
    of = Disk.model_validate({"diskRestorePoint": {"id": SOURCE}})
    assert source_hash(of) == short_hash(SOURCE)
    for bare in (Disk(), Disk.model_validate({"diskRestorePoint": {}})):
        assert source_hash(bare) == short_hash("")
