# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bearer token from a file that another program renews, and what each way loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.lab import Lab

pytestmark = pytest.mark.servers

EXPIRED = "e30.eyJleHAiOjEwMDAwMDAwMDB9.signature"  # exp 1000000000
OPTIONS: dict[str, Any] = {"spf_auth": None, "spf_username": None, "spf_password": None, "vm": "web01"}


def lab_with(token_file: Path) -> tuple[Lab, dict[str, Any]]:
    lab = Lab()
    token_file.write_text(f"{lab.world.credentials.spf_token}\n")
    return lab, {**OPTIONS, "spf_token_file": str(token_file)}


@pytest.mark.parametrize("written", ["{}", "{}\n", "Bearer {}\r\n", "\ufeff{}"])
def test_auto_takes_the_token_of_a_file(tmp_path: Path, written: str) -> None:
    lab, given = lab_with(tmp_path / "token")
    (tmp_path / "token").write_text(written.format(lab.world.credentials.spf_token))
    made = lab.run("vm_checkpoint", name="new", **given)
    assert (made["changed"], made["sign_in"]) == (True, {"spf": "bearer"}), made
    assert all(request.headers["authorization"].startswith("Bearer ") for request in lab.requests)


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    lab, given = lab_with(tmp_path / "token")
    renewed = "another-token-of-the-portal"

    def renew() -> None:
        lab.world.credentials.spf_token = renewed
        (tmp_path / "token").write_text(renewed)

    lab.before_each(lambda request: request.method == "POST", renew)
    made = lab.run("vm_checkpoint", name="new", **given)
    assert made["changed"] is True, made
    assert renewed not in str(made)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read (no such file or directory)"),
        ("", "holds no token"),
        ("a b", "holds no token"),
        ("ü", "no ASCII text"),
        ('"quoted"', "holds no token"),
        ('{"token": 1}', "holds no token"),
        ("x" * 100_000, "holds no token"),
        (EXPIRED, "expired at 2001-09-09 01:46Z"),
    ],
)
def test_what_is_wrong_with_the_file_is_named(tmp_path: Path, content: str | None, words: str) -> None:
    lab, given = lab_with(tmp_path / "token")
    if content is None:
        (tmp_path / "token").unlink()
    else:
        (tmp_path / "token").write_text(content)
    result = lab.run("vm_checkpoint", name="new", **given)
    assert (result["changed"], result["error"]["code"]) == (False, "invalid_input")
    assert words in result["msg"]
    assert result["msg"].startswith("spf_token_file: ")
    assert lab.requests == []


@pytest.mark.parametrize(
    ("token", "told"),
    [
        (EXPIRED, "spf_token: expired at 2001-09-09 01:46Z. Get a new one"),
        ("e30.eyJuYmYiOjQwMDAwMDAwMDB9.signature", "spf_token: is not valid before 2096-10-02"),
    ],
)
def test_a_token_out_of_its_time_is_not_sent(token: str, told: str) -> None:
    lab = Lab()
    result = lab.run("vm_checkpoint", name="new", spf_token=token, **OPTIONS)
    assert (result["changed"], result["error"]["code"]) == (False, "invalid_input")
    assert told in result["msg"]
    assert lab.requests == []


def test_a_refused_token_is_told_with_its_option() -> None:
    lab = Lab()
    result = lab.run("vm_checkpoint", name="new", spf_token="Bearer of.something.else", **OPTIONS)
    assert result["error"]["code"] == "sign_in_refused"
    assert "Check the token given as spf_token" in result["msg"]
    assert "something" not in str(result)
    assert len(lab.requests) == 1


def test_a_refused_token_is_not_sent_again_where_the_file_is_the_same(tmp_path: Path) -> None:
    lab, given = lab_with(tmp_path / "token")
    (tmp_path / "token").write_text("a-token-of-yesterday")
    result = lab.run("vm_checkpoint", name="new", **given)
    assert result["error"]["code"] == "sign_in_refused"
    assert "a-token-of-yesterday" not in str(result)
    assert len(lab.requests) == 1


def test_a_wrong_password_by_basic_is_tried_once_and_told_with_its_options() -> None:
    lab = Lab()
    given = {"spf_auth": "basic", "spf_username": "svc", "spf_password": "not-the-one"}
    result = lab.run("vm_checkpoint", name="new", **{**OPTIONS, **given, "vm": None, "vms": ["web01", "db01"]})
    assert (result["changed"], result["error"]["code"]) == (False, "sign_in_refused"), result
    assert "It was tried once. Check spf_username and spf_password" in result["msg"]
    assert "not-the-one" not in str(result)
    assert len(lab.requests) == 1


LOADED = """
import json, os, sys
from datetime import datetime, UTC
from tests.support.lab import Lab
lab = Lab()
given = json.loads(sys.argv[1])
found = lab.run("vm_checkpoint", vm="web01", name="new", **given)
names = ("spnego", "gssapi", "krb5", "cryptography", "msal", "azure", "requests")
print(json.dumps([found["changed"], found.get("sign_in"), [name for name in names if name in sys.modules]]))
"""


@pytest.mark.parametrize(
    ("given", "way"),
    [
        ({"spf_auth": "basic"}, "basic"),
        ({"spf_auth": "auto"}, "basic"),
        ({"spf_auth": "auto", "spf_token_file": "token"}, "bearer"),
    ],
)
def test_no_library_of_another_way_is_loaded(tmp_path: Path, given: dict[str, str], way: str) -> None:
    (tmp_path / "token").write_text(Lab().world.credentials.spf_token)
    given = {name: str(tmp_path / "token") if name == "spf_token_file" else value for name, value in given.items()}
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LOADED, json.dumps(given)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True, {"spf": way}, []]
