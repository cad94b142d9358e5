# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checkpoint is the one meant: by its mark, by being the only new one, by being the same as before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.identity import (
    description_drift,
    is_another,
    is_current,
    is_gone,
    keeps,
    marked,
    only_new,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    ago,
    having,
    hidden,
    mark,
    ours,
    point,
)

NONCE = mark("a1", "1h").nonce


def test_ours_is_the_one_with_the_nonce() -> None:
    found = ours("a1")
    assert marked(having(point("old"), ours("b2"), found), NONCE) == found
    assert marked(having(point("old"), ours("b2")), NONCE) is None


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ((point("Old"), point("new")), "new"),
        ((point("OLD"),), None),
        ((point("Old"), point("new", name="other")), None),
        ((point("Old"), ours("a1")), None),
        ((point("new"), point("newer")), None),
        ((), None),
    ],
    ids=["one", "none", "of another name", "marked by somebody", "two", "nothing"],
)
def test_without_a_mark_it_is_the_only_new_one_of_its_name(now: tuple[Checkpoint, ...], expected: str | None) -> None:
    found = only_new(having(*now), {"old"}, "nightly")
    assert (found and found.id) == expected


def test_gone_is_what_no_list_shows_with_or_without_its_id() -> None:
    """A service may show a checkpoint without its id for a while: that is no proof of its absence."""
    gone, other = point("a"), point("b", name="weekly")
    before = having(gone, other)
    assert is_gone(having(other), gone, before)
    assert is_gone(having(other, hidden(name="weekly")), gone, before)
    assert not is_gone(having(gone, other), gone, before)
    assert not is_gone(having(other, hidden()), gone, before)
    assert is_gone(having(other, hidden()), gone, having(gone, hidden()))
    assert not is_gone(having(other, hidden(), hidden(2)), gone, having(gone, hidden()))


@pytest.mark.parametrize(
    ("planned", "found", "another"),
    [
        (point("a", "1h"), point("a", "1h"), False),
        (point("a", "2h"), point("a", "1h"), True),
        (point("a", None), point("a", "1h"), False),
        (point("a", "1h"), point("a", None), False),
        (point("a", None, usability="unusable"), point("a", None, usability="usable"), True),
        (point("a", None, usability="unusable"), point("a", None, usability="unknown"), True),
        (point("a", None, usability="unusable"), point("a", None, usability="unusable"), False),
        (point("a", None, usability="unknown"), point("a", None, usability="usable"), False),
        (point("a", "1h", usability="unusable"), point("a", "1h", usability="usable"), False),
    ],
)
def test_another_under_the_same_id_was_made_at_another_time_or_has_become_usable(
    planned: Checkpoint, found: Checkpoint, another: bool
) -> None:
    assert is_another(found, planned) is another


def test_the_vm_stands_on_the_checkpoint_that_says_so_and_on_none_where_none_does() -> None:
    below, above = point("a", "2h"), point("b", "1h")
    assert not is_current(having(below, above), below)
    assert not is_current(having(), below)
    current = replace(above, current=True, created=ago("1h"))
    assert is_current(having(below, current), above)
    assert is_current(having(below, current), point("HOST-B"))
    assert not is_current(having(below, current), below)


@pytest.mark.parametrize(
    ("kept", "marked_", "is_kept"),
    [
        ("asked for", True, True),
        ("asked for ", False, True),
        ("something else", False, False),
        ("x" * 255, False, True),
        ("x" * 255, True, False),
        ("x" * 254, False, False),
    ],
)
def test_a_description_that_was_cut_is_kept_as_far_as_the_service_can(kept: str, marked_: bool, is_kept: bool) -> None:
    """Where it still bears its mark, which stands behind the text, nothing was cut off."""
    sent = "x" * 300 if kept.startswith("x") else "asked for"
    of = (ours if marked_ else point)("a1", description=kept)
    assert keeps(of, sent) is is_kept


def test_drift_names_what_is_asked_for_and_what_is_there() -> None:
    found = description_drift(point("a", description="there"), "asked for")
    assert found == {"field": "description", "desired": "asked for", "actual": "there"}
