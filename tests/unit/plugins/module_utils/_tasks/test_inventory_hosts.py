# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From VMs to hosts: variables, groups and names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Forbidden, InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.inventory_hosts import (
    GROUPS,
    RESERVED,
    _suffix,
    groups,
    kept,
    name_apart_from_groups,
    name_hosts,
    row,
    safe_name,
    still_good,
    unique_names,
    variables,
)

from ..builders import NOW, WEB01

ARM = (
    "/subscriptions/8a1f3c52-6d0b-4d5e-9a77-0c2b1e9d4f10/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines"
)
DAY = timedelta(days=1)


def point(hours: float | None, usability: Any = "usable") -> Checkpoint:
    """A checkpoint of that age; None where nobody knows."""
    created = None if hours is None else NOW - timedelta(hours=hours)
    return Checkpoint(f"id{hours}", f"p{hours}", created=created, usability=usability)


def shown(*points: Checkpoint, elapsed: float = 0.0, **observed: Any) -> dict[str, Any]:
    """The variables of web01 with these checkpoints."""
    return variables(row(WEB01, ObservedVm(WEB01, points, now=NOW, **observed), None), elapsed)


def rows(*vm_ids: str) -> list[dict[str, Any]]:
    """Rows of VMs of SPF with these ids."""
    return [{"provider": "spf", "vm_id": vm_id, "vm": vm_id} for vm_id in vm_ids]


def test_the_variables_of_a_vm_of_spf() -> None:
    vm = replace(WEB01, reference=WEB01.id, host_id="h1")
    found = variables(row(vm, ObservedVm(vm, (point(30), point(5)), now=NOW, power="off"), None), 0.0)
    assert found == {
        "checkpoint_vm": WEB01.id,
        "checkpoint_vm_name": "web01",
        "checkpoint_vm_id": WEB01.id,
        "checkpoint_host_id": "h1",
        "checkpoint_service": "spf",
        "checkpoint_subscription_id": None,
        "checkpoint_resource_group": None,
        "checkpoint_location": None,
        "checkpoint_tags": {},
        "checkpoint_readable": True,
        "checkpoint_status": "read",
        "checkpoint_error": None,
        "checkpoint_power": "off",
        "checkpoint_refused": None,
        "checkpoint_count": 2,
        "checkpoint_usable_count": 2,
        "checkpoint_newest": "p5",
        "checkpoint_newest_id": "id5",
        "checkpoint_newest_created": "2026-11-20T07:00:00Z",
        "checkpoint_newest_age_seconds": 5 * 3600,
    }


def test_the_variables_of_an_azure_vm_that_cannot_be_read() -> None:
    vm = replace(WEB01, id=f"{ARM}/shop01", provider="compute", tags={"env": "prod"}, location="westeurope")
    found = variables(row(vm, None, Forbidden("no right to read.", subject="vm shop01")), 0.0)
    assert found["checkpoint_error"] == {"code": "forbidden", "message": "vm shop01: no right to read."}
    assert (found["checkpoint_status"], found["checkpoint_readable"]) == ("failed", False)
    assert found["checkpoint_subscription_id"] == "8a1f3c52-6d0b-4d5e-9a77-0c2b1e9d4f10"
    assert (found["checkpoint_resource_group"], found["checkpoint_location"]) == ("rg", "westeurope")
    assert (found["checkpoint_tags"], found["checkpoint_count"], found["checkpoint_power"]) == (
        {"env": "prod"},
        None,
        None,
    )
    assert groups(found, DAY) == ["no_fresh_checkpoint", "checkpoints_unreadable"]


@pytest.mark.parametrize(
    ("points", "newest", "age"),
    [
        ((), None, None),
        ((point(None),), None, None),
        ((point(None), point(7)), "p7", 7 * 3600),
        ((point(1, "unusable"), point(2, "unknown"), point(3, "arriving"), point(9)), "p9", 9 * 3600),
        ((point(-0.01),), "p-0.01", 0),
        ((point(-0.1),), None, None),
        ((point(-720), point(7)), "p7", 7 * 3600),
        ((point(7), replace(point(7), name="as old")), "p7", 7 * 3600),
    ],
)
def test_the_newest_usable_one_of_known_age(
    points: tuple[Checkpoint, ...], newest: str | None, age: int | None
) -> None:
    found = shown(*points)
    assert (found["checkpoint_newest"], found["checkpoint_newest_age_seconds"]) == (newest, age)
    assert found["checkpoint_count"] == len(points)
    assert found["checkpoint_usable_count"] == sum(each.usable for each in points)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (shown(point(23)), []),
        (shown(point(24)), []),
        (shown(point(24), elapsed=1.0), ["no_fresh_checkpoint"]),
        (shown(point(25)), ["no_fresh_checkpoint"]),
        (shown(point(None)), ["no_fresh_checkpoint"]),
        (shown(point(-720)), ["no_fresh_checkpoint"]),
        (shown(point(1, "unknown")), ["no_fresh_checkpoint", "no_usable_checkpoint"]),
        (shown(), ["no_fresh_checkpoint", "no_usable_checkpoint"]),
        (shown(point(1), refuses="Stored"), ["checkpoints_refused"]),
        (variables(row(WEB01, None, None), 0.0), []),
    ],
    ids=str,
)
def test_groups(found: dict[str, Any], wanted: list[str]) -> None:
    assert groups(found, DAY) == wanted
    assert set(wanted) <= set(GROUPS)


def test_the_groups_that_there_are() -> None:
    assert GROUPS == (
        "no_fresh_checkpoint",
        "no_usable_checkpoint",
        "checkpoints_refused",
        "checkpoints_unreadable",
    )


def test_one_of_another_vm_is_neither_newest_nor_usable() -> None:
    """It bears this VM's name, and restoring it would bring back the other."""
    found = shown(replace(point(1), of_another=True), point(5))
    assert (found["checkpoint_count"], found["checkpoint_usable_count"]) == (2, 1)
    assert (found["checkpoint_newest"], found["checkpoint_newest_age_seconds"]) == ("p5", 5 * 3600)
    assert groups(shown(replace(point(1), of_another=True)), DAY) == ["no_fresh_checkpoint", "no_usable_checkpoint"]


def test_a_vm_that_was_not_asked_for_its_checkpoints() -> None:
    found = variables(row(WEB01, None, None), 60.0)
    assert (found["checkpoint_status"], found["checkpoint_readable"]) == ("not_read", False)
    of_checkpoints = {name for name in found if name.startswith(("checkpoint_newest", "checkpoint_count"))}
    assert {found[name] for name in (*of_checkpoints, "checkpoint_usable_count", "checkpoint_power")} == {None}
    assert len(of_checkpoints) == 5


def test_ages_grow_while_a_cache_is_used() -> None:
    one = row(WEB01, ObservedVm(WEB01, (point(23),), now=NOW), None)
    held = kept([one], NOW)
    assert held == {"version": 2, "read_at": "2026-11-20T12:00:00Z", "rows": [one]}
    later = still_good(held, NOW + timedelta(hours=2))
    assert later is not None
    ((again,), elapsed) = later
    assert groups(variables(again, elapsed), DAY) == ["no_fresh_checkpoint"]
    assert variables(again, elapsed)["checkpoint_newest_age_seconds"] == 25 * 3600
    assert still_good(held, NOW - DAY) == ([one], 0.0)


@pytest.mark.parametrize("held", [None, [], {}, {"version": 0, "rows": []}])
def test_what_another_release_has_kept_is_not_taken(held: object) -> None:
    assert still_good(held, NOW) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("web01", "web01"),
        ("Web-01.contoso_com", "Web-01.contoso_com"),
        ("Büro 7", "Büro_7"),
        ("{{ lookup('pipe', 'id') }}", "___lookup__pipe____id_____"),
        ("web[1:5]", "web_1_5_"),
        ("a,b:&c!d", "a_b__c_d"),
        ("../../etc/passwd", "_._.._etc_passwd"),
        ("..", "_."),
        ("-i", "_i"),
        ("@all", "_all"),
        ("a\nb", "a_b"),
        ("", "_"),
        ("x" * 200 + "y", "x" * 200),
    ],
)
def test_a_hosts_name_has_no_other_meaning(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_of_several_vms_with_one_name_none_keeps_it() -> None:
    names = unique_names(["web01", "web01", "db01"], rows("a", "b", "c"))
    assert names == ["web01_spf_8c3fa592", "web01_spf_fca9262d", "db01"]
    assert unique_names(["web01", "db01", "web01"], rows("b", "c", "A")) == [names[1], "db01", names[0]]


@pytest.mark.parametrize(
    "name",
    [
        *("localhost", "LocalHost", "127.0.0.1", "all", "ungrouped"),
        *("no_fresh_checkpoint", "no_usable_checkpoint", "checkpoints_refused", "checkpoints_unreadable"),
    ],
)
def test_no_vm_takes_the_place_of_the_controller_or_of_a_group(name: str) -> None:
    (given_name,) = unique_names([name], rows("a"))
    assert given_name == f"{name}_spf_8c3fa592"


def test_no_vm_is_called_as_a_group() -> None:
    """Groups may be made of the names themselves; those that went with a name stay taken."""
    seen: list[list[str]] = []

    def groups_of(names: list[str]) -> set[str]:
        seen.append(names)
        return {"all", "prod", "Service", *(["db01"] if "prod_spf_8c3fa592" in names else [])}

    names, warnings = name_apart_from_groups(["prod", "db01", "service"], rows("a", "b", "c"), "fail", groups_of)
    assert names == ["prod_spf_8c3fa592", "db01_spf_fca9262d", "service"]
    assert warnings == ["a VM called prod is prod_spf_8c3fa592 (a).", "a VM called db01 is db01_spf_fca9262d (b)."]
    assert len(seen) == 3


def test_groups_that_are_called_as_every_name_are_an_error() -> None:
    with pytest.raises(InvalidInput, match=r"^groups are made of the hosts' names: a VM would be called web01_spf_8c"):
        name_apart_from_groups(["web01", "db01"], rows("a", "b"), "suffix", set)


def test_names_that_groups_have_with_every_suffix_are_an_error() -> None:
    """Tags name groups, so that whoever may tag a VM must not keep the inventory busy for ever."""
    taken = {"web01", *(f"web01_{_suffix(rows('a')[0], digits)}" for digits in (8, 16, 32, 64))}
    with pytest.raises(InvalidInput, match="as a group is"):
        unique_names(["web01"], rows("a"), taken)
    assert len(unique_names(["web01"], rows("a"), taken - {max(taken, key=len)})[0]) == len("web01_spf_") + 64


def test_a_name_that_another_vm_bears_as_its_suffix_makes_both_longer() -> None:
    taken = unique_names(["web01", "web01"], rows("a", "b"))
    names = unique_names(["web01", "web01", taken[0]], rows("a", "b", "c"))
    assert names == [
        "web01_spf_8c3fa59293c22e87",
        "web01_spf_fca9262d",
        "web01_spf_8c3fa592_spf_1c85ae086a103dd8",
    ]


@given(st.lists(st.sampled_from(["web01", "web01_spf_8c3fa592", "localhost", "x"]), max_size=12))
def test_every_host_has_a_name_of_its_own(wanted: list[str]) -> None:
    names = unique_names(wanted, rows(*[chr(ord("a") + number) for number in range(len(wanted))]))
    assert len(set(names)) == len(names)
    assert not set(names) & RESERVED
    assert all(name.startswith(text) for name, text in zip(names, wanted, strict=True))


def test_a_name_that_was_not_given_is_told() -> None:
    several = rows(*"abcdefg")
    names, warnings = name_hosts(["w 1"] * 6 + ["all"], several, "suffix")
    listed = ", ".join(f"{name} ({vm})" for name, vm in zip(names[:5], "abcde", strict=True))
    assert warnings == [
        f"6 VMs would be called w_1, and are {listed}, ….",
        f"a VM called all is {names[6]} (g).",
    ]
    assert name_hosts(["w"] * 5, several[:5], "suffix")[1][0].endswith("(e).")
    assert name_hosts(["w", "w"], several[:2], "suffix")[1] == [
        "2 VMs would be called w, and are w_spf_8c3fa592 (a), w_spf_fca9262d (b)."
    ]
    assert name_hosts(["a", "b"], rows("a", "b"), "suffix") == (["a", "b"], [])


def test_what_others_have_named_is_shown_up_to_a_bound() -> None:
    long, longest = "a" + "x" * 300, "b" + "x" * 299
    (name, _other), (warning,) = name_hosts(["w", "w"], rows(long, longest), "suffix")
    assert f"{name} (a{'x' * 298}…), " in warning
    assert f" (b{'x' * 299})." in warning
    with pytest.raises(InvalidInput, match=rf": a{'x' * 298}…, b{'x' * 299}\. Name"):
        name_hosts(["w", "w"], rows(long, longest), "fail")


def test_duplicates_may_be_an_error() -> None:
    with pytest.raises(InvalidInput) as refused:
        name_hosts(["x", "w 1", "w/1"], rows("a", "b", "c"), "fail")
    assert "2 VMs would be called w_1: b, c." in str(refused.value)
    assert name_hosts(["x", "all"], rows("a", "b"), "fail")[0] == [
        "x",
        "all_spf_" + unique_names(["all"], rows("b"))[0][-8:],
    ]
