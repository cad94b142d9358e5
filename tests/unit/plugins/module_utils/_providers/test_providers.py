# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a reference to its service, and from options to the way in which SPF is signed in to."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, cast
from unittest import mock

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput, Unsupported
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Leftover, Usability
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline, Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import SpfSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.kerberos_errors import Identity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Auth
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import Providers, RunContext
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import (
    FAILED_CREATE,
    SingleCallProvider,
    clock,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.sign_in import (
    auth_of,
    remember_secrets,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    WEB01,
    NamedStep,
    having,
    ours,
    point,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import Script, virtual

ID = "/subscriptions/0a1b2c3d-0000-4000-8000-00000000000a/resourceGroups/rg/providers/{}/web01"
MACHINES = (
    "Azure VMs are Microsoft.Compute/virtualMachines, VMs of Arc-enabled SCVMM Microsoft.HybridCompute/machines; SPF's "
    "are given by name or GUID."
)
BEGINS = "An ARM id begins with /subscriptions/; give it without what stands before it."


@pytest.mark.parametrize(
    ("reference", "service"),
    [
        ("web01", "spf"),
        ("a/b", "spf"),
        ("831e819f-f852-47a8-b4b0-c61ba062df73", "spf"),
        (ID.format("Microsoft.HybridCompute/machines"), "scvmm"),
        (ID.format("MICROSOFT.HYBRIDCOMPUTE/MACHINES"), "scvmm"),
        (ID.format("microsoft.compute/virtualmachines"), "compute"),
    ],
)
def test_whose_a_reference_is(reference: str, service: str) -> None:
    assert Providers.service_of(reference) == service


@pytest.mark.parametrize(
    "reference",
    [
        "https://portal.azure.com/#resource/subscriptions/1",
        "https://h/SUBSCRIPTIONS/1",
        "x/Subscriptions/1",
        "h\\subscriptions\\1",
    ],
)
def test_an_id_behind_something_else_is_none(reference: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Providers.service_of(reference)
    assert str(caught.value) == f"vm: {reference} is no id, but holds one. {BEGINS}"


def test_another_kind_of_resource_is_no_vm() -> None:
    reference = ID.format("Microsoft.Compute/disks")
    with pytest.raises(InvalidInput) as caught:
        Providers.service_of(reference)
    assert str(caught.value) == (
        f"vm {reference}: Microsoft.Compute/disks is no VM that this release knows. {MACHINES}"
    )


def using(params: dict[str, Any], act: Callable[[Providers], Awaitable[Any]], **world: Any) -> Any:
    async def main() -> Any:
        context = RunContext({}, lambda: NOW, Script(), **world)
        async with Providers(params, context, Deadline(60)) as providers:
            return await act(providers)

    with mock.patch.dict(os.environ, {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}, clear=True):
        return virtual(main)


SPF = {"spf_url": "https://spf.test:8090/x.svc", "spf_auth": "basic", "spf_username": "svc", "spf_password": "pw"}
ARM = {"tenant": "t", "client_id": "c", "secret": "s"}


@pytest.mark.parametrize("listens", [True, False])
def test_each_service_is_set_up_once_and_tells_its_address_and_sign_in(listens: bool) -> None:
    sign_ins: dict[str, Auth] = {}
    asked: list[str] = []
    world: dict[str, Any] = {"sign_ins": sign_ins, "pressure": asked.append} if listens else {}
    machine = ID.format("Microsoft.HybridCompute/machines")

    async def act(providers: Providers) -> list[Any]:
        before = [providers.address_of(kind) for kind in ("spf", "scvmm", "compute")]
        made = [await providers.of(reference) for reference in ("a", "b", machine, f"{machine}2")]
        assert (made[0] is made[1], made[2] is made[3], made[0] is made[2]) == (True, True, False)
        assert (await providers.arm())[0] is (await providers.arm())[0]
        return before + [providers.address_of(kind) for kind in ("spf", "scvmm", "compute")]

    addresses = ["https://spf.test:8090/x.svc", *["https://management.azure.com"] * 2]
    assert using({**SPF, **ARM}, act, **world) == ["", "", "", *addresses]
    assert {name: auth.way for name, auth in sign_ins.items()} == (
        {"spf": "basic", "azure": "secret"} if listens else {}
    )
    assert asked == (addresses[:2] if listens else [])


def made(**options: Any) -> Any:
    given = {"spf_url": "https://spf.test:8090/x.svc", **options}
    redactor = Redactor()

    async def main() -> Any:
        async with AsyncExitStack() as stack:
            new_client = cast(Any, httpx.AsyncClient)
            return auth_of(
                SpfSettings.model_validate(given), redactor, lambda: datetime(2026, 1, 1, tzinfo=UTC), new_client, stack
            )

    return virtual(main)


USER = {"spf_username": "svc", "spf_password": "pass-word"}


@pytest.mark.parametrize(
    ("options", "kind", "signer"),
    [
        ({**USER, "spf_auth": "basic"}, "Basic", "svc with basic"),
        ({"spf_token": "e30"}, "Bearer", "the token given as spf_token"),
        ({"spf_token_file": "/t"}, "TokenFile", "the token given as spf_token_file"),
        ({"spf_client_cert": "/c"}, "Certificate", "the certificate of spf_client_cert"),
        ({**USER, "spf_auth": "ntlm"}, "Windows", "svc with ntlm"),
        ({**USER, "spf_auth": "kerberos"}, "Windows", "svc with kerberos"),
        ({**USER, "spf_auth": "negotiate"}, "Windows", "svc with kerberos"),
        (USER, "Automatic", ""),
    ],
)
def test_each_way_to_sign_in_to_spf(options: dict[str, str], kind: str, signer: str) -> None:
    found = made(**options)
    assert (type(found).__name__, found.signer) == (kind, signer)


@pytest.mark.parametrize(
    ("way", "kerberos", "ntlm", "schemes"),
    [
        ("ntlm", False, True, ("negotiate", "ntlm", "kerberos")),
        ("kerberos", True, False, ("negotiate", "ntlm", "kerberos")),
        ("negotiate", True, True, ("negotiate",)),
    ],
)
def test_what_each_way_of_windows_may_use(way: str, kerberos: bool, ntlm: bool, schemes: tuple[str, ...]) -> None:
    found = made(**USER, spf_auth=way)
    assert (found._tickets is not None, found._ntlm, found._schemes) == (kerberos, ntlm, schemes)
    assert found._send_bindings
    assert not made(**USER, spf_auth=way, spf_channel_bindings="omit")._send_bindings


def test_auto_may_use_basic_where_there_is_a_password() -> None:
    assert made(**USER)._basic is not None
    assert made()._basic is None
    assert made(spf_keytab="/k", spf_username="svc")._basic is None


@pytest.mark.parametrize(
    ("options", "identity"),
    [
        (USER, Identity("svc", "pass-word", "", "HTTP", "spf.test")),
        ({"spf_username": "svc", "spf_keytab": "/k"}, Identity("svc", "", "/k", "HTTP", "spf.test")),
        ({"spf_service_principal": "H/other"}, Identity("", "", "", "H", "other")),
    ],
)
def test_as_whom_and_what_kerberos_is_spoken(options: dict[str, str], identity: Identity) -> None:
    assert made(**options, spf_auth="kerberos")._who == identity


def test_what_signs_in_to_spf_is_never_shown() -> None:
    redactor = Redactor()
    options = {"spf_url": "https://h", **USER, "spf_client_cert": "/c", "spf_client_cert_password": "of-the-key"}
    remember_secrets(SpfSettings.model_validate(options), redactor)
    remember_secrets(SpfSettings.model_validate({"spf_url": "https://h", "spf_token": "e30.e31"}), redactor)
    assert redactor.redact("pass-word of-the-key e30.e31") == f"{MASK} {MASK} {MASK}"


class Single(SingleCallProvider):
    """One whose job for every checkpoint ended in that state."""

    def __init__(self, state: Any) -> None:
        self.state = state

    async def readiness(self, *_given: Any) -> Operation | None:
        async def never() -> Status:
            raise AssertionError

        return None if self.state is None else Operation("job", "j", never, last=Status(self.state))


@pytest.mark.parametrize(
    ("usability", "managed", "state", "left"),
    [
        ("unusable", True, None, True),
        ("unusable", False, None, False),
        ("usable", True, "failed", False),
        ("unknown", True, None, False),
        ("unknown", True, "running", False),
        ("unknown", True, "unknown", False),
        ("unknown", True, "failed", True),
        ("arriving", True, "failed", True),
    ],
)
def test_what_a_failed_create_has_left(usability: Usability, managed: bool, state: Any, left: bool) -> None:
    checkpoint = (ours if managed else point)("a1", usability=usability)
    found = virtual(lambda: Single(state).leftovers(having(checkpoint)))
    wanted = Leftover("checkpoint", "a1", "nightly", FAILED_CREATE, checkpoint.created)
    assert found == ([wanted] if left else [])


def test_what_is_no_leftover_hides_none_behind_it() -> None:
    listed = (point("a1"), ours("a2"), ours("a3", usability="unusable"), ours("a4", usability="unknown"))
    found = virtual(lambda: Single("failed").leftovers(having(*listed)))
    assert [each.id for each in found] == ["a3", "a4"]


def test_the_checkpoints_of_a_known_vm_come_with_its_own_reading() -> None:
    read = mock.AsyncMock(return_value=having(point("a")))
    with mock.patch.object(SingleCallProvider, "read", read):
        assert virtual(lambda: SingleCallProvider().read_points(having())) == having(point("a"))
    assert read.await_args_list == [mock.call(WEB01, "list")]
    with pytest.raises(NotImplementedError):
        virtual(lambda: SingleCallProvider().read(WEB01, "list"))


def test_what_a_service_without_it_is_never_asked_for() -> None:
    single = SingleCallProvider()
    acts: dict[str, Callable[[], Awaitable[Any]]] = {
        "vm web01: a pin is no write of its own here.": lambda: single.pin(having(), point("a"), None),
        "vm web01: there are no locks that keep a checkpoint.": lambda: single.lock(having(), point("a"), True),
        "vm web01: no such step: swap.": lambda: single.execute_step(NamedStep(WEB01, "why", "swap"), having()),
    }
    for told, act in acts.items():
        with pytest.raises(Unsupported) as caught:
            virtual(act)
        assert str(caught.value) == told


def test_the_clock_is_the_first_date_that_there_is() -> None:
    earlier = datetime(2026, 11, 20, 11, 59, 50, tzinfo=UTC)
    assert clock([None, earlier, NOW], NOW) == (earlier, -10.0)
    assert clock([NOW], earlier) == (NOW, 10.0)
    assert clock([None], NOW) == clock([], NOW) == (NOW, 0.0)
