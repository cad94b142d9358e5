# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines over HTTP."""

from __future__ import annotations

from simulator.arm.common import ArmError
from simulator.azure.jobs import AzureJob, Refused
from simulator.azure.machines import attach_detach, create, delete, in_group, power, update
from simulator.azure.model import AzureVm
from simulator.compute.vm_shapes import etag, view_shape, vm_shape
from simulator.compute.wire import Ask, accepted, answered, begun_headers, missing, paged
from simulator.wire.exchange import Answer
from simulator.world import World

ACTIONS = ("start", "restart", "powerOff", "deallocate", "attachDetachDataDisks")


class Vms:
    """`virtualMachines`, their instance view and their actions."""

    def __init__(self, world: World) -> None:
        self.world = world

    def one_or_all(self, ask: Ask) -> Answer:
        """A list in a group or the subscription, or one VM."""
        if not ask.names:
            if ask.method != "GET":
                raise ask.not_possible()
            vms = in_group(self.world.azure, ask.group)
            return paged(self.world, ask.call, [vm_shape(self.world, vm) for vm in vms])
        vm = self.world.azure.vm(ask.id)
        if ask.method == "PUT":
            return self._put(ask, vm)
        if vm is None:
            if ask.method == "DELETE":
                return Answer(204)
            raise missing("virtualMachines", ask.names[0], ask.group)
        if ask.method == "GET":
            if vm.job is not None:
                self.world.azure.look(vm.job)
            document = vm_shape(self.world, vm, instance_view=ask.expands("instanceView"))
            return answered(200, document, [("ETag", etag(vm))])
        if ask.method == "PATCH":
            _check_conditions(ask, vm)
            return self._begun(ask, vm, 200, update(self.world.azure, vm, ask.body(), whole=False))
        if ask.method == "DELETE":
            return accepted(self.world, ask, delete(self.world.azure, vm))
        raise ask.not_possible()

    def view(self, ask: Ask) -> Answer:
        """GET instanceView."""
        return answered(200, view_shape(self.world, self._vm(ask, "GET")))

    def action(self, ask: Ask) -> Answer:
        """The power actions and attachDetachDataDisks: 202 with both polling headers."""
        vm = self._vm(ask, "POST")
        wanted = ask.id.rpartition("/")[2].lower()
        action = next(each for each in ACTIONS if each.lower() == wanted)
        if action == "attachDetachDataDisks":
            return accepted(self.world, ask, attach_detach(self.world.azure, vm, ask.body()))
        return accepted(self.world, ask, power(self.world.azure, vm, action))

    def _vm(self, ask: Ask, method: str) -> AzureVm:
        if ask.method != method:
            raise ask.not_possible()
        vm = self.world.azure.vm(ask.parent)
        if vm is None:
            raise missing("virtualMachines", ask.names[0], ask.group)
        return vm

    def _put(self, ask: Ask, vm: AzureVm | None) -> Answer:
        if not isinstance(ask.body().get("location"), str):
            raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
        _check_conditions(ask, vm)
        if vm is not None:
            return self._begun(ask, vm, 200, update(self.world.azure, vm, ask.body(), whole=True))
        made, job = create(self.world.azure, ask.id, ask.body())
        return self._begun(ask, made, 201, job)

    def _begun(self, ask: Ask, vm: AzureVm, status: int, job: AzureJob) -> Answer:
        headers = begun_headers(self.world, ask, job, location=False)
        return answered(status, vm_shape(self.world, vm), [("ETag", etag(vm)), *headers])


def _check_conditions(ask: Ask, vm: AzureVm | None) -> None:
    """If-Match and If-None-Match (the only resource here that has them)."""
    match, none_match = ask.call.header("if-match"), ask.call.header("if-none-match")
    current = etag(vm) if vm is not None else None
    fails = match is not None and (current is None or (match != "*" and match != current))
    if fails or (none_match is not None and current is not None and none_match in {"*", current}):
        raise Refused(412, "PreconditionFailed", "The precondition given in the request headers evaluates to false.")
