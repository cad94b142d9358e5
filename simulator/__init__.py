# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator of SPF, Arc-enabled SCVMM, Azure Compute and the sign-in service in front of them."""
