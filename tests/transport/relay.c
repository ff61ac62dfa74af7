/* SPDX-License-Identifier: Apache-2.0 */
/* A relay that breaks connections: see relay.h. One thread polls everything. */
#include "transport/relay.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <pyrite/reference.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "tally.h"

#define PAIRS_MAX    64
#define BUFFER_BYTES 65536
#define READ_LOOKS   2000 /* a millisecond apart, at bytes that are to be read */

typedef struct address {
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_in in;
	} at;
	socklen_t size;
} address;

/* What goes one way on a connection. */
typedef struct flow {
	size_t begin, end; /* of what waits in the buffer */
	size_t carried;
	bool ended; /* the sender has said all, and the receiver knows */
	uint8_t buffer[BUFFER_BYTES];
} flow;

/* A connection: sides[RELAY_UP] is the client, which sends up, sides[RELAY_DOWN] the daemon. */
typedef struct pair {
	int sides[RELAY_WAYS];
	bool dying; /* both sides have been told; what they still send is read away */
	flow flows[RELAY_WAYS];
} pair;

struct relay {
	pthread_t thread;
	address own;
	int own_fd; /* bound to own, so that nobody else gets the port while listen_fd is closed */
	int wake_fd;
	tally turns;        /* how often the thread has looked at what it is told */
	atomic_bool ending; /* the thread is to end */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t idle;
	address target;
	int listen_fd; /* -1: closed */
	size_t limits[RELAY_WAYS];
	bool abrupt, once, cutting, ignoring, patient;
	unsigned connections;
	size_t carried[RELAY_WAYS];
	pair *pairs[PAIRS_MAX];
	size_t pair_count;
};

static address address_of(const pyr_reference *reference)
{
	address a;
	memset(&a, 0, sizeof a);
	if (!reference->is_unix) {
		a.at.in.sin_family = AF_INET;
		a.at.in.sin_port = htons(reference->port);
		cr_assert_eq(inet_pton(AF_INET, reference->host, &a.at.in.sin_addr), 1);
		a.size = sizeof a.at.in;
		return a;
	}
	size_t size = strlen(reference->host);
	a.at.un.sun_family = AF_UNIX;
	memcpy(a.at.un.sun_path, reference->host, size);
	if (reference->host[0] == '@')
		a.at.un.sun_path[0] = '\0';
	a.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
	return a;
}

static int new_socket(const address *a)
{
	int fd = socket(a->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert(fd >= 0);
	return fd;
}

static int bind_to(address *a)
{
	int on = 1, fd = new_socket(a);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	cr_assert_eq(bind(fd, &a->at.any, a->size), 0, "bind: %s", strerror(errno));
	a->size = sizeof a->at;
	cr_assert_eq(getsockname(fd, &a->at.any, &a->size), 0);
	return fd;
}

static int listen_on(address *a)
{
	int fd = bind_to(a);
	cr_assert_eq(listen(fd, PAIRS_MAX), 0);
	return fd;
}

/* Connections: on the relay's thread, lock held */

/* How many bytes wait in a socket on this host until who has it reads them; 0: it is not there. */
static unsigned unread(const struct sockaddr_in *of)
{
	char line[256];
	unsigned bytes = 0;
	FILE *table = fopen("/proc/net/tcp", "r");
	cr_assert(table);
	while (fgets(line, sizeof line, table)) {
		unsigned host, port, queue;
		if (sscanf(line, "%*d: %x:%x %*x:%*x %*x %*x:%x", &host, &port, &queue) == 3 &&
			host == of->sin_addr.s_addr && port == ntohs(of->sin_port))
			bytes += queue;
	}
	fclose(table);
	return bytes;
}

/* No event says when another's socket is empty, so it is looked at. */
static void let_read(int fd)
{
	address peer = {.size = sizeof peer.at};
	if (getpeername(fd, &peer.at.any, &peer.size) || peer.at.any.sa_family != AF_INET)
		return;
	for (int i = 0; i < READ_LOOKS && unread(&peer.at.in); i++)
		poll(NULL, 0, 1);
}

static void close_abruptly(int fd)
{
	struct linger none = {.l_onoff = 1, .l_linger = 0};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	close(fd);
}

static void drop(relay *r, size_t index)
{
	pair *p = r->pairs[index];
	if (r->patient && !p->dying)
		let_read(p->sides[RELAY_UP]);
	for (int side = 0; side < RELAY_WAYS; side++) {
		if (p->dying)
			close(p->sides[side]);
		else
			close_abruptly(p->sides[side]);
	}
	free(p);
	r->pairs[index] = r->pairs[--r->pair_count];
	if (r->pair_count == 0)
		pthread_cond_broadcast(&r->idle);
}

/* Else what is sent in two parts, one behind the other, would wait for an acknowledgement. */
static void pass_at_once(const address *to, int fd)
{
	int on = 1;
	if (to->at.any.sa_family == AF_INET)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void accept_one(relay *r)
{
	int client = accept4(r->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client < 0)
		return;
	r->connections++;
	int daemon = new_socket(&r->target);
	if (r->pair_count == PAIRS_MAX ||
		(connect(daemon, &r->target.at.any, r->target.size) != 0 && errno != EINPROGRESS)) {
		close_abruptly(client);
		close(daemon);
		return;
	}
	pass_at_once(&r->own, client);
	pass_at_once(&r->target, daemon);
	pair *p = calloc(1, sizeof *p);
	p->sides[RELAY_UP] = client;
	p->sides[RELAY_DOWN] = daemon;
	r->pairs[r->pair_count++] = p;
	r->carried[RELAY_UP] = r->carried[RELAY_DOWN] = 0;
}

/* False when the pair is to be dropped. */
static bool break_pair(relay *r, pair *p)
{
	if (r->once)
		r->limits[RELAY_UP] = r->limits[RELAY_DOWN] = RELAY_NO_LIMIT;
	if (r->abrupt)
		return false;
	p->dying = true;
	for (int way = 0; way < RELAY_WAYS; way++) {
		p->flows[way].begin = p->flows[way].end = 0;
		p->flows[way].ended = false;
		shutdown(p->sides[way], SHUT_WR);
	}
	return true;
}

/* Until the client has ended; a daemon may take its time. */
static bool read_away(pair *p, relay_way way)
{
	flow *f = &p->flows[way];
	ssize_t got = read(p->sides[way], f->buffer, sizeof f->buffer);
	if (got == 0 || (got < 0 && errno != EAGAIN))
		f->ended = true;
	return !p->flows[RELAY_UP].ended;
}

/* Something has come from a side. */
static bool take_in(relay *r, pair *p, relay_way way)
{
	flow *f = &p->flows[way];
	size_t room = sizeof f->buffer;
	if (r->limits[way] - f->carried < room)
		room = r->limits[way] - f->carried;
	ssize_t got = room ? read(p->sides[way], f->buffer, room)
			   : recv(p->sides[way], f->buffer, 1, MSG_PEEK);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0) {
		f->ended = true;
		shutdown(p->sides[!way], SHUT_WR);
		return !p->flows[!way].ended;
	}
	if (!room)
		return break_pair(r, p);
	f->begin = 0;
	f->end = (size_t)got;
	return true;
}

static bool pass_on(relay *r, pair *p, relay_way way)
{
	flow *f = &p->flows[way];
	ssize_t sent = send(p->sides[!way], f->buffer + f->begin, f->end - f->begin, MSG_NOSIGNAL);
	if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
		sent = (ssize_t)(f->end -
				 f->begin); /* what comes the other way may still be read */
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
	f->begin += (size_t)sent;
	f->carried += (size_t)sent;
	r->carried[way] += (size_t)sent;
	if (f->begin == f->end)
		f->begin = f->end = 0;
	return true;
}

static short wanted(const pair *p, int side)
{
	const flow *from = &p->flows[side], *to = &p->flows[!side];
	short events = 0;
	if (!from->ended && from->begin == from->end)
		events |= POLLIN;
	if (to->begin < to->end && !p->dying)
		events |= POLLOUT;
	return events;
}

/* What poll has found for one pair: items[side]. False when it is over. */
static bool serve(relay *r, pair *p, const struct pollfd *items)
{
	for (int side = 0; side < RELAY_WAYS; side++) {
		flow *from = &p->flows[side], *to = &p->flows[!side];
		short got = items[side].revents;
		bool in = got & (POLLIN | POLLHUP | POLLERR) && !from->ended;
		if (p->dying) {
			if (in && !read_away(p, (relay_way)side))
				return false;
			continue;
		}
		if (got & POLLOUT && to->begin < to->end && !pass_on(r, p, (relay_way)!side))
			return false;
		if (in && from->begin == from->end && !take_in(r, p, (relay_way)side))
			return false;
		if (got & POLLERR && !in)
			return false;
	}
	return true;
}

static void poll_once(relay *r)
{
	struct pollfd items[2 + PAIRS_MAX * RELAY_WAYS];
	size_t count = r->pair_count;
	items[0] = (struct pollfd){.fd = r->wake_fd, .events = POLLIN};
	items[1] = (struct pollfd){.fd = r->ignoring ? -1 : r->listen_fd, .events = POLLIN};
	for (size_t i = 0; i < count; i++)
		for (int side = 0; side < RELAY_WAYS; side++) {
			short events = wanted(r->pairs[i], side);
			items[2 + i * RELAY_WAYS + (size_t)side] = (struct pollfd){
				.fd = events ? r->pairs[i]->sides[side] : -1, .events = events};
		}
	pthread_mutex_unlock(&r->lock);
	poll(items, (nfds_t)(2 + count * RELAY_WAYS), -1);
	pthread_mutex_lock(&r->lock);
	uint64_t value;
	if (items[0].revents && read(r->wake_fd, &value, sizeof value) < 0)
		return;
	for (size_t i = count; i-- > 0;)
		if (!serve(r, r->pairs[i], &items[2 + i * RELAY_WAYS]))
			drop(r, i);
	if (items[1].revents && r->listen_fd >= 0)
		accept_one(r);
}

static void *run(void *arg)
{
	relay *r = arg;
	pthread_mutex_lock(&r->lock);
	while (!atomic_load(&r->ending)) {
		if (r->cutting)
			while (r->pair_count)
				drop(r, r->pair_count - 1);
		r->cutting = false;
		tally_add(&r->turns, 1);
		poll_once(r);
	}
	while (r->pair_count)
		drop(r, r->pair_count - 1);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* What the test says */

/* Lock held; until the thread acts on what has been changed. */
static void apply(relay *r)
{
	uint64_t one = 1;
	unsigned turns = tally_get(&r->turns);
	cr_assert_eq(write(r->wake_fd, &one, sizeof one), (ssize_t)sizeof one);
	pthread_mutex_unlock(&r->lock);
	cr_assert(tally_await(&r->turns, turns + 1));
}

static address parse(const char *reference, pyr_reference *ret_reference)
{
	cr_assert_eq(pyr_reference_parse(reference, ret_reference, NULL), PYR_OK);
	return address_of(ret_reference);
}

relay *relay_new(const char *text, char *ret_reference)
{
	static atomic_int relays;
	pyr_reference reference;
	relay *r = calloc(1, sizeof *r);
	r->turns = (tally)TALLY_INIT;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->idle, NULL);
	r->limits[RELAY_UP] = r->limits[RELAY_DOWN] = RELAY_NO_LIMIT;
	r->target = parse(text, &reference);
	if (reference.is_unix)
		snprintf(reference.host, sizeof reference.host, "@pyrite-relay-%ld-%d",
			(long)getpid(), atomic_fetch_add(&relays, 1));
	reference.port = 0;
	r->own = address_of(&reference);
	r->listen_fd = listen_on(&r->own);
	r->own_fd = reference.is_unix ? -1 : bind_to(&r->own);
	if (!reference.is_unix)
		reference.port = ntohs(r->own.at.in.sin_port);
	cr_assert_eq(
		pyr_reference_format(&reference, ret_reference, PYR_REFERENCE_MAX, NULL), PYR_OK);
	r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cr_assert_eq(pthread_create(&r->thread, NULL, run, r), 0);
	return r;
}

void relay_free(relay *r)
{
	uint64_t one = 1;
	atomic_store(&r->ending, true);
	cr_assert_eq(write(r->wake_fd, &one, sizeof one), (ssize_t)sizeof one);
	pthread_join(r->thread, NULL);
	if (r->listen_fd >= 0)
		close(r->listen_fd);
	if (r->own_fd >= 0)
		close(r->own_fd);
	close(r->wake_fd);
	pthread_cond_destroy(&r->idle);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void relay_lead_to(relay *r, const char *text)
{
	pyr_reference reference;
	address target = parse(text, &reference);
	pthread_mutex_lock(&r->lock);
	r->target = target;
	pthread_mutex_unlock(&r->lock);
}

void relay_limit(relay *r, relay_way way, size_t bytes, bool abrupt)
{
	pthread_mutex_lock(&r->lock);
	r->limits[way] = bytes;
	r->abrupt = abrupt;
	r->once = false;
	apply(r);
}

void relay_limit_once(relay *r, relay_way way, size_t bytes, bool abrupt)
{
	pthread_mutex_lock(&r->lock);
	r->limits[way] = bytes;
	r->abrupt = abrupt;
	r->once = true;
	apply(r);
}

void relay_cut(relay *r)
{
	pthread_mutex_lock(&r->lock);
	r->cutting = true;
	apply(r);
}

void relay_let_read(relay *r, bool patient)
{
	pthread_mutex_lock(&r->lock);
	r->patient = patient;
	apply(r);
}

void relay_ignore(relay *r, bool ignore)
{
	pthread_mutex_lock(&r->lock);
	r->ignoring = ignore;
	apply(r);
}

void relay_close(relay *r)
{
	pthread_mutex_lock(&r->lock);
	close(r->listen_fd);
	r->listen_fd = -1;
	apply(r);
}

void relay_open(relay *r)
{
	pthread_mutex_lock(&r->lock);
	r->listen_fd = listen_on(&r->own);
	apply(r);
}

unsigned relay_connections(relay *r)
{
	pthread_mutex_lock(&r->lock);
	unsigned connections = r->connections;
	pthread_mutex_unlock(&r->lock);
	return connections;
}

size_t relay_carried(relay *r, relay_way way)
{
	pthread_mutex_lock(&r->lock);
	size_t carried = r->carried[way];
	pthread_mutex_unlock(&r->lock);
	return carried;
}

void relay_await_idle(relay *r)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TALLY_PATIENCE_S;
	int failed = 0;
	pthread_mutex_lock(&r->lock);
	while (r->pair_count && !failed)
		failed = pthread_cond_timedwait(&r->idle, &r->lock, &until);
	size_t left = r->pair_count;
	pthread_mutex_unlock(&r->lock);
	cr_assert_eq(left, 0, "%zu connections are still there", left);
}
