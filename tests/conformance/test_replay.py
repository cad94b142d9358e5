# Copyright: hybridvm.checkpoints contributors
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
from tests.conformance.replay.recording import Recording
from tests.conformance.replay.scripts import steps, summary
from tests.conformance.replay.sources import recordings
from tests.contract.checkpoints.external_sources import folder
from tests.contract.playbooks.support import Ansible, Run, Simulator, play

RECORDINGS = [recording.name for recording in recordings()]


def _recording(name: str) -> Recording:
    return next(recording for recording in recordings() if recording.name == name)


def played(recording: Recording, directory: Path, tasks: list[dict[str, Any]]) -> Run:
    """The tasks, run against the recording by ansible-playbook."""
    with playing(recording, directory) as (origin, ca_file):
        player = Simulator({"ca_file": str(ca_file)})
        ansible = Ansible(directory, player)
        environment = {
            "AZURE_CLOUD_ENVIRONMENT": origin,
            "AZURE_ACCESS_TOKEN": "ready",
            "AZURE_SUBSCRIPTION_ID": recording.subscription,
            "HYBRIDVM_CA_PATH": str(ca_file),
        }
        try:
            return ansible.run([play("Replay", tasks, environment)])
        finally:
            ansible.close()
            player.close()


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_is_played_to_its_end(name: str, tmp_path: Path) -> None:
    recording = _recording(name)
    script = steps(recording)
    if not script:
        assert recording.passed_over, f"{name} holds no write"
        pytest.skip(f"{name}: no module makes any of its writes ({', '.join(recording.passed_over)})")
    run = played(recording, tmp_path, [step.task for step in script])
    assert recording.failures == [], "\n".join(recording.failures)
    assert run.code == 0, f"{run.stdout}{run.stderr}"
    results = {line["task"]: line["result"] for line in run.results}
    for step in script:
        result = results[step.name]
        assert not result.get("failed"), f"{step.name}: {summary(result)}"
        assert result["changed"] is step.changed, f"{step.name}: {summary(result)}"
        if step.count is not None:
            (rows,) = (value for key, value in result.items() if key in {"checkpoints", "restore_point_collections"})
            assert len(rows) == step.count, step.name
    assert recording.unplayed == []
    assert recording.used <= NOTES.keys()
    passed = f"; passed over: {', '.join(recording.passed_over)}" if recording.passed_over else ""
    notes = ", ".join(sorted(recording.used))
    print(f"{name}: {len(recording.writes)} writes, {len(script)} tasks; notes: {notes}{passed}")


def test_a_request_that_is_not_in_the_recording_fails(tmp_path: Path) -> None:
    """The player itself: another name than the recorded one is refused and reported."""
    recording = _recording("transcribed scvmm")
    create = next(step for step in steps(recording) if step.module == "vm_checkpoint")
    other = {"name": "Other", "hybridvm.checkpoints.vm_checkpoint": {**create.options, "name": "not recorded"}}
    run = played(recording, tmp_path, [other])
    assert run.code != 0
    assert [failure.partition(" {")[0].rpartition("/")[2] for failure in recording.failures] != []
    assert all("does not explain POST" in failure for failure in recording.failures)


def test_what_is_played_without_the_recordings() -> None:
    """A missing data folder is reported, and leaves our transcriptions."""
    data = folder()
    transcribed = [name for name in RECORDINGS if name.startswith("transcribed")]
    assert len(transcribed) == 3
    if data is None:
        print("The recordings are not here (HYBRIDVM_DATA): the transcriptions alone were played.")
        assert os.environ.get("RECORDINGS") or transcribed == RECORDINGS
    else:
        recorded = json.loads((data / "recordings" / "scvmm-2023-10.json").read_text("utf-8"))
        assert recorded
        assert "recordings/scvmm-2023-10.json" in RECORDINGS
