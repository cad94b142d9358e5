# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData's formats and errors, from outside: light, verbose, Atom, and those of the layers in front."""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import NotFound, Refused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import Response
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf import odata
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.provider import Spf
from tests.contract.checkpoints.external_sources import Source, errors, sources
from tests.contract.checkpoints.replay import through_spf
from tests.support.targets import vm_of

pytestmark = pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
ROOT = "https://spf.example:8090/SC2012R2/VMM/Microsoft.Management.Odata.svc"
NAMESPACES = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices" '
    'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"'
)


def _answer(text: str, status: int = 200) -> Response:
    return Response(status, httpx.Headers(), text.encode(), "spf")


def _expected(text: str) -> dict[str, Any]:
    """The entry's properties by another way than the client's: line by line."""
    found: dict[str, Any] = {}
    for name, attributes, content in re.findall(r"<d:(\w+)([^>]*?)(?:/>|>([^<]*)</d:\1>)", text):
        if 'm:null="true"' in attributes:
            found[name] = None
        elif "Edm.Boolean" in attributes:
            found[name] = content == "true"
        else:
            found[name] = int(content) if "Edm.Byte" in attributes else content
    return found


def test_atom(source: Source) -> None:
    """An entry as SPF writes it when nobody asks for JSON, alone and in a feed."""
    text = source.text("spf/diskdrive_create_response_atom_2019.xml")
    wanted = _expected(text)
    assert len(wanted) > 15
    assert odata.entity(_answer(text)) == wanted
    entry = text[text.index("<entry") :]
    link = '<link rel="next" href="VirtualDiskDrives?$skiptoken=2" />'
    page = odata.page(_answer(f'<?xml version="1.0"?><feed {NAMESPACES}>{entry}{link}</feed>'))
    assert page.entities == [wanted]
    assert page.next_link == "VirtualDiskDrives?$skiptoken=2"
    assert odata.page(_answer(f"<feed {NAMESPACES}>{entry}</feed>")).next_link is None


def _atom_property(name: str, value: Any) -> str:
    if value is None:
        return f'<d:{name} m:null="true" />'
    if isinstance(value, bool):
        return f'<d:{name} m:type="Edm.Boolean">{str(value).lower()}</d:{name}>'
    return f"<d:{name}>{escape(str(value))}</d:{name}>"


def _as(style: str, entity: dict[str, Any]) -> httpx.Response:
    if style == "light":
        return httpx.Response(200, json={"odata.metadata": "x", "value": [entity]})
    if style == "verbose":
        return httpx.Response(200, json={"d": {"results": [{"__metadata": {"type": "x"}, **entity}]}})
    if style == "verbose 1.0":
        return httpx.Response(200, json={"d": [entity]})
    members = "".join(_atom_property(name, value) for name, value in entity.items() if "odata." not in name)
    entry = f"<entry><content><m:properties>{members}</m:properties></content></entry>"
    return httpx.Response(200, text=f"\ufeff<?xml version='1.0' encoding='utf-8'?><feed {NAMESPACES}>{entry}</feed>")


def test_every_format_says_the_same(source: Source) -> None:
    """One published checkpoint, read through each format, is one and the same checkpoint."""
    entity = source.document("spf/same_checkpoint_a_week_later_put_body.json") | {"Description": "a < b & \u00e4"}
    machine = {"ID": entity["VMId"], "StampId": entity["StampId"], "LastRestoredCheckpointId": entity["CheckpointID"]}
    vm = vm_of("spf", entity["VMId"], ROOT, partition=entity["StampId"])

    async def read(spf: Spf) -> ObservedVm:
        return await spf.read(vm)

    found = {}
    for style in ("light", "verbose", "verbose 1.0", "atom"):

        def answer(request: httpx.Request, style: str = style) -> httpx.Response:
            return _as(style, machine if "VirtualMachines" in request.url.path else entity)

        inventory, _sent = through_spf(ROOT, answer, read)
        found[style] = inventory.checkpoints
    (checkpoint,) = found["light"]
    assert (checkpoint.usable, checkpoint.current, checkpoint.depth) == (True, True, 1)
    assert checkpoint.host_id == entity["CheckpointID"]
    assert checkpoint.description == entity["Description"]
    assert found == dict.fromkeys(found, found["light"])


@pytest.mark.parametrize("layer", ["light", "verbose", "atom", "portal"])
def test_errors(source: Source, layer: str) -> None:
    """Whichever layer refuses, its own words reach the user, and a 404 is not a 400."""
    body = errors(source)[layer].replace("..", "Told by the service")
    words = re.findall(r'(?:"value":"|lang="en-US">|<Message>)([^"<]+)', body)
    assert words
    said = odata.error(_answer(body, 404), context="looking")
    assert isinstance(said, NotFound)
    assert words[0].rstrip(".") in str(said)
    assert isinstance(odata.error(_answer(body, 400), context="looking"), Refused)


def test_error_of_the_web_server(source: Source) -> None:
    """401 and 403 of IIS are HTML: the page's title is told, not its code."""
    page = "<!DOCTYPE html><html><head><title>403 - Forbidden: Access is denied.</title></head><body>x</body></html>"
    assert "IIS: HTML" in source.text("spf/errors.md")
    said = str(odata.error(_answer(page, 403), context="looking"))
    assert "403 - Forbidden: Access is denied" in said
    assert "<" not in said
