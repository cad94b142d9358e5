# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ansible part of each pipeline of docs/pipelines, run as it stands, and the commands of docs/approval.md."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.simulator_server import ROOT

from .support import COLLECTION, Ansible, Simulator

PIPELINES = ROOT / "docs/pipelines"
DOCUMENT = ROOT / "docs/approval.md"
SHOP01 = {"compute": {"vms": [{"name": "shop01"}]}}


def scripts(node: object) -> Iterator[str]:
    """The scripts of a pipeline in order: GitHub's `run`, Azure's and GitLab's `script`."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in ("run", "script"):
                yield value if isinstance(value, str) else "\n".join(value)
            else:
                yield from scripts(value)
    elif isinstance(node, list):
        for each in node:
            yield from scripts(each)


class Runner:
    """A pipeline's machine: a directory, an environment, and bash."""

    def __init__(self, ansible: Ansible, simulator: Simulator, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            **ansible.environment(**simulator.environment),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(directory / "summary.md"),
            "GITHUB_OUTPUT": str(directory / "output"),
        }

    def run(self, script: str, **more: str) -> str:
        """What it prints; it must succeed."""
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.directory,
            env={**self.environment, "RECORD_FILE": str(self.directory / "record"), **more},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout


@pytest.fixture
def runner(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> Runner:
    simulator.control("POST", "/world", {**SHOP01, "spf": {"vms": [{"name": "web01"}, {"name": "db01"}]}})
    shutil.copy(PIPELINES / "checkpoints.yml", tmp_path)
    return Runner(ansible, simulator, tmp_path)


def _made(simulator: Simulator) -> list[str]:
    collections = simulator.control("GET", "/world")["compute"]["collections"]
    return [point["name"] for each in collections for point in each["points"]]


@pytest.mark.parametrize("name", ["github-actions", "azure-pipelines", "gitlab-ci"])
def test_a_pipeline_plans_and_applies(runner: Runner, simulator: Simulator, name: str) -> None:
    whole = yaml.safe_load((PIPELINES / f"{name}.yml").read_text())
    plan, apply = (each for each in scripts(whole) if f"{COLLECTION}." in each)
    if name == "gitlab-ci":  # the token's file is for Azure; the simulator is signed in to with a secret
        plan, apply = (re.sub(r"^\(umask.*\n", "", each) for each in (plan, apply))
    said = runner.run(plan)
    assert _made(simulator) == []
    for file in ("summary.md", "plan.md"):
        if (runner.directory / file).exists():
            assert "create checkpoint `before-release-4711`" in (runner.directory / file).read_text()
    outputs = "".join(path.read_text() for path in runner.directory.glob("*") if path.name in ("output", "plan.env"))
    (checksum,) = set(re.findall(r"(?:checksum=|CHECKSUM=|isOutput=true\])(sha256:[0-9a-f]{64})", outputs + said))
    assert checksum == json.loads((runner.directory / "plan.json").read_text())["checksum"]
    assert "Applied: 1 of 1 tasks changed something." in runner.run(apply, CHECKSUM=checksum)
    assert _made(simulator) == ["before-release-4711"]


def test_the_playbooks_of_awx_hand_the_plan_on(runner: Runner, simulator: Simulator) -> None:
    for name in ("plan", "apply"):
        text = (PIPELINES / f"awx/{name}.yml").read_text()
        (runner.directory / f"{name}.yml").write_text(text.replace("/tmp/plan.json", f"{runner.directory}/plan.json"))
    runner.run("ansible-playbook plan.yml -e @checkpoints.yml")
    results = [json.loads(line) for line in (runner.directory / "record").read_text().splitlines()]
    (stats,) = [line["result"]["ansible_stats"]["data"] for line in results if line["action"].endswith("set_stats")]
    (runner.directory / "plan.json").unlink()
    # AWX gives them to the next job as extra variables that are no templates.
    (runner.directory / "artifacts.json").write_text(json.dumps(stats))
    assert "Applied: 1 of 1" in runner.run("ansible-playbook apply.yml -e @artifacts.json")
    assert _made(simulator) == ["before-release-4711"]
    workflow = yaml.safe_load((PIPELINES / "awx/workflow.yml").read_text())["controller_workflows"][0]
    nodes = {node["identifier"]: node for node in workflow["simplified_workflow_nodes"]}
    assert nodes["plan"]["success_nodes"] == ["approve"]
    assert nodes["approve"]["success_nodes"] == ["apply"]


def test_the_commands_of_the_document_work_as_they_stand(runner: Runner, simulator: Simulator) -> None:
    text = DOCUMENT.read_text()
    (asked,) = [each for each in re.findall(r"```yaml\n(.*?)```", text, re.S) if each.startswith("# checkpoints.yml")]
    (runner.directory / "checkpoints.yml").write_text(asked)
    plan, apply = re.findall(r"^    (ansible-playbook .*)$", text, re.M)
    simulator.control(
        "POST", "/world", {"spf": {"vms": [{"name": "web01", "checkpoints": [{"name": "baseline"}]}, {"name": "db01"}]}}
    )
    planned = runner.run(plan)
    documented = _lines(text, "TASK [Show the plans]")
    assert [_bare(line) for line in _lines(planned, "TASK [Show the plans]")] == [_bare(line) for line in documented]
    assert '"Applied: 2 of 2 tasks changed something."' in runner.run(apply)
    assert "All done: nothing was left to do." in runner.run(apply)
    gate = next(each for each in re.findall(r"```yaml\n(.*?)```", text, re.S) if "require_approval" in each)
    (runner.directory / "gate.json").write_text(json.dumps(yaml.safe_load(f"- {gate[2:]}")))
    refused = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "gate.json"],
        cwd=runner.directory,
        env=runner.environment | {"RECORD_FILE": str(runner.directory / "record")},
        capture_output=True,
        text=True,
        check=False,
    )
    (said,) = re.findall(r"^(expected_plan: is not given.*)$", text, re.M)
    assert said in refused.stdout


def _lines(text: str, head: str) -> list[str]:
    """The lines of a debug message of Ansible's."""
    return [line for line in text[text.index(head) :].partition('"msg": [')[2].partition("]\n")[0].splitlines() if line]


def _bare(line: str) -> str:
    """Without what differs each time."""
    return re.sub(r"sha256:[0-9a-f…]+|`[0-9a-f]{8}-[^`]*`", "…", line).strip()


def test_every_file_of_the_pipelines_is_described() -> None:
    files = {str(path.relative_to(PIPELINES)) for path in PIPELINES.rglob("*.yml")}
    linked = set(re.findall(r"\(pipelines/([\w./-]+)\)", DOCUMENT.read_text()))
    assert files == linked
