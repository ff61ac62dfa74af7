/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session under test, and its peer's part played by hand, byte for byte:
 *
 *     hand h = hand_server();
 *     hand_call(&h, STREAM, PYR__END, "a.B/C", "request", 7);
 *     pyr__event event = hand_event(&h, PYR__EVENT_CALL);
 *     ...
 *     pyr__frame frame = hand_frame(&h, PYR__FRAME_FINAL);
 *     hand_end(&h);
 */
#ifndef TESTS_NATIVE_HAND_H
#define TESTS_NATIVE_HAND_H

#include <criterion/criterion.h>
#include "native/frame.h"
#include "native/session.h"

#define STREAM 0x00010000u /* the first call of the side that connected */
#define THEIRS 0x80010000u /* and of the other */

typedef struct hand {
	pyr__session *session;
	bool server;
	uint8_t *sent; /* what the session has sent and nobody has looked at */
	size_t sent_at, sent_size, sent_room;
} hand;

/* The session as a server (the hand connects), or client. The handshake is done. */
hand hand_server(void);
hand hand_client(void);

/* As above with limits of its own; greeted false: neither side has sent anything but a preface. */
hand hand_new(const pyr__session_config *config, bool greeted);

/* There must be no frame left that was not looked at, nor an event; checks for leaks. */
void hand_end(hand *h);

/* The peer sends. */
void hand_give(hand *h, const void *data, size_t size);
void hand_give_frame(
	hand *h, uint8_t type, uint8_t flags, uint32_t stream, const void *data, size_t size);
void hand_give_hello(hand *h); /* as one of a peer that knows of no features */
void hand_give_features(hand *h, uint64_t features);

/* A CALL that names its method; message NULL: without one. */
void hand_call(hand *h, uint32_t stream, uint8_t flags, const char *method, const void *message,
	size_t size);

/* A FINAL with a status and nothing else, or with a message if it is OK and message is not NULL. */
void hand_final(hand *h, uint32_t stream, pyr_status status, const void *message, size_t size);

void hand_give_window(hand *h, uint32_t stream, uint32_t credit);

/* The next event, which must be of this type. */
pyr__event hand_event(hand *h, pyr__event_type type);
void hand_no_event(hand *h);

/* The next frame that the session sends, which must be of this type; its data lives until the next
 * of these functions. */
pyr__frame hand_frame(hand *h, pyr__frame_type type);
void hand_no_frame(hand *h);
/* Forgets what has been sent. */
void hand_skip_frames(hand *h);
void hand_skip(hand *h, size_t size); /* so many bytes of it */

/* The session has ended for this reason, and says so to both sides; calls get their events. */
void hand_expect_violation(hand *h, const char *reason);

/* A field of a CALL or FINAL; an empty text if it is not there. */
pyr__text hand_field(const pyr__frame *frame, uint8_t number);

/* What is behind the fields of a CALL or FINAL. */
pyr__text hand_message(const pyr__frame *frame);

/* The session calls, with `size` bytes of x as the message if size is not 0. */
uint32_t hand_make_call(hand *h, const char *method, size_t size, bool end, void *user);
pyr_status hand_send(hand *h, uint32_t stream, size_t size, bool end, pyr_error *err);
pyr_status hand_finish(hand *h, uint32_t stream, pyr_status status, size_t size);

/* So many bytes of the letter x; static, at most 8 MiB. */
const uint8_t *hand_bytes(size_t size);

#define TEXT_IS(text, wanted)                                                                      \
	cr_assert((text).size == strlen(wanted) && memcmp((text).data, wanted, (text).size) == 0,  \
		"it is '%.*s', not '%s'", (int)(text).size, (text).data, wanted)

#endif
