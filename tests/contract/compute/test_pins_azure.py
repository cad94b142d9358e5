# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pins of restore points: a tag of their collection, and a lock where the service itself is to enforce them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from simulator.azure.model import Lock
from tests.contract.checkpoints.scenarios import code
from tests.contract.compute.azure_harness import (
    HOME,
    azure_vm,
    checkpoint,
    collection,
    done,
    fail_next,
    failed,
    make_lab,
    names,
    point,
    points,
)
from tests.support.lab import Lab, Result
from tests.support.wire import Killed

TAG = "hybridvm-pin-before"


def tags(lab: Lab) -> dict[str, str]:
    """The tags of shop01's collection that pin a point."""
    found = next(each for each in lab.world.azure.collections.values() if each.name == HOME)
    return {name: value for name, value in found.tags.items() if name.startswith("hybridvm-pin-")}


def locks(lab: Lab) -> list[str]:
    """The points that a pin's lock lies on."""
    return [each.scope.rpartition("/")[2] for each in lab.world.azure.locks if each.name == "hybridvm-pin"]


def pin(result: Result) -> tuple[bool, str | None]:
    return result["checkpoint"]["pinned"], result["checkpoint"]["pin_until"]


def sent(lab: Lab) -> list[tuple[str, str]]:
    """Each write: its method, and what it went to."""
    return [(request.method, request.url.path.rpartition("/providers/")[2]) for request in lab.sent()]


def before(lab: Lab) -> str:
    """The id of the point "before"."""
    return f"{lab.world.azure.resource_id('restorePointCollections', HOME)}/restorePoints/before"


def test_a_pin_is_set_changed_and_lifted_by_one_tag() -> None:
    lab = make_lab()
    created = checkpoint(lab, name="before")["checkpoint"]["created"]
    for options, expected, value in (
        ({"pin": True}, (True, None), f"created={created}"),
        (
            {"pin": True, "pin_until": "2027-01-01T00:00:00Z"},
            (True, "2027-01-01T00:00:00Z"),
            f"until=2027-01-01T00:00:00Z created={created}",
        ),
        ({"pin": False}, (False, None), None),
    ):
        planned = done(checkpoint(lab, name="before", check=True, **options))
        result = done(checkpoint(lab, name="before", expected_plan=planned["plan"], **options))
        assert (planned["changed"], result["changed"]) == (True, True)
        assert pin(planned) == pin(result) == expected
        assert tags(lab) == ({} if value is None else {TAG: value})
        assert planned["diff"] == result["diff"]
        writes = lab.writes()
        for check in (True, False):
            again = done(checkpoint(lab, name="before", check=check, **options))
            assert (again["changed"], pin(again)) == (False, expected)
        assert lab.writes() == writes
    assert [json.loads(request.content)["operation"] for request in lab.sent()] == ["Merge", "Merge", "Delete"]
    assert {request.url.path.rpartition("/providers/")[2] for request in lab.sent()} == {
        "Microsoft.Resources/tags/default"
    }
    found = next(each for each in lab.world.azure.collections.values() if each.name == HOME)
    assert found.tags == {"hybridvm-checkpoints": "managed"}


@pytest.mark.parametrize("options", [{}, {"max_age": "1h"}])
@pytest.mark.parametrize("exists", [True, False])
def test_a_new_point_is_made_then_pinned_then_locked(options: dict[str, Any], exists: bool) -> None:
    lab = make_lab(point=exists)
    given: dict[str, Any] = {"name": "held", "pin": True, "pin_until": "30d", "pin_lock": True, **options}
    planned = done(checkpoint(lab, check=True, **given))
    result = done(checkpoint(lab, expected_plan=planned["plan"], **given))
    name = result["checkpoint"]["name"]
    assert [action["action"] for action in planned["plan"]["actions"]][-3:] == ["create", "update", "update"]
    assert "[pinned until 30d]" in planned["diff"]["after"]
    assert [method for method, _path in sent(lab)][-3:] == ["PUT", "PATCH", "PUT"]
    assert list(tags(lab)) == [f"hybridvm-pin-{name.lower()}"]
    assert locks(lab) == [name]
    assert result["checkpoint"]["pinned"] is True
    created, until = result["checkpoint"]["created"], result["checkpoint"]["pin_until"]
    assert (created[:8], until[:8]) == ("2026-11-", "2026-12-")
    assert created[10:] == until[10:]
    writes = lab.writes()
    for check in (True, False):
        again = done(checkpoint(lab, check=check, **given))
        assert (again["changed"], again["checkpoint"]["name"]) == (False, name)
    assert lab.writes() == writes
    shown = lab.run("vm_checkpoint_info", vm=lab.azure_vm)["checkpoints"]
    assert {each["name"]: each["pinned"] for each in shown}[name] is True


@pytest.mark.parametrize("check", [True, False])
def test_what_is_pinned_goes_by_its_id_alone(check: bool) -> None:
    lab = make_lab()
    done(checkpoint(lab, name="before", pin=True, pin_lock=True))
    writes = lab.writes()
    for options in ({"name": "before"}, {"checkpoint_id": before(lab)}, {"name": "before", "on_ambiguous": "all"}):
        message = failed(checkpoint(lab, check=check, state="absent", **options), "pinned")
        assert '"before"' in message
        assert "ignore_pin: true" in message
    assert lab.writes() == writes
    result = done(checkpoint(lab, check=check, state="absent", checkpoint_id=before(lab), ignore_pin=True))
    assert result["changed"] is True
    if check:
        assert (names(lab), lab.writes()) == (["before"], writes)
        return
    assert (names(lab), tags(lab), locks(lab)) == ([], {}, [])
    assert [method for method, _path in sent(lab)[writes:]] == ["DELETE", "PATCH", "DELETE"]


@pytest.mark.parametrize("check", [True, False])
def test_restore_point_honours_pins_too(check: bool) -> None:
    lab = make_lab()
    done(checkpoint(lab, name="before", pin=True))
    writes = lab.writes()
    message = failed(point(lab, check=check, name="BEFORE", state="absent"), "pinned")
    assert "ignore_pin: true" in message
    assert lab.writes() == writes
    result = done(point(lab, check=check, name="before", state="absent", ignore_pin=True))
    assert (result["changed"], names(lab)) == (True, ["before"] if check else [])


@pytest.mark.parametrize("check", [True, False])
def test_a_collection_does_not_take_pinned_points_with_it_nor_lose_their_tags(check: bool) -> None:
    lab = make_lab()
    done(checkpoint(lab, name="before", pin=True))
    writes = lab.writes()
    message = failed(collection(lab, check=check, state="absent", force=True), "pinned")
    assert "before" in message
    assert lab.writes() == writes
    done(collection(lab, check=check, tags={"owner": "me"}, append_tags=False))
    assert list(tags(lab)) == [TAG]
    assert done(collection(lab, tags={"owner": "me"}, append_tags=False))["changed"] is check


def test_supersede_leaves_what_is_pinned() -> None:
    lab = make_lab(point=False)
    done(checkpoint(lab, name="series", max_age="1h", pin=True))
    for _turn in range(2):
        lab.advance(7200)
        done(checkpoint(lab, name="series", max_age="1h", supersede=True))
    assert len(names(lab)) == 2


def test_a_point_that_is_made_anew_under_the_name_is_not_pinned() -> None:
    lab = make_lab()
    done(checkpoint(lab, name="before", pin=True))
    points(lab)[0].created += 5
    assert lab.run("vm_checkpoint_info", vm=lab.azure_vm)["checkpoints"][0]["pinned"] is False
    done(checkpoint(lab, name="before", pin=True))
    assert lab.run("vm_checkpoint_info", vm=lab.azure_vm)["checkpoints"][0]["pinned"] is True


@pytest.mark.parametrize("value", ["", "true", "until=soon", "until=2026-13-01T00:00:00Z", "until=2020"])
def test_a_tag_that_cannot_be_read_pins(value: str) -> None:
    lab = make_lab()
    next(iter(lab.world.azure.collections.values())).tags["HybridVM-Pin-Before"] = value
    assert code(checkpoint(lab, name="before", state="absent")) == "pinned"
    assert pin(done(checkpoint(lab, name="before", pin=False))) == (False, None)
    assert done(checkpoint(lab, name="before", state="absent"))["changed"] is True


def test_a_pin_that_has_ended_is_none_and_nothing_is_sent_again() -> None:
    lab = make_lab()
    given: dict[str, Any] = {"name": "before", "pin": True, "pin_lock": True, "pin_until": "2026-11-21T00:00:00Z"}
    done(checkpoint(lab, **given))
    lab.advance(86400)
    writes = lab.writes()
    over = done(checkpoint(lab, name="before", pin=True, pin_until="2026-11-21T00:00:00Z", check=True))
    assert "pin_until has passed" in over["warnings"][0]
    assert done(checkpoint(lab, name="before"))["checkpoint"]["pinned"] is False
    assert lab.writes() == writes
    assert done(checkpoint(lab, name="before", state="absent"))["changed"] is True
    assert (names(lab), [method for method, _path in sent(lab)[writes:]]) == ([], ["DELETE", "DELETE"])


def test_the_service_enforces_a_locked_pin_against_others() -> None:
    lab = make_lab()
    done(checkpoint(lab, name="before", pin=True, pin_lock=True))
    found = next(iter(lab.world.azure.collections.values()))
    del found.tags[TAG]
    message = failed(checkpoint(lab, name="before", state="absent"), "vm_state")
    assert 'the lock "hybridvm-pin" on before allows no deletion' in message
    assert done(checkpoint(lab, name="before", pin=False))["changed"] is True
    assert locks(lab) == []


def test_a_point_that_takes_no_lock_is_pinned_all_the_same() -> None:
    lab = make_lab(compute_point_lock="refused")
    message = failed(checkpoint(lab, name="held", pin=True, pin_lock=True), "refused")
    assert 'Checkpoint "held"' in message
    assert "is not locked, though pinned" in message
    assert list(tags(lab)) == ["hybridvm-pin-held"]
    assert done(checkpoint(lab, name="held", pin=True))["changed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_restore_point_leaves_the_lock_of_a_pin_to_the_pin(check: bool) -> None:
    lab = make_lab()
    done(checkpoint(lab, name="before", pin=True, pin_lock=True))
    message = failed(point(lab, check=check, name="before", state="absent", ignore_pin=True), "vm_state")
    assert "Lift the pin with vm_checkpoint, pin: false" in message
    assert names(lab) == ["before"]


@pytest.mark.parametrize("check", [True, False])
def test_a_failed_point_that_is_pinned_is_not_made_again(check: bool) -> None:
    lab = make_lab()
    done(checkpoint(lab, name="before", pin=True))
    points(lab)[0].state = "Failed"
    writes = lab.writes()
    assert code(checkpoint(lab, check=check, name="before")) == "pinned"
    assert code(point(lab, check=check, name="before")) == "pinned"
    assert lab.writes() == writes


def test_a_lock_that_nobody_enforces_changes_nothing_for_us() -> None:
    lab = make_lab(compute_point_lock="ignored")
    done(checkpoint(lab, name="before", pin=True, pin_lock=True))
    assert code(checkpoint(lab, name="before", state="absent")) == "pinned"
    assert done(checkpoint(lab, checkpoint_id=before(lab), state="absent", ignore_pin=True))["changed"] is True


def test_a_pin_that_fails_says_that_the_point_is_there_and_the_next_run_pins_it() -> None:
    lab = make_lab()
    lab.world.azure.forbidden = ["Microsoft.Resources/tags/write"]
    result = checkpoint(lab, name="held", pin=True)
    message = failed(result, "forbidden")
    assert "Microsoft.Resources/tags/write" in message
    assert 'Checkpoint "held"' in message
    assert 'Done before: creating checkpoint "held". Checkpoint "held" (/subscriptions/' in message
    assert "/restorePoints/held) is not pinned." in message
    assert "Nothing was changed" not in message
    assert (result["changed"], result["checkpoint"]["pinned"], names(lab)) == (True, False, ["before", "held"])
    lab.world.azure.forbidden = []
    again = done(checkpoint(lab, name="held", pin=True))
    assert (again["changed"], pin(again), names(lab)) == (True, (True, None), ["before", "held"])


@pytest.mark.parametrize("when", ["watch", "heard"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_killed_at_each_write_the_next_run_ends_with_one_pinned_point(number: int, when: str) -> None:
    lab = make_lab()

    def strike(request: httpx.Request) -> None:
        if len(lab.sent()) == number and request is lab.sent()[-1]:
            raise Killed

    setattr(lab, when, strike)
    given: dict[str, Any] = {"name": "held", "pin": True, "pin_lock": True}
    with pytest.raises(Killed):
        checkpoint(lab, **given)
    lab.undisturbed()
    lab.advance(600)
    result = done(checkpoint(lab, **given))
    assert (pin(result), names(lab), locks(lab)) == ((True, None), ["before", "held"], ["held"])
    assert done(checkpoint(lab, **given))["changed"] is False


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_lost_answer_is_settled_by_reading(method: str) -> None:
    lab = make_lab()
    path = "tags/default" if method == "PATCH" else "locks/hybridvm-pin"
    lab.world.faults.add(kind="lose_answer", method=method, path=path, count=1)
    result = done(checkpoint(lab, name="before", pin=True, pin_lock=True))
    assert (result["changed"], pin(result), list(tags(lab)), locks(lab)) == (True, (True, None), [TAG], ["before"])


def test_a_request_that_is_lost_is_not_sent_again_and_the_next_run_pins() -> None:
    lab = make_lab()
    lab.world.faults.add(kind="lose_request", method="PATCH", path="tags/default", count=1)
    result = checkpoint(lab, name="held", pin=True)
    assert "/restorePoints/held) may not be pinned" in failed(result, "outcome_unknown")
    assert (len(lab.sent("PATCH")), tags(lab)) == (1, {})
    assert pin(done(checkpoint(lab, name="held", pin=True))) == (True, None)


def test_a_lock_is_lifted_although_the_first_request_is_lost() -> None:
    lab = make_lab()
    done(checkpoint(lab, name="before", pin=True, pin_lock=True))
    lab.world.faults.add(kind="lose_request", method="DELETE", path="locks/hybridvm-pin", count=1)
    assert pin(done(checkpoint(lab, name="before", pin=False))) == (False, None)
    assert locks(lab) == []


def test_tags_may_take_a_while() -> None:
    lab = make_lab(compute_tags_takes="20s")
    assert pin(done(checkpoint(lab, name="before", pin=True))) == (True, None)
    assert pin(done(checkpoint(lab, name="before", pin=False))) == (False, None)


def test_a_change_of_tags_that_fails_later_is_told() -> None:
    lab = make_lab(compute_tags_takes="5s")
    fail_next(lab, "tags", HOME)
    result = checkpoint(lab, name="held", pin=True)
    assert code(result) == "outcome_unknown"
    assert "/restorePoints/held) may not be pinned" in result["error"]["message"]


def test_where_tags_are_full_the_stale_ones_go_and_else_the_plan_refuses() -> None:
    lab = make_lab()
    found = next(iter(lab.world.azure.collections.values()))
    found.tags |= {f"t{number}": "x" for number in range(48)}
    found.tags["hybridvm-pin-gone"] = "created=2020-01-01T00:00:00Z"
    given: dict[str, Any] = {"name": "before", "pin": True}
    planned = done(checkpoint(lab, check=True, **given))
    assert planned["plan"]["actions"][1]["step"] == "remove 1 tags of pins that are over"
    result = done(checkpoint(lab, expected_plan=planned["plan"], **given))
    assert (result["changed"], list(tags(lab)), len(found.tags)) == (True, [TAG], 50)
    assert done(checkpoint(lab, **given))["changed"] is False
    for check in (True, False):
        message = failed(checkpoint(lab, check=check, name="held", pin=True), "vm_state")
        assert "its collection has 50 tags, 1 of them for pins, and Azure allows 50" in message
    assert names(lab) == ["before"]
    done(checkpoint(lab, name="before", pin=True, pin_until="1d"))


@pytest.mark.parametrize("check", [True, False])
def test_a_read_only_lock_on_the_collection_is_foreseen(check: bool) -> None:
    lab = make_lab()
    scope = lab.world.azure.resource_id("restorePointCollections", HOME)
    lab.world.azure.locks.append(Lock(scope, "keep", "ReadOnly"))
    message = failed(checkpoint(lab, check=check, name="before", pin=True), "vm_state")
    assert 'the lock "keep"' in message
    assert lab.writes() == 0


def test_somebody_else_s_point_in_somebody_else_s_collection_can_be_pinned() -> None:
    lab = make_lab()
    next(iter(lab.world.azure.collections.values())).tags.clear()
    result = done(checkpoint(lab, name="before", pin=True))
    assert (pin(result), result["checkpoint"]["managed"]) == ((True, None), False)
    assert azure_vm(lab).name == "shop01"
