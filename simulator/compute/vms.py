# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines over HTTP."""

from __future__ import annotations

from simulator.arm.common import ArmError
from simulator.azure.jobs import AzureJob, Refused
from simulator.azure.machines import attach_detach, create, delete, in_group, power, update
from simulator.azure.model import AzureVm
from simulator.compute.common import ComputeRequest, accepted, answered, begun_headers, missing, paged
from simulator.compute.vm_shapes import etag, view_shape, vm_shape
from simulator.wire.exchange import Answer
from simulator.world import World

ACTIONS = ("start", "restart", "powerOff", "deallocate", "attachDetachDataDisks")


class Vms:
    """`virtualMachines`, their instance view and their actions."""

    def __init__(self, world: World) -> None:
        self.world = world

    def get_or_list(self, request: ComputeRequest) -> Answer:
        """A list in a group or the subscription, or one VM."""
        if not request.names:
            if request.method != "GET":
                raise request.not_possible()
            vms = in_group(self.world.azure, request.group)
            return paged(self.world, request.call, [vm_shape(self.world, vm) for vm in vms])
        vm = self.world.azure.vm(request.id)
        if request.method == "PUT":
            return self._put(request, vm)
        if vm is None:
            if request.method == "DELETE":
                return Answer(204)
            raise missing("virtualMachines", request.names[0], request.group)
        if request.method == "GET":
            if vm.job is not None:
                self.world.azure.look(vm.job)
            document = vm_shape(self.world, vm, instance_view=request.expands("instanceView"))
            return answered(200, document, [("ETag", etag(vm))])
        if request.method == "PATCH":
            _check_conditions(request, vm)
            return self._begun(request, vm, 200, update(self.world.azure, vm, request.body(), whole=False))
        if request.method == "DELETE":
            return accepted(self.world, request, delete(self.world.azure, vm))
        raise request.not_possible()

    def view(self, request: ComputeRequest) -> Answer:
        """GET instanceView."""
        return answered(200, view_shape(self.world, self._vm(request, "GET")))

    def action(self, request: ComputeRequest) -> Answer:
        """The power actions and attachDetachDataDisks: 202 with both polling headers."""
        vm = self._vm(request, "POST")
        wanted = request.id.rpartition("/")[2].lower()
        action = next(each for each in ACTIONS if each.lower() == wanted)
        if action == "attachDetachDataDisks":
            return accepted(self.world, request, attach_detach(self.world.azure, vm, request.body()))
        return accepted(self.world, request, power(self.world.azure, vm, action))

    def _vm(self, request: ComputeRequest, method: str) -> AzureVm:
        if request.method != method:
            raise request.not_possible()
        vm = self.world.azure.vm(request.parent)
        if vm is None:
            raise missing("virtualMachines", request.names[0], request.group)
        return vm

    def _put(self, request: ComputeRequest, vm: AzureVm | None) -> Answer:
        if not isinstance(request.body().get("location"), str):
            raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
        _check_conditions(request, vm)
        if vm is not None:
            return self._begun(request, vm, 200, update(self.world.azure, vm, request.body(), whole=True))
        made, job = create(self.world.azure, request.id, request.body())
        return self._begun(request, made, 201, job)

    def _begun(self, request: ComputeRequest, vm: AzureVm, status: int, job: AzureJob) -> Answer:
        headers = begun_headers(self.world, request, job, location=False)
        return answered(status, vm_shape(self.world, vm), [("ETag", etag(vm)), *headers])


def _check_conditions(request: ComputeRequest, vm: AzureVm | None) -> None:
    """If-Match and If-None-Match (the only resource here that has them)."""
    match, none_match = request.call.header("if-match"), request.call.header("if-none-match")
    current = etag(vm) if vm is not None else None
    fails = match is not None and (current is None or (match != "*" and match != current))
    if fails or (none_match is not None and current is not None and none_match in {"*", current}):
        raise Refused(412, "PreconditionFailed", "The precondition given in the request headers evaluates to false.")
