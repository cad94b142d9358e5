# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory of a source's hosts that is drafted first, because no host may have the name of a group.

Ansible takes a name that a group has for the group, wherever it adds a member or sets a variable.
"""

from __future__ import annotations

import typing as t


class Draft:
    """Takes a source's hosts and what Ansible's `Constructable` makes of them, beside the `standing` inventory, into an
    `empty` one.

    A name that was added as a host's is the host's here, whichever groups there are. What the standing inventory knows
    of a host decides, too.
    """

    def __init__(self, standing: t.Any, empty: t.Any) -> None:
        self._standing, self._made = standing, empty

    @property
    def groups(self) -> frozenset[str]:
        """The names of all groups, of the standing inventory and of what was added."""
        return frozenset((*self._standing.groups, *self._made.groups))

    def add_group(self, group: str) -> str:
        """The name that the group has."""
        return str(self._made.add_group(group))

    def add_host(self, host: str, group: t.Optional[str] = None) -> str:
        """The host's name; it begins with the variables and groups that it has already."""
        is_new = host not in self._made.hosts
        name = str(self._made.add_host(host, group))
        known = self._standing.hosts.get(host)
        if is_new and known is not None:
            added = self._made.hosts[host]
            added.vars, added.groups = {**added.vars, **known.vars}, [*added.groups, *known.groups]
        return name

    def add_child(self, group: str, child: str) -> bool:
        """Whether the host, or else the group, is a new member."""
        host = self._made.hosts.get(child)
        members = self._made.groups[group]
        return bool(self._made.add_child(group, child) if host is None else members.add_host(host))

    def get_host(self, host: str) -> t.Any:
        """Ansible's host of that name."""
        return self._made.hosts[host]

    def set_variable(self, host: str, name: str, value: object) -> None:
        """Set a host's variable."""
        self._made.hosts[host].set_variable(name, value)
