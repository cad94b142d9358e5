# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording as something that can be asked: each request is explained by it and the notes, or it is a failure.

The writes come in the recorded order. Between two of them the reads have the answers that were recorded there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tests.conformance.replay.notes import NOTES, expanded, is_beside, is_poll, path_of, query_of, same_body
from tests.contract.checkpoints.exchange import Exchange

# A write -> the module that makes it; any other write of a recording is passed over.
PLAYABLE = {
    ("POST", r"/virtualmachineinstances/default/createcheckpoint"): "create",
    ("POST", r"/virtualmachineinstances/default/restorecheckpoint"): "restore",
    ("POST", r"/virtualmachineinstances/default/deletecheckpoint"): "remove",
    ("PUT", r"/restorepointcollections/[^/]+"): "put collection",
    ("PATCH", r"/restorepointcollections/[^/]+"): "patch collection",
    ("DELETE", r"/restorepointcollections/[^/]+"): "delete collection",
    ("PUT", r"/restorepointcollections/[^/]+/restorepoints/[^/]+"): "put point",
    ("DELETE", r"/restorepointcollections/[^/]+/restorepoints/[^/]+"): "delete point",
}


class Answer(NamedTuple):
    """What the player answers."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


def kind_of(write: Exchange) -> str | None:
    """Which of our calls makes this write."""
    path = path_of(write.url)
    found = [
        name for (method, end), name in PLAYABLE.items() if write.method == method and re.search(end + r"\Z", path)
    ]
    return found[-1] if found else None


class Recording:
    """The position in a recording, `failures` being the requests that it does not explain."""

    def __init__(self, name: str, exchanges: Sequence[Exchange]) -> None:
        self.name = name
        self.failures: list[str] = []
        self.used: set[str] = set()
        self.passed_over: list[str] = []
        self._segments: list[tuple[Exchange | None, list[Exchange]]] = [(None, [])]
        for exchange in exchanges:
            if exchange.method == "GET":
                self._segments[-1][1].append(exchange)
            elif kind_of(exchange) is not None:
                self._segments.append((exchange, []))
            else:
                self.passed_over.append(f"{exchange.method} {exchange.path.rpartition('/')[2]}")
                self._segments.append((exchange, []))
        while self._segments and (last := self._segments[-1][0]) is not None and kind_of(last) is None:
            self._segments.pop()
        self._machines = dict(_machine(exchanges))
        self._sources = set(_sources(exchanges))
        self._reads: list[Exchange] = []
        self._seen: dict[str, Answer] = {}
        self._at = -1
        self._go_on()

    @property
    def writes(self) -> list[Exchange]:
        """The writes that modules make, in order."""
        return [write for write, _reads in self._segments if write is not None and kind_of(write) is not None]

    @property
    def unplayed(self) -> list[Exchange]:
        """Those of them that have not come."""
        return [w for w, _reads in self._segments[self._at + 1 :] if w is not None and kind_of(w) is not None]

    @property
    def subscription(self) -> str:
        """The recorded one."""
        return self.writes[0].path.split("/")[2]

    def listed_after(self, write: Exchange) -> bool:
        """Whether the collections of a resource group were listed between this write and the next."""
        reads = next(reads for each, reads in self._segments if each is write)
        return any("/resourcegroups/" in path_of(r.url) and path_of(r.url).endswith("collections") for r in reads)

    def _go_on(self) -> None:
        """To the next stretch of reads, and past writes that no module makes."""
        while True:
            self._at += 1
            self._reads = list(self._segments[self._at][1])
            following = self._segments[self._at + 1 : self._at + 2]
            if not following or (following[0][0] is not None and kind_of(following[0][0]) is not None):
                return

    def answer(self, method: str, target: str, body: Any) -> Answer:
        """What the recording says to this request."""
        if method == "GET" and path_of(target) in self._machines:
            return self._noted("vm", self._machines[path_of(target)])
        if is_beside(target):
            return self._noted("beside", _refused(403, "AuthorizationFailed"))
        answer = self._read(target) if method == "GET" else self._write(method, target, body)
        if answer is None:
            due = self.unplayed[0] if self.unplayed else None
            goes_on = f"it goes on with {due.method} {due.path} {json.dumps(due.body)}" if due else "it is at its end"
            self.failures.append(f"{self.name} does not explain {method} {target} {json.dumps(body)}; {goes_on}")
            return _refused(501, "NotRecorded")
        return answer

    def _noted(self, note: str, answer: Answer) -> Answer:
        assert note in NOTES, note
        self.used.add(note)
        return answer

    def _write(self, method: str, target: str, body: Any) -> Answer | None:
        if not self.unplayed:
            return None
        due = self._segments[self._at + 1][0]
        if due is None or method != due.method or path_of(target) != path_of(due.url):
            return None
        if query_of(target) != query_of(due.url) or not same_body(body, due.body):
            return None
        self._go_on()
        answer, path = _answer_of(due), path_of(due.url)
        if method in {"PUT", "PATCH"} and due.answer_body:
            self._seen[path] = Answer(200, (), due.answer_body)
        elif method == "DELETE":
            self._seen[path] = _refused(404, "ResourceNotFound")
        else:
            self._seen.pop(path.rpartition("/")[0], None)
        return answer

    def _read(self, target: str) -> Answer | None:
        path, query = path_of(target), query_of(target)
        found = [each for each in self._reads if path_of(each.url) == path and query_of(each.url) == query]
        exact = [each for each in found if expanded(each.url) == expanded(target)]
        if found and not exact:
            self.used.add("expand")
        chosen = (exact or found)[:1]
        if chosen:
            more = [each for each in exact or found if each is not chosen[0]]
            if more:
                self._reads.remove(chosen[0])
            else:
                self.used.add("again")
            return _answer_of(chosen[0])
        if is_poll(target):
            return None
        if path in self._seen:
            answer = self._seen[path]
            return self._noted("echo" if answer.status == 200 else "absent", answer)
        if any(w.method == "PUT" and path_of(w.url) == path and w.status == 201 for w in self.unplayed):
            return self._noted("absent", _refused(404, "ResourceNotFound"))
        return self._noted("source", _refused(403, "AuthorizationFailed")) if path in self._sources else None


def _sources(exchanges: Sequence[Exchange]) -> Iterator[str]:
    """The paths of the points that are copied, and of the collections they lie in."""
    for each in exchanges:
        if kind_of(each) == "put point" and (
            source := (each.body["properties"].get("sourceRestorePoint") or {}).get("id")
        ):
            point = f"/{source.strip('/')}".lower()
            yield from (point, point.rpartition("/restorepoints/")[0])


def _machine(exchanges: Sequence[Exchange]) -> Iterator[tuple[str, Answer]]:
    """The VM of a recorded point and its disks, by path, as the point's `sourceMetadata` describes them."""
    home = next(
        (each.body["properties"]["source"]["id"] for each in exchanges if kind_of(each) == "put collection"), ""
    )
    point = next((each for each in exchanges if kind_of(each) == "put point"), None)
    if point is None:
        return
    metadata = json.loads(point.answer_body)["properties"].get("sourceMetadata", {})
    kept = {name: metadata[name] for name in ("vmId", "hardwareProfile", "storageProfile") if name in metadata}
    yield home.lower(), _resource(home, metadata, {**kept, "provisioningState": "Succeeded"})
    storage = metadata.get("storageProfile", {})
    for disk in [storage.get("osDisk", {}), *storage.get("dataDisks", [])]:
        managed = disk.get("managedDisk", {})
        if "id" in managed:
            sku = {"sku": {"name": managed.get("storageAccountType", "")}}
            yield managed["id"].lower(), _resource(managed["id"], metadata, {"diskState": "Attached"}, sku)


def _resource(path: str, metadata: dict[str, Any], properties: dict[str, Any], more: Any = None) -> Answer:
    shown = {"id": path, "name": path.rpartition("/")[2], "location": metadata.get("location", ""), **(more or {})}
    return Answer(200, (("content-type", "application/json"),), json.dumps({**shown, "properties": properties}))


def _answer_of(exchange: Exchange) -> Answer:
    return Answer(exchange.status, exchange.answer_headers, exchange.answer_body)


def _refused(status: int, code: str) -> Answer:
    body = {"error": {"code": code, "message": f"{code}, says the player."}}
    return Answer(status, (("content-type", "application/json"),), json.dumps(body))
