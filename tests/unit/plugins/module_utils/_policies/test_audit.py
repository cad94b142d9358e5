# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a VM complies, and what is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.audit import Audit, Violation, compliance
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.planner import decide
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.specs import PolicySpec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    SERVICE,
    chain,
    having,
    ours,
    point,
)


def audit(observed: ObservedVm, capabilities: Capabilities = SERVICE, **options: Any) -> Audit:
    given = validate_options(PolicySpec, {"prefix": "nightly", "max_age": "1d", "keep": {"last": 2}, **options})
    return Audit(given, observed, decide(given, observed, capabilities), capabilities)


def told(found: Audit) -> list[str]:
    return [f"{each.code}: {each.text}" for each in found.violations()]


FRESH = ours("1a", "2h")
OLD = ours("2a", "3d")


def test_all_is_well() -> None:
    found = audit(having(FRESH, OLD))
    assert compliance(found.violations()) == {"compliant": True, "violations": []}


@pytest.mark.parametrize(
    ("points", "options", "wrong"),
    [
        ((), {}, ["none: no usable checkpoint of the series nightly exists"]),
        ((point("ee"),), {}, ["none: no usable checkpoint of the series nightly exists"]),
        ((FRESH,), {"min_good": 2}, ["too_few: 1 usable checkpoints of the series exist, and min_good is 2"]),
        ((OLD,), {}, ["stale: the newest usable one is of 2026-11-17 12:00Z, 3d old; 1d is allowed"]),
        ((OLD,), {"thresholds": {"stale_after": "3d"}}, []),
        ((OLD,), {"max_age": None}, []),
        (
            (FRESH,),
            {"thresholds": {"stale_after": "1h"}},
            ["stale: the newest usable one is of 2026-11-20 10:00Z, 2h old; 1h is allowed"],
        ),
        ((FRESH, ours("3a", "1h", usability="unusable")), {}, []),
        (
            (FRESH, ours("3a", "1h", usability="unusable")),
            {"thresholds": {"failed_points": 0}},
            ["failed_points: 1 failed (nightly); 0 are allowed"],
        ),
        (
            (FRESH, ours("3a", "1h", usability="unusable"), ours("4a", "3h", usability="unusable")),
            {},
            ["failed_points: 2 failed (nightly, nightly); 1 are allowed"],
        ),
        ((FRESH,), {"pins": ["1a", "golden"]}, ["pinned_missing: pins names what does not exist: golden"]),
        (
            (FRESH, *(point(f"e{number}") for number in range(3))),
            {"thresholds": {"points": 3}},
            ["too_many: 4 checkpoints exist, whoever made them; 3 are allowed"],
        ),
        (
            (FRESH, *(ours(f"{number}b", f"{number}d") for number in range(1, 5))),
            {"max_deletes": 2},
            ["too_many: 3 checkpoints are due for removal, and max_deletes is 2"],
        ),
        (
            (FRESH, *(point(f"e{number:02}") for number in range(44))),
            {},
            ["near_limit: 45 of the 50 checkpoints that SPF allows exist; near_limit is 90 %"],
        ),
        ((FRESH, *(point(f"e{number:02}") for number in range(43))), {}, []),
    ],
)
def test_what_is_wrong(points: tuple[Any, ...], options: dict[str, Any], wrong: list[str]) -> None:
    assert told(audit(having(*points), **options)) == wrong


def test_of_many_that_failed_five_are_named() -> None:
    failed = [
        ours(f"{number}f", f"{number}h", name=f"nightly-2026112{number}T110000Z", usability="unusable")
        for number in range(1, 7)
    ]
    names = ", ".join(f"nightly-2026112{number}T110000Z" for number in range(1, 6))
    assert told(audit(having(FRESH, *failed))) == [f"failed_points: 6 failed ({names}); 1 are allowed"]


def test_names_in_it_are_shown_on_one_line_and_bounded() -> None:
    """They go to terminals, and into XML, which holds no control characters."""
    shown = compliance([Violation("none", "of\x1b[2J \x00\u202e\nit"), Violation("too_few", "x" * 2000)])
    assert [each["text"] for each in shown["violations"]] == ["of [2J it", "x" * 999 + "…"]


def test_as_many_as_are_allowed_are_no_violation() -> None:
    due = [ours(f"{number}b", f"{number}d") for number in range(1, 4)]
    assert told(audit(having(FRESH, *due), max_deletes=2)) == []
    assert told(audit(having(FRESH, *due), max_deletes=1)) != []
    assert told(audit(having(FRESH, OLD), thresholds={"points": 2})) == []
    assert told(audit(having(FRESH, OLD), thresholds={"points": 1})) != []


def test_the_age_of_one_that_was_made_just_now_is_nothing() -> None:
    assert audit(having(ours("1a", "0s"))).series()["newest_age_seconds"] == 0


def test_the_series_in_numbers() -> None:
    points = chain(OLD, FRESH, ours("3a", "1h", usability="unusable"), point("ee", "9d"), ours("4a", "9d"))
    assert audit(having(*points), replace(SERVICE, max_points=4)).series() == {
        "prefix": "nightly",
        "points": 4,
        "usable": 3,
        "failed": 1,
        "due": 1,
        "newest": "2026-11-20T10:00:00Z",
        "newest_age_seconds": 7200,
        "all_points": 5,
        "limit": 4,
        "left": 0,
        "depth": 5,
    }
    empty = audit(having()).series()
    assert (empty["newest"], empty["newest_age_seconds"], empty["depth"], empty["left"]) == (None, None, 0, 50)


def test_what_a_result_shows_of_it() -> None:
    found = compliance(audit(having()).violations())
    text = "no usable checkpoint of the series nightly exists"
    assert found == {"compliant": False, "violations": [{"code": "none", "text": text}]}
