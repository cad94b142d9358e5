# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every task on every service, with a fault at each of its requests and a second one behind it."""
