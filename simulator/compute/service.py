# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft.Compute in ARM: who answers what, and what stands before every answer."""

from __future__ import annotations

import re
from collections.abc import Callable

from simulator.arm import buckets
from simulator.arm.common import ArmError, check_version, refused_token, with_headers
from simulator.azure.jobs import Refused
from simulator.compute.collections import Collections
from simulator.compute.common import COMPUTE_VERSIONS, DISK_VERSIONS, ComputeRequest, refusal_answer
from simulator.compute.disk_points import DiskPoints
from simulator.compute.disks import Disks
from simulator.compute.graph import GRAPH_PATH, Graph
from simulator.compute.locks import LOCK_PATH, LOCKS_PATH, locks, one_lock
from simulator.compute.operations import STATUS_PATH, poll
from simulator.compute.points import Points
from simulator.compute.quota import with_quota
from simulator.compute.readonly import refuse_read_only
from simulator.compute.rights import authorize, check_action
from simulator.compute.tags import TAGS_PATH, tags
from simulator.compute.vms import ACTIONS, Vms
from simulator.wire.exchange import Answer, Call
from simulator.wire.ids import same
from simulator.world import World

_PATH = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)(?:/resourceGroups/(?P<group>[^/]+))?"
    r"/providers/Microsoft\.Compute/(?P<rest>.+?)/?",
    re.IGNORECASE,
)
Handler = Callable[[ComputeRequest], Answer]
_POINTS = "restorePointCollections/restorePoints"
_DISK_POINTS = f"{_POINTS}/diskRestorePoints"


class Compute:
    """The dialect of Microsoft.Compute, of its operations, and of what reads them from elsewhere."""

    def __init__(self, world: World) -> None:
        self.world = world
        vms, disks, collections = Vms(world), Disks(world), Collections(world)
        points, disk_points = Points(world), DiskPoints(world)
        self.graph = Graph(world)
        self.routes: dict[str, tuple[Handler, tuple[str, ...]]] = {
            "virtualMachines": (vms.get_or_list, COMPUTE_VERSIONS),
            **{f"virtualMachines/{action}": (vms.action, COMPUTE_VERSIONS) for action in ACTIONS},
            "virtualMachines/instanceView": (vms.view, COMPUTE_VERSIONS),
            "disks": (disks.get_or_list, DISK_VERSIONS),
            "restorePointCollections": (collections.get_or_list, COMPUTE_VERSIONS),
            _POINTS: (points.one, COMPUTE_VERSIONS),
            _DISK_POINTS: (disk_points.get_or_list, DISK_VERSIONS),
            f"{_DISK_POINTS}/beginGetAccess": (disk_points.access, DISK_VERSIONS),
            f"{_DISK_POINTS}/endGetAccess": (disk_points.access, DISK_VERSIONS),
        }
        self.by_case = {name.lower(): name for name in self.routes}

    async def handle(self, call: Call) -> Answer | None:
        """The answer, or None when the path is none of these."""
        found = _PATH.fullmatch(call.path)
        status, graph, lock = (each.fullmatch(call.path) for each in (STATUS_PATH, GRAPH_PATH, LOCKS_PATH))
        beside = TAGS_PATH.fullmatch(call.path) or LOCK_PATH.fullmatch(call.path)
        if not (found or status or graph or lock or beside):
            return None
        refused = refused_token(call, self.world) or buckets.refused(call, self.world)
        if refused is not None:
            return with_headers(refused, call, self.world, provider=False)
        self.world.azure.settle()
        answer = Answer(404)
        try:
            if status:
                self._only(call, "GET")
                answer = poll(self.world, call)
            elif graph:
                self._only(call, "POST")
                answer = self.graph.answer(call)
            elif lock:
                self._only(call, "GET")
                self._check_scope(lock["subscription"], lock["group"])
                check_action(self.world, "Microsoft.Authorization/locks/read", call.path, listing=True)
                answer = locks(self.world, call, lock["scope"])
            elif beside:
                self._check_scope(beside["subscription"], beside["group"])
                answer = (tags if beside.re is TAGS_PATH else one_lock)(self.world, call, beside)
            elif found:
                answer = self._resource(call, found)
        except ArmError as error:
            answer = error.answer()
        except Refused as refusal:
            answer = refusal_answer(self.world, refusal)
        answer.headers += [("Server", "Microsoft-HTTPAPI/2.0")] * 2  # twice, as recorded
        return with_headers(with_quota(self.world, call, answer), call, self.world, provider=False)

    def _resource(self, call: Call, found: re.Match[str]) -> Answer:
        parts = found["rest"].split("/")
        name = self.by_case.get("/".join(parts[::2]).lower())
        if name is None:
            raise ArmError(404, "InvalidResourceType", f"This simulator knows no resource at '{call.path}'.")
        handler, versions = self.routes[name]
        version = check_version(call, "Microsoft.Compute", name, versions, ", ".join(self.world.azure.locations))
        request = ComputeRequest(call, call.path.rstrip("/"), found["group"], tuple(parts[1::2]), version)
        self._check_scope(found["subscription"], found["group"])
        authorize(self.world, request, name)
        if call.method != "GET":
            self._check_locks(request)
        if request.method in {"PUT", "PATCH"} and self.world.switches.compute_readonly_members == "refused":
            refuse_read_only(name, request.body())
        return handler(request)

    def _check_scope(self, subscription: str, group: str | None) -> None:
        azure = self.world.azure
        if not same(subscription, azure.subscription_id):
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        if group is not None and group.lower() not in azure.groups:
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")

    def _check_locks(self, request: ComputeRequest) -> None:
        """ARM itself answers here, before Compute hears of it."""
        try:
            self.world.azure.check_locks(request.id, "delete" if request.method == "DELETE" else "write")
        except Refused as refusal:
            raise ArmError(refusal.status, refusal.code, refusal.message) from None

    def _only(self, call: Call, method: str) -> None:
        if call.method != method:
            raise ArmError(405, "MethodNotAllowed", f"{call.method} is not possible here.")
