# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the services are known to say, from outside this project: published and recorded files, or our transcriptions.

The files are not ours to keep in the repository. Where they are (HYBRIDVM_DATA, or `shared/data` beside the checkout)
every test runs on them and on the transcriptions; where they are not, on the transcriptions alone.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.contract.checkpoints.exchange import Exchange
from tests.contract.checkpoints.transcripts import scvmm, spf

ROOT = Path(__file__).resolve().parents[3]
SIBLING = ROOT.parent / "shared" / "data"
RECORDING = "recordings/scvmm-2023-10.json"


class Source(Protocol):
    """Where exchanges come from; names are paths in the data folder, whether or not there is one."""

    @property
    def name(self) -> str: ...
    def names(self) -> list[str]: ...
    def text(self, name: str) -> str: ...
    def exchange(self, name: str) -> Exchange: ...
    def document(self, name: str) -> Any: ...
    def documents(self, name: str) -> list[Any]: ...
    def recording(self) -> list[Exchange]: ...


@dataclass(frozen=True)
class Published:
    """The folder of published and recorded files."""

    folder: Path
    name: str = "published"

    def names(self) -> list[str]:
        """Every file in it."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def text(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")

    def exchange(self, name: str) -> Exchange:
        """A `.http` file: comments, request, `### response`, response."""
        lines = [line for line in self.text(name).splitlines() if not line.startswith("# ")]
        request, _mark, answer = "\n".join(lines).partition("### response\n")
        start, headers, body = _message(request)
        method, url, _version = start.split()
        status, answer_headers, answer_body = _message(answer)
        sent = json.loads(body) if body.strip() else None
        return Exchange(method, url, tuple(headers), sent, int(status.split()[1]), tuple(answer_headers), answer_body)

    def document(self, name: str) -> Any:
        return json.loads(self.text(name))

    def documents(self, name: str) -> list[Any]:
        """A file that holds several JSON documents one after the other."""
        decoder, rest, found = json.JSONDecoder(), self.text(name).lstrip(), []
        while rest:
            document, end = decoder.raw_decode(rest)
            found.append(document)
            rest = rest[end:].lstrip()
        return found

    def recording(self) -> list[Exchange]:
        """Request and answer pairs in the order they were recorded."""
        return [_pair(pair) for pair in self.document(RECORDING)]


@dataclass(frozen=True)
class Transcribed:
    """Our own transcriptions: the same facts with ids, names and times of our own."""

    name: str = "transcribed"

    def names(self) -> list[str]:
        return sorted({**spf.FILES, **scvmm.FILES})

    def _of(self, name: str) -> Any:
        return {**spf.FILES, **scvmm.FILES}[name]

    def text(self, name: str) -> str:
        found: str = self._of(name)
        return found

    def exchange(self, name: str) -> Exchange:
        found: Exchange = self._of(name)
        return found

    def document(self, name: str) -> Any:
        return self._of(name)

    def documents(self, name: str) -> list[Any]:
        found: list[Any] = self._of(name)
        return found

    def recording(self) -> list[Exchange]:
        return scvmm.RECORDING


def folder() -> Path | None:
    """The data folder, if there is one. A variable that leads nowhere is an error: somebody meant something."""
    named = os.environ.get("HYBRIDVM_DATA")
    if named and not Path(named).is_dir():
        raise FileNotFoundError(f"HYBRIDVM_DATA names no folder: {named}")
    found = Path(named) if named else SIBLING
    return found if found.is_dir() else None


def sources() -> list[Source]:
    """Where the tests get their exchanges from; never nothing."""
    data = folder()
    return [Transcribed()] if data is None else [Published(data), Transcribed()]


def _message(text: str) -> tuple[str, list[tuple[str, str]], str]:
    head, _blank, body = text.strip("\n").partition("\n\n")
    start, *lines = head.splitlines()
    headers = [(name.strip(), value.strip()) for name, _colon, value in (line.partition(":") for line in lines)]
    return start, headers, body


def _pair(pair: dict[str, Any]) -> Exchange:
    request, answer = pair["request"], pair["response"]
    headers = tuple((name, value) for name, values in answer["headers"].items() for value in values)
    return Exchange(request["method"], request["uri"], (), request["body"], answer["status"], headers, answer["body"])


def errors(source: Source) -> dict[str, str]:
    """The error bodies of errors.md, by the layer that writes them."""
    text = source.text("spf/errors.md")
    shapes = {
        "light": r'^\s*(\{"odata\.error".*\})$',
        "verbose": r'(\{"error":\{"code":"".*?\}\}\})',
        "atom": r"(<m:error .*?</m:error>)",
        "portal": r"(<Error xmlns.*?</Error>)",
    }
    return {name: re.findall(shape, text, re.M)[0] for name, shape in shapes.items()}
