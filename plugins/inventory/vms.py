# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: vms
short_description: VMs of SPF, Arc-enabled SCVMM and Azure, and how fresh their checkpoints are
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - Makes a host of each VM, with what O(hybridvm.checkpoints.vm_checkpoint#module:vm) takes in C(checkpoint_vm). So
    nobody writes an ARM id or a GUID by hand.
  - Sets the variables C(checkpoint_vm), C(checkpoint_vm_name), C(checkpoint_vm_id), C(checkpoint_host_id),
    C(checkpoint_service), C(checkpoint_subscription_id), C(checkpoint_resource_group), C(checkpoint_location),
    C(checkpoint_tags), C(checkpoint_status), C(checkpoint_readable), C(checkpoint_error), C(checkpoint_power),
    C(checkpoint_refused), C(checkpoint_count), C(checkpoint_usable_count), C(checkpoint_newest),
    C(checkpoint_newest_id), C(checkpoint_newest_created) and C(checkpoint_newest_age_seconds). What is not known is
    null.
  - Makes the groups C(no_fresh_checkpoint) (no usable checkpoint is known to be younger than O(fresh_within)),
    C(no_usable_checkpoint), C(checkpoints_refused) (the VM's state allows none, as in VMM's library), and
    C(checkpoints_unreadable). A VM that cannot be read stays in the inventory, in the first and the last of them, and a
    warning counts such VMs.
  - A list that cannot be read, such as that of a subscription, is an error of the whole source.
  - The names of inventory files end in C(checkpoints_vms.yml), C(checkpoints_vms.yaml), C(.checkpoints.yml) or
    C(.checkpoints.yaml).
  - Names and tags are chosen by whoever may create or tag a VM. They are never templated. In a host's name, every
    character but letters, digits and C(-_.) becomes C(_).
extends_documentation_fragment:
  - constructed
  - inventory_cache
  - hybridvm.checkpoints.options.connection
  - hybridvm.checkpoints.options.deadline
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [hybridvm.checkpoints.vms]
  services:
    description:
      - The services whose VMs are meant. V(spf) is the tenant. V(scvmm) is the hybrid machines of kind SCVMM, and
        V(compute) the Azure VMs.
      - If one of them cannot be listed, the whole source fails. Give each service a file of its own where the others
        are to be there without it.
    type: list
    elements: str
    required: true
    choices: [spf, scvmm, compute]
  subscriptions:
    description: The Azure subscriptions, instead of O(subscription_id).
    type: list
    elements: str
  resource_groups:
    description: Only the VMs in these resource groups, which must exist in each subscription. Applies to Azure only.
    type: list
    elements: str
  include:
    description:
      - Only VMs whose name fits one of these shell patterns, such as V(web*). Names are compared without case.
    type: list
    elements: str
  exclude:
    description: No VMs whose name fits one of these shell patterns. It overrides O(include).
    type: list
    elements: str
    default: []
  tags:
    description:
      - Only VMs that have all of these Azure tags, each with a value that fits the shell pattern; null stands for any
        value. Names of tags are compared without case.
      - VMs of SPF have no tags, and so none of them passes.
    type: dict
  checkpoints:
    description:
      - Whether the VMs are read one by one where a list does not show their checkpoints. That is a request for each VM
        of Arc-enabled SCVMM and two for each Azure VM, and none for SPF.
      - With V(false), those hosts have C(checkpoint_status=not_read), null for what is not known, and are in none of
        the plugin's groups.
    type: bool
    default: true
  collection:
    description:
      - For Azure VMs, the restore point collection of their checkpoints, by name in the VM's resource group;
        C(checkpoints-VMNAME) when not given.
    type: str
  fresh_within:
    description: Hosts without a usable checkpoint that is known to be at most this old are in C(no_fresh_checkpoint).
    type: str
    default: 24h
  hostname:
    description:
      - A Jinja2 expression for the name of a host, over the variables that the plugin sets, such as
        V(checkpoint_vm_name ~ '.contoso.com').
    type: str
    default: checkpoint_vm_name
  on_duplicate:
    description:
      - What happens where several VMs would have one name. With V(suffix), none keeps it. Each gets its service and
        eight digits behind its name, which depend on its id alone, and a warning lists them.
      - V(fail) makes it an error.
      - A VM that would be called C(localhost), C(all), C(ungrouped) or like a group gets the suffix in any case. The
        groups are those of the plugin, of O(groups) and O(keyed_groups), and of the sources before this one.
    type: str
    choices: [suffix, fail]
    default: suffix
  concurrency:
    description:
      - How many lists or VMs to read at once, up to 256. With V(auto), 32 at first, more while the service answers
        well, and half as many when it is overloaded or does not answer. A number is the upper bound of the same.
    type: str
    default: auto
notes:
  - Text options of the connection may be templates, over extra variables. So a password can come from a lookup. They
    may also be encrypted by Ansible Vault, one by one or as a whole file.
  - An option that does not exist is an error, because a misspelt filter would widen the inventory.
  - With O(cache=true), the cache holds what was read, and no secrets. Ages go on growing while it is used. Other
    services, filters, addresses, users or tokens have a cache of their own.
seealso:
  - module: hybridvm.checkpoints.vm_checkpoint
  - module: hybridvm.checkpoints.vm_checkpoint_info
"""

EXAMPLES = r"""
# shop.checkpoints.yml: the Azure VMs of two resource groups, and those of Arc-enabled SCVMM there
plugin: hybridvm.checkpoints.vms
services: [compute, scvmm]
subscription_id: 8a1f3c52-6d0b-4d5e-9a77-0c2b1e9d4f10
resource_groups: [rg-shop, rg-hybrid]

---
# tenant.checkpoints.yml: a tenant's production VMs, read at most once an hour
plugin: hybridvm.checkpoints.vms
services: [spf]
spf_url: https://spf.contoso.com:8090/SC2012R2/VMM/{subscription_id}/Microsoft.Management.Odata.svc
spf_subscription_id: "{{ lookup('ansible.builtin.env', 'TENANT_SUBSCRIPTION') }}"
spf_username: CONTOSO\svc-ansible
spf_password: "{{ lookup('ansible.builtin.env', 'TENANT_PASSWORD') }}"
include: ["web*", "db*"]
exclude: ["*-test"]
fresh_within: 4h
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /tmp/checkpoints-inventory
cache_timeout: 3600

---
# all.checkpoints.yml: everything, grouped by service and by a tag; hosts that run are reached by their DNS name
plugin: hybridvm.checkpoints.vms
services: [spf, scvmm, compute]
strict: true
compose:
  ansible_host: checkpoint_vm_name ~ '.contoso.com'
groups:
  turned_off: checkpoint_power == 'off'
keyed_groups:
  - key: checkpoint_service
    prefix: service
  - key: checkpoint_tags.role | default('')
    prefix: role
    default_value: none
"""

import os
import re
import sys
import typing as t
from datetime import datetime, timezone

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

if t.TYPE_CHECKING:
    from ..module_utils._tasks.inventory_query import InventoryQuery

OLDEST_PYTHON = (3, 11)
ENDINGS = ("checkpoints_vms.yml", "checkpoints_vms.yaml", ".checkpoints.yml", ".checkpoints.yaml")
DEFAULT_NAME = "checkpoint_vm_name"
HARMLESS = re.compile(r"[\w ().:/@-]*")
"""Texts of which no template is made, whatever its delimiters."""
_refused: dict[tuple[str, str], str] = {}
"""What was said of each source whose sign-in was refused. Ansible may parse a file twice, by this plugin and by `auto`,
and accounts lock.
"""


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc] # Ansible has no types
    """VMs as hosts."""

    NAME = "hybridvm.checkpoints.vms"
    inventory: t.Any  # Ansible's, or a draft of it

    def verify_file(self, path: str) -> bool:
        """Whether it is a file of this plugin, by its name."""
        return bool(super().verify_file(path)) and path.endswith(ENDINGS)

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Add the hosts; an AnsibleParserError of one line says why there are none."""
        super().parse(inventory, loader, path)
        _check_surroundings()
        from ..module_utils._core.errors import CheckpointError
        from ..module_utils._tasks.inventory_query import refuse_unknown

        given = self._read_config_data(path)
        try:
            refuse_unknown(given, self._options)
            self._populate(self._params(), path, cache)
        except CheckpointError as problem:
            raise AnsibleParserError(str(problem)) from None

    def _params(self) -> dict[str, t.Any]:
        """All options; texts of the connection may be templates."""
        from ..module_utils._core.settings import ENVIRONMENT

        self.templar.available_variables = self._vars
        params = {name: self.get_option(name) for name in self._options}
        for name in ENVIRONMENT:
            if isinstance(params[name], str) and self.templar.is_template(params[name]):
                params[name] = self.templar.template(params[name])
        return params

    def _populate(self, params: dict[str, t.Any], path: str, cache: bool) -> None:
        """Hosts, their variables and groups, from the cache or anew."""
        from ..module_utils._tasks.inventory import query_of
        from ..module_utils._tasks.inventory_hosts import GROUPS, variables

        query = query_of(params)
        rows, elapsed = self._rows(params, path, cache)
        shown = [_guarded(variables(row, elapsed)) for row in rows]
        names = self._names(query, rows, shown)
        if query.checkpoints:
            for group in GROUPS:
                self.inventory.add_group(group)
        self._add(query, names, shown)

    def _add(self, query: InventoryQuery, names: list[str], shown: list[dict[str, t.Any]]) -> None:
        """The hosts, and the groups that they are in."""
        from ..module_utils._tasks.inventory_hosts import groups

        for name, values in zip(names, shown, strict=True):
            self.inventory.add_host(name)
            for key, value in values.items():
                self.inventory.set_variable(name, key, value)
            for group in groups(values, query.fresh_within):
                self.inventory.add_child(self.inventory.add_group(group), name)
            self._construct(name, values)

    def _groups_made(self, query: InventoryQuery, names: list[str], shown: list[dict[str, t.Any]]) -> frozenset[str]:
        """All groups that there are once the hosts have been added under these names; nothing is added."""
        from ..plugin_utils._draft import Draft

        if not (self.get_option("groups") or self.get_option("keyed_groups")):
            return frozenset(self.inventory.groups)
        standing, draft = self.inventory, Draft(self.inventory, InventoryData())
        self.inventory = draft
        try:
            self._add(query, names, shown)
        finally:
            self.inventory = standing
        return draft.groups

    def _construct(self, name: str, values: dict[str, t.Any]) -> None:
        """What `compose`, `groups` and `keyed_groups` ask for."""
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), values, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), values, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), values, name, strict=strict)

    def _names(self, query: InventoryQuery, rows: list[dict[str, t.Any]], shown: list[dict[str, t.Any]]) -> list[str]:
        """The hosts' names, each once, and none that a group has."""
        from ..module_utils._tasks.inventory_hosts import name_apart_from_groups

        expression = self.get_option("hostname")
        if expression == DEFAULT_NAME:
            wanted = [row["name"] for row in rows]
        else:
            wanted = [self._hostname(expression, values) for values in shown]
        names, warnings = name_apart_from_groups(
            wanted, rows, query.on_duplicate, lambda given: self._groups_made(query, given, shown)
        )
        for text in warnings:
            self.display.warning(text)
        return names

    def _hostname(self, expression: str, values: dict[str, t.Any]) -> str:
        """What the expression makes of a VM."""
        try:
            name = self._compose(expression, values)
        except AnsibleError as problem:
            raise AnsibleParserError(f"hostname: of {values['checkpoint_vm']}: {problem}") from None
        if not isinstance(name, str) or not name:
            raise AnsibleParserError(f"hostname: gives no text for {values['checkpoint_vm']}.")
        return name

    def _rows(self, params: dict[str, t.Any], path: str, cache: bool) -> tuple[list[dict[str, t.Any]], float]:
        """The VMs, and how many seconds ago they were read."""
        from ..module_utils._tasks.inventory_hosts import kept, still_good
        from ..module_utils._tasks.inventory_query import cache_key

        now = datetime.now(timezone.utc)
        uses_cache = self.get_option("cache")
        key = f"{self.get_cache_key(path)}_{cache_key(params, os.environ, str(os.getuid()))[:32]}" if uses_cache else ""
        if uses_cache and cache:
            try:
                held = still_good(self._cache[key], now)
            except KeyError:
                held = None
            if held is not None:
                return held
        rows = self._read(params, path)
        if uses_cache:
            self._cache[key] = kept(rows, now)
        return rows, 0.0

    def _read(self, params: dict[str, t.Any], path: str) -> list[dict[str, t.Any]]:
        """The VMs as the services show them now. A sign-in that was refused is not tried again."""
        from ..module_utils._deps import anyio
        from ..module_utils._http.event_loop import new_event_loop
        from ..module_utils._providers import RunContext
        from ..module_utils._tasks.inventory import inventory
        from ..module_utils._tasks.inventory_query import sign_in_key
        from ..module_utils._tasks.run import run_task

        attempt = (path, sign_in_key(params, os.environ))
        if attempt in _refused:
            raise AnsibleParserError(_refused[attempt])
        context = RunContext(os.environ, lambda: datetime.now(timezone.utc))
        options = {"loop_factory": new_event_loop}
        result: dict[str, t.Any] = anyio.run(run_task, inventory, params, True, context, backend_options=options)
        for text in result.get("warnings", []):
            self.display.warning(text)
        if "error" in result:
            if result["error"]["code"] == "sign_in_refused":
                _refused[attempt] = result["msg"]
            raise AnsibleParserError(result["msg"])
        rows: list[dict[str, t.Any]] = result["rows"]
        return rows


def _guarded(value: t.Any) -> t.Any:
    """The value, in which a text that could be a template is never taken for one. Names and tags are others' words.

    ansible-core 2.19 takes no such text for a template in any case.
    """
    if isinstance(value, dict):
        return {_guarded(key): _guarded(each) for key, each in value.items()}
    return value if not isinstance(value, str) or HARMLESS.fullmatch(value) else wrap_var(value)


def _check_surroundings() -> None:
    """AnsibleParserError where the Python that runs Ansible is too old, or lacks the libraries."""
    if sys.version_info < OLDEST_PYTHON:
        version, needed = (".".join(map(str, parts)) for parts in (sys.version_info[:3], OLDEST_PYTHON))
        raise AnsibleParserError(
            f"Python {version} at {sys.executable} is too old: the inventory plugin needs Ansible on Python {needed} "
            "or newer."
        )
    from ..module_utils._deps import IMPORT_ERROR, REQUIREMENTS

    if IMPORT_ERROR is not None:
        from ..module_utils._core.missing import missing_library

        raise AnsibleParserError(
            str(missing_library("The inventory plugin", *REQUIREMENTS, why=IMPORT_ERROR, runs="Ansible"))
        )
