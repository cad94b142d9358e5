# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OData's errors, from outside: in JSON and XML, and those of the layers in front."""

from __future__ import annotations

import re

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import NotFound, Refused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import Response
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf import odata
from tests.contract.checkpoints.external_sources import Source, errors, sources

pytestmark = pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
ROOT = "https://spf.example:8090/SC2012R2/VMM/Microsoft.Management.Odata.svc"


def _answer(text: str, status: int = 200) -> Response:
    return Response(status, httpx.Headers(), text.encode(), "spf")


@pytest.mark.parametrize("layer", ["light", "verbose", "atom", "portal"])
def test_errors(source: Source, layer: str) -> None:
    """Whichever layer refuses, its own words reach the user, and a 404 is not a 400."""
    body = errors(source)[layer].replace("..", "Said by the service")
    words = re.findall(r'(?:"value":"|lang="en-US">|<Message>)([^"<]+)', body)
    assert words
    said = odata.error(_answer(body, 404), context="looking")
    assert isinstance(said, NotFound)
    assert words[0].rstrip(".") in str(said)
    assert isinstance(odata.error(_answer(body, 400), context="looking"), Refused)


def test_error_of_the_web_server(source: Source) -> None:
    """401 and 403 of IIS are HTML: the page's title is reported, not its code."""
    page = "<!DOCTYPE html><html><head><title>403 - Forbidden: Access is denied.</title></head><body>x</body></html>"
    assert "IIS: HTML" in source.text("spf/errors.md")
    said = str(odata.error(_answer(page, 403), context="looking"))
    assert "403 - Forbidden: Access is denied" in said
    assert "<" not in said
