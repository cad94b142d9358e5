# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to SPF for each verb, which answers are a success, and how an error says what was under way."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Forbidden,
    InvalidInput,
    Locked,
    NotFound,
    Refused,
    ResponseLost,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import SpfSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import Scope
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.provider import Spf
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    reply,
    virtual,
)

ID, POINT, STAMP = (f"{letter}b9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10" for letter in ("a", "b", "c"))
ROOT = f"{BASE}/spf.svc"
WHO = VM(reference="web01", name="web01", id=ID, canonical=ID, provider="spf", service=ROOT, partition=STAMP)
NIGHTLY = Checkpoint(POINT, "nightly")
KEYS = f"ID=guid'{{}}',StampId=guid'{STAMP}'"
OF_POINT, OF_VM = (
    f"{ROOT}/{name}({KEYS.format(key)})" for name, key in (("VMCheckPoints", POINT), ("VirtualMachines", ID))
)
SAYS_NO = {"odata.error": {"code": "", "message": {"lang": "en-US", "value": "It says no."}}}
Act = Callable[[Spf], Awaitable[Any]]
VERBS: dict[str, tuple[Act, str, str, Any, str]] = {
    "create": (
        lambda spf: spf.create(WHO, "new", "words"),
        "POST",
        f"{ROOT}/VMCheckPoints",
        {
            "odata.type": "VMM.VMCheckPoint",
            "ID": "00000000-0000-0000-0000-000000000000",
            "StampId": STAMP,
            "VMId": ID,
            "Name": "new",
            "Description": "words",
            **dict.fromkeys(
                (
                    *("Accessibility", "AddedTime", "CheckpointID", "Confirm", "Enabled", "ModifiedTime"),
                    *("ParentCheckpointID", "RunAsynchronously", "VMCheckPointAction"),
                )
            ),
        },
        "creating checkpoint new of vm web01",
    ),
    "update": (
        lambda spf: spf.update(WHO, NIGHTLY, "words"),
        "MERGE",
        OF_POINT,
        {"Description": "words", "odata.type": "VMM.VMCheckPoint"},
        "updating checkpoint nightly of vm web01",
    ),
    "restore": (
        lambda spf: spf.restore(WHO, NIGHTLY),
        "MERGE",
        OF_POINT,
        {"VMCheckPointAction": "Restore", "odata.type": "VMM.VMCheckPoint"},
        "restoring vm web01 to checkpoint nightly",
    ),
    "delete": (
        lambda spf: spf.delete(WHO, NIGHTLY),
        "DELETE",
        OF_POINT,
        None,
        "deleting checkpoint nightly of vm web01",
    ),
    "on": (
        lambda spf: spf.power(WHO, True),
        "MERGE",
        OF_VM,
        {"Operation": "Start", "odata.type": "VMM.VirtualMachine"},
        "turning vm web01 on",
    ),
    "off": (
        lambda spf: spf.power(WHO, False),
        "MERGE",
        OF_VM,
        {"Operation": "Stop", "odata.type": "VMM.VirtualMachine"},
        "turning vm web01 off",
    ),
}


def using(server: Script, act: Act, **options: Any) -> Any:
    given = {"spf_url": ROOT, "spf_auth": "bearer", "spf_token": "e30", "spf_principal_id": "me", **options}
    settings = SpfSettings.model_validate(given)

    async def main() -> Any:
        async with server.http() as http:
            return await act(Spf(http, settings, lambda: datetime(2026, 11, 20, tzinfo=UTC)))

    return virtual(main)


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_sent_for_each_verb(verb: str) -> None:
    act, method, url, body, _context = VERBS[verb]
    for status in (200, 201, 202, 204):
        server = Script(reply(status, b"", x_ms_request_id=POINT.upper()))
        operation = using(server, act)
        assert (operation.kind, operation.id) == ("job", POINT)
        (sent,) = server.requests
        assert (sent.method, str(sent.url)) == (method, url)
        assert (json.loads(sent.content) if sent.content else None) == body
        assert (sent.content == b"") is (body is None)
        assert {name: sent.headers.get(name) for name in ("x-ms-principal-id", "accept", "content-type")} == {
            "x-ms-principal-id": "me",
            "accept": "application/json;odata=minimalmetadata",
            "content-type": "application/json;odata=minimalmetadata",
        }
        assert (sent.headers["dataserviceversion"], sent.headers["maxdataserviceversion"]) == ("3.0;NetFx",) * 2
        assert "x-http-method" not in sent.headers


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, Forbidden), (400, Refused), (404, NotFound), (423, Locked), (408, ResponseLost), (503, ResponseLost)],
)
def test_an_error_says_what_was_under_way(verb: str, status: int, kind: type[CheckpointError]) -> None:
    act, _method, _url, _body, context = VERBS[verb]
    with pytest.raises(kind) as caught:
        using(Script(reply(status, SAYS_NO)), act)
    assert caught.value.message.startswith(f"{context}: ")
    assert caught.value.message.endswith(": It says no.")


@pytest.mark.parametrize("status", [203, 206, 299])
def test_any_other_success_is_none(status: int) -> None:
    with pytest.raises(CheckpointError, match=rf"an unexpected answer \({status}\)"):
        using(Script(reply(status)), VERBS["create"][0])


WEBDAV = "WebDAV, request filtering or a proxy before SPF filters {}. {}"
REMEDIES = {
    "POST": "Have POST let through, with its X-HTTP-Method header where spf_update_method is post_tunnel.",
    "DELETE": "Have it let through, or set spf_update_method: post_tunnel, which covers DELETE too.",
    "MERGE": "Have it let through, or choose another spf_update_method: post_tunnel needs POST alone.",
}


@pytest.mark.parametrize("verb", ["create", "delete", "update"])
@pytest.mark.parametrize(
    ("status", "body", "allow", "said"),
    [
        (405, "", None, "(405)"),
        (501, "no. ", None, "(501): no"),
        (404, "", "GET, HEAD", "(404; it takes GET, HEAD)"),
        (405, "<title>x</title>", "GET", "(405; it takes GET): x"),
        (405, {"Message": "x" * 301}, "y" * 201, f"(405; it takes {'y' * 199}…): {'x' * 299}…"),
    ],
)
def test_a_verb_that_is_filtered_is_told_in_whole(
    verb: str, status: int, body: Any, allow: str | None, said: str
) -> None:
    act, method, _url, _body, context = VERBS[verb]
    headers = {"allow": allow} if allow else {}
    with pytest.raises(Refused) as caught:
        using(Script(reply(status, body, **headers)), act)
    assert caught.value.message == f"{context}: {method} is not let through to SPF {said}."
    assert caught.value.remedy == WEBDAV.format(method, REMEDIES[method])
    with pytest.raises(Refused) as tunnelled:
        using(Script(reply(status, body, **headers)), act, spf_update_method="post_tunnel")
    assert tunnelled.value.remedy == WEBDAV.format("POST", REMEDIES["POST"])


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("method", "word"), [("merge", "MERGE"), ("patch", "PATCH"), ("post_tunnel", "MERGE")])
def test_each_way_to_change(verb: str, method: str, word: str) -> None:
    act, plain, url, body, _context = VERBS[verb]
    server = Script(reply(204))
    using(server, act, spf_update_method=method)
    (sent,) = server.requests
    wanted = word if plain == "MERGE" else plain
    tunnelled = method == "post_tunnel" and plain != "POST"
    assert (sent.method, sent.headers.get("x-http-method")) == (("POST", wanted) if tunnelled else (wanted, None))
    assert str(sent.url) == url
    assert (json.loads(sent.content) if sent.content else None) == body


def test_a_put_sends_all_that_was_read_but_the_verbs_of_others() -> None:
    entity = {"ID": POINT.upper(), "Name": "n", "Operation": "Stop", "VMCheckPointAction": "Restore", "odata.etag": "x"}
    server = Script(reply(200, {**entity, "Name@odata.type": "y"}), reply(204))
    using(server, VERBS["update"][0], spf_update_method="put")
    assert server.sent == [f"GET {OF_POINT}", f"PUT {OF_POINT}"]
    assert json.loads(server.requests[1].content) == {
        "ID": POINT.upper(),
        "Name": "n",
        "Operation": None,
        "VMCheckPointAction": None,
        "Description": "words",
        "odata.type": "VMM.VMCheckPoint",
    }
    server = Script(reply(200, entity), reply(204))
    using(server, VERBS["restore"][0], spf_update_method="put")
    assert json.loads(server.requests[1].content)["VMCheckPointAction"] == "Restore"


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (reply(403, SAYS_NO), "updating checkpoint nightly of vm web01: forbidden (403): It says no."),
        (
            reply(200, {"ID": ID}),
            "updating checkpoint nightly of vm web01: another entity was answered than the one asked for.",
        ),
        (reply(200, {}), "updating checkpoint nightly of vm web01: the answer holds no entity."),
    ],
)
def test_a_put_of_what_cannot_be_read_is_not_sent(read: Any, told: str) -> None:
    server = Script(read)
    with pytest.raises(CheckpointError) as caught:
        using(server, VERBS["update"][0], spf_update_method="put")
    assert caught.value.message == told
    assert len(server.requests) == 1


async def _resolve(spf: Spf) -> VM:
    return await spf.resolve("web01")


def machines(*rows: dict[str, Any]) -> Any:
    return reply(200, {"value": list(rows)})


def test_a_vm_that_is_not_there_or_there_twice_is_told_in_whole() -> None:
    hint = "VMs of Arc-enabled SCVMM and of Azure are given by their ARM ids (/subscriptions/…)."
    with pytest.raises(NotFound) as missing:
        using(Script(machines({"ID": ID, "Name": "web012"}, {"ID": POINT, "Name": None})), _resolve)
    assert str(missing.value) == (
        "vm web01: no such VM in service, or it is not visible to this user. Give the VM's name or ID as SPF shows it. "
        f"{hint}"
    )
    with pytest.raises(NotFound) as elsewhere:
        using(Script(machines({"ID": ID, "Name": "web01", "StampId": POINT})), _resolve, spf_stamp_id=STAMP)
    assert elsewhere.value.remedy == (
        "Give the VM's name or ID as SPF shows it; spf_stamp_id is set, so only VMs of that stamp are found. " + hint
    )
    twice = [{"ID": each, "Name": "WEB01", "Status": "Running", "StampId": STAMP} for each in (ID.upper(), POINT)]
    with pytest.raises(CheckpointError) as ambiguous:
        using(Script(machines(*twice)), _resolve)
    assert str(ambiguous.value) == (
        f"vm web01: 2 VMs have this name: {ID} (Running), {POINT} (Running). Name the VM by its ID."
    )


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"ID": ID.upper(), "Name": "Web01", "StampId": STAMP.upper(), "VMId": POINT.upper()}, ("Web01", POINT)),
        ({"ID": ID, "Name": "web01", "StampId": STAMP}, ("web01", None)),
    ],
)
def test_a_vm_as_it_is_handed_on(row: dict[str, Any], found: tuple[str, str | None]) -> None:
    vm = using(Script(machines(row)), _resolve)
    assert vm == replace(WHO, name=found[0], host_id=found[1])


def test_a_vm_without_a_name_goes_by_its_id() -> None:
    vm = using(Script(machines({"ID": ID.upper(), "StampId": STAMP})), lambda spf: spf.resolve(ID))
    assert vm == replace(WHO, reference=ID, name=ID)


@pytest.mark.parametrize(
    ("stamps", "told"),
    [
        ([STAMP.upper(), STAMP], None),
        ([], "spf_stamp_id: cannot be discovered, SPF shows 0 stamps. Set spf_stamp_id."),
        ([STAMP, POINT], "spf_stamp_id: cannot be discovered, SPF shows 2 stamps. Set spf_stamp_id."),
        ([None], "spf_stamp_id: cannot be discovered, SPF shows 1 stamps. Set spf_stamp_id."),
    ],
)
def test_a_stamp_that_no_vm_shows_is_asked_of_the_clouds(stamps: list[str | None], told: str | None) -> None:
    server = Script(machines({"ID": ID, "Name": "web01"}), machines(*({"ID": ID, "StampId": each} for each in stamps)))
    if told is None:
        assert using(server, _resolve).partition == STAMP
        assert server.sent[1] == f"GET {ROOT}/Clouds?$select=ID,StampId"
    else:
        with pytest.raises(InvalidInput) as caught:
            using(server, _resolve)
        assert str(caught.value) == told


def test_a_scope_of_azure_s_is_none_of_spf_s() -> None:
    with pytest.raises(InvalidInput) as caught:
        using(Script(), lambda spf: spf.list_scope(Scope("spf", resource_group="rg")))
    assert str(caught.value) == "resource_group: is Azure's; SPF's scope is the whole tenant."


def test_a_stamp_without_vms_names_five_that_have_some() -> None:
    stamps = [f"{number}b9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10" for number in (6, 5, 4, 3, 2, 1)]
    rows = [{"ID": ID, "StampId": each.upper()} for each in stamps] + [{"ID": POINT, "StampId": stamps[0]}]
    with pytest.raises(NotFound) as caught:
        using(Script(machines(*rows), machines()), lambda spf: spf.list_scope(Scope("spf")), spf_stamp_id=STAMP)
    assert str(caught.value) == (
        f"service: none of the 7 VMs is of the stamp {STAMP}. Check spf_stamp_id, or leave it out: these VMs are of "
        f"{', '.join(sorted(stamps)[:5])}."
    )
    assert using(Script(machines(), machines()), lambda spf: spf.list_scope(Scope("spf")), spf_stamp_id=STAMP) == []


def test_a_scope_brings_each_vm_with_its_own_checkpoints() -> None:
    rows = [{"ID": ID.upper(), "Name": "a", "StampId": STAMP}, {"ID": POINT, "Name": "b", "StampId": ID}]
    points = [{"ID": STAMP, "VMId": ID}, {"ID": POINT, "VMId": POINT.upper()}, {"ID": ID, "VMId": None}]
    server = Script(machines(*rows), reply(200, {"value": points}, date="Fri, 20 Nov 2026 00:00:10 GMT"))
    found = using(server, lambda spf: spf.list_scope(Scope("spf")))
    assert [(each.vm.id, [point.id for point in each.checkpoints], each.ahead) for each in found] == [
        (ID, [STAMP], 10.0),
        (POINT, [POINT], 10.0),
    ]
    assert server.sent == [f"GET {ROOT}/VirtualMachines", f"GET {ROOT}/VMCheckPoints"]
    other = Script(machines(*rows), reply(200, {"value": points}))
    kept = using(other, lambda spf: spf.list_scope(Scope("spf")), spf_stamp_id=STAMP.upper())
    assert [each.vm.id for each in kept] == [ID]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ([machines()], "vm web01: it is gone from SPF, or no longer visible."),
        ([machines({"ID": POINT})], "vm web01: it is gone from SPF, or no longer visible."),
        (
            [machines({"ID": ID, "VMCheckpoints": [{"ID": POINT, "VMId": ID}, {"ID": POINT.upper(), "VMId": ID}]})],
            "vm web01: SPF lists a checkpoint twice.",
        ),
    ],
)
def test_a_reading_that_makes_no_sense(written: list[Any], told: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        using(Script(*written), lambda spf: spf.read(WHO, "list"))
    assert str(caught.value) == told


def test_checkpoints_that_came_along_are_not_listed_again() -> None:
    own, foreign = {"ID": POINT, "VMId": ID.upper()}, {"ID": STAMP, "VMId": POINT}
    others = [foreign, {"ID": STAMP, "VMId": f"{ID}0"}, {"ID": STAMP}]
    server = Script(machines({"ID": ID, "VMCheckpoints": [own, *others]}))
    found = using(server, lambda spf: spf.read(WHO, "list"))
    assert ([each.id for each in found.checkpoints], len(server.requests)) == ([POINT], 1)
    server = Script(machines({"ID": ID, "VMCheckpoints": [foreign]}), machines(own, foreign))
    found = using(server, lambda spf: spf.read(WHO, "list"))
    assert [each.id for each in found.checkpoints] == [POINT]
    where = f"?$filter=VMId%20eq%20guid'{ID}'"
    assert server.sent[1] == f"GET {ROOT}/VMCheckPoints{where}"


@pytest.mark.parametrize("status", [400, 404, 500, 501, 403])
def test_a_server_that_expands_nothing_is_asked_for_less(status: int) -> None:
    server = Script(*[reply(status)] * (6 if status == 500 else 1), machines({"ID": ID}), machines())
    found = using(server, lambda spf: spf.read(WHO, "list"))
    assert found.vm == WHO
    plain = f"GET {ROOT}/VirtualMachines?$filter=ID%20eq%20guid'{ID}'"
    assert server.sent[0] == f"{plain}&$expand=VMCheckpoints"
    assert server.sent[-2:] == [plain, f"GET {ROOT}/VMCheckPoints?$filter=VMId%20eq%20guid'{ID}'"]
