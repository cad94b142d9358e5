# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task goes about it: its times, its bounds, and options that do not go together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import SERVICES, VMS, code, make_lab
from tests.support.lab import Lab


@pytest.mark.parametrize(
    "options",
    [
        {"wait_timeout": "0s"},
        {"wait_timeout": "600"},
        {"wait_timeout": "soon"},
        {"poll_interval": "50ms"},
        {"poll_interval": "0s"},
        {"settle_time": "-1s"},
        {"concurrency": 0},
        {"concurrency": 257},
        {"concurrency": "many"},
        {"concurrency": "-1"},
        {"on_error": "ignore"},
        {"state": "absent", "max_age": "1d"},
        {"state": "absent", "supersede": True},
        {"name": None},
        {"name": None, "state": "absent"},
        {"name": ""},
        {"name": " n "},
        {"name": "n\x00"},
        {"name": "n" * 256},
        {"description": "d" * 1501},
        {"description": "bell \x07"},
        {"description": "[hybridvm.checkpoints 1 nonce=0123456789ab at=2026-11-20T11:30:02Z]"},
        {"checkpoint_id": "x", "max_age": "1d"},
        {"on_ambiguous": "guess"},
    ],
    ids=str,
)
def test_options_that_cannot_be(options: dict[str, Any]) -> None:
    """Said before anything is sent, in a line that names the option."""
    lab = Lab()
    result = lab.run("vm_checkpoint", vm="web01", **{"name": "n", **options})
    assert code(result) == "invalid_input"
    assert not lab.requests
    named = [option for option in options if option in result["msg"]]
    assert named or "name" in result["msg"], result["msg"]


@pytest.mark.parametrize(
    "options",
    [
        {"name": None},
        {"checkpoint_id": "x"},
        {"select": "middle"},
        {"select": {"before": "yesterday"}},
        {"select": {"before": None}},
        {"select": {"before": "2026-11-20T08:00:00"}},
        {"select": {"after": "2026-11-20T08:00:00Z"}},
        {"on_ambiguous": "all"},
        {"if_running": "ask"},
        {"power_after": "reboot"},
        {"restore_key": "", "safety_checkpoint": True},
    ],
    ids=str,
)
def test_restores_that_cannot_be(options: dict[str, Any]) -> None:
    lab = Lab()
    result = lab.run("vm_checkpoint_restore", vm="web01", **{"name": "baseline", **options})
    assert code(result) == "invalid_input"
    assert not lab.requests


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("interval", "least", "most"), [("100ms", 100, 400), ("5s", 8, 20), ("10m", 4, 8)])
def test_the_pace(service: str, interval: str, least: int, most: int) -> None:
    """Looks come at first soon and then at the interval; an interval beyond the end costs no more than the deadline."""
    lab = make_lab(service, create_takes="30s")
    vm = VMS[service] if service == "spf" else lab.arm_vm
    lab.run("vm_checkpoint", vm=vm, name="new", poll_interval=interval)
    looks = [r for r in lab.requests if "Jobs" in r.url.path or "operationStatuses" in r.url.path]
    assert least <= len(looks) <= most, len(looks)
    assert 30 <= lab.seconds < 40


def test_retry_after_goes_before_our_interval() -> None:
    lab = make_lab("scvmm", create_takes="60s", arc_retry_after=25)
    lab.run("vm_checkpoint", vm=lab.arm_vm, name="new", poll_interval="1s")
    looks = [request for request in lab.requests if "operationStatuses" in request.url.path]
    assert 3 <= len(looks) <= 5


@pytest.mark.parametrize("service", SERVICES)
def test_two_runs_differ_in_nothing_but_their_marks(service: str) -> None:
    """The same task on the same world sends the same requests in the same order."""
    sent = []
    for _run in range(2):
        lab = make_lab(service)
        lab.run("vm_checkpoint", vm=VMS[service] if service == "spf" else lab.arm_vm, name="new")
        sent.append([(request.method, request.url.path) for request in lab.requests])
    assert sent[0] == sent[1]


@pytest.mark.parametrize("service", SERVICES)
def test_the_mark_is_written_and_not_shown(service: str) -> None:
    lab = make_lab(service)
    vm = VMS[service] if service == "spf" else lab.arm_vm
    result = lab.run("vm_checkpoint", vm=vm, name="new", description="two\nlines")
    stored = str(lab.world.vm(VMS[service]).checkpoints[-1].description)
    assert stored.startswith("two\nlines\n[hybridvm.checkpoints 1 nonce=")
    assert "at=2026-11-20T11:30:00Z" in stored
    assert result["checkpoint"]["description"] == "two\nlines"
    assert result["checkpoint"]["mark"]["nonce"] in stored
    assert "hybridvm.checkpoints 1" not in str(result)


def test_timing_is_reported() -> None:
    lab = make_lab("spf", create_takes="30s")
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert 30 <= result["timing"]["apply"] <= 40
    assert result["timing"]["total"] >= result["timing"]["apply"] + result["timing"]["read"] - 0.1
    assert result["operation"]["seconds"] >= 30
