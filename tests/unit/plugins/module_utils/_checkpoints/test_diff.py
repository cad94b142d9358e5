# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""--diff shows the set before and after, with times, and the steps that leave the set alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    Delete,
    PinChange,
    Restore,
    SetLock,
    SetPin,
    Update,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.diff import as_planned, carried_out
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.diff import planned as foreseen
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin, PinRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import Spec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    WEB01,
    NamedStep,
    absent,
    having,
    hidden,
    ours,
    planned,
    point,
    present,
    restore,
)

BASE = point("a", "1d", name="baseline")


def shown(spec: Spec, *points: Checkpoint) -> tuple[list[str], list[str]]:
    made = foreseen(having(*points), planned(spec, *points, power="on"))
    return made["before"].splitlines(), made["after"].splitlines()


def test_a_new_checkpoint_says_why_it_comes() -> None:
    before, after = shown(present(name="before-patching"), BASE)
    assert before == ["  baseline         2026-11-19 12:00Z"]
    assert after == [*before, '  before-patching  (new)   no checkpoint named "before-patching" exists']


def test_what_goes_is_missing_afterwards() -> None:
    gone = point("b", "1h")
    before, after = shown(absent(), BASE, gone)
    assert before == ["  baseline  2026-11-19 12:00Z", "  nightly   2026-11-20 11:00Z"]
    assert after == before[:1]


def test_a_description_is_shown_on_one_line_before_and_after() -> None:
    before, after = shown(present(description="new\nwords"), point("a", description=" old\r\n  words "))
    assert before == ["  nightly  2026-11-20 11:00Z  old words"]
    assert after == ["  nightly  2026-11-20 11:00Z  new words"]


def test_an_unknown_time_is_said() -> None:
    before, after = shown(present(), point("a", None))
    assert before == after == ["  nightly  time unknown"]


def test_steps_that_leave_the_set_alone_stand_below_it() -> None:
    _before, after = shown(restore(name="baseline", if_running="stop", power_after="on"), BASE)
    assert after == [
        "  baseline  2026-11-19 12:00Z",
        "power off: if_running is stop and the VM is on",
        'restore to baseline (2026-11-19 12:00Z, a): it is the checkpoint named "baseline"',
        "power on: power_after is on",
    ]


def test_the_parts_of_a_restore_stand_there_too() -> None:
    made = foreseen(having(BASE), Plan(WEB01, (NamedStep(WEB01, "asked", "swap its disks"),)))
    assert made["after"].splitlines() == ["  baseline  2026-11-19 12:00Z", "swap its disks: asked"]


def test_the_header_names_the_vm_and_its_service() -> None:
    made = foreseen(having(), Plan(WEB01))
    assert made == {
        "before_header": "checkpoints of web01 (spf)",
        "after_header": "checkpoints of web01 (spf)",
        "before": "",
        "after": "",
    }


def test_a_terminal_does_not_obey_what_somebody_named() -> None:
    name = "a\x1b[2J\nb\u202ec"
    before, after = shown(restore(checkpoint_id="a"), point("a", name=name, description="d\x07e\u2028f"))
    assert before == ["  a [2J b c  2026-11-20 11:00Z  d e f"]
    assert after[0] == before[0]
    assert after[1].startswith("restore to a [2J b c (")
    long = foreseen(having(point("a", name="x" * 9000, description="y" * 9000)), Plan(WEB01))
    assert long["before"] == f"  {'x' * 254}…  2026-11-20 11:00Z  {'y' * 119}…\n"
    odd = point("i" * 9000)
    (_line, step) = foreseen(having(odd), Plan(WEB01, (Restore(WEB01, "asked", odd),)))["after"].splitlines()
    assert step == f"restore to nightly (2026-11-20 11:00Z, {'i' * 399}…): asked"


def test_a_difference_in_blanks_or_far_behind_is_seen() -> None:
    before, after = shown(present(description="a b"), point("a", description="a  b"))
    assert before == ['  nightly  2026-11-20 11:00Z  "a  b"']
    assert after == ['  nightly  2026-11-20 11:00Z  "a b"']
    far = "w " * 450
    before, after = shown(present(description=far + "new"), point("a", description=far + "old"))
    assert before[0].endswith('w w old"')
    assert after[0].endswith('w w new"')
    assert "…" in before[0]
    longer = "w " * 100 + "more"
    before, after = shown(present(description=longer), ours("a", description=longer.removesuffix("more") + "m"))
    assert (before[0][-3:], after[0][-6:]) == (' m"', ' more"')
    before, after = shown(present(description="a" * 201), ours("a", description="a" * 200))
    assert before[0].endswith(f'  …"{"a" * 40}"')
    assert after[0].endswith(f'  …"{"a" * 41}"')


def test_a_difference_far_behind_is_shown_with_forty_characters_before_it() -> None:
    was, will = "x" * 200 + "a" + "y" * 200, "x" * 200 + "b" + "y" * 200
    before, after = shown(present(name="baseline", description=will), replace(BASE, description=was))
    assert before[0].endswith(f'  …"{"x" * 40}a{"y" * 79}"')
    assert after[0].endswith(f'  …"{"x" * 40}b{"y" * 79}"')


def test_one_long_name_does_not_push_everything_to_the_right() -> None:
    before, _after = shown(absent(name="x"), point("a", name="n" * 200), point("b", "1h"))
    assert before[1].index("2026") == 64


def test_a_description_that_stays_is_shown_in_part() -> None:
    before, after = shown(present(), point("a", description="words " * 100))
    assert before == after
    assert len(before[0]) < 160


def ran(before: list[Checkpoint], now: list[Checkpoint], *done: Action) -> tuple[list[str], list[str]]:
    made = carried_out(having(*before), having(*now), done)
    return made["before"].splitlines(), made["after"].splitlines()


def test_after_a_run_a_new_checkpoint_is_shown_as_it_is() -> None:
    made = point("b", "1h", name="before-patching", description="asked for")
    before, after = ran([BASE], [BASE, made], Create(WEB01, "none exists", name="before-patching"))
    assert before == ["  baseline         2026-11-19 12:00Z"]
    assert after == [*before, "  before-patching  2026-11-20 11:00Z  asked for"]


def test_after_a_run_what_no_list_shows_yet_stands_there_as_planned() -> None:
    _before, after = ran([BASE], [BASE], Create(WEB01, "none exists", name="new"))
    assert after == ["  baseline  2026-11-19 12:00Z", "  new       (new)   none exists"]


def test_a_series_new_point_is_known_by_how_its_name_begins() -> None:
    made = point("b", "1h", name="nightly-20261120-1")
    _before, after = ran([], [made], Create(WEB01, "none exists", name="nightly", generate=True))
    assert after == ["  nightly-20261120-1  2026-11-20 11:00Z"]


def test_one_that_was_made_anew_under_its_id_went_and_came() -> None:
    old, new = point("a", "1d", name="fp"), point("a", "1h", name="fp")
    done = (Delete(WEB01, "it failed", old), Create(WEB01, "none usable", name="fp"))
    before, after = ran([old], [new], *done)
    assert before == ["  fp  2026-11-19 12:00Z"]
    assert after == ["  fp  2026-11-20 11:00Z"]


def test_a_secret_in_a_name_is_hidden_before_the_name_is_cut() -> None:
    redactor = Redactor()
    redactor.add("S3cr3t-Passw0rd-42")
    with redactor.active():
        shown_before, _after = shown(present(), point("a", name="x" * 245 + "S3cr3t-Passw0rd-42"))
    assert "S3cr" not in shown_before[0]


def test_a_run_that_did_nothing_shows_no_difference() -> None:
    before, after = ran([BASE], [BASE])
    assert before == after


def test_after_a_run_the_steps_that_were_taken_stand_below() -> None:
    gone = point("b", "1h")
    before, after = ran(
        [BASE, gone], [BASE], Restore(WEB01, "asked", BASE), NamedStep(WEB01, "asked", "swap its disks")
    )
    assert before == ["  baseline  2026-11-19 12:00Z", "  nightly   2026-11-20 11:00Z"]
    assert after == [before[0], "restore to baseline (2026-11-19 12:00Z, a): asked", "swap its disks: asked"]


def test_a_description_that_was_changed_is_shown_as_read() -> None:
    before, after = ran([point("a", description="old")], [point("a", description="new")])
    assert before == ["  nightly  2026-11-20 11:00Z  old"]
    assert after == ["  nightly  2026-11-20 11:00Z  new"]


def test_what_is_shown_without_an_id_is_there_before_and_after() -> None:
    settled = point("h", "1h", name="weekly")
    for now in (hidden(name="weekly"), settled):
        made = carried_out(having(BASE, hidden(name="weekly")), having(BASE, now), [])
        assert [line.split()[0] for line in made["after"].splitlines()] == ["baseline", "weekly"]
        assert [line.split()[0] for line in made["before"].splitlines()] == ["baseline", "weekly"]


def test_a_pin_is_shown_as_it_is_and_as_it_is_asked_for() -> None:
    until = NOW + timedelta(days=1)
    kept = point("a", kept=Pin(until), locked=True)
    new = Create(WEB01, "none exists", name="nightly", pin=PinRequest(timedelta(hours=2)))
    later = SetPin(WEB01, "asked", checkpoint=Checkpoint("", "nightly"), pin=PinChange(PinRequest()))
    made = foreseen(having(kept), Plan(WEB01, (new,)))
    assert made["before"] == "  nightly  2026-11-20 11:00Z  [pinned until 2026-11-21 12:00Z, locked]\n"
    assert made["after"] == f"{made['before']}  nightly  (new)   [pinned until 2h]   none exists\n"
    made = foreseen(having(replace(kept, locked=False)), Plan(WEB01, (replace(new, pin=None), later)))
    assert made["before"] == "  nightly  2026-11-20 11:00Z  [pinned until 2026-11-21 12:00Z]\n"
    assert made["after"] == f"{made['before']}  nightly  (new)   [pinned]   none exists\n"
    theirs = replace(later, checkpoint=replace(kept, locked=False))
    made = foreseen(having(), Plan(WEB01, (replace(new, pin=None), theirs)))
    assert made["after"] == "  nightly  (new)   none exists\n"
    ended = foreseen(having(point("a", kept=Pin(NOW))), Plan(WEB01))
    assert ended["before"] == "  nightly  2026-11-20 11:00Z\n"


def test_what_changes_of_pin_and_lock_is_shown_of_its_checkpoint_alone() -> None:
    one, other = ours("a1"), ours("b2")
    assert one.mark is not None
    actions = (
        Update(WEB01, "", checkpoint=one, pin=PinChange(PinRequest(), None, Pin())),
        SetPin(WEB01, "", checkpoint=one, pin=PinChange(PinRequest(), None, Pin())),
        SetLock(WEB01, "", checkpoint=one),
    )
    assert as_planned(one, actions) == replace(one, mark=one.mark.with_pin(Pin()), kept=Pin(), locked=True)
    assert as_planned(other, actions) == other
    bare = replace(one, mark=None)
    assert as_planned(bare, actions[:1]) == bare


def test_what_went_in_any_case_of_its_id_has_gone() -> None:
    old, new = point("Ab", "1d", name="fp"), point("aB", "1h", name="fp")
    before, after = ran([old], [new], Delete(WEB01, "it failed", replace(old, id="AB")))
    assert (before, after) == (["  fp  2026-11-19 12:00Z"], ["  fp  2026-11-20 11:00Z"])
    other = point("c", "2h", name="ot")
    _before, after = ran([old, other], [new, other], Delete(WEB01, "it failed", replace(old, id="AB")))
    assert after == ["  ot  2026-11-20 10:00Z", "  fp  2026-11-20 11:00Z"]


def test_the_longest_name_before_a_run_counts_as_well() -> None:
    gone = point("b", "1h", name="before-patching")
    before, after = ran([BASE, gone], [BASE], Delete(WEB01, "asked", gone))
    assert before == ["  baseline         2026-11-19 12:00Z", "  before-patching  2026-11-20 11:00Z"]
    assert after == before[:1]


def test_a_description_of_blanks_is_none() -> None:
    before, after = shown(present(description="new"), point("a", description=" \r\n "))
    assert (before, after) == (["  nightly  2026-11-20 11:00Z"], ["  nightly  2026-11-20 11:00Z  new"])


def test_what_was_there_in_any_case_of_its_id_is_nothing_new() -> None:
    there = point("Ab", "1d", name="fp")
    _before, after = ran([there], [replace(there, id="aB")], Create(WEB01, "it is too old", name="fp"))
    assert after == ["  fp  2026-11-19 12:00Z", "  fp  (new)   it is too old"]


def test_only_what_was_made_by_it_takes_the_place_of_a_new_one() -> None:
    series = Create(WEB01, "none exists", name="nightly", generate=True)
    fixed = Create(WEB01, "none exists", name="nightly")
    made = point("b", "1h", name="nightly-2026")
    assert ran([], [made], series)[1] == ["  nightly-2026  2026-11-20 11:00Z"]
    assert ran([], [made], fixed)[1][1:] == ["  nightly       (new)   none exists"]
