# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore in place, decided without a network: which run it is, and which of its steps are left to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import ArmId
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import RestorePlan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    InvalidInput,
    MissingCheckpoint,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Step
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import RestoreRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.plan import (
    _is_from,
    restore_steps,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.runs import disks_of
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import AzureVmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.steps import MakeCollection
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import short_hash
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    POINT,
    SOURCE,
    TARGET,
    WHO,
    detail,
    disk,
    inventory,
    made_of,
)


def _steps(of: AzureVmState, power: Power = "on", **spec: Any) -> list[str]:
    staged = restore_steps(RestoreRequest(name="p", **spec), inventory(of, power), lambda: TARGET, power)
    return [str(step.about()["op"]) for step in staged.steps]


def test_the_whole_way_and_a_vm_that_stays_off() -> None:
    assert _steps(detail(disk("o"))) == ["create_disk", "deallocate", "swap", "start", "finish"]
    assert _steps(detail(disk("o")), "off") == ["create_disk", "deallocate", "swap", "finish"]
    assert _steps(detail(disk("o")), "off", power_after="on")[-2:] == ["start", "finish"]
    assert _steps(detail(disk("o")), power_after="off")[-2:] == ["swap", "finish"]
    assert _steps(detail(disk("o")), old_disks="delete")[-2:] == ["delete_disk", "finish"]


def _keyed(of: AzureVmState, *points: Checkpoint) -> RestorePlan:
    def target() -> Checkpoint:
        if not points:
            raise MissingCheckpoint("nothing to restore")
        return points[0]

    return restore_steps(RestoreRequest(name="p", restore_key="k"), inventory(of, points=points), target, "on")


def _made(run: str, source: str | None = SOURCE, state: str = "pending", **more: str) -> DiskEntity:
    members = more | ({} if source is None else {"source": short_hash(source)})
    return disk(f"v-os-{run}", run=run, state=state, point="c/p", power="on", replaces="rg/o", **members)


def _run_of(staged: RestorePlan) -> str:
    return str(staged.steps[0].about()["run"])


def test_a_keyed_run_whose_point_has_gone_before_the_swap_restores_nothing() -> None:
    run = _run_of(_keyed(detail(disk("o")), TARGET))
    with pytest.raises(MissingCheckpoint):
        _keyed(detail(disk("o"), _made(run), point=False))


@pytest.mark.parametrize("source", ["/of/the/point/before", None])
def test_a_keyed_run_begins_anew_where_its_point_was_made_anew(source: str | None) -> None:
    run = _run_of(_keyed(detail(disk("o")), TARGET))
    anew = _keyed(detail(disk("o"), _made(run, source)), TARGET)
    assert (anew.resumed, _run_of(anew) != run) == (False, True)
    assert [each.about()["op"] for each in anew.steps] == [
        *("create_disk", "deallocate", "swap", "start"),
        *("give_up", "finish"),
    ]
    assert anew.steps[4].about()["disk"] == f"v-os-{run}"
    # Also once it is marked so; and the run in its place is taken up like any other.
    for state in ("pending", "given-up"):
        second = _made(_run_of(anew))
        taken_up = _keyed(detail(disk("o"), _made(run, source, state), second), TARGET)
        assert (taken_up.resumed, _run_of(taken_up)) == (True, _run_of(anew))


def test_a_swapped_run_ends_although_its_point_has_gone() -> None:
    run = _run_of(_keyed(detail(disk("o")), TARGET))
    staged = _keyed(detail(disk("o"), _made(run), attached={"os": f"v-os-{run}"}, point=False))
    assert (staged.target, staged.resumed) == (None, True)
    assert [each.about()["op"] for each in staged.steps] == ["finish"]
    ended = _keyed(detail(disk("o"), _made(run, state="done"), point=False))
    assert (ended.steps, "has ended" in ended.done) == ((), True)


def test_what_is_replaced_has_been_restored_to_and_what_never_was_attached_is_given_up_unless_keyed() -> None:
    stood, left, keyed = _made("stood"), _made("left"), _made("keyed", keyed="yes")
    of = detail(disk("o"), stood, left, keyed, attached={"os": "v-os-stood"})
    steps = restore_steps(RestoreRequest(name="p", restore_key="k"), inventory(of), lambda: TARGET, "on").steps
    ends = {each.about()["disk"]: each.about()["op"] for each in steps if each.about()["op"] in ("finish", "give_up")}
    assert ends == {"v-os-stood": "finish", "v-os-left": "give_up", f"v-os-{steps[0].about()['run']}": "finish"}
    # Also when it is the run behind it that marks it: what it replaced is known by its own disks.
    run = str(steps[0].about()["run"])
    mine = disk(f"v-os-{run}", run=run, state="pending", replaces="rg/v-os-stood", source=short_hash(SOURCE))
    of = detail(disk("o"), stood, left, keyed, mine, attached={"os": f"v-os-{run}"})
    steps = restore_steps(RestoreRequest(name="p", restore_key="k"), inventory(of), lambda: TARGET, "on").steps
    assert {each.about()["disk"]: each.about()["op"] for each in steps} == ends


def test_the_same_run_is_taken_up_with_the_power_it_began_with() -> None:
    first = restore_steps(RestoreRequest(name="p"), inventory(detail(disk("o"))), lambda: TARGET, "on")
    run = str(first.steps[0].about()["run"])
    made = _made(run)
    again = restore_steps(RestoreRequest(name="p"), inventory(detail(disk("o"), made), "off"), lambda: TARGET, "off")
    assert again.resumed is True
    assert [each.about()["op"] for each in again.steps] == ["deallocate", "swap", "start", "finish"]
    assert {each.about()["run"] for each in again.steps} == {run}


def test_a_swapped_run_that_has_not_ended_goes_on() -> None:
    """Also when the task asks for nothing that names the run: it is known by the disks the VM is on."""
    made = _made("r")
    of = detail(disk("o"), made, attached={"os": "v-os-r"})
    staged = restore_steps(RestoreRequest(name="p"), inventory(of), lambda: TARGET, "on")
    assert (staged.resumed, [step.about()["op"] for step in staged.steps]) == (True, ["finish"])
    assert staged.target == TARGET


def test_a_disk_that_a_restore_of_another_vm_has_made_tells_nothing_of_this_one() -> None:
    """It was moved over; its run is not this VM's."""
    theirs = disk("w-lun0-t", run="t", state="pending", vm="another VM")
    of = detail(disk("o"), theirs, attached={"os": "o", "lun0": "w-lun0-t"})
    staged = restore_steps(RestoreRequest(name="p"), inventory(of), lambda: TARGET, "on")
    assert _run_of(staged) not in ("t", "")


def test_planning_anew_a_task_stays_with_the_run_that_it_has_begun() -> None:
    """Ended by another controller meanwhile it is the end; a second restore would take fresh disks."""
    spec = RestoreRequest(name="p")
    run = _run_of(restore_steps(spec, inventory(detail(disk("o"))), lambda: TARGET, "on"))
    ended = detail(disk("o"), _made(run, state="done"), attached={"os": f"v-os-{run}"})
    staged = restore_steps(spec, inventory(ended), lambda: TARGET, "on", run)
    assert (staged.steps, "ended by another task" in staged.done) == ((), True)
    half = detail(disk("o"), _made(run), attached={"os": f"v-os-{run}"})
    staged = restore_steps(spec, inventory(half), lambda: TARGET, "on", run)
    assert ([each.about()["op"] for each in staged.steps], staged.resumed) == (["finish"], True)


def test_an_interrupted_run_tells_that_the_vm_was_on() -> None:
    of = detail(disk("o"), _made("other", keyed="yes"))
    staged = restore_steps(RestoreRequest(name="p", restore_key="k"), inventory(of, "off"), lambda: TARGET, "off")
    assert "start" in [each.about()["op"] for each in staged.steps]
    assert "counts as on" in staged.warnings[0]


def test_a_vm_that_is_on_counts_as_on_by_itself() -> None:
    of = detail(disk("o"), _made("other", keyed="yes"))
    staged = restore_steps(RestoreRequest(name="p", restore_key="k"), inventory(of, "on"), lambda: TARGET, "on")
    assert "start" in [each.about()["op"] for each in staged.steps]
    assert not any("counts as on" in text for text in staged.warnings)


def test_a_point_that_lacks_a_disk_restore_point_is_refused() -> None:
    of = detail(disk("o"), source=None)
    with pytest.raises(MissingCheckpoint, match="lacks the disk restore point of os"):
        restore_steps(RestoreRequest(name="p"), inventory(of), lambda: TARGET, "on")


def test_every_disk_that_is_left_behind_is_looked_after() -> None:
    """A VM with data disks: they are kept, detached first, and the old ones go."""
    data = {"os": "o", "lun0": "d", "lun5": "e"}
    of = detail(
        *(disk("o"), disk("d"), disk("e")), attached=data, also={"lun0": "d"}, held={"lun0": {"deleteOption": "Delete"}}
    )
    assert _steps(of, old_disks="delete") == [
        *("create_disk", "create_disk", "keep", "deallocate", "detach", "swap", "start"),
        *("delete_disk", "delete_disk", "finish", "finish"),
    ]
    staged = restore_steps(RestoreRequest(name="p"), inventory(of), lambda: TARGET, "on")
    assert staged.warnings == ("the point holds no lun5; what is attached there stays as it is.",)
    assert "terms" not in staged.steps[0].about()
    asked = restore_steps(RestoreRequest(name="p", old_disks="delete"), inventory(of), lambda: TARGET, "on")
    assert asked.steps[0].about()["terms"] == {"old_disks": "delete"}


def test_tags_without_room_are_reported() -> None:
    many = {f"t{number:02}": "x" for number in range(42)}
    old = disk("o").model_copy(update={"tags": many})
    (warning,) = restore_steps(RestoreRequest(name="p"), inventory(detail(old)), lambda: TARGET, "on").warnings
    assert warning.endswith("for the tags t40, t41 of rg/o.")


def test_a_disk_that_another_run_has_detached_comes_back_as_it_was_held() -> None:
    left = disk("v-lun3-q", run="q", state="pending", replaces="rg/d", held="ReadOnly/Delete/")

    def planned(*more: DiskEntity, **attached: str) -> tuple[Step, str]:
        of = detail(disk("o"), *more, left, attached={"os": "o", **attached})
        staged = restore_steps(RestoreRequest(name="p"), inventory(of), lambda: TARGET, "on")
        return next(step for step in staged.steps if step.about()["op"] == "swap"), "".join(staged.warnings)

    swap, text = planned(disk("d", run="earlier", state="done"))
    assert swap.about()["disks"]["lun3"] == "rg/d"
    assert swap.about()["held"] == {"lun3": "ReadOnly/Delete/"}
    assert "has detached lun3; rg/d comes back there" in text
    # A tag is a claim: a disk that nothing else knows as the VM's is not attached to it, nor one that is gone.
    for (swap, text), said in (
        (planned(disk("d")), "seems to have detached lun3 (rg/d); attach it by hand"),
        (planned(), ""),
        (planned(disk("d"), lun3="e"), "no lun3; what is attached there stays"),
    ):
        assert "lun3" not in swap.about()["disks"]
        assert "held" not in swap.about()
        assert said in text
        assert "comes back" not in text


def test_the_start_is_the_same_step_before_and_after_such_a_disk_has_come_back() -> None:
    """An approval covers it by what it is about, and after the swap nothing tells any more what had been detached."""
    left = disk("v-lun3-q", run="q", state="pending", replaces="rg/v-lun3-e", power="on", keyed="yes")
    old = disk("v-lun3-e", run="e", state="done")

    def start(*more: DiskEntity, **attached: str) -> object:
        of = inventory(detail(disk("o"), old, left, *more, attached=attached, power="deallocated"), "off")
        staged = restore_steps(RestoreRequest(name="p"), of, lambda: TARGET, "off")
        runs.append(_run_of(staged))
        return next(step.id for step in staged.steps if step.about()["op"] == "start")

    runs: list[str] = []
    before = start(os="o")
    assert start(_made(runs[0]), os=f"v-os-{runs[0]}", lun3="v-lun3-e") == before


def test_what_is_marked_does_not_have_to_be_marked_where_it_goes() -> None:
    stood = _made("stood")
    of = detail(disk("o"), stood, attached={"os": "v-os-stood"})
    spec = RestoreRequest(name="p", restore_key="k", old_disks="delete")
    steps = restore_steps(spec, inventory(of), lambda: TARGET, "on").steps
    about = [(step.about()["op"], step.about()["disk"]) for step in steps if "disk" in step.about()][1:]
    assert about == [("delete_disk", "rg/v-os-stood"), ("finish", steps[0].about()["disk"])]


def test_a_key_names_one_restore() -> None:
    other = Checkpoint(f"{POINT}2", "p2")
    run = _run_of(_keyed(detail(disk("o")), TARGET))
    of = inventory(detail(disk("o"), _made(run)), points=(TARGET, other))
    for spec in (
        RestoreRequest(name="p2", restore_key="k"),
        RestoreRequest(checkpoint_id=f"{POINT}2", restore_key="k"),
    ):
        with pytest.raises(InvalidInput, match="it was used for a restore to p"):
            restore_steps(spec, of, lambda: other, "on")
    same = RestoreRequest(checkpoint_id=POINT, restore_key="k")
    assert restore_steps(same, of, lambda: TARGET, "on").resumed is True
    gone = RestoreRequest(checkpoint_id="gone", restore_key="k")
    assert restore_steps(gone, of, lambda: TARGET, "on").resumed is True


def test_another_restore_that_has_swapped_and_not_ended_is_set_aside() -> None:
    """This one begins from where the VM is, and remembers that it ran."""
    theirs = disk("v-os-t", run="t", state="pending", power="on", **{"point-id": short_hash(f"{POINT}2")})
    of = detail(disk("o"), theirs, attached={"os": "v-os-t"}, power="deallocated")
    staged = restore_steps(RestoreRequest(name="p"), inventory(of, "off"), lambda: TARGET, "off")
    assert staged.resumed is False
    assert "start" in [step.about()["op"] for step in staged.steps]
    assert staged.warnings == ()


def test_an_unfinished_run_to_that_point_is_taken_up_whatever_disks_it_began_from() -> None:
    staged = restore_steps(RestoreRequest(name="p"), inventory(detail(disk("o"), _made("u"))), lambda: TARGET, "on")
    assert (_run_of(staged), staged.resumed) == ("u", True)


def _without_key(of: AzureVmState, power: Power = "off", **spec: Any) -> RestorePlan:
    """No key, and no such point any more."""

    def target() -> Checkpoint:
        raise MissingCheckpoint("nothing to restore", remedy="Look again.")

    return restore_steps(RestoreRequest(**spec), inventory(of, power, points=()), target, power)


def _swapped(point: str = "c/p") -> AzureVmState:
    """A run without a key has swapped and not ended; its point has gone."""
    tags = {"point": point, "point-id": short_hash(POINT)}
    made = disk("v-os-r", run="r", state="pending", power="on", replaces="rg/o", **tags)
    return detail(disk("o"), made, attached={"os": "v-os-r"}, point=False, power="deallocated")


@pytest.mark.parametrize("spec", [{"name": "p"}, {"name": "P", "select": "latest"}, {"checkpoint_id": POINT.upper()}])
def test_without_a_key_too_a_swapped_run_ends_although_its_point_has_gone(spec: dict[str, Any]) -> None:
    staged = _without_key(_swapped(), **spec)
    assert (staged.target, staged.resumed) == (None, True)
    assert [each.about()["op"] for each in staged.steps] == ["start", "finish"]


def test_also_where_its_whole_collection_has_gone() -> None:
    gone = replace(_swapped("c/p-20261120T020000Z-9f2c41d07ab3"), collection=None)
    make = MakeCollection(WHO, "", ArmId("s", "rg", "Microsoft.Compute/restorePointCollections", "c"), "l")
    of = replace(inventory(gone, "off", points=()), prelude=(make,))

    def target() -> Checkpoint:
        raise MissingCheckpoint("nothing to restore")

    assert restore_steps(RestoreRequest(name="p"), of, target, "off").resumed is True
    with pytest.raises(MissingCheckpoint, match="nothing to restore"):
        restore_steps(RestoreRequest(name="p"), replace(of, prelude=()), target, "off")


@pytest.mark.parametrize(
    ("spec", "point"),
    [
        ({"name": "other"}, "c/p"),
        ({"name": "p"}, "elsewhere/p"),
        ({"checkpoint_id": f"{POINT}2"}, "c/p"),
        ({"select": "latest"}, "c/p"),  # which that was, nobody knows any more
    ],
)
def test_one_to_another_point_is_reported_with_where_it_has_left_the_vm(spec: dict[str, Any], point: str) -> None:
    with pytest.raises(MissingCheckpoint) as caught:
        _without_key(_swapped(point), **spec)
    assert caught.value.notes == [
        f"A restore to {point} has begun and not ended. "
        "The VM is off; it ran when the restore began, with new disk at os (v-os-r)."
    ]
    assert caught.value.remedy == (
        'Run the restore to "p" again: it ends without its restore point. Or restore to another checkpoint.'
    )


def test_a_point_that_is_shown_without_its_disks() -> None:
    with pytest.raises(BadResponse, match="shown without its disks"):
        restore_steps(RestoreRequest(name="p"), inventory(detail(disk("o"), point=False)), lambda: TARGET, "on")


@pytest.mark.parametrize(
    ("power", "attached", "expected"),
    [
        ("running", {"os": "o"}, "or remove those disks."),
        ("deallocated", {"os": "o"}, "To have the VM as it was: start the VM."),
        ("deallocated", {}, "To have the VM as it was: attach o again, start the VM."),
    ],
)
def test_what_a_run_without_its_point_has_left_is_reported(power: str, attached: dict[str, str], expected: str) -> None:
    of = detail(disk("o"), _made("left"), attached=attached, point=False, power=power)
    with pytest.raises(MissingCheckpoint, match="An earlier restore has begun") as caught:
        _keyed(of)
    assert caught.value.remedy.endswith(expected)


def test_without_a_point_and_without_a_run_there_is_nothing_more_to_tell() -> None:
    with pytest.raises(MissingCheckpoint) as caught:
        _keyed(detail(disk("o"), point=False))
    assert (caught.value.notes, caught.value.remedy) == ([], "")


def test_a_run_names_its_point_by_collection_and_name() -> None:
    staged = restore_steps(RestoreRequest(name="p"), inventory(detail(disk("o"))), lambda: TARGET, "on")
    assert {each.run.point for each in staged.steps} == {"c/p"}


def test_disks_of_which_only_some_come_from_the_point_are_not_of_it() -> None:
    """The point was made anew: one of its disk restore points is another one by now."""
    run = _run_of(_keyed(detail(disk("o"), disk("d"), also={"lun0": "d"}, attached={"os": "o", "lun0": "d"}), TARGET))
    data = disk(f"v-lun0-{run}", run=run, state="pending", source=short_hash("/of/the/point/before"), replaces="rg/d")
    of = detail(disk("o"), disk("d"), _made(run), data, also={"lun0": "d"}, attached={"os": "o", "lun0": "d"})
    assert not _is_from(of, disks_of(of, run), TARGET)
    fitting = data.model_copy(
        update={"tags": {**(data.tags or {}), "hybridvm-restore-source": short_hash(made_of("d"))}}
    )
    whole = detail(disk("o"), disk("d"), _made(run), fitting, also={"lun0": "d"}, attached={"os": "o", "lun0": "d"})
    assert _is_from(whole, disks_of(whole, run), TARGET)
    assert not _is_from(detail(disk("o"), _made(run), point=False), disks_of(whole, run), TARGET)
    assert _is_from(of, disks_of(of, "none"), TARGET)


def test_a_point_need_not_be_whole_for_disks_that_are_made_already() -> None:
    run = _run_of(_keyed(detail(disk("o")), TARGET))
    for made, refused in (((), True), ((_made(run),), False)):
        of = detail(disk("o"), *made)
        assert of.collection is not None
        document = of.collection.model_dump(mode="json")
        document["properties"]["restorePoints"][0]["properties"]["provisioningState"] = "Updating"
        busy = replace(of, collection=type(of.collection).model_validate(document))
        if refused:
            with pytest.raises(MissingCheckpoint, match="restore point p cannot be restored: it is updating"):
                _keyed(busy, TARGET)
        else:
            assert _keyed(busy, TARGET).resumed
