# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which steps of a restore in place are done, where one has left the VM, and what puts it back."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Step
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore_state import (
    Detail,
    as_held,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore_verify import (
    amends,
    standing,
    taken,
    was_held,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    WHO,
    detail,
    disk,
    inventory,
)

DELETE = {"os": {"deleteOption": "Delete", "caching": "ReadOnly"}}


def _step(op: str, **about: Any) -> Step:
    return Step(WHO, "", do=op, about={"op": op, "run": "r", **about})


def test_an_attachment_as_a_tag_tells_it() -> None:
    of = detail(held={"os": {"caching": "ReadOnly", "deleteOption": "Delete", "writeAcceleratorEnabled": True}})
    assert of.held("os") == "ReadOnly/Delete/accelerated"
    assert as_held(of.held("os")) == {"caching": "ReadOnly", "deleteOption": "Delete", "writeAcceleratorEnabled": True}
    assert (detail().held("os"), as_held("//")) == ("//", {})
    assert (of.held("lun0"), as_held("")) == ("", {})
    two = detail(attached={"lun0": "d", "lun1": "e"}, held={"lun1": {"caching": "None"}})
    assert (two.held("lun1"), two.held("lun7"), two.held("os")) == ("None//", "", "")


def test_a_tag_that_tells_nonsense_tells_nothing() -> None:
    assert as_held("Anything/Purge/yes/more") == {}


def test_keep_and_release_are_seen_by_the_delete_option() -> None:
    keep, release = _step("keep", disks={"os": "n"}), _step("release", options={"os": "Delete"})
    goes, stays = inventory(detail(held=DELETE)), inventory(detail())
    assert (taken(keep, goes), taken(keep, stays)) == (False, True)
    assert (taken(release, goes), taken(release, stays)) == (True, False)


def test_off_is_deallocated_or_past_it() -> None:
    step = _step("deallocate", disks={"os": "n"})
    assert taken(step, inventory(detail(disk("o")))) is False
    assert taken(step, inventory(detail(disk("o"), power="stopped"))) is False
    assert taken(step, inventory(detail(disk("o"), power="deallocated"))) is True
    assert taken(step, inventory(detail(disk("n"), attached={"os": "n"}))) is True


def test_detached_is_when_nothing_is_in_the_way() -> None:
    step = _step("detach", disks={"os": "n", "lun0": "m"})
    assert taken(step, inventory(detail(disk("n"), disk("m"), attached={"os": "o", "lun0": "d"}))) is False
    assert taken(step, inventory(detail(disk("n"), disk("m"), attached={"os": "o", "lun0": "m"}))) is True
    assert taken(step, inventory(detail(disk("n"), disk("m"), attached={"os": "o"}))) is True


# How a disk was held --------------------------------------------------------------------------------------------------


def _made(run: str, replaces: str = "rg/o", **tags: str) -> Any:
    return disk(f"v-os-{run}", run=run, state="pending", replaces=replaces, **tags)


@pytest.mark.parametrize(
    ("disks", "told"),
    [
        ((), "ReadOnly/Delete/"),  # as the VM shows it
        ((_made("r", held="None/Detach/"),), "None/Detach/"),  # as this run found it
        ((_made("q", held="ReadWrite/Delete/"),), "ReadWrite/Delete/"),  # as one before it did
        ((_made("r", held="None/Detach/"), _made("q", held="ReadWrite/Delete/")), "None/Detach/"),
        ((_made("q", "rg/other", held="ReadWrite/Delete/"),), "ReadOnly/Delete/"),  # which was another disk
        ((_made("r"),), "ReadOnly/Delete/"),
    ],
)
def test_how_a_disk_was_held_before_anything_was_changed(disks: tuple[Any, ...], told: str) -> None:
    assert was_held(detail(disk("o"), disk("other"), *disks, held=DELETE), "os", "v-os-r") == told


def test_a_disk_that_is_nowhere_was_held_nowhere() -> None:
    assert was_held(detail(attached={}), "os", "v-os-r") == ""


def test_what_goes_with_the_vm_does_so_again_when_it_is_put_back() -> None:
    step = _step("start", disks={"os": "v-os-r"})
    for held, ops in ((DELETE, ["deallocate", "detach", "swap_back", "release", "start"]), (None, None)):
        back = amends(step, inventory(detail(disk("o"), held=held)))
        assert [each.about["op"] for each in back] == (ops or ["deallocate", "detach", "swap_back", "start"])
        assert back[0].about["held"] == {"os": "ReadOnly/Delete/" if held else "//"}


def test_it_runs_again_where_an_earlier_run_had_switched_it_off() -> None:
    step = _step("start", disks={"os": "v-os-r"})
    for made, starts in (
        (_made("q", power="on"), True),
        (_made("q", power="off"), False),
        (_made("r", power="on"), True),
        (_made("r", power="off"), False),
    ):
        ops = [each.about["op"] for each in amends(step, inventory(detail(disk("o"), made), "off"))]
        assert ("start" in ops) is starts


# Where it stands ------------------------------------------------------------------------------------------------------


def _stands(op: str, of: Detail, now: Power = "on", before: Power = "on") -> str:
    return standing(_step(op), inventory(detail(), before), inventory(of, now))


def test_before_it_was_switched_off_there_is_nothing_to_tell() -> None:
    assert _stands("create_disk", detail(disk("o"))) == ""
    assert _stands("keep", detail(disk("o"), _made("r"))) == ""
    assert _stands("create_disk", detail(disk("o")), "off", "off") == ""


def test_a_run_that_is_taken_up_may_have_it_off_already() -> None:
    of = detail(disk("o"), _made("r", power="on"))
    told = "The VM is off; it ran when the restore began, with old disk at os (o)."
    assert _stands("create_disk", of, "off", "off") == told
    assert _stands("start", of, "off", "off") == told


def test_each_place_is_told() -> None:
    data = disk("v-lun0-r", run="r"), disk("v-lun1-r", run="r")
    of = detail(_made("r"), *data, attached={"os": "v-os-r", "lun0": "d"}, power="starting")
    assert _stands("start", of, "unknown") == (
        'The VM is shown as "starting"; it ran when the restore began, with new disk at os (v-os-r) '
        "and old disk at lun0 and no disk at lun1."
    )
    untold = detail(_made("r"), attached={"os": "v-os-r"}, power="")
    assert _stands("start", untold, "unknown") == (
        "The VM is not shown as on or off; it ran when the restore began, with new disk at os (v-os-r)."
    )
    assert _stands("deallocate", detail(), "on") == "The VM is running, with the disks that it had."
