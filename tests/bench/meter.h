/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every program that measures does alike, the peers' programs too: its arguments, the time to
 * warm up and the time that counts, durations, and the line of JSON at the end. C11 and C++17.
 *
 *   meter_options o = meter_parse(argc, argv, usage);
 *   meter *m = meter_new(&o, 1);                         one lane for each thread
 *   meter_start(m);
 *   do { began = meter_now_ns(); a call } while (meter_note(m, 0, began, bytes, count, expected));
 *   return meter_finish(m);
 *
 * The lines "begin" and "end" on stdout tell the script when to look at the server.
 */
#ifndef TESTS_BENCH_METER_H
#define TESTS_BENCH_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define METER_MIXED_MAX   65536 /* the largest of mixed sizes; the smallest is 16 */
#define METER_SIZES       128   /* after so many mixed sizes come the same again */
#define METER_THREADS_MAX 256

typedef struct meter_options {
	const char *endpoint; /* HOST:PORT, unix:PATH, or a name; NULL: not given */
	size_t size;          /* of a payload, in bytes */
	bool mixed;           /* sizes of 16 B to 64 KiB instead, the same in each run */
	unsigned outstanding; /* calls at once on a connection */
	unsigned threads;     /* 0: one; else so many wait for their calls on one connection */
	unsigned connections; /* 0: one; else a thread for each, which waits for its calls */
	unsigned work_us;     /* what a servant has to do for each call; 0: nothing */
	unsigned count;       /* how many objects, connections or names there are to be */
	bool stream;          /* messages from the server without end, instead of calls */
	bool both;            /* a stream that comes back, instead of calls */
	long server;          /* the server's process; 0: unknown */
	double seconds, warmup;
} meter_options;

/* Ends the process with the usage if an argument is not understood. */
meter_options meter_parse(int argc, char **argv, const char *usage);

/* All functions may be used by any thread, each with a lane of its own. */
typedef struct meter meter;

/* Ends the process when there is no memory, as all of these do when they cannot go on. */
meter *meter_new(const meter_options *options, unsigned lanes);

uint64_t meter_now_ns(void);

/* Bytes to send: the first `size` of them, or as many as meter_size() says; borrowed. */
uint8_t *meter_payload(meter *m);

/* How many bytes the call number `number` of a lane carries. */
size_t meter_size(const meter *m, uint64_t number);

/* From now on it is warmed up, and then measured. */
void meter_start(meter *m);

/*
 * A reply is there, of a call that began then; began_ns 0: a message of a stream, which has no
 * duration. Its length is checked, and of the first in a lane every byte. False: stop.
 */
bool meter_note(
	meter *m, unsigned lane, uint64_t began_ns, const void *data, size_t size, size_t expected);

/* The same for what is no echo; and for so many at once, without durations. */
bool meter_note_done(meter *m, unsigned lane, uint64_t began_ns);
bool meter_note_many(meter *m, unsigned lane, uint64_t count);

/* A call has failed; the first is told on stderr. It stops the measuring. */
void meter_error(meter *m, unsigned lane, const char *what);

bool meter_over(const meter *m);

/* One more figure for the line of JSON; key is borrowed. At most 8. */
void meter_extra(meter *m, const char *key, double value);

/* Prints the line of JSON and frees; 0 if there were calls and no errors. Once all threads are
 * done. */
int meter_finish(meter *m);

/* The memory that a process has to itself and in which it really has pages, in bytes; 0: unknown.
 */
double meter_memory(long process);

/* Gets as many descriptors as this process may have; ends it if those are fewer than needed. */
void meter_raise_descriptors(unsigned needed);

/* Ends the process; printf-like. */
void meter_die(const char *format, ...)
#ifdef __GNUC__
	__attribute__((format(printf, 1, 2), noreturn))
#endif
	;

#ifdef __cplusplus
}
#endif

#endif
