# SPDX-License-Identifier: Apache-2.0
# The native session, as the side that accepts and as the side that connects.
pyrite_fuzz(session session.c)
