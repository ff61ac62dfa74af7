/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes, which are gRPC's on every transport, and the error a caller owns. */
#ifndef PYRITE_STATUS_H
#define PYRITE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pyrite/export.h>

PYR_BEGIN_DECLS

/* X(code, name, text). Numbers and names: gRPC's doc/statuscodes.md. */
#define PYR_STATUS_TABLE(X)                                                                        \
	X(0, OK, "done")                                                                           \
	X(1, CANCELLED, "the caller cancelled the call")                                           \
	X(2, UNKNOWN, "an error of unknown kind")                                                  \
	X(3, INVALID_ARGUMENT, "an argument is not valid")                                         \
	X(4, DEADLINE_EXCEEDED, "the deadline passed before the call was done")                    \
	X(5, NOT_FOUND, "what was asked for does not exist")                                       \
	X(6, ALREADY_EXISTS, "what was to be made exists already")                                 \
	X(7, PERMISSION_DENIED, "the caller may not do this")                                      \
	X(8, RESOURCE_EXHAUSTED, "a limit was reached")                                            \
	X(9, FAILED_PRECONDITION, "the system is not in the state that this needs")                \
	X(10, ABORTED, "the operation was aborted by a conflict")                                  \
	X(11, OUT_OF_RANGE, "past the valid range")                                                \
	X(12, UNIMPLEMENTED, "not implemented here")                                               \
	X(13, INTERNAL, "an invariant was broken")                                                 \
	X(14, UNAVAILABLE, "the service cannot be reached now")                                    \
	X(15, DATA_LOSS, "data was lost or damaged")                                               \
	X(16, UNAUTHENTICATED, "the caller did not prove who it is")

typedef enum pyr_status {
#define PYR_STATUS_ENUM(code, name, text) PYR_##name = code,
	PYR_STATUS_TABLE(PYR_STATUS_ENUM)
#undef PYR_STATUS_ENUM
} pyr_status;

/* Whether a failed call ran on the other side. Only NO is safe to try again for any method. */
typedef enum pyr_executed {
	PYR_EXECUTED_MAYBE = 0,
	PYR_EXECUTED_NO = 1,
	PYR_EXECUTED_YES = 2,
} pyr_executed;

#define PYR_ERROR_MESSAGE_MAX 512
#define PYR_ERROR_WHERE_MAX   256
#define PYR_ERROR_DETAILS_MAX 1024

/*
 * What went wrong. The caller owns it, usually on the stack; it needs no initialiser and no
 * freeing. A function writes it only when it fails, and every function takes NULL for it.
 */
typedef struct pyr_error {
	pyr_status status;
	pyr_executed executed;
	bool would_block; /* RESOURCE_EXHAUSTED because a send window is full: wait for on_writable
			   */
	bool truncated;   /* message, where or details were longer than there is room for */
	uint16_t details_size;                  /* bytes used of details */
	char message[PYR_ERROR_MESSAGE_MAX];    /* what, and what to do; NUL-terminated UTF-8 */
	char where[PYR_ERROR_WHERE_MAX];        /* endpoint, object or method; may be empty */
	uint8_t details[PYR_ERROR_DETAILS_MAX]; /* a serialized google.rpc.Status, or nothing */
} pyr_error;

/* "NOT_FOUND" for PYR_NOT_FOUND; "UNKNOWN" for a number that is no status. Static storage. */
PYR_API const char *pyr_status_name(pyr_status status);

/* One sentence for people. Static storage. */
PYR_API const char *pyr_status_text(pyr_status status);

/* The status with this name, as pyr_status_name() spells it; PYR_UNKNOWN for any other word. */
PYR_API pyr_status pyr_status_parse(const char *name);

/*
 * Writes *err (which may be NULL) and returns status, so that a function can end with
 * `return pyr_error_set(err, PYR_NOT_FOUND, "no object '%s'", id);`. `executed` becomes MAYBE,
 * where and details become empty. Too long a message is cut at a whole UTF-8 character.
 */
PYR_API pyr_status pyr_error_set(pyr_error *err, pyr_status status, const char *format, ...)
	PYR_PRINTF(3, 4) PYR_COLD;

PYR_END_DECLS

#endif
