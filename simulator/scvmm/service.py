# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arc-enabled SCVMM in ARM: the virtual machine instance of a machine, its actions, and the machines themselves."""

from __future__ import annotations

import json
import re
from typing import Any

from simulator.arm import buckets
from simulator.arm.common import SCVMM_VERSIONS, ArmError, check_version, refused_token, with_headers
from simulator.documents.seeding import plant
from simulator.scvmm.machines import Machines
from simulator.scvmm.operations import STATUS_PATH, begin, poll, polling_headers
from simulator.scvmm.shapes import accepted_properties, envelope, etag, instance, instance_id, inventory
from simulator.vmm.effects import merged
from simulator.vmm.hardware import changed
from simulator.vmm.jobs import LOCKED, Job, Kind, Refusal
from simulator.vmm.machines import VirtualMachine
from simulator.wire.exchange import Answer, Call, json_answer
from simulator.wire.ids import same
from simulator.world import World

_INSTANCE = re.compile(
    r"(?P<uri>/.+?)/providers/Microsoft\.ScVmm/virtualMachineInstances(?:/(?P<name>[^/]+)(?:/(?P<action>\w+))?)?/?",
    re.IGNORECASE,
)
ACTIONS = {
    "createcheckpoint": ("createCheckpoint", Kind.CREATE),
    "restorecheckpoint": ("restoreCheckpoint", Kind.RESTORE),
    "deletecheckpoint": ("deleteCheckpoint", Kind.DELETE),
    "start": ("start", Kind.POWER),
    "stop": ("stop", Kind.POWER),
    "restart": ("restart", Kind.POWER),
}
BODY_REQUIRED = frozenset({"createcheckpoint", "restorecheckpoint", "deletecheckpoint", "stop"})
_UNKNOWN = Refusal("CheckpointNotFound", "CheckpointNotFound", "The specified checkpoint was not found.")
_OFFLINE = Refusal("ConnectorOffline", "ConnectorOffline", "The connector to the VMM server is offline.")
_DUPLICATE = Refusal("DuplicateCheckpointName", "DuplicateCheckpointName", "A checkpoint of that name exists.")
_RUNNING = Refusal("InvalidVMState", "InvalidVMState", "The virtual machine must be stopped before it is restored.")


class ScVmm:
    """The dialect of Microsoft.ScVmm and of the machines it extends."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.machines = Machines(world)

    async def handle(self, call: Call) -> Answer | None:
        """The answer, or None when the path is none of ARM's."""
        on_instance = _INSTANCE.fullmatch(call.path)
        on_status = STATUS_PATH.fullmatch(call.path)
        if not (on_instance or on_status or self.machines.takes(call)):
            return None
        refused = refused_token(call, self.world) or buckets.refused(call, self.world)
        if refused is not None:
            return with_headers(refused, call, self.world, provider=False)
        try:
            if on_status:
                if call.method != "GET":
                    raise ArmError(405, "MethodNotAllowed", f"{call.method} is not possible here.")
                answer = poll(self.world, call)
            elif on_instance:
                answer = self._instance(call, on_instance["uri"], on_instance["name"], on_instance["action"])
            else:
                answer = self.machines.handle(call)
        except ArmError as error:
            answer = error.answer()
        return with_headers(
            answer, call, self.world, provider=bool(on_instance) and answer.header("x-ms-failure-cause") is None
        )

    def _instance(self, call: Call, uri: str, name: str | None, action: str | None) -> Answer:
        check_version(call, "Microsoft.ScVmm", "virtualMachineInstances", SCVMM_VERSIONS, self.world.arc.location)
        self.machines.check_scope(call, uri)
        vm = self._vm(uri)
        if name is None:
            if call.method != "GET":
                raise ArmError(405, "MethodNotAllowed", f"{call.method} is not possible on a list.")
            self._authorize(uri, "read", None)
            return json_answer(200, {"value": [instance(self.world, vm)] if vm else []})
        if name.lower() != "default":
            raise ArmError(404, "ResourceNotFound", f"There is no virtual machine instance '{name}'.")
        if action is not None:
            return self._action(call, uri, vm, action.lower())
        if call.method == "PUT":
            return self._put(call, uri, vm)
        if call.method == "DELETE":
            return self._delete(call, uri, vm)
        if vm is None:
            raise self._missing(uri)
        if call.method == "GET":
            self._authorize(uri, "read", None)
            return json_answer(200, instance(self.world, vm), [("ETag", etag(vm)), ("Vary", "Accept-Encoding")])
        if call.method == "PATCH":
            return self._patch(call, uri, vm)
        raise ArmError(405, "MethodNotAllowed", f"{call.method} is not possible on a virtual machine instance.")

    # The resource ------------------------------------------------------------------------------------------------

    def _put(self, call: Call, uri: str, vm: VirtualMachine | None) -> Answer:
        self._authorize(uri, "write", Kind.PUT)
        body = _body(call)
        if not isinstance(body.get("extendedLocation"), dict):
            raise ArmError(
                400, "InvalidRequestContent", "The request content is invalid: extendedLocation is required."
            )
        sent = {**body.get("properties", {}), "extendedLocation": body["extendedLocation"]}
        if vm is not None:
            vm.instance = merged(vm.instance or {}, sent)
            vm.hardware = changed(vm.id, vm.hardware, sent, f" {vm.etag}")
            vm.checkpoint_type = sent.get("infrastructureProfile", {}).get("checkpointType", vm.checkpoint_type)
            vm.etag += 1
            return json_answer(200, instance(self.world, vm), [("ETag", etag(vm))])
        profile = sent.get("infrastructureProfile", {})
        now = self.world.now()
        vm = plant(
            self.world.arc.vmm,
            {
                "name": profile.get("vmName") or uri.rpartition("/")[2],
                "resource_uri": self.machines.canonical(uri),
                "instance": sent,
                "checkpoint_type": profile.get("checkpointType", "Production"),
                "age_seconds": 0,
            },
        )
        vm.modified = now
        job = self.world.arc.vmm.begin(Kind.PUT, vm)
        operation = begin(self.world, call, job, instance_id(vm.resource_uri or uri), etag(vm))
        document = envelope(self.world, vm, accepted_properties(vm))
        return json_answer(201, document, [("ETag", etag(vm)), *polling_headers(self.world, call, operation)])

    def _patch(self, call: Call, uri: str, vm: VirtualMachine) -> Answer:
        self._authorize(uri, "write", Kind.PATCH)
        changes = _body(call).get("properties", {})
        if (unheard := self._offline(Kind.PATCH, vm)) is not None:
            return self._accepted(call, vm, unheard)
        self._refuse_concurrent(vm)
        job = self.world.arc.vmm.begin(Kind.PATCH, vm, {"properties": json.dumps(changes)})
        return self._accepted(call, vm, job)

    def _delete(self, call: Call, uri: str, vm: VirtualMachine | None) -> Answer:
        self._authorize(uri, "delete", Kind.REMOVE)
        if vm is None:
            return Answer(204)
        if (unheard := self._offline(Kind.REMOVE, vm)) is not None:
            return self._accepted(call, vm, unheard)
        self._refuse_concurrent(vm)
        self.machines.keep(vm.resource_uri or uri)
        return self._accepted(call, vm, self.world.arc.vmm.begin(Kind.REMOVE, vm))

    # The actions -------------------------------------------------------------------------------------------------

    def _action(self, call: Call, uri: str, vm: VirtualMachine | None, action: str) -> Answer:
        if action not in ACTIONS:
            raise ArmError(404, "ResourceNotFound", f"There is no action '{action}'.")
        if call.method != "POST":
            raise ArmError(405, "MethodNotAllowed", f"{call.method} is not possible on an action.")
        name, kind = ACTIONS[action]
        self._authorize(uri, f"{name}/action", kind)
        if vm is None:
            raise self._missing(uri)
        body = _body(call, required=action in BODY_REQUIRED)
        if (unheard := self._offline(kind, vm)) is not None:
            return self._accepted(call, vm, unheard)
        self._refuse_concurrent(vm)
        vmm = self.world.arc.vmm
        before = inventory(self.world, vm) if self.world.switches.arc_stale_seconds else None
        if kind is Kind.POWER:
            job = vmm.operate(vm, self._operation(action, body))
        elif kind is Kind.CREATE:
            job = self._create(vm, body)
        else:
            job = self._restore_or_delete(kind, vm, body)
        if before is not None:
            vm.stale = (job, before)
        return self._accepted(call, vm, job)

    def _offline(self, kind: Kind, vm: VirtualMachine) -> Job | None:
        """What is accepted while VMM cannot be reached; ArmError where it is refused; None while it can."""
        position = self.world.switches.arc_connector
        if position in {"409", "503"}:
            raise ArmError(int(position), _OFFLINE.symbol, _OFFLINE.problem, gateway=False)
        if position == "online":
            return None
        vmm = self.world.arc.vmm
        return vmm.failing(kind, vm, _OFFLINE) if position == "fails" else vmm.unheard(kind, vm)

    def _operation(self, action: str, body: dict[str, Any]) -> str:
        skip = body.get("skipShutdown", "false")
        if action == "stop" and skip not in {"true", "false"}:  # strings, not truth values (swagger)
            raise ArmError(400, "InvalidRequestContent", "skipShutdown is 'true' or 'false'.", gateway=False)
        return {"start": "Start", "restart": "Reset"}.get(action, "Stop" if skip == "true" else "Shutdown")

    def _create(self, vm: VirtualMachine, body: dict[str, Any]) -> Job:
        vmm, switches = self.world.arc.vmm, self.world.switches
        name = body.get("name")
        if name is not None and switches.arc_names == "cut_20":
            name = str(name)[:20]
        if switches.arc_duplicate_name == "refused" and any(same(point.name, name) for point in vm.checkpoints):
            return self._refused(Kind.CREATE, vm, _DUPLICATE)
        self._refuse_early(Kind.CREATE, vm)
        job, point = vmm.create_checkpoint(vm, name, body.get("description"))
        if switches.arc_lists_running_create and job.running:
            point.checkpoint_id = vmm.ids.guid()
        return job

    def _restore_or_delete(self, kind: Kind, vm: VirtualMachine, body: dict[str, Any]) -> Job:
        vmm, switches = self.world.arc.vmm, self.world.switches
        vmm.settle()
        point = vm.by_host_id(body.get("id"))
        if point is None or not point.in_database:
            position = switches.arc_delete_unknown if kind is Kind.DELETE else switches.arc_bad_id
            if position == "succeeds":
                return vmm.begin(kind, vm)
            if position in {"400", "404"}:
                code = "InvalidCheckpointId" if position == "400" else "CheckpointNotFound"
                raise ArmError(int(position), code, _UNKNOWN.problem, gateway=False)
            return vmm.failing(kind, vm, _UNKNOWN)
        self._refuse_early(kind, vm)
        if kind is Kind.DELETE:
            return vmm.delete_checkpoint(vm, point)
        if switches.arc_restore_running == "fails" and vm.power == "Running":
            return self._refused(kind, vm, _RUNNING)
        return vmm.restore(vm, point)

    def _refuse_early(self, kind: Kind, vm: VirtualMachine) -> None:
        if self.world.switches.arc_refusals == "400":
            refusal = self.world.arc.vmm.refusal(kind, vm)
            if refusal is not None and refusal is not LOCKED:
                raise ArmError(400, refusal.symbol, refusal.text(), gateway=False)

    def _refused(self, kind: Kind, vm: VirtualMachine, refusal: Refusal) -> Job:
        if self.world.switches.arc_refusals == "400":
            raise ArmError(400, refusal.symbol, refusal.text(), gateway=False)
        return self.world.arc.vmm.failing(kind, vm, refusal)

    def _refuse_concurrent(self, vm: VirtualMachine) -> None:
        vmm = self.world.arc.vmm
        vmm.settle()
        if self.world.switches.arc_concurrent == "409" and vmm.running(vm) is not None:
            raise ArmError(409, "Conflict", "Another operation is running on this virtual machine.", gateway=False)

    def _accepted(self, call: Call, vm: VirtualMachine, job: Job) -> Answer:
        operation = begin(self.world, call, job, instance_id(vm.resource_uri or ""), etag(vm))
        headers = polling_headers(self.world, call, operation)
        if job.kind in {Kind.PATCH, Kind.REMOVE} or self.world.switches.arc_action_etag:
            headers.insert(0, ("ETag", etag(vm)))
        if self.world.switches.arc_action_body == "empty":
            return Answer(202, headers)
        return json_answer(202, None, headers)  # the four bytes `null` (recorded)

    # Common ------------------------------------------------------------------------------------------------------

    def _vm(self, uri: str) -> VirtualMachine | None:
        vm = self.machines.vm(uri)
        if vm is not None:
            self.world.arc.vmm.look(vm)
            vm = self.machines.vm(uri)  # that look may have ended its removal
        return vm

    def _authorize(self, uri: str, action: str, kind: Kind | None) -> None:
        """ARM checks rights before anything else; code and message are ARM's own."""
        vmm = self.world.arc.vmm
        if vmm.allowed(kind) if kind is not None else vmm.rights != "none":
            return
        client = self.world.credentials.client_id
        raise ArmError(
            403,
            "AuthorizationFailed",
            f"The client '{client}' with object id '{client}' does not have authorization to perform action "
            f"'Microsoft.ScVmm/virtualMachineInstances/{action}' over scope '{instance_id(uri)}' or the scope is "
            "invalid. If access was recently granted, please refresh your credentials.",
        )

    def _missing(self, uri: str) -> ArmError:
        """No such machine: as recorded. A machine without an instance: the same words for the instance ([I])."""
        if not self.machines.exists(uri):
            return self.machines.not_found(uri)
        group = uri.split("/")[4] if uri.count("/") > 4 else ""
        return ArmError(
            404,
            "ResourceNotFound",
            f"The Resource 'Microsoft.ScVmm/virtualMachineInstances/default' under resource group '{group}' was not "
            "found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        )


def _body(call: Call, *, required: bool = False) -> dict[str, Any]:
    if not call.body:
        if required:
            raise ArmError(400, "InvalidRequestContent", "The request content is missing.", gateway=False)
        return {}
    try:
        document = call.json()
    except ValueError as error:
        raise ArmError(400, "InvalidRequestContent", f"The request content was invalid: {error}") from None
    if document is None and not required:
        return {}
    if not isinstance(document, dict):
        raise ArmError(400, "InvalidRequestContent", "The request content is not an object.")
    return document
