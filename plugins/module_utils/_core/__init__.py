# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every layer speaks of: errors, specs, plans, operations, times. Imports nothing above it."""
