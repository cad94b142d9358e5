# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Azure resources themselves: restore point collections and restore points, every property of them."""
