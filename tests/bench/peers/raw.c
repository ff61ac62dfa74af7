/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The yardstick: frames on a bare socket, as fast as two programs can pass them without any notion
 * of calls. A frame is its length (32 bits, this machine's order) and so many bytes.
 *
 *   raw serve ENDPOINT          sends every frame back, batched, on one thread; "ready" when it
 * listens raw call --connect ENDPOINT and meter.h's other arguments
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "../meter.h"

#define HEADER    sizeof(uint32_t)
#define FLOOD     UINT32_MAX /* as a length: from now on send items of 16 bytes without end */
#define ITEM      16
#define FRAME_MAX (64u << 20)
#define BUFFER    (256u << 10)
#define EVENTS    64

static void *allocate(size_t size)
{
	void *block = malloc(size);
	if (!block)
		meter_die("there is no memory for %zu bytes", size);
	return block;
}

/* Sockets */

static socklen_t parse_endpoint(const char *text, struct sockaddr_storage *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address;
	struct sockaddr_un *un = (struct sockaddr_un *)address;
	const char *colon = strrchr(text, ':');
	char host[64];
	memset(address, 0, sizeof *address);
	if (strncmp(text, "unix:", 5) == 0) {
		size_t length = strlen(text + 5);
		if (length == 0 || length >= sizeof un->sun_path)
			meter_die("%s: the path is too long, or empty", text);
		un->sun_family = AF_UNIX;
		memcpy(un->sun_path, text + 5, length);
		if (un->sun_path[0] == '@')
			un->sun_path[0] = 0;
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length +
				   (un->sun_path[0] != 0));
	}
	if (!colon || (size_t)(colon - text) >= sizeof host)
		meter_die("%s is neither HOST:PORT nor unix:PATH", text);
	snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		meter_die("%s: %s is no IPv4 address", text, host);
	return sizeof *in;
}

static void send_at_once(int fd)
{
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* Unix sockets always do */
}

static int listen_on(const char *endpoint)
{
	struct sockaddr_storage address;
	socklen_t size = parse_endpoint(endpoint, &address);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0)
		meter_die("socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 1024))
		meter_die("%s: %s", endpoint, strerror(errno));
	return fd;
}

static int connect_to(const char *endpoint)
{
	struct sockaddr_storage address;
	socklen_t size = parse_endpoint(endpoint, &address);
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, size))
		meter_die("%s: %s", endpoint, strerror(errno));
	send_at_once(fd);
	return fd;
}

/* The server: what has been received is sent back from where it lies. */

typedef struct peer {
	int fd;
	bool flooded, waits; /* for room to send */
	uint8_t *buffer;
	size_t capacity, received;
	size_t whole; /* bytes of whole frames */
	size_t sent;
} peer;

/* False: this frame cannot be taken. */
static bool find_frames(peer *p)
{
	while (!p->flooded && p->received - p->whole >= HEADER) {
		uint32_t length;
		memcpy(&length, p->buffer + p->whole, HEADER);
		if (length == FLOOD) {
			p->flooded = true;
			return true;
		}
		if (length > FRAME_MAX)
			return false;
		size_t end = p->whole + HEADER + length;
		if (end > p->capacity) {
			p->capacity = end + BUFFER;
			p->buffer = realloc(p->buffer, p->capacity);
			if (!p->buffer)
				meter_die("there is no memory for %zu bytes", p->capacity);
		}
		if (end > p->received)
			return true;
		p->whole = end;
	}
	return true;
}

static bool receive(peer *p)
{
	if (p->flooded || p->received == p->capacity)
		return true; /* not before what is here has gone */
	ssize_t n = recv(p->fd, p->buffer + p->received, p->capacity - p->received, MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	p->received += (size_t)n;
	return find_frames(p);
}

/* Items in place of what was received, as often as there is room for them. */
static void fill_with_items(peer *p)
{
	uint32_t length = ITEM;
	const size_t frame = HEADER + ITEM;
	uint8_t *at = p->buffer;
	memset(p->buffer, 'x', p->capacity);
	for (size_t i = 0; i + frame <= BUFFER; i += frame)
		memcpy(at + i, &length, HEADER);
	p->sent = 0;
	p->whole = p->received = BUFFER / frame * frame;
}

/* False: the other side has gone. */
static bool send_frames(peer *p)
{
	while (p->sent < p->whole) {
		ssize_t n = send(p->fd, p->buffer + p->sent, p->whole - p->sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR)
			return errno == EAGAIN;
		p->sent += n > 0 ? (size_t)n : 0;
	}
	if (!p->flooded && p->whole) {
		memmove(p->buffer, p->buffer + p->whole, p->received - p->whole);
		p->received -= p->whole;
		p->whole = p->sent = 0;
	}
	return true;
}

static void watch(int poller, peer *p)
{
	bool waits = p->flooded || p->sent < p->whole;
	struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0), .data.ptr = p};
	if (waits != p->waits && epoll_ctl(poller, EPOLL_CTL_MOD, p->fd, &event))
		meter_die("epoll_ctl: %s", strerror(errno));
	p->waits = waits;
}

static bool serve_peer(peer *p, uint32_t events)
{
	if (events & (EPOLLHUP | EPOLLERR))
		return false;
	if (events & EPOLLIN) {
		bool was_flooded = p->flooded;
		if (!receive(p))
			return false;
		if (p->flooded && !was_flooded)
			fill_with_items(p);
	}
	bool good = send_frames(p);
	if (p->flooded && p->sent == p->whole)
		p->sent = 0;
	return good;
}

static void accept_peer(int poller, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	send_at_once(fd);
	peer *p = allocate(sizeof *p);
	*p = (peer){.fd = fd, .buffer = allocate(BUFFER), .capacity = BUFFER};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event))
		meter_die("epoll_ctl: %s", strerror(errno));
}

static void drop_peer(peer *p)
{
	close(p->fd);
	free(p->buffer);
	free(p);
}

static int serve(const char *endpoint)
{
	int listener = listen_on(endpoint), poller = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.ptr = NULL};
	if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event))
		meter_die("epoll: %s", strerror(errno));
	puts("ready");
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(poller, events, EVENTS, -1);
		for (int i = 0; i < count; i++) {
			peer *p = events[i].data.ptr;
			if (!p)
				accept_peer(poller, listener);
			else if (serve_peer(p, events[i].events))
				watch(poller, p);
			else
				drop_peer(p);
		}
	}
}

/* The client: the frames to send lie ready in a ring, and are sent in as few pieces as possible. */

typedef struct lane {
	meter *meter;
	const meter_options *options;
	unsigned number;
	int fd;
	unsigned outstanding;
	uint8_t *ring;
	size_t ring_size, ring_frames, at; /* where to send from */
	size_t pending;                    /* bytes to send */
	uint64_t asked, answered;          /* frames */
	uint64_t *began_ns;                /* of those under way */
	uint8_t *buffer;
	size_t capacity, received;
} lane;

static void fill_ring(lane *l)
{
	size_t frame = HEADER + meter_size(l->meter, 0);
	l->ring_frames = l->options->mixed ? METER_SIZES : frame < BUFFER ? BUFFER / frame : 1;
	for (size_t i = 0; i < l->ring_frames; i++)
		l->ring_size += HEADER + meter_size(l->meter, i);
	l->ring = allocate(l->ring_size);
	uint8_t *at = l->ring;
	for (size_t i = 0; i < l->ring_frames; i++) {
		uint32_t length = (uint32_t)meter_size(l->meter, i);
		memcpy(at, &length, HEADER);
		memcpy(at + HEADER, meter_payload(l->meter), length);
		at += HEADER + length;
	}
}

static void ask(lane *l)
{
	l->began_ns[l->asked % l->outstanding] = meter_now_ns();
	l->pending += HEADER + meter_size(l->meter, l->asked++ % l->ring_frames);
}

static void send_pending(lane *l)
{
	while (l->pending) {
		size_t size = l->ring_size - l->at < l->pending ? l->ring_size - l->at : l->pending;
		ssize_t n = send(l->fd, l->ring + l->at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != EINTR)
			meter_die("send: %s", strerror(errno));
		if (n > 0) {
			l->pending -= (size_t)n;
			l->at = (l->at + (size_t)n) % l->ring_size;
		}
	}
}

/* A blocking recv is cheapest; poll only where there is something to send as well. */
static void receive_more(lane *l)
{
	if (l->pending) {
		struct pollfd wait = {l->fd, POLLIN | POLLOUT, 0};
		if (poll(&wait, 1, -1) < 0 || !(wait.revents & (POLLIN | POLLHUP | POLLERR)))
			return;
	}
	ssize_t n = recv(l->fd, l->buffer + l->received, l->capacity - l->received, 0);
	if (n <= 0)
		meter_die("recv: %s", n ? strerror(errno) : "the server has gone");
	l->received += (size_t)n;
}

/* One frame that begins there; its size, 0 if it is not whole yet. */
static size_t whole_frame(const lane *l, size_t at)
{
	uint32_t length;
	if (l->received - at < HEADER)
		return 0;
	memcpy(&length, l->buffer + at, HEADER);
	if (length > l->capacity - HEADER)
		meter_die("a reply of %u bytes is too long", length);
	return l->received - at < HEADER + length ? 0 : HEADER + length;
}

static bool take_frame(lane *l, size_t at, size_t size)
{
	const uint8_t *data = l->buffer + at + HEADER;
	if (l->options->stream)
		return size == HEADER + ITEM && meter_note_done(l->meter, l->number, 0);
	uint64_t began_ns = l->began_ns[l->answered % l->outstanding];
	size_t expected = meter_size(l->meter, l->answered++ % l->ring_frames);
	bool go = meter_note(l->meter, l->number, began_ns, data, size - HEADER, expected);
	if (go)
		ask(l);
	return go;
}

static bool take_frames(lane *l)
{
	size_t at = 0, size;
	bool go = true;
	while (go && (size = whole_frame(l, at)) > 0) {
		go = take_frame(l, at, size);
		at += size;
	}
	memmove(l->buffer, l->buffer + at, l->received - at);
	l->received -= at;
	return go;
}

static void *run_lane(void *ctx)
{
	lane *l = ctx;
	uint32_t flood = FLOOD;
	if (l->options->stream && send(l->fd, &flood, sizeof flood, MSG_NOSIGNAL) != sizeof flood)
		meter_die("send: %s", strerror(errno));
	for (unsigned i = 0; i < l->outstanding && !l->options->stream; i++)
		ask(l);
	do {
		send_pending(l);
		receive_more(l);
	} while (take_frames(l));
	return NULL;
}

static void open_lane(lane *l, meter *m, const meter_options *o, unsigned number)
{
	size_t largest = HEADER + (o->mixed ? METER_MIXED_MAX : o->size);
	*l = (lane){.meter = m, .options = o, .number = number, .outstanding = o->outstanding};
	if (o->threads)
		l->outstanding = o->threads; /* who share a connection */
	l->fd = connect_to(o->endpoint);
	l->began_ns = allocate(l->outstanding * sizeof *l->began_ns);
	l->capacity = largest > BUFFER ? largest : BUFFER;
	l->buffer = allocate(l->capacity);
	fill_ring(l);
}

static void close_lane(lane *l)
{
	close(l->fd);
	free(l->ring);
	free(l->buffer);
	free(l->began_ns);
}

static int call(int argc, char **argv)
{
	static lane lanes[METER_THREADS_MAX];
	static pthread_t threads[METER_THREADS_MAX];
	meter_options o = meter_parse(argc, argv, "raw call --connect ENDPOINT ...: see meter.h");
	if (!o.endpoint)
		meter_die("--connect is needed");
	unsigned count = o.connections ? o.connections : 1;
	meter *m = meter_new(&o, count);
	for (unsigned i = 0; i < count; i++)
		open_lane(&lanes[i], m, &o, i);
	meter_start(m);
	for (unsigned i = 1; i < count; i++)
		if (pthread_create(&threads[i], NULL, run_lane, &lanes[i]))
			meter_die("there is no thread number %u", i);
	run_lane(&lanes[0]);
	for (unsigned i = 1; i < count; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < count; i++)
		close_lane(&lanes[i]);
	return meter_finish(m);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2]);
	if (argc > 2 && strcmp(argv[1], "call") == 0)
		return call(argc - 1, argv + 1);
	meter_die("usage: raw serve ENDPOINT, or raw call --connect ENDPOINT ...");
}
