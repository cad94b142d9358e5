# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pins of restore points: what their tags say, which are stale, and how a lock is known."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import parse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.client import Request
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import CollectionEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.pins import (
    DropStalePins,
    holding_pins,
    is_pin_tag,
    lock_ids,
    no_room,
    pin_of,
    pins_of,
    stale_tags,
    value_of,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils import golden_actions
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    WHO,
    detail,
    inventory,
)

HOME = f"{GROUP}/restorePointCollections/c"
CREATED = "2026-11-20T11:30:02.1234567Z"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER, OVER = "2026-11-21T12:00:00Z", "2026-11-20T11:59:59Z"


def collection(tags: dict[str, str] | None, created: str | None = CREATED) -> CollectionEntity:
    """A collection with the points Nightly and weekly."""
    points = [
        {"id": f"{HOME}/restorePoints/{name}", "name": name, "properties": {"timeCreated": created}}
        for name in ("Nightly", "weekly")
    ]
    document = {"id": HOME, "name": "c", "location": "l", "tags": tags, "properties": {"restorePoints": points}}
    return CollectionEntity.model_validate(document)


def pin(value: str | None, created: str | None = CREATED) -> Pin | None:
    home = collection(None if value is None else {"HybridVM-pin-nightly": value}, created)
    return pin_of(home, (home.properties.restorePoints or [])[0])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", Pin()),
        ("pinned", Pin()),
        ("created=2026-11-20T11:30:02Z", Pin()),
        (f"until={LATER} created=2026-11-20T11:30:02Z", Pin(datetime(2026, 11, 21, 12, tzinfo=UTC))),
        (f" until={LATER} ", Pin(datetime(2026, 11, 21, 12, tzinfo=UTC))),
        ("created=2026-11-20T11:30:03Z", None),
        (f"until={LATER} created=2020-01-01T00:00:00Z", None),
        ("created=2026-13-20T11:30:03Z", Pin()),
        (f"created=2020-01-01T00:00:00Z until={LATER}", Pin()),
    ],
)
def test_what_a_tag_says(value: str | None, expected: Pin | None) -> None:
    assert pin(value) == expected


def test_a_point_of_unknown_time_is_known_by_its_name() -> None:
    assert pin("created=2026-11-20T11:30:02Z", None) == Pin()


@pytest.mark.parametrize(
    ("until", "created", "value"),
    [
        (None, None, "pinned"),
        (None, NOW, "created=2026-11-20T12:00:00Z"),
        (NOW, None, "until=2026-11-20T12:00:00Z"),
        (NOW, datetime(2026, 11, 20, 11, tzinfo=UTC), "until=2026-11-20T12:00:00Z created=2026-11-20T11:00:00Z"),
    ],
)
def test_what_is_written(until: datetime | None, created: datetime | None, value: str) -> None:
    assert value_of(Pin(until), created) == value


@pytest.mark.parametrize("created", [None, datetime(2026, 11, 20, 11, 30, 2, 123456, tzinfo=UTC)])
@pytest.mark.parametrize("until", [None, datetime(2026, 11, 21, 12, tzinfo=UTC)])
def test_what_is_written_is_read_and_never_empty(created: datetime | None, until: datetime | None) -> None:
    value = value_of(Pin(until), created)
    assert value
    assert len(value) <= 256
    assert pin(value) == Pin(until)


TAGS = {
    "hybridvm-checkpoints": "managed",
    "hybridvm-pin-nightly": f"until={OVER}",
    "hybridvm-pin-weekly": f"until={LATER}",
    "hybridvm-pin-gone": "pinned",
    "owner": "me",
}


def test_what_is_over_and_what_is_gone_is_stale() -> None:
    home = collection(TAGS)
    assert set(stale_tags(home, NOW)) == {"hybridvm-pin-nightly", "hybridvm-pin-gone"}
    assert set(pins_of(home)) == {f"{HOME}/restorepoints/{name}".lower() for name in ("nightly", "weekly")}
    assert [each.rpartition("/")[2] for each in holding_pins(home, NOW)] == ["weekly"]
    assert len(holding_pins(home, None)) == 2
    assert (stale_tags(None, NOW), pins_of(None), holding_pins(None, NOW)) == ({}, {}, {})
    assert [is_pin_tag(each) for each in ("HybridVM-Pin-x", "hybridvm-restore-run")] == [True, False]


@pytest.mark.parametrize(("more", "full"), [(46, False), (47, True), (60, True)])
def test_there_is_room_as_long_as_what_is_stale_makes_some(more: int, full: bool) -> None:
    """Three of the five tags stay."""
    home = collection(TAGS | {f"t{number}": "x" for number in range(more)})
    found = no_room(home, NOW)
    assert bool(found) is full
    assert not full or (found[0].verbs == ("pin",) and "3 of them for pins" in found[0].why)
    assert no_room(None, NOW) == ()


def test_the_step_that_makes_room() -> None:
    state = detail()
    step = DropStalePins(WHO, "why", parse(HOME, option="collection"), {"hybridvm-pin-gone": "pinned"})
    assert step.request(state) == Request(
        "PATCH",
        f"{HOME}/providers/Microsoft.Resources/tags/default",
        {"operation": "Delete", "properties": {"tags": {"hybridvm-pin-gone": "pinned"}}},
        "removing 1 tags of pins that are over",
        api_version="2021-04-01",
    )
    golden_actions.hold(Path(__file__).parent / "golden" / "drop_stale_pins.txt", [step])
    assert step.is_done(inventory(state))
    assert state.collection is not None
    tagged = state.collection.model_copy(update={"tags": {"hybridvm-pin-gone": "pinned"}})
    assert not step.is_shown(type(state)(state.vm, state.raw, None, "rg", tagged, {}))


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        ({"id": f"{HOME}/restorePoints/a/providers/Microsoft.Authorization/locks/HybridVM-Pin"}, {"a"}),
        ({"id": f"{HOME}/restorePoints/a/providers/Microsoft.Authorization/locks/other"}, set()),
        ({}, set()),
    ],
)
def test_a_pin_s_lock_is_known_by_its_name(lock: dict[str, Any], expected: set[str]) -> None:
    assert {each.rpartition("/")[2] for each in lock_ids([lock])} == expected
