# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signed status URL is known to nobody but the run that follows it; and a status line's words, which nobody shows."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK
from simulator.wire.exchange import Call
from simulator.wire.faults import Fault
from tests.contract.checkpoints.replay import MACHINE, module_on
from tests.hostile.secrets.echo_places import make_lab, said
from tests.hostile.secrets.secret_forms import CLIENT_SECRET, PASSWORD, RECOGNISABLE, SPELLINGS, TITLE, leak

Record = Callable[[str, Any], None]


def _polled(spelled: Callable[[str], str], pick: Callable[[str], str], ends: bool) -> tuple[dict[str, Any], str]:
    """A create whose second look at its status is answered by what was asked for; and the URL that was asked."""
    lab = make_lab()
    asked: list[str] = []

    def choose(call: Call) -> Fault | None:
        if "/operationStatuses/" not in call.target:
            return None
        asked.append(call.target)
        if len(asked) < 2:
            return None
        error = {"code": "Echo", "message": f"Not valid: {spelled(pick(f'https://simulator.test{call.target}'))}"}
        if ends:
            return Fault("replace", body={"status": "Failed", "error": error})
        return Fault("status", status=403, body={"error": error})

    lab.world.faults.chooser = choose
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new", wait_timeout="5m")
    assert len(asked) >= 2, result
    return result, asked[1]


def _signature(url: str) -> str:
    return urllib.parse.parse_qs(url.partition("?")[2])["s"][0]


@pytest.mark.parametrize("ends", [False, True], ids=["a refused look", "a failed operation"])
@pytest.mark.parametrize(
    ("pick", "spellings"), [(_signature, SPELLINGS), (str, RECOGNISABLE)], ids=["the signature", "the whole URL"]
)
def test_nothing_that_signs_a_status_url_comes_out(
    pick: Callable[[str], str], spellings: dict[str, Callable[[str], str]], ends: bool, record_property: Record
) -> None:
    masked = 0
    for name, spelled in spellings.items():
        result, url = _polled(spelled, pick, ends)
        assert "Not valid" in result["msg"], result["msg"]
        for key in ("s", "c", "h"):
            (value,) = urllib.parse.parse_qs(url.partition("?")[2])[key]
            assert not leak(said(result), value), (name, key, result["msg"])
        masked += MASK in said(result)
    assert masked or pick is str
    record_property(TITLE, {"texts echoed": len(spellings), "of them shown, masked": masked})


@pytest.mark.parametrize("status", [401, 403, 500])
@pytest.mark.parametrize(
    ("secret", "options"),
    [
        (
            PASSWORD,
            {
                "vm": "web01",
                "spf_url": "https://spf.test",
                "spf_auth": "basic",
                "spf_username": "u",
                "spf_password": PASSWORD,
            },
        ),
        (CLIENT_SECRET, {"vm": MACHINE, "tenant": "t", "client_id": "c", "secret": CLIENT_SECRET}),
    ],
    ids=["password", "client secret"],
)
def test_the_words_of_a_status_line_are_not_shown(secret: str, options: dict[str, Any], status: int) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, extensions={"reason_phrase": secret.encode()}, json={})

    result = module_on("vm_checkpoint_info", answer, wait_timeout="60s", **options)
    assert result["error"]["status"] == status, result["error"]
    assert not leak(said(result), secret)
