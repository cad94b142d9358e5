# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy takes, and what it refuses in words."""

from __future__ import annotations

import zoneinfo
from datetime import UTC
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.calendar import Span
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.retention import Policy
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.specs import PolicySpec


def read(**options: Any) -> PolicySpec:
    return validate_options(PolicySpec, options)


def test_the_function_that_decides_gets_what_is_set() -> None:
    spec = read(keep={"last": 3, "daily": 0, "within": "1y6mo"}, min_good=2, keep_failed=0)
    assert spec.policy == Policy({"last": 3}, {"within": Span(1, 6)}, 2, 0, UTC)
    assert read(max_age="4h").policy == Policy()
    assert read(keep={"within": "1d"}, timezone="Europe/Berlin").policy == Policy(
        {}, {"within": Span(days=1)}, zone=zoneinfo.ZoneInfo("Europe/Berlin")
    )


@pytest.mark.parametrize("pattern", ["a{99999999999999999999}", "(" * 5000 + ")" * 5000, "(", "a**"])
def test_what_no_engine_can_make_a_pattern_of_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(keep={"last": 1}, adopt={"name_matches": pattern})
    assert str(caught.value).startswith(
        ("adopt.name_matches: is no regular expression: ", "adopt.name_matches: is longer")
    )


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+b", "repeats a group in which something varies"),
        (".*a.*b.*c.*", "may take very long"),
        ("(?=a).*", "nothing that refers or looks elsewhere"),
        ("[[a]", "is no regular expression: "),  # a later Python may read it otherwise
    ],
)
def test_a_pattern_is_held_to_what_select_takes(pattern: str, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(keep={"last": 1}, adopt={"name_matches": pattern})
    assert str(caught.value).startswith("adopt.name_matches: ")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "a policy needs max_age, keep, or both"),
        ({"keep": {}}, "keep: keeps nothing; set at least one of last, hourly"),
        ({"keep": {"last": 0}}, "keep: keeps nothing"),
        ({"keep": {"last": -1}}, "keep.last"),
        ({"keep": {"fortnightly": 2}}, "keep.fortnightly"),
        ({"keep": {"within": "6m"}}, "keep.within: '6m' can be read in two ways"),
        ({"keep": {"within_daily": "soon"}}, "keep.within_daily: 'soon' is no span"),
        ({"keep": {"within": 3}}, "keep.within"),
        ({"max_age": "1d", "min_good": 0}, "min_good"),
        ({"max_age": "1d", "max_deletes": -1}, "max_deletes"),
        ({"max_age": "1d", "timezone": "Mars/Olympus"}, "timezone: 'Mars/Olympus' is no time zone"),
        ({"max_age": "1d", "timezone": 3}, "timezone"),
        ({"max_age": "1d", "name_template": "x"}, "name_template: must hold {prefix}"),
        ({"max_age": "1d", "name_template": 3}, "name_template"),
        ({"max_age": "1d", "prefix": " x"}, "prefix: must not begin or end with white space"),
        ({"max_age": "1d", "prefix": ""}, "prefix: is empty"),
        ({"max_age": "1d", "pins": [""]}, "pins, element 1 of 1: is empty. Leave it out"),
        ({"keep": {"within": ""}}, "keep.within: is empty. Leave it out"),
        ({"keep": {"last": 1}, "adopt": {"name": ""}}, "adopt.name: is empty. Leave it out"),
        ({"keep": {"last": 1}, "adopt": {"name_matches": ""}}, "adopt.name_matches: is empty. Leave it out"),
        ({"keep": {"last": 1}, "adopt": {}}, "adopt: takes one of name and name_matches"),
        ({"keep": {"last": 1}, "adopt": {"name": "a", "name_matches": "b"}}, "adopt: takes one of"),
        ({"keep": {"last": 1}, "adopt": {"name_matches": "("}}, "adopt.name_matches: is no regular expression"),
        ({"keep": {"last": 1}, "adopt": {"name_matches": 3}}, "adopt.name_matches"),
        ({"keep": {"last": 1}, "thresholds": {"near_limit": 101}}, "thresholds.near_limit"),
    ],
)
def test_what_is_refused(options: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(**options)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("adopt", "name", "takes"),
    [
        ({"name": "backup"}, "backup", True),
        ({"name": "backup"}, "backup-1", False),
        ({"name_matches": r"backup-\d+"}, "backup-1", True),
        ({"name_matches": r"backup-\d+"}, "backup-1-golden", False),
        ({"name_matches": r"backup"}, "my backup", False),
    ],
)
def test_a_pattern_must_match_the_whole_name(adopt: dict[str, str], name: str, takes: bool) -> None:
    spec = read(keep={"last": 1}, adopt=adopt)
    assert spec.adopt is not None
    assert spec.adopt.takes(Checkpoint(id="1", name=name)) is takes


@pytest.mark.parametrize("adopt", [{"name": "Nightly"}, {"name_matches": "Night.*"}])
def test_where_the_service_knows_no_case_a_name_is_adopted_in_any(adopt: dict[str, str]) -> None:
    spec = read(keep={"last": 1}, adopt=adopt)
    assert spec.adopt is not None
    assert spec.adopt.takes(Checkpoint(id="1", name="NIGHTLY", any_case=True))
    assert not spec.adopt.takes(Checkpoint(id="1", name="NIGHTLY"))


def test_a_generated_name_is_adopted_by_that_of_its_series() -> None:
    spec = read(keep={"last": 1}, adopt={"name": "nightly"})
    assert spec.adopt is not None
    assert spec.adopt.takes(Checkpoint(id="1", name="nightly-20261120T113000Z-3f2a", series="nightly", any_case=True))
    assert not spec.adopt.takes(Checkpoint(id="1", name="nightly-2", series="other", any_case=True))
