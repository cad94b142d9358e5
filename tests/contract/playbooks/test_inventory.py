# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin through ansible-inventory and ansible-playbook, on all three services."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.simulator_server import ROOT

from .inventories import PLUGIN, list_hosts, source
from .support import COLLECTION, Ansible, Simulator, play

ALL = ["spf", "scvmm", "compute"]
SKEWED = "the service's clock (its Date header)"  # the simulator's runs faster than ours


def _documented(part: str) -> str:
    tree = ast.parse((ROOT / "plugins/inventory/vms.py").read_text())
    found = [node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == part]
    return str(ast.literal_eval(found[0]))


def _sources(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The journal's requests but for those of signing in."""
    return [each for each in listed if "/oauth2/" not in each["target"] and "/metadata/" not in each["target"]]


def test_a_playbook_checkpoints_what_has_no_fresh_checkpoint(
    simulator: Simulator, ansible: Ansible, tmp_path: Path
) -> None:
    path = source(tmp_path, services=ALL)
    before = list_hosts(ansible, path)
    assert before.code == 0, before.messages
    assert before.hosts == ["app01", "app02", "db01", "gold-image", "shop01", "shop02", "web01"]
    assert before.group("no_fresh_checkpoint") == before.hosts
    assert before.group("checkpoints_refused") == ["gold-image"]
    task = {"vm": "{{ checkpoint_vm }}", "name": "nightly", "max_age": "24h"}
    tasks = [
        {"name": "Have one", f"{COLLECTION}.vm_checkpoint": task, "delegate_to": "localhost"},
    ]
    hosts = {"hosts": "no_fresh_checkpoint:!checkpoints_refused"}
    run = ansible.run(
        [play("Nightly", tasks, simulator.environment, **hosts)], "-i", str(path), **simulator.environment
    )
    assert run.code == 0, run.stdout + run.stderr
    assert [each["changed"] for each in run.by_module("vm_checkpoint")] == [True] * 6
    after = list_hosts(ansible, path)
    assert after.group("no_fresh_checkpoint") == ["gold-image"]
    values = after.vars("shop01")
    assert values["checkpoint_vm"] == simulator.azure("virtualMachines", "shop01")
    assert (values["checkpoint_usable_count"], values["checkpoint_newest"].partition("-")[0]) == (1, "nightly")
    assert 0 <= values["checkpoint_newest_age_seconds"] < 24 * 3600
    again = ansible.run(
        [play("Nightly", tasks, simulator.environment, **hosts)], "-i", str(path), **simulator.environment
    )
    assert (again.code, again.results) == (0, [])


def test_the_examples_work_as_they_stand(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    ready = simulator.ready
    places = {
        "https://spf.contoso.com:8090": ready["url"],
        "8a1f3c52-6d0b-4d5e-9a77-0c2b1e9d4f10": ready["subscription_id"],
        "CONTOSO\\svc-ansible": ready["spf_username"],
        "/tmp/checkpoints-inventory": str(tmp_path / "cache"),
    }
    text = _documented("EXAMPLES")
    for theirs, ours in places.items():
        assert theirs in text
        text = text.replace(theirs, ours)
    environment = {"TENANT_SUBSCRIPTION": ready["spf_subscription_id"], "TENANT_PASSWORD": ready["spf_password"]}
    wanted = {
        "shop.checkpoints.yml": (["app01", "app02", "shop01", "shop02"], "no_usable_checkpoint", ["shop01", "shop02"]),
        "tenant.checkpoints.yml": (["db01", "web01"], "no_fresh_checkpoint", ["db01", "web01"]),
        "all.checkpoints.yml": (
            ["app01", "app02", "db01", "gold-image", "shop01", "shop02", "web01"],
            "service_scvmm",
            ["app01", "app02"],
        ),
    }
    parts = text.split("---\n")
    assert len(parts) == len(wanted)
    for part, (name, (hosts, group, members)) in zip(parts, wanted.items(), strict=True):
        assert part.strip().startswith(f"# {name}:")
        (tmp_path / name).write_text(part)
        listed = list_hosts(ansible, tmp_path / name, **environment)
        assert (listed.code, listed.hosts, listed.group(group)) == (0, hosts, members), listed.messages
    assert listed.vars("web01")["ansible_host"] == "web01.contoso.com"
    assert listed.group("role_none") == listed.hosts
    assert listed.group("turned_off") == ["gold-image"]


@pytest.mark.thorough
def test_a_cache_spares_the_requests_until_it_is_flushed(
    simulator: Simulator, ansible: Ansible, tmp_path: Path
) -> None:
    cache: dict[str, Any] = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(tmp_path / "cache"),
    }
    path = source(tmp_path, services=ALL, **cache)
    first = list_hosts(ansible, path)
    assert _sources(simulator.control("GET", "/journal"))
    simulator.control("POST", "/reset")
    again = list_hosts(ansible, path)
    assert again.document["_meta"]["hostvars"].keys() == first.document["_meta"]["hostvars"].keys()
    assert simulator.control("GET", "/journal") == []
    # Ages have grown by what has passed, and not by what the simulator says has passed.
    ages = [listed.vars("web01")["checkpoint_newest_age_seconds"] for listed in (first, again)]
    assert ages[0] <= ages[1] < ages[0] + 600
    refreshed = ansible.run([play("None", [], {})], "-i", str(path), "--flush-cache", **simulator.environment)
    assert refreshed.code == 0, refreshed.stderr
    flushed = simulator.control("GET", "/journal")
    assert _sources(flushed)
    # What is read otherwise, or by another user, is not in that cache.
    others: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"services": ["spf"]}, {}),
        ({"services": ALL, "include": ["web*"]}, {}),
        ({"services": ALL}, {"AZURE_CLIENT_ID": "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"}),
    ]
    for options, environment in others:
        before = len(simulator.control("GET", "/journal"))
        list_hosts(ansible, source(tmp_path, **cache, **options), **environment)
        assert len(simulator.control("GET", "/journal")) > before, (options, environment)
    kept = "".join(file.name + file.read_text() for file in (tmp_path / "cache").iterdir())
    assert "web01" in kept
    for secret in ("spf_password", "secret", "spf_token"):
        assert simulator.ready[secret] not in kept


TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'touch PWNED') }}"
HOSTILE = [
    TEMPLATE,
    "localhost",
    "all",
    "web[1:5]",
    "../../etc/cron.d/x",
    "#jinja2: variable_start_string: '[['",
    "-e @x",
]


def test_names_and_tags_are_never_taken_for_more(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    pwned = tmp_path / "pwned"
    evil = [text.replace("PWNED", str(pwned)) for text in HOSTILE]
    tags = {"role": evil[0], "env": "prod, {% raw %}", evil[0]: "x"}
    world = {
        "spf": {"vms": [{"name": text, "checkpoints": [{"name": evil[0]}]} for text in evil]},
        "scvmm": {"vms": []},
        "compute": {"vms": [{"name": "shop01", "tags": tags}]},
    }
    simulator.control("POST", "/world", world)
    path = source(
        tmp_path,
        services=["spf", "compute"],
        strict=True,
        compose={"shown_as": "'as ' ~ checkpoint_vm_name", "role": "checkpoint_tags.role | default('')"},
        groups={"evil": "'lookup' in checkpoint_vm_name"},
        keyed_groups=[{"key": "checkpoint_tags", "prefix": "tag"}, {"key": "checkpoint_vm_name", "prefix": "vm"}],
    )
    listed = list_hosts(ansible, path)
    assert listed.code == 0, listed.messages
    assert not {"localhost", "all"} & set(listed.hosts)
    assert all(c.isalnum() or c in "-_." for host in listed.hosts for c in host)
    assert all(c.isalnum() or c == "_" for group in listed.document if group != "_meta" for c in group)
    assert "a VM called localhost is localhost_spf_" in listed.messages
    names = {listed.vars(host)["checkpoint_vm_name"] for host in listed.hosts}
    assert names == {*evil, "shop01"}
    assert listed.vars("shop01")["checkpoint_tags"] == tags
    tasks = [
        {
            "name": "Show",
            "ansible.builtin.debug": {"msg": "{{ [checkpoint_vm_name, shown_as, role, checkpoint_newest] }}"},
        },
        {"name": "All", "ansible.builtin.debug": {"msg": "{{ hostvars[inventory_hostname].checkpoint_tags }}"}},
        {"name": "Read", f"{COLLECTION}.vm_checkpoint_info": {"vm": "{{ checkpoint_vm }}"}, "delegate_to": "localhost"},
    ]
    shown = ansible.run(
        [play("Show", tasks, simulator.environment, hosts="all")], "-i", str(path), **simulator.environment
    )
    assert shown.code == 0, shown.stdout + shown.stderr
    messages = [line["result"]["msg"] for line in shown.results if line["task"] == "Show"]
    assert sorted(each[0] for each in messages) == sorted([*evil, "shop01"])
    assert all(each[1] == f"as {each[0]}" and each[3] in (evil[0], None) for each in messages)
    assert evil[0] in [each[2] for each in messages]
    assert tags in [line["result"]["msg"] for line in shown.results if line["task"] == "All"]
    assert not pwned.exists()


def test_no_vm_takes_the_place_of_a_group(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    """Ansible takes the group for such a host, with all that are in it, and sets its variables for all of them."""
    vms: list[dict[str, Any]] = [
        {"name": "service_spf"},
        {"name": "production", "power": "PowerOff"},
        {"name": "turned_off"},
        {"name": "web01"},
    ]
    simulator.control("POST", "/world", {"spf": {"vms": vms}, "scvmm": {"vms": []}, "compute": {"vms": []}})
    static = tmp_path / "static.yml"
    static.write_text("production: {hosts: {db07: {}, db08: {}}}\n")
    path = source(
        tmp_path,
        services=["spf"],
        groups={"turned_off": "checkpoint_power == 'off'"},
        keyed_groups=[{"key": "checkpoint_service", "prefix": "service"}],
    )
    listed = list_hosts(ansible, static, "-i", str(path))
    assert listed.code == 0, listed.messages
    called = {listed.vars(host).get("checkpoint_vm_name", ""): host for host in listed.hosts}
    assert [name for name, host in called.items() if name == host] == ["web01"]
    assert all(called[name].startswith(f"{name}_spf_") for name in ("service_spf", "production", "turned_off"))
    assert listed.group("production") == ["db07", "db08"]
    assert listed.group("turned_off") == [called["production"]]
    assert listed.group("no_fresh_checkpoint") == sorted(called[each["name"]] for each in vms)
    assert listed.document["no_fresh_checkpoint"].keys() == {"hosts"}
    assert "a VM called production is production_spf_" in listed.messages
    # A group of each host's name has no end.
    named = [{"key": "inventory_hostname", "separator": ""}]
    refused = list_hosts(ansible, source(tmp_path, services=["spf"], keyed_groups=named))
    assert refused.code != 0
    assert "groups are made of the hosts' names: a VM would be called " in refused.messages


@pytest.mark.thorough
def test_two_vms_of_one_name_are_both_there(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    simulator.control(
        "POST",
        "/world",
        {
            "spf": {"vms": [{"name": "web01"}, {"name": "web01"}, {"name": "db01"}]},
            "scvmm": {"vms": [{"name": "web01"}]},
        },
    )
    listed = list_hosts(ansible, source(tmp_path, services=["spf", "scvmm"]))
    assert [host.rpartition("_")[0] for host in listed.hosts] == ["", "web01_scvmm", "web01_spf", "web01_spf"]
    assert "3 VMs would be called web01, and are web01_spf_" in listed.messages
    assert len({listed.vars(host)["checkpoint_vm"] for host in listed.hosts}) == 4
    refused = list_hosts(ansible, source(tmp_path, services=["spf", "scvmm"], on_duplicate="fail"))
    assert refused.code != 0
    assert "3 VMs would be called web01: " in refused.messages
    by_id = "checkpoint_service ~ '.' ~ checkpoint_vm"
    named = list_hosts(ansible, source(tmp_path, services=["spf", "scvmm"], hostname=by_id, on_duplicate="fail"))
    assert [host.partition(".")[0] for host in named.hosts] == ["scvmm", "spf", "spf", "spf"]


@pytest.mark.thorough
def test_a_vm_that_cannot_be_read_stays(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    simulator.control("POST", "/faults", {"kind": "status", "status": 403, "path": "machines/app01/", "count": None})
    listed = list_hosts(ansible, source(tmp_path, services=["scvmm"]))
    assert (listed.code, listed.hosts) == (0, ["app01", "app02"])
    assert listed.group("checkpoints_unreadable") == ["app01"]
    values = listed.vars("app01")
    assert (values["checkpoint_readable"], values["checkpoint_error"]["code"]) == (False, "forbidden")
    assert "1 of 2 VMs could not be read" in listed.messages


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "password": ({"services": ["spf"], "spf_password": "wrong"}, "sign-in refused (401)"),
    "secret": ({"services": ["compute"], "secret": "wrong"}, "sign-in https"),
    "option": ({"services": ["compute"], "resource_group": "rg-shop"}, "resource_group: no such option."),
    "list": ({"services": ["compute"], "resource_groups": []}, "resource_groups: is empty."),
    "service": ({"services": ["hyperv"]}, "'hyperv'"),
    "name": ({"services": ["spf"], "hostname": "nothing"}, "hostname: of "),
    "number": ({"services": ["spf"], "hostname": "checkpoint_count"}, "hostname: gives no text for "),
    "nothing": ({}, "services"),
}


def test_what_is_wrong_is_one_line(ansible: Ansible, tmp_path: Path) -> None:
    """All at once: a source that fails is named, and the others go on."""
    paths = {
        name: source(tmp_path, f"{name}.checkpoints.yml", **options) for name, (options, _message) in WRONG.items()
    }
    fine = source(tmp_path, services=["scvmm"])
    more = [argument for path in paths.values() for argument in ("-i", str(path))]
    listed = list_hosts(ansible, fine, *more, ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="false")
    assert (listed.code, listed.hosts) == (0, ["app01", "app02"])
    assert "Traceback" not in listed.messages
    for name, (_options, message) in WRONG.items():
        # Lines are broken, until ansible-core 2.18 within paths too.
        lines = [text.replace(" ", "") for text in listed.messages.split("[WARNING]: ")]
        assert any(str(paths[name]) in text and message.replace(" ", "") in text for text in lines), (
            name,
            listed.messages,
        )


@pytest.mark.thorough
@pytest.mark.parametrize("enabled", [f"{PLUGIN},auto,yaml", f"auto,{PLUGIN}", "auto"])
def test_a_refused_password_is_sent_once_whichever_plugins_are_enabled(
    simulator: Simulator, ansible: Ansible, tmp_path: Path, enabled: str
) -> None:
    """Ansible has a file parsed by each plugin that takes it, and `auto` hands it to the same one again."""
    path = source(tmp_path, services=["spf"], spf_password="wrong", spf_auth="basic")
    simulator.control("DELETE", "/journal")
    listed = list_hosts(ansible, path, ANSIBLE_INVENTORY_ENABLED=enabled)
    assert listed.code != 0
    assert "spf_password" in listed.messages
    assert len(_sources(simulator.control("GET", "/journal"))) == 1


def test_missing_libraries_are_named(ansible: Ansible, tmp_path: Path) -> None:
    (tmp_path / "without").mkdir()
    (tmp_path / "without/httpx.py").write_text("raise ImportError(\"No module named 'httpx'\")\n")
    listed = list_hosts(ansible, source(tmp_path, services=["spf"]), PYTHONPATH=str(tmp_path / "without"))
    messages = listed.messages
    assert listed.code != 0
    assert "The inventory plugin needs the Python packages anyio, httpx and pydantic" in messages
    assert f"for the Python that runs Ansible, {sys.executable}: No module named 'httpx'." in messages
    assert "-m pip install 'anyio" in messages


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["checkpoints_vms.yml", "prod_checkpoints_vms.yaml", "a.checkpoints.yaml"])
def test_files_are_known_by_their_names(name: str, ansible: Ansible, tmp_path: Path) -> None:
    assert list_hosts(ansible, source(tmp_path, name, services=["spf"])).hosts == ["db01", "gold-image", "web01"]


def test_a_file_of_another_name_is_none_of_ours(ansible: Ansible, tmp_path: Path) -> None:
    listed = list_hosts(ansible, source(tmp_path, "vms.yml", services=["spf"]))
    assert f"could not be verified by inventory plugin '{PLUGIN}'" in listed.messages
    assert listed.code != 0


@pytest.mark.thorough
def test_a_file_or_a_password_may_be_encrypted(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("vault's\n")
    program = [sys.executable, str(Path(sys.executable).parent / "ansible-vault")]
    given = ["--vault-password-file", str(key)]
    password = subprocess.run(
        [*program, "encrypt_string", *given, "--stdin-name", "spf_password"],
        input=simulator.ready["spf_password"],
        env=ansible.environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    inline = source(tmp_path, "inline.checkpoints.yml", services=["spf"], exclude=["gold*"])
    inline.write_text(inline.read_text() + password)
    whole = source(tmp_path, services=["spf"], exclude=["gold*"], spf_password=simulator.ready["spf_password"])
    subprocess.run(
        [*program, "encrypt", *given, str(whole)], env=ansible.environment(), capture_output=True, check=True
    )
    templated = source(tmp_path, "t.checkpoints.yml", services=["spf"], exclude=["gold*"], spf_password="{{ pw }}")
    (tmp_path / "extra.json").write_text(json.dumps({"pw": "{{ lookup('ansible.builtin.env', 'PW') }}"}))
    extra = ["-e", f"@{tmp_path / 'extra.json'}"]
    for path, arguments in ((inline, given), (whole, given), (templated, extra)):
        listed = list_hosts(ansible, path, *arguments, "-vvvv", SPF_PASSWORD="", PW=simulator.ready["spf_password"])
        assert listed.code == 0, listed.messages
        assert listed.stdout.count("checkpoint_vm_name") == 2
        assert simulator.ready["spf_password"] not in listed.stdout + listed.messages
