# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that the documents tell people to type is run by a test, or says here why none runs it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = "tests/contract/playbooks"
README = f"{PLAYBOOKS}/test_readme.py::test_the_ways_to_install_it_work_as_they_stand"
INVENTORY = f"{PLAYBOOKS}/test_inventory_page.py::test_the_inventory_s_page"
REHEARSE = f"{PLAYBOOKS}/test_rehearse.py::test_the_commands_of_the_document_work_as_they_stand"

APPROVAL = f"{PLAYBOOKS}/test_pipelines.py::test_the_commands_of_the_document_work_as_they_stand"
PLAN = "ansible-playbook hybridvm.checkpoints.plan"
GUARDED = f"{PLAYBOOKS}/test_guarded_document.py::test_the_commands_of_the_document_work_as_they_stand"

INSTALLED = "~/.ansible/collections/ansible_collections/hybridvm/checkpoints"

RUN_BY = {
    "ansible-galaxy collection install git+https://github.com/hybridvm/checkpoints.git": README,
    "git clone https://github.com/hybridvm/checkpoints.git": README,
    "cd checkpoints": README,
    "ansible-galaxy collection build": README,
    "ansible-galaxy collection install hybridvm-checkpoints-*.tar.gz": README,
    f"python3 -m pip install -r {INSTALLED}/requirements.txt": README,
    "ansible-inventory -i nightly.checkpoints.yml --graph": INVENTORY,
    "ansible-inventory -i nightly.checkpoints.yml --host web01": INVENTORY,
    "ansible-playbook -i nightly.checkpoints.yml nightly.yml": INVENTORY,
    "ansible-playbook -i nightly.checkpoints.yml nightly.yml --flush-cache": INVENTORY,
    "ansible-builder create -f execution-environment.yml": f"{PLAYBOOKS}/test_inventory_page.py::"
    "test_the_build_context_is_written",
    "make demo": f"{PLAYBOOKS}/test_demo.py::test_the_story_comes_true",
    'eval "$(.venv/bin/python tools/rehearse.py /tmp/ready.json)"': REHEARSE,
    ".venv/bin/ansible-playbook your-playbook.yml --check --diff": REHEARSE,
    "ansible-playbook hybridvm.checkpoints.audit -e @audit.json": (
        f"{PLAYBOOKS}/test_policy.py::test_the_audit_writes_what_the_page_shows"
    ),
    f"{PLAN} -e @checkpoints.yml -e plan_file=plan.json -e plan_markdown=plan.md": APPROVAL,
    "ansible-playbook hybridvm.checkpoints.apply -e plan_file=plan.json": APPROVAL,
    "ansible-playbook -i inventory.yml site.yml": GUARDED,
    "ansible-playbook -i inventory.yml site.yml -e guarded_change_on_resume=restore": GUARDED,
    "ansible-playbook -i inventory.yml cluster.yml": GUARDED,
    "make help": "tests/unit/test_documented_commands.py::test_make_knows_what_is_said_of_it",
}
"""A command, and the test that runs it; a target of make counts as run with what it runs."""

OF_MAKE_TEST = "this test is a part of it"
SIMULATOR = "runs until Ctrl-C; every playbook test starts the command behind it"
NOT_RUN = {
    "make test": OF_MAKE_TEST,
    "make test WHOLE=1": "make test with all of what takes long, as CI runs it",
    "make check-fast": OF_MAKE_TEST,
    "make outside": "a phase of make test",
    "make conformance": "needs clients that are not on every machine; make outside is the part that make test runs",
    "make conformance AZ=1 DATAJS=1 MONO=1": "downloads 400 MB",
    "make conformance RECORDINGS=~/recordings": "needs recordings that are not ours",
    "ansible-builder build -f execution-environment.yml -t checkpoints-ee": "needs a container engine",
    "make simulator": SIMULATOR,
    "make simulator ARGS='--port 8443 --time-scale 10'": SIMULATOR,
    "make simulator ARGS='--ready-file /tmp/ready.json --time-scale 10'": SIMULATOR,
    "python -m simulator --ready-file simulator.json": SIMULATOR,
    "pip install -r requirements.txt -r requirements-simulator.txt": "make test has done it before it gets here",
}
"""A command, and why no test runs it."""

FIRST_WORD = re.compile(
    r"(\.venv/bin/)?(make|python3?|pip3?|ansible[\w-]*|git|cd|eval|uv|curl|export|source|molecule)\b"
)
SHELL = {"", "sh", "bash", "shell", "console"}


def documents() -> list[Path]:
    """The README, what it links to, and the guide of the documentation site."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/**/*.rst")])


def blocks(text: str) -> Iterator[str]:
    """The lines of fenced blocks in a shell's language, or none, and of indented blocks."""
    fence: str | None = None
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fence = None if fence is not None else line.strip().strip("`")
        elif fence in SHELL if fence is not None else line.startswith("    "):
            yield line.strip()


def commands(text: str) -> Iterator[str]:
    """The commands in a document, without a prompt and without the remark behind them."""
    for line in blocks(text):
        command = re.split(r"\s+# ", line.removeprefix("$ "))[0].strip()
        if FIRST_WORD.match(command):
            yield command


def all_commands() -> list[str]:
    return sorted({command for path in documents() for command in commands(path.read_text())})


def test_commands_are_found_wherever_they_stand() -> None:
    text = "    make demo     # a remark\n\n```\nmake x ARGS='a b'\nplugins/   a tree\n```\n"
    text += "\n```yaml\npip: no\n```\n    $ pip y\n"
    assert list(commands(text)) == ["make demo", "make x ARGS='a b'", "pip y"]


def test_every_command_is_run_or_says_why_not() -> None:
    listed = {**RUN_BY, **NOT_RUN}
    assert sorted(listed) == all_commands()
    assert len(listed) == len(RUN_BY) + len(NOT_RUN)


@pytest.mark.parametrize("node", sorted(set(RUN_BY.values())))
def test_the_test_that_runs_it_exists(node: str) -> None:
    path, _colons, name = node.partition("::")
    assert f"def {name}(" in (ROOT / path).read_text()


@pytest.mark.parametrize("command", [command for command in all_commands() if command.startswith("make ")])
def test_make_knows_what_is_said_of_it(command: str) -> None:
    if not (ROOT / "Makefile").is_file():
        pytest.skip("the collection's tree has no Makefile; the checkout's run checks this")
    target = command.split()[1]
    help_text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.search(rf"^  {target} ", help_text, re.M)
    makefile = (ROOT / "Makefile").read_text()
    for variable in re.findall(r"\b([A-Z]+)=", command):
        assert re.search(rf"\$\({variable}\)|\b{variable}\b", makefile), variable
