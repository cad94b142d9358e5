# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What vm_checkpoint_info returns, whole: of VMs that were read, that could not be, and of what a scope lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pydantic
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Forbidden,
    InvalidInput,
    SignInRefused,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Leftover
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.concurrency import Levels
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import Scope
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import vm_checkpoint_info as task
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import NOW, ours, point
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

from .services import Opened, Service, context, later, machine, observed

MINE, THEIRS = ours("a1", "1h"), point("b2", "3h")
AZURE = "/subscriptions/22222222-0000-4000-8000-000000000002/resourceGroups/g/providers/Microsoft.Compute"


def info(monkeypatch: pytest.MonkeyPatch, opened: Opened | Service, **params: Any) -> dict[str, Any]:
    """The result of the task."""
    world = Opened(spf=opened) if isinstance(opened, Service) else opened
    monkeypatch.setattr(task, "Providers", world)
    return later(lambda: task.vm_checkpoint_info(params, context()))


def ids(found: dict[str, Any]) -> list[str]:
    return [each["id"] for each in found["checkpoints"]]


def refusal(found: dict[str, Any]) -> tuple[str, str]:
    """The message of the task and the code of its error."""
    return found["msg"], found["error"]["code"]


def unread(reference: str, error: CheckpointError | None, **fields: Any) -> dict[str, Any]:
    """The element of a VM of which nothing was read."""
    return {
        "vm": reference,
        "name": None,
        "vm_id": None,
        "provider": "spf",
        "status": "not_started" if error is None else "failed",
        "power": None,
        "checkpoint_count": None,
        "error": None if error is None else error.to_result(),
        **fields,
    }


def test_every_key_of_what_was_read_and_of_what_could_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    first = observed("a", MINE, THEIRS, power="on")
    world = Opened(spf=Service({"a": first, "b": Forbidden("no right.", status=403)}, seconds=0.617283))
    found = info(monkeypatch, world, vms=["a", "b", "c"], concurrency="1", wait_timeout="2m", spf_url="u")
    mine = {"vm": "a", "vm_name": "a", "vm_id": "id-a", "provider": "spf"}
    assert found == {
        "changed": False,
        "checkpoints": [mine | first.show(each) for each in (MINE, THEIRS)],
        "vms": [
            {
                "vm": "a",
                "name": "a",
                "vm_id": "id-a",
                "provider": "spf",
                "status": "read",
                "power": "on",
                "checkpoint_count": 2,
                "error": None,
            },
            unread("b", Forbidden("no right.", subject="vm b", status=403), name="b", vm_id="id-b"),
            unread("c", None) | {"status": "failed", "error": found["vms"][2]["error"]},
        ],
        "error": found["error"],
        "msg": "2 of 3 VMs could not be read; the first: vm b: no right. Each error is in vms.",
        "timing": {"total": 1.23},
    }
    assert (found["error"]["code"], found["vms"][2]["error"]["code"]) == ("some_failed", "not_found")
    # Nothing but the task's own time, bound and options is handed to the services, and they are closed.
    assert world.context.pressure is not None
    assert (world.deadline.total, world.params["spf_url"], world.is_closed) == (120.0, "u", True)


def test_the_trouble_of_a_service_bounds_what_is_read_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Opened(spf=Service({"a": observed("a")}))
    info(monkeypatch, world, vm="a", concurrency="7")
    pressure: Any = world.context.pressure
    assert pressure("s").reading.most == 7


@pytest.mark.parametrize(("on_error", "second"), [("continue", "read"), ("stop", "not_started"), ("report", "read")])
def test_what_an_error_leaves_of_the_others(monkeypatch: pytest.MonkeyPatch, on_error: str, second: str) -> None:
    service = Service({"a": Forbidden("no."), "b": observed("b", MINE)}, seconds=1.0)
    found = info(monkeypatch, service, vms=["a", "b"], on_error=on_error, concurrency="1")
    assert [each["status"] for each in found["vms"]] == ["failed", second]
    assert ids(found) == (["a1"] if second == "read" else [])
    if on_error == "report":
        assert found["warnings"] == ["1 of 2 VMs could not be read; the errors are in vms. The first: vm a: no."]
        assert "error" not in found
    else:
        assert refusal(found) == (
            "1 of 2 VMs could not be read; the first: vm a: no. Each error is in vms.",
            "some_failed",
        )


def test_of_one_vm_its_own_error_is_the_task_s(monkeypatch: pytest.MonkeyPatch) -> None:
    found = info(monkeypatch, Service({"a": Forbidden("no.", subject="collection c")}), vm="a")
    assert refusal(found) == ("collection c: no.", "forbidden")
    assert [(each["vm"], each["status"]) for each in found["vms"]] == [("a", "failed")]
    with pytest.raises(SignInRefused):
        info(monkeypatch, Service({"a": SignInRefused("no.")}), vm="a")


def test_a_reference_that_can_be_none_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    long = "x" * 1025
    broken = ["a\nb", long, f"{AZURE}/disks/d", " c"]
    service = Service({"a": observed("a", MINE)})
    found = info(monkeypatch, service, vms=[*broken, "a"], on_error="report")
    assert [(each["vm"], each["provider"], each["status"]) for each in found["vms"]] == [
        ("a b", "spf", "failed"),
        ("x" * 1023 + "…", "spf", "failed"),
        (f"{AZURE}/disks/d", None, "failed"),
        (" c", "spf", "failed"),
        ("a", "spf", "read"),
    ]
    assert [each["error"] and each["error"]["message"] for each in found["vms"]] == [
        "vms, element 1 of 5: is longer than 1024 characters or holds control characters.",
        "vms, element 2 of 5: is longer than 1024 characters or holds control characters.",
        f"vm {AZURE}/disks/d: Microsoft.Compute/disks is no VM that this release knows.",
        'vms, element 4 of 5: " c" begins or ends with white space.',
        None,
    ]
    assert service.asked == ["a for list"]


def test_the_longest_reference_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = "x" * 510 + "    " + "x" * 510
    found = info(monkeypatch, Service(), vms=[longest], on_error="report")
    assert found["vms"][0]["vm"] == longest


def test_an_empty_list_is_nothing_to_do_and_an_empty_scope_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"changed": False, "checkpoints": [], "vms": [], "timing": {"total": 0.0}}
    assert info(monkeypatch, Service(), vms=[]) == {
        **nothing,
        "warnings": ["vms is empty: there is nothing to do."],
    }
    assert info(monkeypatch, Service(), scope="spf") == nothing


def test_what_a_list_shows_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = observed("a", MINE, vm={"reference": "ref a", "provider": "compute"})
    plain = machine("b", reference="b")
    service = Service({"b": observed("b", THEIRS)}, listed=[whole, plain])
    found = info(monkeypatch, Opened(compute=service), scope="compute", resource_group="rg")
    assert service.scopes == [Scope("compute", "rg")]
    assert service.asked == ["b for list"]
    assert [(each["vm"], each["provider"], each["status"]) for each in found["vms"]] == [
        ("ref a", "compute", "read"),
        ("b", "spf", "read"),
    ]
    assert [(each["vm"], each["vm_name"], each["id"]) for each in found["checkpoints"]] == [
        ("ref a", "a", "a1"),
        ("b", "b", "b2"),
    ]


def test_a_scope_and_a_vm_exclude_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for params in ({"scope": "spf", "vm": "a"}, {"scope": "spf", "vms": []}, {}):
        with pytest.raises(InvalidInput, match=r"^exactly one of vm, vms and scope is needed\.$"):
            info(monkeypatch, Service(), **params)


DISK = Leftover("disk", "d1", "old", "it was replaced", datetime(2026, 11, 20, tzinfo=UTC), 32, removable=False)


def test_leftovers_are_shown_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service({"a": observed("a", MINE), "b": observed("b")}, left={"a": [DISK]})
    found = info(monkeypatch, service, vms=["a", "b"], leftovers=True)
    assert sorted(service.asked) == ["a for leftovers", "b for leftovers", "leftovers of a", "leftovers of b"]
    assert found["leftovers"] == [
        {
            "vm": "a",
            "vm_id": "id-a",
            "provider": "spf",
            "kind": "disk",
            "id": "d1",
            "name": "old",
            "reason": "it was replaced",
            "created": "2026-11-20T00:00:00Z",
            "size_gb": 32,
            "removable": False,
        }
    ]
    assert list(found) == ["changed", "checkpoints", "leftovers", "vms", "timing"]
    without = info(monkeypatch, service, vm="a")
    assert "leftovers" not in without


def test_what_was_read_is_shown_although_its_leftovers_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service({"a": observed("a", MINE)}, left={"a": Forbidden("no right to list disks.")})
    found = info(monkeypatch, service, vm="a", leftovers=True)
    assert (ids(found), found["leftovers"]) == (["a1"], [])
    assert refusal(found) == ("vm a: no right to list disks.", "forbidden")
    assert (found["vms"][0]["status"], found["vms"][0]["checkpoint_count"]) == ("failed", 1)


OLD = point("c3", "1d", name="weekly-1", series="weekly")
UNDATED = point("d4", None)


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, ["a1", "b2", "c3", "d4"]),
        ({"name": "nightly"}, ["a1", "b2", "d4"]),
        ({"managed": True}, ["a1"]),
        ({"managed": False}, ["b2", "c3", "d4"]),
        ({"name": "nightly", "managed": False}, ["b2", "d4"]),
        ({"older_than": "3h"}, ["c3"]),
        ({"older_than": "179m"}, ["b2", "c3"]),
        ({"younger_than": "3h"}, ["a1", "b2"]),
        ({"younger_than": "179m"}, ["a1"]),
        ({"older_than": "2h", "younger_than": "4h"}, ["b2"]),
        ({"select": "oldest", "older_than": "1m"}, ["c3"]),
        ({"select": {"name_matches": "week.*"}}, ["c3"]),
    ],
)
def test_the_filters(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], shown: list[str]) -> None:
    service = Service({"a": observed("a", MINE, THEIRS, OLD, UNDATED)})
    found = info(monkeypatch, service, vm="a", **options)
    assert ids(found) == shown
    assert found["vms"][0]["checkpoint_count"] == 4


@pytest.mark.parametrize(
    ("options", "filters"),
    [
        ({"older_than": "1h"}, "older_than"),
        ({"younger_than": "1h"}, "younger_than"),
        ({"older_than": "1h", "younger_than": "2h"}, "older_than and younger_than"),
        ({"select": {"older_than": "1h"}}, "select"),
        ({"younger_than": "2h", "select": {"older_than": "1h"}}, "younger_than and select"),
        ({"select": {"name_matches": "x"}}, None),
        ({"older_than": "1h", "name": "weekly"}, None),
        ({"name": "nightly"}, None),
    ],
)
def test_what_an_age_cannot_tell_is_told(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], filters: str | None
) -> None:
    held = {name: observed(name, UNDATED, MINE) for name in "abcdefg"} | {"h": observed("h", UNDATED, UNDATED)}
    for vms, told in (
        (list("abcde"), "5 checkpoints of unknown age were left out, of a, b, c, d, e;"),
        (list("abcdeh"), "7 checkpoints of unknown age were left out, of a, b, c, d, e and 1 more;"),
        (list("abcdefg"), "7 checkpoints of unknown age were left out, of a, b, c, d, e and 2 more;"),
    ):
        found = info(monkeypatch, Service(held), vms=vms, **options)
        expected = [] if filters is None else [f"{filters}: {told} they may be older or younger."]
        assert found.get("warnings", []) == expected
        assert ("warnings" in found) is (filters is not None)


@pytest.mark.parametrize(
    ("options", "shown", "warned"),
    [
        ({"younger_than": "1h"}, ["near"], True),
        ({"older_than": "1h"}, [], True),
        ({"select": {"older_than": "1h"}}, [], True),
        ({"select": {"before": "2026-12-31T12:00:00Z"}}, ["near", "far"], False),
        ({}, ["near", "far"], False),
    ],
)
def test_one_from_the_future_has_no_age(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], shown: list[str], warned: bool
) -> None:
    near, far = (point(name, created=NOW + timedelta(minutes=ahead)) for name, ahead in (("near", 5), ("far", 6)))
    found = info(monkeypatch, Service({"a": observed("a", near, far)}), vm="a", **options)
    assert ids(found) == shown
    assert any("1 checkpoint of unknown age was left out, of a" in text for text in found.get("warnings", [])) is warned


def test_clocks_are_told_once_for_a_service_and_only_where_times_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {
        "right": observed("right", MINE),
        "a": observed("a", MINE, ahead=600.0),
        "b": observed("b", MINE, ahead=900.0),
        "c": observed("c", MINE, ahead=-600.0, vm={"service": "t"}),
    }
    service = Service(held)
    found = info(monkeypatch, service, vms=list(held), older_than="1m", on_error="report")
    told = "the service's clock (its Date header) is"
    assert found["warnings"] == [
        f"vm a: {told} 10m ahead of this machine's.",
        f"vm c: {told} 10m behind this machine's.",
    ]
    earlier = info(
        monkeypatch, service, vms=["a", "nobody"], select={"before": "2026-11-20T12:00:00Z"}, on_error="report"
    )
    assert earlier["warnings"] == [
        f"vm a: {told} 10m ahead of this machine's.",
        "1 of 2 VMs could not be read; the errors are in vms. The first: vm nobody: no such VM.",
    ]
    assert "warnings" not in info(monkeypatch, service, vms=["a"], select="latest")
    assert "warnings" not in info(monkeypatch, service, vms=["a"], name="nightly")


def test_only_the_times_of_what_is_asked_for_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = replace(ours("a1", "1h"), name="other", created=THEIRS.created)
    service = Service({"a": observed("a", apart)})
    assert len(info(monkeypatch, service, vm="a", older_than="1m")["warnings"]) == 1
    assert "warnings" not in info(monkeypatch, service, vm="a", older_than="1m", name="nightly")


def test_a_vm_is_read_at_the_level_of_its_service() -> None:
    levels = Levels()
    assert task.level_of(task.Finding("a"), levels) is levels.reading
    found: Any = (Service(), machine("a", service="t"))
    assert task.level_of(task.Finding("a", found), levels) is levels.of("t").reading
    virtual(task.Finding("a").read)  # what was not found is not read


def test_a_query_takes_no_option_that_there_is_not_and_stays_as_it_is() -> None:
    with pytest.raises(InvalidInput, match="nmae"):
        validate_options(task.InfoQuery, {"nmae": "nightly"})
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        task.InfoQuery().name = "nightly"
