# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of Azure: the one that makes a collection, and how any is sent."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import ArmId
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    ServiceError,
    SignInRefused,
    Unreachable,
    Unsupported,
    UntrustedTls,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Step
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.client import Request
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.provider import Compute
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.base import RestoreRun
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.disk_steps import (
    DeleteDisk,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.vm_steps import SwapDisks
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import Attachment
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.steps import MakeCollection
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils import golden_actions
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    ID,
    WHO,
    detail,
    disk,
    inventory,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import WEB01, NamedStep
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    never_left,
    reply,
    virtual,
)

HOME = ArmId("s", "RG", "Microsoft.Compute/restorePointCollections", "Checkpoints-V")
MAKE = MakeCollection(WHO, "it does not exist yet", HOME, "westeurope")
DELETE = DeleteDisk(WHO, "asked", RestoreRun("r"), "rg/o")
SWAP = SwapDisks(WHO, "asked", RestoreRun("r"), (Attachment("os", "n"),))


def test_a_collection_is_made_with_our_tag() -> None:
    body = {
        "location": "westeurope",
        "tags": {"hybridvm-checkpoints": "managed"},
        "properties": {"source": {"id": ID}},
    }
    summary = "make restore point collection Checkpoints-V"
    assert MAKE.request(detail()) == Request("PUT", str(HOME), body, "making restore point collection Checkpoints-V")
    assert (MAKE.summary, MAKE.restore_run_id) == (summary, "")
    golden_actions.hold(Path(__file__).parent / "golden" / "make_collection.txt", [MAKE])


def test_a_collection_is_there_when_it_is_shown() -> None:
    of = detail()
    assert MAKE.is_done(inventory(of)) is True
    object.__setattr__(of, "collection", None)
    assert MAKE.is_done(inventory(of)) is False


def test_a_step_of_nothing_larger_is_neither_undone_nor_described() -> None:
    before = inventory(detail())
    assert (MAKE.compensation(before), MAKE.describe_state(before, before)) == ((), "")


def _execute(step: Step, server: Script, **fields: Any) -> Operation:
    settings = ArmSettings(access_token="t")
    of = detail(disk("o"), disk("n"))
    for name, value in fields.items():
        object.__setattr__(of, name, value)

    async def main() -> Operation:
        async with server.http() as http:
            provider = Compute(Arm(http, BASE, "client c"), settings, None, lambda: datetime.now(UTC))
            return await provider.execute_step(step, inventory(of))

    return virtual(main)


@pytest.mark.parametrize("etag", ["e-1", None])
def test_what_was_read_is_not_written_over(etag: str | None) -> None:
    server = Script(reply(200))
    _execute(SWAP, server, etag=etag)
    (request,) = server.requests
    assert (request.method, request.url.path) == ("PATCH", ID)
    assert request.headers.get("if-match") == etag


@pytest.mark.parametrize(("step", "version"), [(SWAP, "2024-07-01"), (MAKE, "2024-07-01"), (DELETE, "2024-03-02")])
def test_each_provider_has_its_version(step: Step, version: str) -> None:
    server = Script(reply(202))
    _execute(step, server)
    assert server.requests[0].url.params["api-version"] == version


def test_a_collection_that_was_there_when_it_was_made_is_warned_of() -> None:
    there = _execute(MAKE, Script(reply(200)))
    assert [each.startswith("collection Checkpoints-V existed when") for each in there.warnings] == [True]
    made = _execute(MAKE, Script(reply(201)))
    assert (made.created, made.warnings) == (True, ())


def test_an_error_names_the_vm_that_the_step_was_about_unless_the_host_is_to_blame() -> None:
    with pytest.raises(ServiceError) as refused:
        _execute(SWAP, Script(reply(400)))
    assert refused.value.subject == "vm v"
    untrusted = never_left()
    untrusted.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed")
    untrusted.__cause__.verify_message = "self-signed certificate"
    for answer, kind in (
        (never_left(), Unreachable),
        (untrusted, UntrustedTls),
        (reply(401), SignInRefused),
    ):
        with pytest.raises(kind) as of_host:
            _execute(SWAP, Script(answer))
        assert of_host.value.subject == "service"


def test_a_step_of_somebody_else_s_is_not_carried_out() -> None:
    server = Script(reply(200))
    with pytest.raises(Unsupported, match="no such step: dance") as caught:
        _execute(NamedStep(WEB01, "asked", "dance"), server)
    assert (caught.value.subject, server.requests) == ("vm web01", [])
