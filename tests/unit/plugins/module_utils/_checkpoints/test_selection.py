# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checkpoint is meant: never a guess."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.age_order import AgeOrder
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.selection import (
    OnAmbiguous,
    choose,
    matches,
    newest,
    oldest,
    select,
    select_for_restore,
    there_are,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Ambiguous,
    CheckpointError,
    UnknownTime,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.selector import Select
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    ago,
    chain,
    having,
    mark,
    ours,
    point,
)

LATEST, OLDEST = Select(which="latest"), Select(which="oldest")
NEW, MIDDLE, OLD = point("new", "1h"), point("middle", "5h"), point("old", "9h")
DATED = (NEW, OLD, MIDDLE)


def before(age: str) -> Select:
    return Select(before=ago(age))


def picked(selector: Select, *points: Checkpoint) -> str:
    (found,) = select_for_restore(having(*points), points, selector)
    return found.id


def taken(points: Sequence[Checkpoint], **selector: Any) -> list[str]:
    return ids(select(having(*points), points, Select(**selector)).chosen)


def ids(points: Iterable[Checkpoint]) -> list[str]:
    return [c.id for c in points]


@pytest.mark.parametrize(
    ("name", "checkpoint_id", "expected"),
    [
        ("nightly", None, ["new", "old"]),
        ("Nightly", None, []),
        (None, "OLD", ["old"]),
        (None, "HOST-OLD", ["old"]),
        ("nightly", "old", ["old"]),
        ("baseline", "old", []),
        (None, None, ["new", "old", "base"]),
    ],
)
def test_what_matches_a_name_in_its_case_and_an_id_in_any(
    name: str | None, checkpoint_id: str | None, expected: list[str]
) -> None:
    existing = having(NEW, OLD, point("base", name="baseline"))
    assert ids(matches(existing, name, checkpoint_id)) == expected


@pytest.mark.parametrize(
    ("on_ambiguous", "expected"),
    [("newest", ["new"]), ("oldest", ["old"]), ("all", ["new", "old", "middle"])],
)
def test_the_user_may_say_which_of_several(on_ambiguous: OnAmbiguous, expected: list[str]) -> None:
    assert ids(choose(having(*DATED), DATED, on_ambiguous, 'are named "nightly"')) == expected


@pytest.mark.parametrize("on_ambiguous", ["fail", "newest", "oldest", "all"])
def test_one_or_none_needs_no_choice(on_ambiguous: OnAmbiguous) -> None:
    undated = point("a", None)
    assert choose(having(undated), [undated], on_ambiguous, 'are named "nightly"') == [undated]
    assert choose(having(), [], on_ambiguous, 'are named "nightly"') == []


def test_when_nobody_says_which_the_error_lists_id_and_time_of_each() -> None:
    undated = point("who", None)
    with pytest.raises(Ambiguous) as caught:
        choose(having(NEW, undated), [NEW, undated], "fail", 'are named "nightly"')
    assert str(caught.value) == (
        '2 checkpoints are named "nightly": new (2026-11-20 11:00Z), who (time unknown). '
        "Name one by checkpoint_id, or set on_ambiguous."
    )


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (LATEST, "new"),
        (OLDEST, "old"),
        (before("3h"), "middle"),
        (before("0s"), "new"),
        (before("5h"), "old"),
        (before("8h"), "old"),
    ],
)
def test_by_time_where_every_time_is_known(select: Select, expected: str) -> None:
    assert picked(select, *DATED) == expected


def test_before_is_strict_and_a_restore_may_find_none() -> None:
    assert select_for_restore(having(*DATED), DATED, before("9h")) == []
    assert select_for_restore(having(*DATED), DATED, Select(older_than=timedelta(hours=9))) == []


MANY = (
    ours("a1", "1h", name="web-1", mark=mark("a1", pin=True)),
    ours("b2", "5h", name="web-2", mark=mark("b2", "5h", pin=True, until=ago("1m"))),
    point("c3", "9h", name="db-1", usability="unusable"),
    point("d4", "20h", name="Web-4", any_case=True),
    point("e5", None, name="web-5", usability="unknown"),
)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"name_matches": "web-.*"}, ["a1", "b2", "d4", "e5"]),
        ({"name_matches": "web"}, []),
        ({"managed": True}, ["a1", "b2"]),
        ({"managed": False}, ["c3", "d4", "e5"]),
        ({"pinned": True}, ["a1"]),
        ({"pinned": False}, ["b2", "c3", "d4", "e5"]),
        ({"older_than": "5h"}, ["c3", "d4"]),
        ({"before": "2026-11-20T07:00:01Z"}, ["b2", "c3", "d4"]),
        ({"before": "2026-11-20T07:00:01Z", "older_than": "5h", "managed": False}, ["c3", "d4"]),
        ({"which": "oldest", "older_than": "1m"}, ["d4"]),
        ({"which": "latest", "older_than": "2h"}, ["b2"]),
        ({"which": "latest", "name_matches": "db-1"}, []),
        ({"which": "latest", "pinned": True}, ["a1"]),
    ],
)
def test_every_key_must_hold_and_latest_means_latest_usable(selector: dict[str, Any], expected: list[str]) -> None:
    assert taken(MANY, **selector) == expected


def test_the_latest_is_never_that_of_another_vm() -> None:
    points = (point("a1", "9h"), point("b2", "1h", of_another=True), point("c3", "10h", of_another=True))
    for selector, expected in ((LATEST, ["a1"]), (OLDEST, ["a1"]), (Select(managed=False), ["a1", "b2", "c3"])):
        assert ids(select(having(*points), points, selector).chosen) == expected


@pytest.mark.parametrize(
    ("selector", "unknown"),
    [
        ({"older_than": "5h"}, ["e5"]),
        ({"before": "2026-11-20T07:00:01Z"}, ["e5"]),
        ({"older_than": "5h", "managed": True}, []),
        ({"name_matches": "web-5"}, []),
    ],
)
def test_what_is_of_unknown_age_is_told_where_an_age_decides(selector: dict[str, Any], unknown: list[str]) -> None:
    assert ids(select(having(*MANY), MANY, Select(**selector)).of_unknown_age) == unknown


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"name_matches": "nightly"}, ["new", "old", "middle"]),
        ({"older_than": "2h"}, ["middle"]),
        ({"older_than": "2h", "which": "oldest"}, ["old"]),
        ({"managed": True}, []),
    ],
)
def test_for_a_restore_a_time_means_the_latest(selector: dict[str, Any], expected: list[str]) -> None:
    assert ids(select_for_restore(having(*DATED), DATED, Select(**selector))) == expected


def test_an_undated_one_below_an_early_one_may_be_the_oldest() -> None:
    points = chain(point("who", None), point("early", "9h"))
    with pytest.raises(UnknownTime, match="who"):
        picked(Select(before=ago("3h"), which="oldest"), *points)


def test_of_two_made_in_the_same_second_the_one_that_stands_on_the_other_is_newer() -> None:
    first, second = chain(point("z", "1h"), point("a", "1h"))
    assert AgeOrder(having(first, second)).is_older(first, second)
    assert not AgeOrder(having(first, second)).is_older(second, first)


def test_ancestry_orders_what_no_time_orders() -> None:
    first, second, third = chain(point("a", None), point("b", "1h"), point("c", None))
    assert picked(LATEST, third, first, second) == "c"
    assert picked(OLDEST, third, first, second) == "a"


def test_ancestry_counts_through_checkpoints_that_are_no_candidates() -> None:
    first, between, third = chain(point("a", None), point("b", None, name="other"), point("c", None))
    existing = having(first, between, third)
    assert newest(existing, [third, first]) == third
    assert oldest(existing, [third, first]) == first


def test_an_undated_root_does_not_hide_which_of_its_dated_branches_is_newer() -> None:
    root = point("root", None)
    older, newer = (replace(c, parent_id="root", depth=2) for c in (point("a", "5h"), point("b", "1h")))
    assert picked(LATEST, root, older, newer) == "b"
    assert picked(OLDEST, root, older, newer) == "root"


def test_what_stands_on_the_newer_of_two_is_newer_than_both() -> None:
    older, newer = point("a", "5h"), point("b", "1h")
    who = replace(point("who", None), parent_id="b", depth=2)
    assert picked(LATEST, who, older, newer) == "who"
    assert picked(OLDEST, who, older, newer) == "a"


def test_ancestry_goes_before_a_time_that_is_only_a_mark_s_claim() -> None:
    below, above = chain(point("a", "1h"), point("b", "5h"))
    assert picked(LATEST, below, above) == picked(LATEST, above, below) == "b"
    assert picked(OLDEST, below, above) == picked(OLDEST, above, below) == "a"


def test_of_two_made_in_the_same_second_side_by_side_neither_is_newer() -> None:
    with pytest.raises(UnknownTime, match="some were made in the same second, and they do not stand on one another"):
        picked(LATEST, point("a", "1h"), point("b", "1h"))


@pytest.mark.parametrize("select", [LATEST, OLDEST])
def test_what_neither_time_nor_ancestry_orders_is_an_error_that_names_the_undated(select: Select) -> None:
    with pytest.raises(UnknownTime) as caught:
        picked(select, point("a", None), point("b", "1h"))
    assert "keeps no time for a (" in caught.value.message
    assert "b (" not in caught.value.message
    assert caught.value.remedy == "Name one by checkpoint_id."


@pytest.mark.parametrize(
    ("name", "points", "expected"),
    [
        ("below an early one", chain(point("who", None), point("early", "9h")), "early"),
        ("above a late one", (point("early", "9h"), *chain(point("late", "1h"), point("who", None))), "early"),
        ("far above a late one", chain(point("early", "9h"), point("late", "1h"), point("who", None)), "early"),
    ],
)
def test_before_places_an_undated_candidate_by_its_relatives(
    name: str, points: tuple[Checkpoint, ...], expected: str
) -> None:
    assert picked(before("3h"), *points) == expected, name


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("alone", (point("early", "9h"), point("who", None))),
        ("above an early one", chain(point("early", "9h"), point("who", None))),
        ("between", chain(point("early", "9h"), point("who", None), point("late", "1h"))),
        ("below a late one", chain(point("who", None), point("late", "1h"))),
    ],
)
def test_before_refuses_where_the_undated_could_be_the_one(name: str, points: tuple[Checkpoint, ...]) -> None:
    with pytest.raises(
        UnknownTime, match=r'cannot tell whether who \("nightly"\) meets select \(before 2026-11-20 09:00Z\)'
    ):
        picked(before("3h"), *points)


def test_one_undated_above_an_early_one_that_is_not_the_latest_could_still_be_the_one() -> None:
    early, undated, later = point("a", "9h"), point("u", None, parent_id="a"), point("b", "5h")
    points = (early, undated, later)
    with pytest.raises(UnknownTime, match=r"cannot tell whether u "):
        select_for_restore(having(*points), points, Select(which="latest", before=ago("2h")))


def test_one_undated_beside_an_early_one_is_not_placed_by_an_undated_one_below_both() -> None:
    below, early, undated = point("r", None), point("e", "5h", parent_id="r"), point("u", None, parent_id="r")
    with pytest.raises(UnknownTime, match=r"cannot tell whether u "):
        picked(before("2h"), below, early, undated)
    assert picked(before("2h"), below, early) == "e"


def test_what_exists_is_listed_and_of_many_the_newest_twenty() -> None:
    assert there_are([]) == "There are no checkpoints."
    assert there_are([OLD]) == "There are: nightly (2026-11-20 03:00Z)."
    many = [point(str(i), f"{i + 1}h", name=f"n{i}") for i in range(22)]
    assert there_are(many[:20]).startswith("There are: n0 (")
    assert "older" not in there_are(many[:20])
    for shuffled in (many, many[::-1], many[7:] + many[:7]):
        listed = there_are(shuffled)
        assert listed.startswith("There are 22; the newest 20 (2 more are older): n0 (2026-11-20 11:00Z), n1 (")
        assert listed.endswith(", n19 (2026-11-19 16:00Z).")


def test_of_many_without_times_the_last_ones_of_the_list_are_shown_and_called_that() -> None:
    many = [point(str(i), None, name=f"n{i}") for i in range(21)]
    listed = there_are(many)
    assert listed.startswith(
        "There are 21; the last 20 as the service lists them (1 more before them): n20 (time unknown), n19 ("
    )
    assert listed.endswith(", n1 (time unknown).")


def test_of_many_of_one_name_the_newest_are_listed_by_id() -> None:
    many = tuple(point(str(i), f"{i + 1}h") for i in range(30))
    with pytest.raises(Ambiguous) as caught:
        choose(having(*many), many, "fail", 'are named "nightly"')
    listed = '30 checkpoints are named "nightly"; the newest 20 (10 more are older): 0 (2026-11-20 11:00Z), 1 ('
    assert caught.value.message.startswith(listed)


@pytest.mark.parametrize(
    ("refuse", "kind"),
    [
        (lambda: choose(having(*DATED), DATED, "fail", 'are named "nightly"'), Ambiguous),
        (lambda: picked(LATEST, point("a", None), point("b", "1h")), UnknownTime),
        (lambda: picked(before("3h"), point("early", "9h"), point("who", None)), UnknownTime),
    ],
)
def test_a_refusal_names_a_way_out(refuse: Callable[[], object], kind: type[CheckpointError]) -> None:
    with pytest.raises(kind) as caught:
        refuse()
    assert caught.value.remedy


def test_of_more_than_twenty_those_of_the_same_time_stay_in_the_service_s_order() -> None:
    many = [point(f"n{number}", "1h", name=f"c{number:02}") for number in range(21)]
    text = there_are(many)
    assert text.startswith("There are 21; the newest 20 (1 more is older): c20 (2026-11-20 11:00Z), c19 (")
    assert "c01 (" in text
    assert "c00 (" not in text


def test_of_two_times_along_a_line_the_one_that_says_more_decides() -> None:
    """A child's time may be earlier than its parent's where clocks differ: the parent was made by then all the same."""
    parent, child = chain(point("p", "1h"), point("c", "3h"))
    between = point("b", "2h")
    there = having(parent, child, between)
    assert AgeOrder(there).is_older(parent, between)
    assert AgeOrder(there).is_older(between, child)
    assert not AgeOrder(there).is_older(between, point("x", "2h"))


def test_what_meets_another_key_not_need_not_be_placed_in_time() -> None:
    low, early = chain(ours("a1", "9h", created=None), ours("b2", "9h"))
    stranger, undated = point("s", "1h"), point("u", None)
    chosen = select_for_restore(
        having(low, early, stranger, undated),
        [low, early, stranger, undated],
        Select(older_than=timedelta(hours=4), managed=True),
    )
    assert ids(chosen) == ["b2"]


def test_the_ancestry_of_each_is_worked_out_once_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    many = having(*(point(f"p{number}", f"{number + 1}h") for number in range(60)))
    asked: list[str] = []
    ancestors = ObservedVm.ancestors

    def counted(observed: ObservedVm, checkpoint: Checkpoint) -> set[str]:
        asked.append(checkpoint.id)
        return ancestors(observed, checkpoint)

    monkeypatch.setattr(ObservedVm, "ancestors", counted)
    assert newest(many, many.checkpoints).id == "p0"
    assert oldest(many, many.checkpoints).id == "p59"
    assert len(asked) == 2 * 60
