/* SPDX-License-Identifier: Apache-2.0 */
/* The attacked daemon's limits, which its attackers know. */
#ifndef TESTS_HOSTILE_TARGET_H
#define TESTS_HOSTILE_TARGET_H

#define TARGET_HANDSHAKE_MS 400
#define TARGET_STALL_MS     800

#endif
