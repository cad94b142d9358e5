# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "the series of checkpoints that a policy keeps of a VM"."""
