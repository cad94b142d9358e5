# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that store another name or description than they were sent: reported, and never written each run."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.vmm import server
from tests.contract.checkpoints.scenarios import VMS, code, make_lab
from tests.support.lab import Lab

LONG = "before the change of the database schema, as agreed on with the people of the shop " * 2
NAMES = [
    ("cut_40", "a name that is longer than forty characters by far"),
    ("cut_100", "n" * 120),
    ("slash_to_underscore", "release/2026/11"),
    ("fold_blanks", "two  blanks   in it"),
    ("upper", "Nightly of the shop"),
    ("nfc", "Gru\u0308n und scho\u0308n"),
    ("no_separators", "pre-patch 02:00"),
    ("escaped", "patch & reboot <now>"),
    ("percent", "patch one/two"),
    ("ascii", "Vor Prüfung 1"),
    ("ascii", "升級前快照備份檢查"),
    ("no_accents", "avant mise à jour été"),
    ("cut_5", "nightly backup"),
]


def _names(lab: Lab, service: str) -> list[str | None]:
    return [point.name for point in lab.world.vm(VMS[service]).checkpoints]


@pytest.mark.parametrize(
    ("service", "switches", "name"),
    [
        *((service, {"vmm_names": kind}, name) for service in ("spf", "scvmm") for kind, name in NAMES),
        ("scvmm", {"arc_names": "cut_20"}, "before the schema change"),
    ],
)
def test_a_name_that_is_stored_otherwise_is_reported_and_known_by_its_mark(
    service: str, switches: dict[str, Any], name: str
) -> None:
    lab = make_lab(service, **switches)
    vm = VMS[service] if service == "spf" else lab.arm_vm
    first = lab.run("vm_checkpoint", vm=vm, name=name)
    assert (code(first), first["changed"]) == (None, True)
    stored = first["checkpoint"]["name"]
    assert stored != name
    warning = f'the service keeps the name "{" ".join(name.split())}" as "{stored}"'
    assert any(warning in text for text in first["warnings"])
    count = len(_names(lab, service))
    for options in ({}, {"max_age": "1d"}, {"supersede": True}):
        again = lab.run("vm_checkpoint", vm=vm, name=name, **options)
        assert (code(again), again["changed"], again["checkpoint"]["id"]) == (None, False, first["checkpoint"]["id"])
    assert len(_names(lab, service)) == count
    shown = lab.run("vm_checkpoint_info", vm=vm, name=name)
    assert [each["id"] for each in shown["checkpoints"]] == [first["checkpoint"]["id"]]
    assert code(lab.run("vm_checkpoint_restore", vm=vm, name=name)) is None
    gone = lab.run("vm_checkpoint", vm=vm, name=name, state="absent")
    assert (gone["changed"], gone["warnings"], len(_names(lab, service))) == (True, [], count - 1)


def test_a_name_that_nobody_would_recognise_is_told_and_not_promised_to_be_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "stored_name", lambda name, _switches: name.replace("ä", "ae"))
    lab = make_lab("spf")
    result = lab.run("vm_checkpoint", vm="web01", name="Wartung ä")
    (told,) = [text for text in result["warnings"] if "keeps the name" in text]
    assert "make another one: give it a name that the service keeps" in told
    assert "known by its mark" not in told


def test_a_mark_alone_gives_no_other_name() -> None:
    """Anyone may forge a mark: a name that cannot have come of the one that was asked for is another one."""
    lab = make_lab("spf")
    lab.run("vm_checkpoint", vm="web01", name="nightly")
    ours = lab.world.vm("web01").checkpoints[-1]
    ours.name = "do not touch"
    gone = lab.run("vm_checkpoint", vm="web01", name="nightly", state="absent")
    assert (code(gone), gone["changed"]) == (None, False)
    assert ours in lab.world.vm("web01").checkpoints
    assert gone["warnings"] == [
        f'vm web01: checkpoint "do not touch" ({ours.id}) was made as "nightly", as its mark says, and has another '
        "name now: it stays. Remove it by checkpoint_id if it is meant."
    ]


@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_a_name_behind_another_word_is_left_and_no_longer_in_silence(service: str) -> None:
    lab = make_lab(service, vmm_names="tenant")
    vm = VMS[service] if service == "spf" else lab.arm_vm
    lab.run("vm_checkpoint", vm=vm, name="nightly")
    gone = lab.run("vm_checkpoint", vm=vm, name="nightly", state="absent")
    assert (code(gone), gone["changed"]) == (None, False)
    assert any('"[tenant] nightly"' in text and "it stays" in text for text in gone["warnings"])


@pytest.mark.parametrize(
    ("kind", "description"),
    [("crlf", "one\ntwo\n\nfour"), ("trimmed", "  blanks around  "), ("trimmed", "at the end \nof a line\n")],
)
def test_a_description_that_is_stored_otherwise_is_not_written_in_each_run(kind: str, description: str) -> None:
    lab = make_lab("spf", vmm_descriptions=kind)
    task: dict[str, Any] = {"vm": "web01", "name": "new", "description": description}
    assert lab.run("vm_checkpoint", **task)["changed"] is True
    assert lab.run("vm_checkpoint", **task)["changed"] is False
    changed = lab.run("vm_checkpoint", **{**task, "description": f"{description} and more"})
    assert (code(changed), changed["changed"]) == (None, True)
    assert lab.run("vm_checkpoint", **{**task, "description": f"{description} and more"})["changed"] is False


def test_a_description_that_is_cut_is_reported_and_not_written_in_each_run() -> None:
    lab = make_lab("spf", vmm_descriptions="cut_200")
    task: dict[str, Any] = {"vm": "web01", "name": "baseline", "description": f"{LONG}{LONG}"}
    first = lab.run("vm_checkpoint", **task)
    assert (code(first), first["changed"]) == (None, True)
    assert any("keeps another description" in text for text in first["warnings"])
    again = lab.run("vm_checkpoint", **task)
    assert (code(again), again["changed"]) == (None, False)


RICH = "Before patching & reboot of Prüf-System <a>\nsecond line  with  blanks"


@pytest.mark.parametrize("kind", ["escaped", "upper", "one_line", "no_markup", "ascii", "cut_50"])
def test_a_description_that_the_service_makes_another_of_is_drift_and_not_written_in_each_run(kind: str) -> None:
    """Neither that of a new checkpoint nor that of one that somebody else has made."""
    lab = make_lab("spf", vmm_descriptions=kind)
    for name in ("new", "baseline"):
        task: dict[str, Any] = {"vm": "web01", "name": name, "description": RICH}
        first = lab.run("vm_checkpoint", **task)
        assert (code(first), first["changed"]) == (None, True), first.get("msg")
        assert any("keeps another description" in text for text in first["warnings"]) or name == "new"
        assert [each["desired"] for each in first["drift"]] == [RICH]
        sent = lab.writes()
        for _again in range(2):
            again = lab.run("vm_checkpoint", **task)
            assert (code(again), again["changed"], lab.writes()) == (None, False, sent)
            assert [each["desired"] for each in again["drift"]] == [RICH]
            assert any("it is not written again; see drift" in text for text in again["warnings"])
        other = lab.run("vm_checkpoint", **{**task, "description": "something else"})
        assert (code(other), other["changed"]) == (None, True)


def test_a_description_that_nobody_would_know_again_is_written_and_what_came_of_it_is_told() -> None:
    lab = make_lab("spf", vmm_descriptions="tenant")
    task: dict[str, Any] = {"vm": "web01", "name": "baseline", "description": RICH}
    result = lab.run("vm_checkpoint", **task)
    assert (code(result), result["changed"]) == (None, True)
    assert result["drift"] == [{"field": "description", "desired": RICH, "actual": f"[tenant] {RICH}"}]
    assert any("keeps another description" in text for text in result["warnings"])
    assert lab.seconds < 30
    again = lab.run("vm_checkpoint", **task)
    assert code(again) == "not_proven"  # unchanged: whether the service takes descriptions at all is open


def test_a_new_checkpoint_whose_mark_was_cut_off_is_found_and_reported() -> None:
    lab = make_lab("spf", vmm_descriptions="cut_200")
    result = lab.run("vm_checkpoint", vm="web01", name="new", description=f"{LONG}{LONG}")
    assert (code(result), result["checkpoint"]["name"], result["checkpoint"]["managed"]) == (None, "new", False)
    assert any("this collection's mark with it" in text for text in result["warnings"])
    again = lab.run("vm_checkpoint", vm="web01", name="new", description=f"{LONG}{LONG}")
    assert (code(again), again["changed"]) == (None, False)


@pytest.mark.parametrize("service", ["spf", "scvmm"])
@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_restore_by_key_is_known_although_its_target_has_another_name(service: str, kind: str, name: str) -> None:
    """Seed 5003: the safety checkpoint is called after the name that the service keeps, the task gives the other."""
    lab = make_lab(service, vmm_names=kind)
    task: dict[str, Any] = {"vm": VMS[service] if service == "spf" else lab.arm_vm, "name": name}
    lab.run("vm_checkpoint", **task)
    lab.advance(600)
    more: dict[str, Any] = {"safety_checkpoint": True, "restore_key": "k"}
    first = lab.run("vm_checkpoint_restore", **task, **more)
    assert (code(first), first["changed"]) == (None, True)
    lab.advance(600)
    again = lab.run("vm_checkpoint_restore", **task, **more)
    assert (code(again), again["changed"]) == (None, False), again.get("msg")
    other = lab.run("vm_checkpoint_restore", **{**task, **more, "name": "baseline"})
    assert code(other) == "invalid_input"


@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_a_mark_in_upper_case_is_ours_all_the_same(service: str) -> None:
    lab = make_lab(service, vmm_descriptions="upper")
    task: dict[str, Any] = {"vm": VMS[service] if service == "spf" else lab.arm_vm, "name": "nightly"}
    task |= {"max_age": "4h", "supersede": True}
    made = lab.run("vm_checkpoint", **task, pin=True)
    assert (code(made), made["warnings"]) == (None, [])
    assert made["checkpoint"]["managed"]
    assert made["checkpoint"]["pinned"]
    for _again in range(3):
        lab.advance(60)
        again = lab.run("vm_checkpoint", **task)
        assert (code(again), again["changed"], again["warnings"]) == (None, False, [])
    for _night in range(2):
        lab.advance(5 * 3600)
        assert code(lab.run("vm_checkpoint", **task)) is None
    assert lab.names(VMS[service]).count("nightly") == 2  # the one that is pinned, and the newest


@pytest.mark.parametrize("description", [None, LONG])
def test_the_remedy_for_a_mark_that_was_cut_off_is_one_that_helps(description: str | None) -> None:
    lab = make_lab("spf", vmm_descriptions="cut_50")
    text = " ".join(lab.run("vm_checkpoint", vm="web01", name="new", description=description)["warnings"])
    assert "cut the description to 50 characters" in text
    assert "No other description helps" in text


def test_what_spf_has_made_is_known_by_the_id_in_its_answer() -> None:
    """201 holds the new entity (dn785087): neither its name nor the mark has to come back as it was sent."""
    lab = make_lab("spf", vmm_names="tenant", vmm_descriptions="cut_50")
    result = lab.run("vm_checkpoint", vm=VMS["spf"], name="nightly", description=LONG)
    made = lab.world.vm(VMS["spf"]).checkpoints[-1]
    assert (code(result), result["changed"], result["checkpoint"]["id"]) == (None, True, made.id)
    assert f'the service keeps the name "nightly" as "[tenant] nightly" ({made.id})' in result["warnings"][0]
