# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Graph, as far as a client needs it to find VMs, disks and collections over subscriptions."""

from __future__ import annotations

import re
from typing import Any

from simulator.arm.common import ArmError, check_version
from simulator.azure.jobs import Refused
from simulator.compute.common import answered
from simulator.compute.shapes import collection_shape, disk_shape
from simulator.compute.vm_shapes import vm_shape
from simulator.wire.exchange import Answer, Call
from simulator.wire.ids import same
from simulator.world import World

GRAPH_PATH = re.compile(r"/providers/Microsoft\.ResourceGraph/resources/?", re.IGNORECASE)
VERSIONS = ("2021-03-01", "2022-10-01", "2024-04-01")
PER_WINDOW, WINDOW = 15, 5.0  # about 15 queries in 5 s (documented)
MOST_ROWS = 1000
THROTTLED = "Client application has been throttled. Repeat the request when some time has elapsed."
_COMPARED = re.compile(
    r"(?P<path>[\w.]+|tolower\((?P<inner>[\w.]+)\))\s*(?P<operator>=~|==|!=|!~|in~|in|contains|startswith)\s*"
    r"(?:'(?P<text>[^']*)'|\"(?P<quoted>[^\"]*)\"|\((?P<several>[^)]*)\))",
    re.IGNORECASE,
)
_TOLERATED = ("project", "extend", "order by", "sort by", "project-away", "limit", "take")


class Graph:
    """POST /providers/Microsoft.ResourceGraph/resources."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: list[float] = []
        self.seen: tuple[float, list[dict[str, Any]]] | None = None

    def answer(self, call: Call) -> Answer:
        """Rows and, when there are more, a $skipToken."""
        check_version(call, "Microsoft.ResourceGraph", "resources", VERSIONS, "global")
        quota = self._quota()
        try:
            body = call.json()
            query = body["query"]
        except (ValueError, KeyError, TypeError):
            raise ArmError(
                400, "BadRequest", "Please provide below info when asking for support: query is required."
            ) from None
        options = body.get("options") or {}
        rows = [row for row in self._rows() if self._visible(row, body.get("subscriptions"))]
        rows = filtered(rows, str(query))
        size = min(int(options.get("$top", MOST_ROWS)), self.world.switches.compute_graph_page_size, MOST_ROWS)
        token = options.get("$skipToken")
        start = _after(token) if token else int(options.get("$skip", 0))
        page = rows[start : start + size]
        shown: dict[str, Any] = {
            "totalRecords": len(rows),
            "count": len(page),
            "data": page,
            "facets": [],
            "resultTruncated": "false",
        }
        if start + size < len(rows):
            shown["$skipToken"] = f"simulated_{start + size}"
            shown["resultTruncated"] = "true" if "order by" not in str(query).lower() else "false"
        return answered(200, shown, quota)

    def _quota(self) -> list[tuple[str, str]]:
        now = self.world.now()
        self.asked = [when for when in self.asked if when > now - WINDOW]
        resets = f"00:00:{int(WINDOW):02}"
        if len(self.asked) >= PER_WINDOW:
            refusal = Refused(
                429,
                "RateLimiting",
                THROTTLED,
            )
            refusal.retry_after = int(WINDOW)
            raise refusal
        self.asked.append(now)
        left = PER_WINDOW - len(self.asked)
        return [("x-ms-user-quota-remaining", str(left)), ("x-ms-user-quota-resets-after", resets)]

    def _rows(self) -> list[dict[str, Any]]:
        """What the graph knows: by switch, what was so a while ago."""
        stale, now = self.world.switches.compute_graph_stale_seconds, self.world.now()
        if self.seen is None or not stale or now >= self.seen[0] + stale:
            self.seen = (now, self._current())
        return self.seen[1]

    def _current(self) -> list[dict[str, Any]]:
        world, azure = self.world, self.world.azure
        found = [
            *(collection_shape(world, each, "2024-07-01") for each in azure.collections.values()),
            *(vm_shape(world, each) for each in azure.vms.values()),
            *(disk_shape(world, each) for each in azure.disks.values() if each.kind == "managed"),
        ]
        return [self._row(each) for each in found]

    def _row(self, shown: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": shown["id"],
            "name": shown["name"],
            "type": str(shown["type"]).lower(),
            "tenantId": self.world.credentials.tenant,
            "kind": "",
            "location": shown["location"],
            "resourceGroup": shown["id"].split("/")[4].lower(),
            "subscriptionId": self.world.azure.subscription_id,
            "managedBy": shown.get("managedBy", ""),
            "sku": shown.get("sku"),
            "plan": None,
            "properties": shown["properties"],
            "tags": shown.get("tags"),
            "identity": shown.get("identity"),
            "zones": shown.get("zones"),
            "extendedLocation": None,
        }

    def _visible(self, row: dict[str, Any], subscriptions: list[str] | None) -> bool:
        return subscriptions is None or any(same(each, row["subscriptionId"]) for each in subscriptions)


def _after(token: object) -> int:
    """The row that a page begins with."""
    found = re.fullmatch(r"simulated_([0-9]{1,9})", str(token))
    if found is None:
        raise ArmError(400, "BadRequest", f"The provided $skipToken '{token}' is invalid.")
    return int(found[1])


def filtered(rows: list[dict[str, Any]], query: str) -> list[dict[str, Any]]:
    """The rows that the `where` steps leave; projections and orders are tolerated, anything else is refused."""
    steps = [step.strip() for step in query.split("|")]
    if steps[0].lower() not in {"resources", ""}:
        raise ArmError(400, "BadRequest", f"The simulator has no table '{steps[0]}'.")
    named: dict[str, str] = {}
    for step in steps[1:]:
        low = step.lower()
        if low.startswith("extend "):
            for name, path in re.findall(r"(\w+)\s*=\s*(?:tolower|tostring)?\(?([\w.]+)\)?", step[7:]):
                named[name.lower()] = path
        elif low.startswith("where "):
            rows = [row for row in rows if _all_hold(row, step[6:], named)]
        elif not low.startswith(_TOLERATED):
            raise ArmError(400, "BadRequest", f"The simulator cannot do '{step}'.")
    return rows


def _all_hold(row: dict[str, Any], condition: str, named: dict[str, str]) -> bool:
    for part in re.split(r"\s+and\s+", condition, flags=re.IGNORECASE):
        found = _COMPARED.fullmatch(part.strip().strip("()") if part.strip().startswith("(") else part.strip())
        if found is None:
            raise ArmError(400, "BadRequest", f"The simulator cannot do 'where {part}'.")
        if not _holds(row, found, named):
            return False
    return True


def _holds(row: dict[str, Any], found: re.Match[str], named: dict[str, str]) -> bool:
    path = found["inner"] or found["path"]
    value = _member(row, named.get(path.lower(), path))
    operator, text = found["operator"].lower(), found["text"] if found["text"] is not None else found["quoted"]
    exact = operator in {"==", "!=", "in"} and not (found["inner"] or path.lower() in named)
    left = value if exact else value.lower()
    if found["several"] is not None:
        wanted = [each.strip().strip("'\"") for each in found["several"].split(",")]
        return left in (wanted if exact else [each.lower() for each in wanted])
    right = text or ""
    right = right if exact else right.lower()
    if operator in {"!=", "!~"}:
        return left != right
    if operator in {"contains", "startswith"}:
        return right in left if operator == "contains" else left.startswith(right)
    return left == right


def _member(row: dict[str, Any], path: str) -> str:
    value: Any = row
    for name in path.split("."):
        value = next((each for key, each in value.items() if same(key, name)), "") if isinstance(value, dict) else ""
    return "" if value is None else str(value)
