# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""World documents: the documentation's make worlds, all they may hold is documented, wrong ones are reported."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
import trio

from simulator.documents import check as documents
from simulator.documents.check import WrongDocument, check_world
from simulator.world import World

from .shapes import ROOT
from .support import START, Sim

PAGE = (ROOT / "docs/simulator.md").read_text()
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.S)]


def world(document: dict[str, Any]) -> World:
    return World(lambda: START, document=document)


def test_the_documentations_examples_make_the_worlds_they_tell_of() -> None:
    onsite, azure = EXAMPLES
    made = world(onsite)
    assert made.credentials.spf_password == "only for rehearsals"
    assert made.credentials.secret
    web01 = made.vm("web01")
    named = {point.name: point for point in web01.checkpoints}
    assert named["baseline"].files == {"/etc/app.conf": "version = 1"}
    assert named["other-branch"].parent_id == named["baseline"].checkpoint_id
    assert named["half-made"].checkpoint_id is None
    assert web01.pointer == named["other-branch"].checkpoint_id
    assert made.vm("gold-image").stored
    assert made.vm("moving01").state() == "UnderMigration"
    assert [machine.kind for machine in made.machines] == [None, "VMware"]
    assert made.vm("app01").resource_uri == made.machine_uri("app01")
    assert world(azure).azure.named("shop01").zones == ["1"]


@pytest.mark.parametrize(
    ("head", "members"),
    [
        ("credentials", documents.CREDENTIALS),
        ("spf", documents.SPF),
        ("scvmm", documents.SCVMM),
        ("of a VM", documents.VM),
        ("of a checkpoint", documents.CHECKPOINT),
    ],
)
def test_every_member_is_documented(head: str, members: dict[str, Any]) -> None:
    title = re.escape(head) if " " in head else f"`{head}`"
    (rows,) = re.findall(rf"^\| {title} \| meaning.*?\n\|---\|---\|\n((?:\|.*\n)+)", PAGE, re.M)
    documented = [name for row in rows.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(documented) == sorted(members)


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("", [], "the document: is a list, and takes an object"),
        ("spfs", {}, "the document: has no member 'spfs'; there are: compute, credentials, scvmm, spf"),
        ("spf", 3, "spf: is a number, and takes an object"),
        ("spf.vms", {}, "spf.vms: is an object, and takes a list"),
        ("spf.vms.1", {"power": "Running"}, "spf.vms[1]: has no name"),
        ("spf.vms.1", "web02", "spf.vms[1]: is text, and takes an object"),
        ("spf.vms.0.name", "", "spf.vms[0].name: is empty"),
        ("spf.vms.0.checkpionts", [], "spf.vms[0]: has no member 'checkpionts'; there are: added, age_seconds, "),
        ("spf.vms.0.power", "on", "spf.vms[0].power: takes Running, PowerOff, Paused, Saved or Stored, not 'on'"),
        ("spf.vms.0.files", {"/etc/x": 1}, "spf.vms[0].files['/etc/x']: is a number, and takes text"),
        ("spf.vms.0.id", "7", "spf.vms[0].id: '7' is no GUID"),
        (
            "spf.vms.0.checkpoints.1.added",
            "yesterday",
            "spf.vms[0].checkpoints[1].added: 'yesterday' is no time",
        ),
        ("spf.vms.0.checkpoints.1.added", "2026-11-19T02:00:00", "is no time with an offset, such as 2026-"),
        ("spf.vms.0.checkpoints.0.days_old", "12", "spf.vms[0].checkpoints[0].days_old: is text, and takes a number"),
        ("spf.vms.0.checkpoints.0.days_old", True, "days_old: is true or false, and takes a number"),
        (
            "spf.vms.0.checkpoints.0.enabled",
            1,
            "checkpoints[0].enabled: is a number, and takes true or false",
        ),
        ("spf.stamp_id", None, "spf.stamp_id: is null, and takes text"),
        ("scvmm.machines.0", {"kind": None}, "scvmm.machines[0]: has neither name nor resource_uri"),
        ("credentials.password", "x", "credentials: has no member 'password'; there are: client_id, "),
        ("compute", {"vms": [{}]}, "compute.vms[0]: has no name"),
        ("compute", {"vms": [{"name": "a", "data_disks": [{}]}]}, "compute.vms[0].data_disks[0]: has no lun"),
        (
            "compute",
            {"collections": [{"name": "c", "source": "shop09"}]},
            "compute.collections[0].source: 'shop09' is no VM of compute.vms, no collection before this one, and no id",
        ),
    ],
)
def test_a_wrong_document_is_reported_with_path_and_reason(place: str, value: Any, expected: str) -> None:
    document: Any = copy.deepcopy(EXAMPLES[0])
    *way, last = place.split(".")
    holder = document
    for step in way:
        holder = holder[int(step) if step.isdigit() else step]
    if place:
        holder[int(last) if last.isdigit() else last] = value
    with pytest.raises(WrongDocument) as caught:
        check_world(document if place else value)
    assert expected in str(caught.value)
    assert str(caught.value).count("\n") == 0


async def test_a_wrong_document_replaces_nothing(sim: Sim) -> None:
    before = sim.world.dump()
    refused = await sim.http.post("/_control/world", json={"spf": {"vms": [{"nmae": "x"}]}})
    assert (refused.status_code, refused.json()["error"]) == (400, "spf.vms[0]: has no name")
    added = await sim.http.post("/_control/vm", json={"service": "spf", "name": "new", "power": "on"})
    assert added.status_code == 400
    assert added.json()["error"].startswith("power: takes ")
    assert sim.world.dump() == before


def test_the_documentations_python_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict[str, Any] = {}

    async def run() -> None:
        exec(compile(example, "docs/simulator.md", "exec"), names)

    trio.run(run)
    assert names["world"].switches.spf_paging == "relative"
