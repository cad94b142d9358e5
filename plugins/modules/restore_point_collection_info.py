#!/usr/bin/python
# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: restore_point_collection_info
short_description: List Azure restore point collections and their restore points
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - Lists restore point collections by name, resource group or subscription, with their restore points, instance views
    and disk restore points.
  - Whole subscriptions are listed by Azure Resource Graph, whose data may be some seconds old. A listing that it
    returns only in part is an error.
extends_documentation_fragment:
  - hybridvm.checkpoints.options.connection
  - hybridvm.checkpoints.options.many_read
  - hybridvm.checkpoints.options.deadline
  - hybridvm.checkpoints.options.reads
options:
  name:
    description: Only this collection; one that does not exist is left out of the result. Needs O(resource_group).
    type: str
  resource_group:
    description: Only the collections of this resource group.
    type: str
  subscriptions:
    description:
      - Whole subscriptions, by their GUIDs. O(subscription_id) when neither this nor O(resource_group) is given. Cannot
        be combined with O(resource_group).
    type: list
    elements: str
  source:
    description: Only collections of this VM or collection, by ARM id.
    type: str
  points:
    description: Whether to list restore points.
    type: bool
    default: true
  instance_view:
    description:
      - Whether to read the instance view of each point, which shows the progress of a copy. Needs
        O(compute_api_version) V(2021-11-01) or newer, and O(points=true).
    type: bool
    default: false
  disk_restore_points:
    description: Whether to read the disk restore points of each point. Needs O(points=true).
    type: bool
    default: false
  concurrency:
    description:
      - How many collections to read at once, up to 256. With V(auto), 32 at first, more while the service answers well,
        and half as many when it is overloaded or does not answer. A number is the upper bound of the same.
    type: str
    default: auto
seealso:
  - module: hybridvm.checkpoints.restore_point_collection
  - module: hybridvm.checkpoints.restore_point
"""

EXAMPLES = r"""
- name: List one collection, with the progress of copies
  hybridvm.checkpoints.restore_point_collection_info:
    name: shop01-points
    resource_group: rg-shop
    instance_view: true

- name: List all collections of a subscription
  hybridvm.checkpoints.restore_point_collection_info:
    subscription_id: "{{ subscription }}"
"""

RETURN = r"""
# Written by tools/module_docs.py from docs/source/returns.yml.
restore_point_collections:
  description:
    - The collections that were found. One that cannot be read has its id and name, its error, and null for the rest.
      O(on_error) says whether the task then fails.
  type: list
  elements: dict
  returned: when the task could start
  contains:
    status: {description: "V(read), V(failed) or V(not_started).", type: str, returned: always}
    error: {description: As RV(error); null without one., type: dict, returned: always}
    id: {description: Its ARM id., type: str, returned: always}
    name: {description: Its name., type: str, returned: always}
    location: {description: Its region., type: str, returned: always}
    tags: {description: Its tags., type: dict, returned: always}
    source: {description: ARM id of the VM or collection that it is for., type: str, returned: always}
    source_location: {description: Region of its source., type: str, returned: always}
    instant_access: {description: Whether instant access is known to be on., type: bool, returned: always}
    provisioning_state: {description: Its provisioning state., type: str, returned: always}
    restore_points:
      description:
        - Its restore points, in the shape that M(hybridvm.checkpoints.restore_point) returns; null with O(points=false)
          and where they could not be read. C(consistency.requested) is null here, because the service does not keep
          what was requested when a point was created.
        - With O(disk_restore_points), each also holds C(disk_restore_points), a list with C(id), C(name), C(created),
          C(source_id), C(os_type), C(replication_state), C(percent) and C(access_state) for each disk.
      type: list
      elements: dict
      returned: always
timing:
  description: Seconds in total.
  type: dict
  returned: when the task could start
  sample: {total: 0.4}
sign_in:
  description:
    - How the task signed in, by service. For C(spf) V(kerberos), V(ntlm), V(basic), V(bearer) or V(certificate); for
      C(azure) V(secret), V(certificate), V(federation), V(msi), V(cli) or V(token). A task whose sign-in was refused
      has none.
  type: dict
  returned: when there is any
  sample: {spf: kerberos}
error:
  description:
    - What went wrong, for pipelines to branch on. C(msg) holds the same as one line. What does not apply is null.
  type: dict
  returned: failure
  contains:
    code: {description: One of a closed list; see the collection's page on errors., type: str, returned: always}
    message: {description: "What went wrong, and with what.", type: str, returned: always}
    status: {description: HTTP status., type: int, returned: always}
    request_id: {description: The service's id of the request., type: str, returned: always}
    correlation_id: {description: The id that groups the request with others., type: str, returned: always}
    operation: {description: Always null; nothing is started., type: dict, returned: always}
    details: {description: "The service's own error, where it has a structure (ARM).", type: dict, returned: always}
    remedy: {description: What to do about it., type: str, returned: always}
    retry:
      description: V(safe) to run the task again, V(after_reading) to look first, V(never) until something is fixed.
      type: str
      returned: always
"""

from ..module_utils._module import run_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    import typing as t


def load():
    # type: () -> t.Any
    """Import the task and its options, which a Python that is too old cannot."""
    from ..module_utils._tasks.argument_specs import RESTORE_POINT_COLLECTION_INFO
    from ..module_utils._tasks.restore_point_collection_info import restore_point_collection_info

    return restore_point_collection_info, RESTORE_POINT_COLLECTION_INFO


def main():
    # type: () -> None
    """Run the module."""
    run_module(load)


if __name__ == "__main__":
    main()
