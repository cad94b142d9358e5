# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a new checkpoint is told from what was there."""

from __future__ import annotations

import random
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Create
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.create import NewCheckpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    WEB01,
    having,
    hidden,
    point,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual


async def _accepted(made_id: str | None) -> Operation:
    return Operation("job", "j1", cast(Any, None), made_id=made_id)


KEYED = Create(WEB01, "", name="safety", safety=True, key="0123456789abcdef", generate=True)


def _new(before: ObservedVm) -> NewCheckpoint:
    return NewCheckpoint.of(Create(WEB01, "", name="nightly"), before, None, unique_names=False)


def test_without_a_mark_it_is_the_only_new_one() -> None:
    new, ours = _new(having(point("a"), hidden(name="weekly"))), point("b")
    assert new.find(having(point("a"), ours)) == ours
    assert new.duplicates(having(point("a"), ours, point("c")), ours) == (point("c"),)


@pytest.mark.parametrize(
    ("action", "unique", "nonce", "name"),
    [
        (KEYED, True, "0123456789ab", "safety-20261120T120000Z-0123456789ab"),
        (replace(KEYED, generate=False), True, "0123456789ab", "safety"),
        (KEYED, False, "ffffffffffff", "safety-20261120T120000Z-ffffffffffff"),
        (replace(KEYED, key=None), True, "ffffffffffff", "safety-20261120T120000Z-ffffffffffff"),
        (Create(WEB01, "", name="nightly"), True, "ffffffffffff", "nightly"),
    ],
)
def test_a_key_is_the_nonce_where_the_name_is_all_that_is_kept(
    monkeypatch: pytest.MonkeyPatch, action: Create, unique: bool, nonce: str, name: str
) -> None:
    monkeypatch.setattr(random, "getrandbits", lambda bits: 2**bits - 1)
    new = NewCheckpoint.of(action, having(), None, unique_names=unique)
    assert (new.nonce, new.mark.nonce, new.name) == (nonce, nonce, name)


@pytest.mark.parametrize("unique", [False, True])
def test_what_was_there_is_not_new_in_another_case_of_its_id(unique: bool) -> None:
    old, again = point("Ab"), point("aB")
    new = NewCheckpoint.of(Create(WEB01, "", name="nightly"), having(old), None, unique_names=unique)
    assert new.known == {"ab"}
    assert new.duplicates(having(again, point("c")), point("c")) == ()
    assert _new(having(old)).find(having(again)) is None


def test_where_names_are_unique_only_the_very_name_counts_in_any_case() -> None:
    new = NewCheckpoint.of(Create(WEB01, "", name="Nightly"), having(), None, unique_names=True)
    same, folded = point("a", name="nIGHTLY"), point("b", name="nightl\u00fd")
    assert new.find_ours(having(folded, same)) == new.find(having(folded, same)) == same
    assert new.find(having(folded)) is None


def test_an_id_that_the_answer_told_goes_before_everything_else() -> None:
    """A failed attempt may have left a row with the same mark; and what was there before is nothing new."""

    def sent(made_id: str | None) -> NewCheckpoint:
        new = _new(having(point("a")))
        provider = SimpleNamespace(create=lambda *_given: _accepted(made_id))
        virtual(lambda: new.send(cast(Any, provider), WEB01))
        return new

    for made_id, found in (("c", "C"), (None, "b"), ("a", "b"), ("x", "b")):
        new = sent(made_id)
        left, other = point("b", name="nightly", mark=new.mark), point("C", name="[tenant] nightly")
        for look in (new.find_ours, new.find):
            assert cast(Any, look)(having(point("a"), left, other)).id == found


def test_a_new_one_of_another_name_is_no_duplicate() -> None:
    ours = point("b")
    assert _new(having()).duplicates(having(ours, point("c", name="weekly")), ours) == ()


def test_one_that_was_shown_without_its_id_is_not_new_once_it_has_one() -> None:
    new = _new(having(point("a"), hidden()))
    assert new.find(having(point("a"), point("b"))) is None
    assert new.duplicates(having(point("a"), point("b"), point("c")), point("c")) == ()
