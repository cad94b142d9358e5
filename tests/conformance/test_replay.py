# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded exchanges, served over TLS to the real modules run by ansible-playbook."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.replay.notes import NOTES
from tests.conformance.replay.player import playing
from tests.conformance.replay.scripts import steps, told
from tests.conformance.replay.sources import tapes
from tests.conformance.replay.tape import Tape
from tests.contract.core.outside import folder
from tests.contract.playbooks.support import Ansible, Run, Simulator, play

TAPES = [tape.name for tape in tapes()]


def _tape(name: str) -> Tape:
    return next(tape for tape in tapes() if tape.name == name)


def played(tape: Tape, directory: Path, tasks: list[dict[str, Any]]) -> Run:
    """The tasks, run against the tape by ansible-playbook."""
    with playing(tape, directory) as (origin, ca_file):
        player = Simulator({"ca_file": str(ca_file)})
        ansible = Ansible(directory, player)
        environment = {
            "AZURE_CLOUD_ENVIRONMENT": origin,
            "AZURE_ACCESS_TOKEN": "ready",
            "AZURE_SUBSCRIPTION_ID": tape.subscription,
            "HYBRIDVM_CA_PATH": str(ca_file),
        }
        try:
            return ansible.run([play("Replay", tasks, environment)])
        finally:
            ansible.close()
            player.close()


@pytest.mark.parametrize("name", TAPES)
def test_a_recording_is_played_to_its_end(name: str, tmp_path: Path) -> None:
    tape = _tape(name)
    script = steps(tape)
    if not script:
        assert tape.passed_over, f"{name} holds no write"
        pytest.skip(f"{name}: no module makes any of its writes ({', '.join(tape.passed_over)})")
    run = played(tape, tmp_path, [step.task for step in script])
    assert tape.failures == [], "\n".join(tape.failures)
    assert run.code == 0, f"{run.stdout}{run.stderr}"
    results = {line["task"]: line["result"] for line in run.results}
    for step in script:
        result = results[step.name]
        assert not result.get("failed"), f"{step.name}: {told(result)}"
        assert result["changed"] is step.changed, f"{step.name}: {told(result)}"
        if step.count is not None:
            (rows,) = (value for key, value in result.items() if key in {"checkpoints", "restore_point_collections"})
            assert len(rows) == step.count, step.name
    assert tape.unplayed == []
    assert tape.used <= NOTES.keys()
    passed = f"; passed over: {', '.join(tape.passed_over)}" if tape.passed_over else ""
    print(f"{name}: {len(tape.writes)} writes, {len(script)} tasks; notes: {', '.join(sorted(tape.used))}{passed}")


def test_a_request_that_is_not_in_the_recording_fails(tmp_path: Path) -> None:
    """The player itself: another name than the recorded one is refused and told."""
    tape = _tape("transcribed scvmm")
    create = next(step for step in steps(tape) if step.module == "vm_checkpoint")
    other = {"name": "Other", "hybridvm.checkpoints.vm_checkpoint": {**create.options, "name": "not recorded"}}
    run = played(tape, tmp_path, [other])
    assert run.code != 0
    assert [failure.partition(" {")[0].rpartition("/")[2] for failure in tape.failures] != []
    assert all("does not explain POST" in failure for failure in tape.failures)


def test_what_is_played_without_the_recordings() -> None:
    """A missing data folder is told, and leaves our transcriptions."""
    data = folder()
    transcribed = [name for name in TAPES if name.startswith("transcribed")]
    assert len(transcribed) == 3
    if data is None:
        print("The recordings are not here (HYBRIDVM_DATA): the transcriptions alone were played.")
        assert os.environ.get("RECORDINGS") or transcribed == TAPES
    else:
        recorded = json.loads((data / "recordings" / "scvmm-2023-10.json").read_text("utf-8"))
        assert recorded
        assert "recordings/scvmm-2023-10.json" in TAPES
