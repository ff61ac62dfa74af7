/* SPDX-License-Identifier: Apache-2.0 */
/* What every program that measures does alike. */
#include "meter.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "cli/histogram.h"

#define SIZE_MAX_BYTES  (64u << 20)
#define CHECKED_REPLIES 100 /* replies in a lane whose every byte is compared */
#define EXTRAS_MAX      8
#define LATE_S          60 /* this long after it should have ended, it is stuck */
#define SEED            0x9e3779b97f4a7c15u

enum { WARMING_UP, MEASURING, OVER };

/* On cache lines of its own, so that threads do not wait for each other's counts. */
typedef struct lane {
	_Alignas(128) histogram times;
	uint64_t seen; /* since the start */
	uint64_t counted;
	uint64_t errors;
} lane;

struct meter {
	meter_options options;
	unsigned lane_count;
	lane *lanes;
	uint8_t *payload;
	size_t sizes[METER_SIZES];
	atomic_int phase, claimed;
	atomic_uint_least64_t phase_end_ns;
	uint64_t began_ns, ended_ns;
	struct rusage usage_begin, usage_end;
	atomic_bool complained;
	const char *extra_keys[EXTRAS_MAX];
	double extras[EXTRAS_MAX];
	unsigned extra_count;
};

void meter_die(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	_exit(1);
}

/* Arguments */

static double number_of(const char *name, const char *text, double least, double most)
{
	char *end = NULL;
	double value = text ? strtod(text, &end) : 0;
	if (!text || end == text || *end || !(value >= least && value <= most))
		meter_die("%s takes a number from %g to %g", name, least, most);
	return value;
}

static bool take_flag(meter_options *o, const char *name)
{
	if (strcmp(name, "--mixed") == 0)
		o->mixed = true;
	else if (strcmp(name, "--stream") == 0)
		o->stream = true;
	else if (strcmp(name, "--both") == 0)
		o->both = true;
	else
		return false;
	return true;
}

static bool take_value(meter_options *o, const char *name, const char *text)
{
	if (strcmp(name, "--connect") == 0)
		o->endpoint = text;
	else if (strcmp(name, "--size") == 0)
		o->size = (size_t)number_of(name, text, 0, SIZE_MAX_BYTES);
	else if (strcmp(name, "--outstanding") == 0)
		o->outstanding = (unsigned)number_of(name, text, 1, 16384);
	else if (strcmp(name, "--threads") == 0)
		o->threads = (unsigned)number_of(name, text, 1, METER_THREADS_MAX);
	else if (strcmp(name, "--work") == 0)
		o->work_us = (unsigned)number_of(name, text, 1, 1000000);
	else if (strcmp(name, "--connections") == 0)
		o->connections = (unsigned)number_of(name, text, 1, METER_THREADS_MAX);
	else if (strcmp(name, "--count") == 0)
		o->count = (unsigned)number_of(name, text, 1, 10e6);
	else if (strcmp(name, "--server") == 0)
		o->server = (long)number_of(name, text, 1, 1e9);
	else if (strcmp(name, "--seconds") == 0)
		o->seconds = number_of(name, text, 0.001, 3600);
	else if (strcmp(name, "--warmup") == 0)
		o->warmup = number_of(name, text, 0, 3600);
	else
		return false;
	return true;
}

meter_options meter_parse(int argc, char **argv, const char *usage)
{
	meter_options o = {.size = 16, .outstanding = 1, .seconds = 1, .warmup = 0.3};
	for (int i = 1; i < argc; i++) {
		if (take_flag(&o, argv[i]))
			continue;
		if (i + 1 == argc || !take_value(&o, argv[i], argv[i + 1]))
			meter_die("%s is not understood\nusage: %s", argv[i], usage);
		i++;
	}
	return o;
}

/* Payloads */

static uint32_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32);
}

/* Each power of two is as likely as every other. */
static void choose_sizes(meter *m)
{
	uint64_t state = SEED;
	for (unsigned i = 0; i < METER_SIZES; i++) {
		size_t low = (size_t)16 << next_random(&state) % 12;
		m->sizes[i] =
			m->options.mixed ? low + next_random(&state) % (low + 1) : m->options.size;
	}
}

static void fill_payload(meter *m)
{
	uint64_t state = SEED;
	size_t size = m->options.mixed ? METER_MIXED_MAX : m->options.size;
	m->payload = malloc(size ? size : 1);
	if (!m->payload)
		meter_die("there is no memory for a payload of %zu bytes", size);
	for (size_t i = 0; i < size; i++)
		m->payload[i] = (uint8_t)next_random(&state);
}

meter *meter_new(const meter_options *options, unsigned lanes)
{
	meter *m = calloc(1, sizeof *m);
	size_t size = lanes * sizeof *m->lanes;
	if (!m || !(m->lanes = aligned_alloc(_Alignof(lane), size)))
		meter_die("there is no memory to measure with");
	memset(m->lanes, 0, size);
	m->options = *options;
	m->lane_count = lanes;
	fill_payload(m);
	choose_sizes(m);
	return m;
}

uint8_t *meter_payload(meter *m)
{
	return m->payload;
}

size_t meter_size(const meter *m, uint64_t number)
{
	return m->sizes[number % METER_SIZES];
}

/* Phases */

uint64_t meter_now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

void meter_start(meter *m)
{
	/* a call that never ends must not keep the script waiting */
	alarm((unsigned)(m->options.warmup + m->options.seconds) + LATE_S);
	atomic_store(&m->phase_end_ns, meter_now_ns() + (uint64_t)(m->options.warmup * 1e9));
}

static void begin(meter *m)
{
	say("begin");
	getrusage(RUSAGE_SELF, &m->usage_begin);
	m->began_ns = meter_now_ns();
	atomic_store(&m->phase_end_ns, m->began_ns + (uint64_t)(m->options.seconds * 1e9));
	atomic_store(&m->phase, MEASURING);
}

static void end(meter *m)
{
	m->ended_ns = meter_now_ns();
	getrusage(RUSAGE_SELF, &m->usage_end);
	atomic_store(&m->phase, OVER);
	say("end");
}

/* The thread that first sees that a phase is over begins the next; the others go on meanwhile. */
static bool go_on(meter *m, uint64_t now)
{
	int phase = atomic_load_explicit(&m->phase, memory_order_acquire);
	if (phase == OVER)
		return false;
	if (now < atomic_load_explicit(&m->phase_end_ns, memory_order_relaxed))
		return true;
	if (!atomic_compare_exchange_strong(&m->claimed, &(int){phase}, phase + 1))
		return true;
	if (phase == WARMING_UP)
		begin(m);
	else
		end(m);
	return phase == WARMING_UP;
}

bool meter_over(const meter *m)
{
	return atomic_load_explicit(&m->phase, memory_order_acquire) == OVER;
}

bool meter_note_done(meter *m, unsigned number, uint64_t began_ns)
{
	lane *l = &m->lanes[number];
	uint64_t now = meter_now_ns();
	l->seen++;
	if (atomic_load_explicit(&m->phase, memory_order_relaxed) == MEASURING) {
		l->counted++;
		if (began_ns)
			histogram_add(&l->times, now - began_ns);
	}
	return go_on(m, now);
}

bool meter_note_many(meter *m, unsigned number, uint64_t count)
{
	lane *l = &m->lanes[number];
	l->seen += count;
	if (atomic_load_explicit(&m->phase, memory_order_relaxed) == MEASURING)
		l->counted += count;
	return go_on(m, meter_now_ns());
}

bool meter_note(meter *m, unsigned number, uint64_t began_ns, const void *data, size_t size,
	size_t expected)
{
	bool wrong = size != expected;
	if (!wrong && size && m->lanes[number].seen < CHECKED_REPLIES)
		wrong = memcmp(data, m->payload, size) != 0;
	if (wrong) {
		meter_error(m, number, "a reply is not what was sent");
		return false;
	}
	return meter_note_done(m, number, began_ns);
}

void meter_error(meter *m, unsigned number, const char *what)
{
	m->lanes[number].errors++;
	if (!atomic_exchange(&m->complained, true))
		fprintf(stderr, "%s\n", what);
	atomic_store(&m->phase_end_ns, 0); /* the next reply, or meter_finish(), ends it */
	while (go_on(m, UINT64_MAX) && !meter_over(m))
		;
}

/* The result */

void meter_extra(meter *m, const char *key, double value)
{
	if (m->extra_count == EXTRAS_MAX)
		meter_die("there are more than %d figures", EXTRAS_MAX);
	m->extra_keys[m->extra_count] = key;
	m->extras[m->extra_count++] = value;
}

static void join_lanes(meter *m)
{
	lane *all = &m->lanes[0];
	for (unsigned i = 1; i < m->lane_count; i++) {
		const lane *l = &m->lanes[i];
		all->counted += l->counted;
		all->errors += l->errors;
		all->times.total += l->times.total;
		for (unsigned j = 0; j < HISTOGRAM_BUCKETS; j++)
			all->times.counts[j] += l->times.counts[j];
	}
}

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double cpu_seconds(const struct rusage *u)
{
	return seconds_of(u->ru_utime) + seconds_of(u->ru_stime);
}

int meter_finish(meter *m)
{
	join_lanes(m);
	const lane *all = &m->lanes[0];
	double calls = all->counted ? (double)all->counted : 1;
	double seconds = (double)(m->ended_ns - m->began_ns) / 1e9;
	double cpu = cpu_seconds(&m->usage_end) - cpu_seconds(&m->usage_begin);
	printf("{\"calls\": %llu, \"seconds\": %.6f, \"calls_per_second\": %.1f, "
	       "\"client_cpu_us_per_call\": %.4f, \"errors\": %llu",
		(unsigned long long)all->counted, seconds,
		seconds > 0 ? (double)all->counted / seconds : 0, cpu * 1e6 / calls,
		(unsigned long long)all->errors);
	if (all->times.total)
		printf(", \"p50_us\": %.3f, \"p99_us\": %.3f",
			histogram_quantile_us(&all->times, 0.5),
			histogram_quantile_us(&all->times, 0.99));
	for (unsigned i = 0; i < m->extra_count; i++)
		printf(", \"%s\": %.3f", m->extra_keys[i], m->extras[i]);
	puts("}");
	fflush(stdout);
	bool good = all->counted && !all->errors;
	free(m->lanes);
	free(m->payload);
	free(m);
	return good ? 0 : 1;
}

/* The system */

double meter_memory(long process)
{
	char path[64], line[256];
	double total = 0, kib;
	snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", process);
	FILE *file = fopen(path, "r");
	if (!file)
		return 0;
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "Pss: %lf", &kib) == 1)
			total = kib * 1024;
	fclose(file);
	return total;
}

void meter_raise_descriptors(unsigned needed)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_max < needed)
		meter_die("%u descriptors are needed, and ulimit -Hn allows %llu", needed,
			(unsigned long long)limit.rlim_max);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}
