# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users may ask for, and one line that names each option that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pydantic
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import PinRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.selector import Select
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import (
    Absent,
    Name,
    Present,
    RestoreRequest,
    terms,
    validate_options,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import mark

GUID = "831e819f-0000-4000-8000-000000000001"


def refused(kind: type[Present | Absent | RestoreRequest], **options: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        validate_options(kind, options)
    return caught.value.message


def test_an_option_that_is_null_was_not_given() -> None:
    assert validate_options(Present, {"name": "nightly", "description": None, "max_age": None}) == Present(
        name="nightly"
    )


def test_durations_are_read() -> None:
    assert validate_options(Present, {"name": "nightly", "max_age": "4h"}).max_age == timedelta(hours=4)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "name is required for state=present (or checkpoint_id, which never creates)"),
        ({"name": ""}, "name: is empty."),
        ({"name": " nightly"}, "name: must not begin or end with white space"),
        ({"name": "night\tly"}, "name: must not hold control characters"),
        ({"name": "x" * 256}, "name: is longer than 255 characters"),
        ({"name": "n", "description": "a\x07"}, "description: must not hold control characters other than line feeds"),
        ({"name": "n", "description": "a\r\nb"}, "description: must not hold control characters other than line feeds"),
        ({"name": "n", "description": f"words\n{mark()}"}, "description: must not end in a mark of this collection"),
        ({"name": "n", "description": "x" * 1501}, "description: is longer than 1500 characters"),
        ({"name": "n", "max_age": "4"}, "max_age: '4' has no unit; write 4s, 4m or 4h"),
        ({"name": "n", "max_age": "soon"}, "max_age: 'soon' is not a duration; write it like 90s, 4h or 1d12h"),
        ({"name": "n", "on_ambiguous": "any"}, "on_ambiguous: takes 'fail', 'newest', 'oldest' or 'all'"),
        ({"name": "n", "colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"checkpoint_id": GUID, "max_age": "4h"}, "max_age and supersede need a name"),
        ({"checkpoint_id": GUID, "supersede": True}, "max_age and supersede need a name"),
        ({"name": "n", "checkpoint_id": GUID, "max_age": "4h"}, "max_age and supersede need a name"),
    ],
)
def test_present_says_what_is_wrong(options: dict[str, Any], expected: str) -> None:
    assert expected in refused(Present, **options)


def test_every_wrong_option_is_named_at_once() -> None:
    message = refused(Present, name=" n", max_age="4")
    assert "name:" in message
    assert "; max_age:" in message


def test_a_description_may_have_lines() -> None:
    assert validate_options(Present, {"name": "n", "description": "a\nb"}).description == "a\nb"


def test_absent_needs_a_name_or_an_id() -> None:
    assert refused(Absent) == "name, checkpoint_id or select is required for state=absent"
    assert validate_options(Absent, {"checkpoint_id": GUID}).name is None
    assert validate_options(Absent, {"name": "n", "checkpoint_id": GUID, "on_ambiguous": "all"}).on_ambiguous == "all"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "say what to restore: name, select or checkpoint_id"),
        ({"checkpoint_id": GUID, "name": "n"}, "checkpoint_id names one checkpoint; leave out name and select"),
        ({"checkpoint_id": GUID, "select": "latest"}, "checkpoint_id names one checkpoint; leave out name and select"),
        ({"name": "n", "on_ambiguous": "all"}, "on_ambiguous: takes 'fail', 'newest' or 'oldest'"),
        ({"select": "newest"}, "select: takes latest, oldest, or a dictionary"),
        ({"select": ""}, "select: is empty."),
        ({"name": "n", "restore_key": ""}, "restore_key: is empty."),
        ({"name": "n", "if_running": "wait"}, "if_running: takes 'proceed', 'stop' or 'fail'"),
        ({"name": "n", "power_after": "paused"}, "power_after: takes 'previous', 'on' or 'off'"),
    ],
)
def test_restore_says_what_is_wrong(options: dict[str, Any], expected: str) -> None:
    assert expected in refused(RestoreRequest, **options)


def test_select_goes_with_a_name() -> None:
    latest = Select(which="latest")
    assert validate_options(RestoreRequest, {"select": "latest"}).select == latest
    assert validate_options(RestoreRequest, {"name": "n", "select": latest}).select == latest


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        (Present, {"pin_until": "1d"}, "pin_until goes with pin: true"),
        (Present, {"pin": False, "pin_until": "1d"}, "pin_until goes with pin: true"),
        (Present, {"pin": False, "pin_lock": True}, "pin_lock goes with pin: true"),
        (Present, {"pin_lock": True}, "pin_lock goes with pin: true"),
        (Present, {"pin": True, "pin_until": ""}, "pin_until: is empty."),
        (Present, {"pin": True, "pin_until": "tomorrow"}, "pin_until: 'tomorrow' is not a duration"),
        (Present, {"pin": True, "pin_until": "2026-11-20T08:00:00"}, "has no offset"),
        (Absent, {"ignore_pin": True}, "ignore_pin needs checkpoint_id"),
        (Absent, {"select": "latest", "on_ambiguous": "all"}, "select takes all that match; leave out on_ambiguous"),
        (Absent, {"select": {"pinned": True}}, "pinned checkpoints are removed by checkpoint_id only"),
    ],
)
def test_pins_say_what_is_wrong(kind: type[Present], options: dict[str, Any], told: str) -> None:
    assert told in refused(kind, name="n", **options)


def test_select_excludes_an_id() -> None:
    assert "leave out select" in refused(Absent, checkpoint_id=GUID, select="latest")


def test_a_pin_that_is_asked_for() -> None:
    def asked(**options: Any) -> PinRequest | None:
        return validate_options(Present, {"name": "n", **options}).pin_request

    moment = datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert (asked(), asked(pin=False), asked(pin_lock=False)) == (None, None, None)
    assert asked(pin=True, pin_lock=True) == PinRequest()
    assert asked(pin=True, pin_until="2026-11-20T09:00:00+01:00") == PinRequest(moment)
    assert asked(pin=True, pin_until="1d") == PinRequest(timedelta(days=1))


def test_a_spec_does_not_change_once_it_is_made() -> None:
    spec = validate_options(Present, {"name": "n"})
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "other"


def test_an_empty_element_of_a_list_is_reported_with_its_place() -> None:
    class Several(pydantic.BaseModel):
        names: list[Name]

    with pytest.raises(InvalidInput, match="names, element 2 of 2: is empty"):
        validate_options(Several, {"names": ["a", ""]})


@pytest.mark.parametrize(
    ("options", "covered"),
    [
        ({}, {}),
        ({"safety_checkpoint": False, "if_running": "proceed", "power_after": "previous", "old_disks": "keep"}, {}),
        ({"safety_checkpoint": True}, {"safety_checkpoint": True}),
        ({"if_running": "fail"}, {"if_running": "fail"}),
        ({"power_after": "on"}, {"power_after": "on"}),
        ({"power_after": "off"}, {"power_after": "off"}),
        ({"old_disks": "delete"}, {"old_disks": "delete"}),
    ],
)
def test_what_an_approval_of_a_restore_covers(options: dict[str, Any], covered: dict[str, Any]) -> None:
    assert terms(validate_options(RestoreRequest, {"name": "n", **options})) == covered


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_bytes_that_are_no_text_are_refused_wherever_they_stand(text: str) -> None:
    for value in (text, [text], {"a": text}, {text: 1}, ({"a": [text]},)):
        with pytest.raises(InvalidInput, match="name: holds characters that are no Unicode text"):
            validate_options(Present, {"name": value})


def test_text_of_any_language_is_text() -> None:
    assert validate_options(Present, {"name": "über \U0001f600"}).name == "über \U0001f600"


@pytest.mark.parametrize("value", [{"": "x"}, {"environment": ""}])
def test_what_azure_s_tags_and_a_plan_hold_is_theirs(value: dict[str, str]) -> None:
    class Tagged(pydantic.BaseModel):
        tags: dict[str, str]

    assert validate_options(Tagged, {"tags": value}).tags == value
