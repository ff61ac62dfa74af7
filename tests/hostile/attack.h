/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an attacker needs: a target to attack, raw connections to it that speak the wire by hand,
 * and a well-behaved client that must never notice.
 *
 *     attack a;
 *     attack_begin(&a, NULL);
 *     peer p = peer_greeted(&a);
 *     peer_send(&p, bytes, size);
 *     peer_expect_goaway(&p, "a frame of 4294967295 bytes");
 *     attack_end(&a, 16 << 20);
 */
#ifndef TESTS_HOSTILE_ATTACK_H
#define TESTS_HOSTILE_ATTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "hostile.pyr.h"
#include "native/frame.h"

typedef struct attack {
	char folder[64], endpoint[96], reference[160];
	pid_t pid;
	long began_kib; /* resident before the attack */
	pyr_context *context;
	hostile_target *good; /* a client like any other */
} attack;

/* Starts the target; connections is its limit, or NULL. */
void attack_begin(attack *a, const char *connections);

/* The good client's call is answered, now and within a second. */
void attack_target_serves(attack *a);

/*
 * Serves still, took no more than so much memory at its worst beyond what it began with (more is
 * allowed under AddressSanitizer, which keeps freed memory back), and ends cleanly when told to.
 */
void attack_end(attack *a, size_t ceiling_bytes);

/* CPU time that the target has used, in ms. */
long attack_cpu_ms(const attack *a);

typedef struct peer {
	int fd;
	uint8_t *in; /* received and not taken yet */
	size_t in_size;
} peer;

peer peer_connected(const attack *a); /* and silent */
peer peer_greeted(const attack *a);   /* has sent the preface and a good HELLO */
bool peer_greet(peer *p);             /* false if the target has closed the connection before */
void peer_close(peer *p);

/* All of it; false if the target has closed the connection before. */
bool peer_send(peer *p, const void *data, size_t size);
/* As much as is taken without waiting longer than patience_ms for room. */
size_t peer_send_some(peer *p, const void *data, size_t size, int patience_ms);

bool peer_send_frame(
	peer *p, uint8_t type, uint8_t flags, uint32_t stream, const void *data, size_t size);

/* A CALL of hostile.Target/`method` on the object "target", with this message. */
bool peer_send_call(peer *p, uint32_t stream, uint8_t flags, const char *method,
	const void *message, size_t size);

/* The next frame that is not a HELLO; false at the end of the connection. Its data lives until the
 * next call. Fails the test after 10 s. */
bool peer_next(peer *p, pyr__frame *ret_frame);

/* The connection is ended with this reason in a GOAWAY, and closed. */
void peer_expect_goaway(peer *p, const char *reason);

/* The call on this stream is answered with this status and a message that contains text. */
void peer_expect_final(peer *p, uint32_t stream, pyr_status status, const char *text);

/* The connection is closed by the target within so many ms. */
void peer_expect_closed(peer *p, int within_ms);

int64_t now_ms(void);

#endif
