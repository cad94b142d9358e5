# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways to sign in, one short file each; each is an `Auth` of `_http/client`."""
