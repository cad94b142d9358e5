# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role guarded_change on all three services: what fails goes back, what is good stays, nothing is done twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .guarded import ALL, BROKEN, GONE, Site, messages, outcomes
from .support import COLLECTION, Ansible, Simulator

FAILS = {
    "name": "Install the package",
    "ansible.builtin.command": {"argv": ["sh", "-c", "echo no space left >&2; exit 1"]},
}


@pytest.fixture
def site(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> Site:
    made = Site(ansible, simulator, tmp_path)
    made.file("change.yml", made.break_it)
    return made


def sure(name: str, directory: Path) -> dict[str, Any]:
    """A task that leaves a trace of each host that it ran for."""
    return {
        "name": f"Leave {name}",
        "ansible.builtin.command": f"touch {directory}/{name}-{{{{ inventory_hostname }}}}",
    }


def test_a_failing_change_goes_back_and_fails_with_its_own_error(site: Site) -> None:
    before = {name: site.guest(name) for name in ALL}
    site.file("change.yml", site.break_it, FAILS)
    run = site.run(*ALL, guarded_change_change_id=4711)
    assert run.code != 0
    assert {name: site.guest(name) for name in ALL} == before
    said = messages(run)
    assert sorted(said) == sorted(ALL)
    for name in ALL:
        assert said[name].startswith(
            f"guarded change 4711 of {name} failed: Install the package: non-zero return code: no space left. "
            "The VM was restored to the checkpoint before-4711 ("
        )
        assert site.points(name).count("before-4711") == 1
    # Another run finds the checkpoint. It makes no other one, and touches nothing.
    site.simulator.control("DELETE", "/counters")
    again = site.run(*ALL, guarded_change_change_id=4711)
    assert again.code != 0
    for name in ALL:
        assert "of it exist" not in messages(again)[name]
        assert "its checkpoint exists, so the change may have begun: before-4711 (" in messages(again)[name]
        assert "Set guarded_change_on_resume: continue" in messages(again)[name]
    assert site.simulator.control("GET", "/counters")["writes"] == 0
    # Asked to, it goes on with that one as the way back.
    site.file("change.yml", site.break_it)
    last = site.run(*ALL, guarded_change_change_id=4711, guarded_change_on_resume="continue")
    assert last.code == 0, last.stdout
    for name in ALL:
        assert (site.guest(name), site.points(name).count("before-4711")) == (BROKEN, 0)


def test_a_good_change_stays_and_its_checkpoint_goes_or_stays(site: Site) -> None:
    before = {name: site.points(name) for name in ALL}
    site.file("verify.yml", {"name": "Verify", "ansible.builtin.assert": {"that": ["true"]}})
    site.file("wait.yml", sure("waited", site.directory))
    own = {
        "web01": {"guarded_change_on_success": "keep", "guarded_change_wait_for": "tasks"},
        "app01": {"guarded_change_wait_for": "running"},
    }
    run = site.run(*ALL, of=own, guarded_change_verify="verify.yml", guarded_change_wait_tasks="wait.yml")
    assert run.code == 0, run.stdout
    assert outcomes(run) == dict.fromkeys(ALL, "changed")
    assert {name: site.guest(name) for name in ALL} == dict.fromkeys(ALL, BROKEN)
    assert site.points("web01") == [*before["web01"], "before-change"]
    assert (site.points("app01"), site.points("shop01")) == (before["app01"], before["shop01"])
    assert (site.directory / "waited-web01").exists()
    assert not (site.directory / "waited-app01").exists()


@pytest.mark.thorough
def test_a_fresh_one_is_made_or_one_that_is_young_enough_is_used_and_left(site: Site) -> None:
    for count, more in ((1, {}), (2, {}), (2, {"guarded_change_max_age": "4h", "guarded_change_on_success": "remove"})):
        run = site.run("web01", **{"guarded_change_on_success": "keep", **more})
        assert run.code == 0, run.stdout
        assert site.points("web01").count("before-change") == count


@pytest.mark.thorough
def test_a_policy_retires_the_checkpoints_of_good_changes(site: Site) -> None:
    policy = {"prefix": "before-change", "keep": {"last": 2}}
    more = {"guarded_change_on_success": "policy", "guarded_change_policy": policy}
    for count in (1, 2, 2):
        run = site.run("web01", **more)
        assert run.code == 0, run.stdout
        assert site.points("web01").count("before-change") == count


@pytest.mark.thorough
def test_a_change_that_is_not_good_goes_back_or_stays_as_asked(site: Site) -> None:
    before = site.guest("web01")
    bad = {"name": "Ask the shop", "ansible.builtin.assert": {"that": ["1 == 2"], "fail_msg": "the shop is closed"}}
    site.file("verify.yml", bad)
    own = {"app01": {"guarded_change_on_failure": "keep"}, "web01": {"guarded_change_safety_checkpoint": True}}
    run = site.run("web01", "app01", of=own, guarded_change_verify="verify.yml")
    said = messages(run)
    assert said["app01"].startswith(
        "guarded change of app01 failed: Ask the shop: the shop is closed. The VM was left as"
    )
    assert said["web01"].startswith("guarded change of web01 failed: Ask the shop: the shop is closed. The VM was rest")
    assert (site.guest("web01"), site.guest("app01")) == (before, BROKEN)
    assert site.points("app01")[-1] == "before-change"
    assert "safety before restore to before-change" in site.points("web01")


@pytest.mark.thorough
def test_where_restoring_fails_too_both_errors_are_told(site: Site) -> None:
    site.file("change.yml", site.break_it, FAILS)
    failure = {"service": "spf", "kind": "restore", "vm": "web01", "status": "Failed", "problem": "the disk is gone"}
    site.simulator.control("POST", "/failures", failure)
    run = site.run("web01")
    said = messages(run)["web01"]
    assert "failed: Install the package: non-zero return code: no space left. Restoring failed, too: " in said
    assert "the disk is gone" in said
    assert "The checkpoint before-change (" in said
    assert said.endswith("is kept.")


@pytest.mark.thorough
def test_what_no_log_hides_stays_hidden(site: Site) -> None:
    refused = {"argv": ["sh", "-c", "echo hunter2 is refused >&2; exit 1"]}
    secret = {"name": "Set the password", "ansible.builtin.command": refused, "no_log": True}
    looped = {**secret, "loop": [1, 2]}
    for task in (secret, looped):
        site.file("change.yml", task)
        run = site.run("web01")
        assert "failed: Set the password: its result is hidden by no_log. The VM was restored" in messages(run)["web01"]
        assert "hunter2" not in run.stdout + run.stderr


@pytest.mark.thorough
def test_the_item_of_a_loop_that_failed_is_the_one_that_is_told(site: Site) -> None:
    site.file(
        "change.yml",
        {
            "name": "Update each",
            "ansible.builtin.assert": {"that": "item != 'b'", "fail_msg": "{{ item }} is\nbroken"},
            "loop": ["a", "b"],
        },
    )
    assert "failed: Update each: b is broken. The VM was" in messages(site.run("web01"))["web01"]


@pytest.mark.thorough
def test_a_host_that_is_gone_for_a_moment_ends_the_change_at_once(site: Site) -> None:
    before = site.guest("web01")
    gone = {"name": "Go on", "ansible.builtin.command": "true", "vars": GONE}
    site.file("change.yml", site.break_it, gone, sure("after", site.directory))
    run = site.run("web01", guarded_change_wait_for="none")
    assert "guarded change of web01 failed: the host was unreachable. The VM was restored" in messages(run)["web01"]
    assert site.guest("web01") == before
    assert not (site.directory / "after-web01").exists()
    # The same where the hosts of a batch are one unit: the others go back with it.
    run = site.run(
        *ALL,
        of={name: {"skip": name != "app01"} for name in ALL},
        guarded_change_together=True,
        guarded_change_wait_for="none",
    )
    assert sorted(messages(run)) == sorted(ALL)
    site.file("change.yml", site.break_it, {**gone, "when": "not skip"}, sure("after", site.directory))
    run = site.run(*ALL, of={name: {"skip": name != "app01"} for name in ALL}, guarded_change_together=True)
    for name in ALL:
        assert (
            "the host was unreachable, or another host of its batch failed. The VM was restored" in messages(run)[name]
        )
        assert site.guest(name) != BROKEN
        assert not (site.directory / f"after-{name}").exists()


@pytest.mark.thorough
def test_each_host_stands_for_itself_unless_it_is_asked_otherwise(site: Site) -> None:
    """One host has gone for good, one fails, and one is well."""
    lose = {"name": "Lose it", "ansible.builtin.set_fact": {"lost": True}}
    site.file(
        "change.yml", site.break_it, lose, {"name": "Go on", "ansible.builtin.command": "{{ does | default('true') }}"}
    )
    own = {
        "app01": {**GONE, "ansible_connection": "{{ 'ssh' if lost | default(false) else 'local' }}"},
        "web01": {"does": "false"},
    }
    run = site.run(*ALL, of=own, guarded_change_wait_timeout=1)
    assert outcomes(run) == {"shop01": "changed"}
    assert sorted(messages(run)) == ["app01", "web01"]
    assert "failed: Wait until the host answers to Ansible: " in messages(run)["app01"]
    assert {name: site.guest(name) == BROKEN for name in ALL} == {"web01": False, "app01": False, "shop01": True}


@pytest.mark.thorough
def test_with_any_errors_fatal_on_the_play_all_go_back(site: Site) -> None:
    site.file("change.yml", site.break_it, {**FAILS, "when": "fails"}, sure("after", site.directory))
    own = {name: {"fails": name == "app01"} for name in ALL}
    run = site.run(*ALL, of=own, play={"any_errors_fatal": True})
    assert sorted(messages(run)) == sorted(ALL)
    assert "no space left" in messages(run)["app01"]
    assert "another host of its batch failed" in messages(run)["web01"]
    assert not [name for name in ALL if site.guest(name) == BROKEN]
    assert not list(site.directory.glob("after-*"))


@pytest.mark.thorough
def test_with_serial_the_next_batch_does_not_begin(site: Site) -> None:
    site.file("change.yml", site.break_it, FAILS)
    before = site.points("app01")
    run = site.run("web01", "app01", play={"serial": 1})
    assert sorted(messages(run)) == ["web01"]
    assert (site.points("app01"), site.guest("app01") == BROKEN) == (before, False)


@pytest.mark.thorough
@pytest.mark.parametrize("fails", ["", "freeze", "checkpoint"])
def test_what_was_held_for_the_checkpoint_goes_on_in_any_case(site: Site, fails: str) -> None:
    site.file("freeze.yml", sure("frozen", site.directory), *([FAILS] if fails == "freeze" else []))
    site.file("thaw.yml", sure("thawed", site.directory))
    if fails == "checkpoint":
        site.simulator.control("POST", "/failures", {"service": "spf", "kind": "create", "status": "Failed"})
    run = site.run("web01", guarded_change_before_checkpoint="freeze.yml", guarded_change_after_checkpoint="thaw.yml")
    assert (run.code == 0) is (not fails), run.stdout
    assert (site.directory / "frozen-web01").exists()
    assert (site.directory / "thawed-web01").exists()
    assert (site.guest("web01") == BROKEN) is (not fails)


@pytest.mark.thorough
@pytest.mark.parametrize("how", [{"play": {"check_mode": True}}, {"arguments": ("--check",)}])
def test_check_mode_changes_nothing(site: Site, how: dict[str, Any]) -> None:
    site.file("change.yml", site.break_it)
    site.simulator.control("DELETE", "/counters")
    run = site.run(*ALL, guarded_change_change_id="4711", **how)
    assert run.code == 0, run.stdout
    assert site.simulator.control("GET", "/counters")["writes"] == 0
    assert not [name for name in ALL if site.guest(name) == BROKEN]


@pytest.mark.thorough
def test_a_way_back_that_the_service_would_refuse_stops_it_before_the_change(site: Site) -> None:
    """A lock on a group lets restore points be made, and no disk be swapped."""
    site.file("change.yml", site.break_it)
    shop = site.simulator.azure("virtualMachines", "shop01")
    site.simulator.control("POST", "/locks", {"scope": shop, "level": "ReadOnly"})
    run = site.run("shop01", guarded_change_usable_retries=1)
    assert run.code != 0
    assert site.guest("shop01") != BROKEN


def _without_an_id(site: Site, nth: int) -> None:
    """From the nth reading on app01 has a checkpoint before-4711, which is shown without an id."""
    path = f"{site.vms['app01']}/providers/Microsoft.ScVmm/virtualMachineInstances/default"
    site.simulator.control("DELETE", "/faults")
    shown = site.simulator.read_arm(f"{path}?api-version=2025-03-13")
    points = shown["properties"]["infrastructureProfile"]["checkpoints"]
    point = {"name": "before-4711", "description": "", "checkpointID": None, "parentCheckpointID": None}
    shown["properties"]["infrastructureProfile"]["checkpoints"] = [
        *(p for p in points if p["name"] != "before-4711"),
        point,
    ]
    fault = {"kind": "replace", "method": "GET", "path": "virtualMachineInstances/default", "nth": nth, "count": None}
    site.simulator.control("POST", "/faults", {**fault, "status": 200, "body": json.dumps(shown)})


def test_a_checkpoint_without_an_id_is_no_way_back(site: Site) -> None:
    """Arc may list one before it has an id. Then nothing could name it, so that the change does not begin."""
    site.file("change.yml", site.break_it, FAILS)
    more = {"guarded_change_change_id": 4711}
    soon = {f"group/{COLLECTION}.all": {"poll_interval": "200ms", "settle_time": "1s"}}
    _without_an_id(site, 3)
    made = site.run("app01", play={"module_defaults": soon}, **more)
    shown = (
        "guarded change 4711 of app01: the service shows the checkpoint before-4711 without an id, so that no restore "
    )
    remedy = "Run the play again once vm_checkpoint_info shows an id, with guarded_change_on_resume: continue."
    assert messages(made)["app01"] == f"{shown}could name it. This run has not begun the change. {remedy}"
    _without_an_id(site, 1)
    for how in ("continue", "restore"):
        again = site.run("app01", **more, guarded_change_on_resume=how)
        assert messages(again) == messages(made)
    stopped = messages(site.run("app01", **more))["app01"]
    assert "so the change may have begun: before-4711 (without an id, made at an unknown time, unknown)." in stopped
    assert "Nothing was done. Once vm_checkpoint_info shows its id, set guarded_change_on_resume: continue" in stopped
    assert site.guest("app01") != BROKEN
    assert site.points("app01").count("before-4711") == 1


@pytest.mark.thorough
@pytest.mark.parametrize(
    "given",
    [
        {"guarded_change_change_id": "4711", "guarded_change_max_age": "4h"},
        {"guarded_change_change_id": "4711/a"},
        {"guarded_change_wait_for": "tasks"},
        {"guarded_change_on_success": "policy"},
        {"guarded_change_on_failure": "undo"},
        {"guarded_change_tasks": None},
        {"guarded_change_tasks": "missing.yml"},
        {"guarded_change_verify": "missing.yml"},
    ],
)
def test_what_does_not_fit_together_is_refused_before_anything_is_done(site: Site, given: dict[str, Any]) -> None:
    site.simulator.control("DELETE", "/counters")
    run = site.run("web01", **given)
    assert run.code != 0
    assert not run.by_module("vm_checkpoint")
    assert site.simulator.control("GET", "/counters")["writes"] == 0
