# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints of VMs: what is chosen, planned, sent and proven."""
