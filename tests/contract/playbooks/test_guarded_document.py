# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks, commands and messages of docs/guarded-change.md, and the variables that the role's README lists."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.simulator_server import ROOT

from .guarded import BROKEN, Site
from .support import COLLECTION, Ansible, Simulator

pytestmark = pytest.mark.thorough

DOCUMENT = (ROOT / "docs/guarded-change.md").read_text()
ROLE = ROOT / "roles/guarded_change"
VARYING = re.compile(r"[0-9a-f-]{36}|831e819f-…|[0-9TZ:-]{20}")


@pytest.fixture
def site(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> Site:
    return Site(ansible, simulator, tmp_path)


def _run(site: Site, command: str) -> tuple[int, str]:
    """The command as it stands, in the directory of its files: its status and what it prints."""
    words = shlex.split(command)
    run = subprocess.run(
        [Path(sys.executable).parent / words[0], *words[1:]],
        cwd=site.directory,
        env=site.ansible.environment(**site.simulator.environment, RECORD_FILE=str(site.directory / "record")),
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout


def _said(text: str, begin: str) -> str:
    """The message that begins so, without what differs each time; the same from the document and from Ansible."""
    (found,) = {VARYING.sub("…", line) for line in re.findall(rf"{re.escape(begin)}[^\n\"]*", text)}
    return found


def test_the_commands_of_the_document_work_as_they_stand(site: Site) -> None:
    blocks = re.findall(r"```yaml\n# (\w+\.yml)\n(.*?)```", DOCUMENT, re.S)
    for name, text in blocks:
        (site.directory / name).write_text(f"---\n{text}")
    first, restore, cluster = re.findall(r"^    (ansible-playbook .*)$", DOCUMENT, re.M)
    assert "site.yml" in first
    assert cluster.endswith("cluster.yml")
    hosts = {name: site.facts(name) for name in ("web01", "db01")}
    (site.directory / "inventory.yml").write_text(yaml.safe_dump({"web": {"hosts": {"web01": hosts["web01"]}}}))
    fails = {
        "name": "Install the package",
        "ansible.builtin.command": {"argv": ["sh", "-c", "echo no space left >&2; exit 1"]},
    }
    verify = {"name": "Verify", "ansible.builtin.debug": {"msg": "well"}}
    (site.directory / "verify.yml").write_text(json.dumps([verify]))
    (site.directory / "patch.yml").write_text(json.dumps([site.break_it, fails]))
    before = site.guest("web01")
    for begin in (
        "guarded change CHG4711 of web01 failed: Install the package: non-zero return code: no space left. The VM was",
        "guarded change CHG4711 of web01: its checkpoint exists",
    ):
        code, printed = _run(site, first)
        assert code != 0
        assert _said(printed.partition('fatal: [web01]: FAILED! => {"changed": false, "msg"')[2], begin) == _said(
            DOCUMENT, begin
        )
    assert site.guest("web01") == before
    code, printed = _run(site, restore)
    assert code == 0, printed
    (site.directory / "inventory.yml").write_text(yaml.safe_dump({"web": {"hosts": hosts}}))
    (site.directory / "patch.yml").write_text(
        json.dumps([site.break_it, {**fails, "when": "inventory_hostname == 'db01'"}])
    )
    code, printed = _run(site, cluster)
    assert code != 0
    assert BROKEN not in (site.guest("web01"), site.guest("db01"))


def test_every_variable_is_documented_with_its_default() -> None:
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    options = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    readme = (ROLE / "README.md").read_text()
    assert set(defaults) | {"guarded_change_tasks"} == set(options)
    for name, option in options.items():
        assert f"| `{name}` |" in readme
        if "default" in option:
            assert defaults[name] == option["default"], name
    assert f"{COLLECTION}.guarded_change" in readme
    used = set(re.findall(r"\bguarded_change_\w+", DOCUMENT)) - {"guarded_change_result"}
    assert used <= set(options)
