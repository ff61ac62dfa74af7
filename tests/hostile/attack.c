/* SPDX-License-Identifier: Apache-2.0 */
/* What an attacker needs. */
#include "hostile/attack.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "leaks.h"

#define PATIENCE_MS 10000

#if defined(__SANITIZE_ADDRESS__)
#define CEILING_SLACK (400u << 20) /* the quarantine of freed memory, and shadow */
#else
#define CEILING_SLACK 0u
#endif

extern char **environ;

int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* A number in KiB out of the target's status file. */
static long status_kib(pid_t pid, const char *field)
{
	char path[64], line[256];
	long value = -1;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *file = fopen(path, "r");
	cr_assert(file, "the target has died");
	while (fgets(line, sizeof line, file))
		if (strncmp(line, field, strlen(field)) == 0)
			value = strtol(line + strlen(field) + 1, NULL, 10);
	fclose(file);
	cr_assert(value >= 0);
	return value;
}

long attack_cpu_ms(const attack *a)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", a->pid);
	FILE *file = fopen(path, "r");
	cr_assert(file, "the target has died");
	size_t size = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[size] = '\0';
	unsigned long user, system;
	/* fields 14 and 15, counted behind the name in parentheses */
	cr_assert_eq(sscanf(strrchr(text, ')') + 2,
			     "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system),
		2);
	return (long)((user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

static void start_target(attack *a, const char *connections)
{
	int ends[2];
	char word[8] = "";
	char *const argv[] = {(char *)TARGET_PROGRAM, a->endpoint, (char *)connections, NULL};
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	cr_assert_eq(posix_spawn(&a->pid, TARGET_PROGRAM, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	cr_assert_eq(read(ends[0], word, 6), 6, "the target did not start");
	cr_assert_str_eq(word, "ready\n");
	close(ends[0]);
}

void attack_begin(attack *a, const char *connections)
{
	pyr_error err;
	signal(SIGPIPE, SIG_IGN);
	strcpy(a->folder, "/tmp/pyrite-hostile-XXXXXX");
	cr_assert(mkdtemp(a->folder));
	snprintf(a->endpoint, sizeof a->endpoint, "unix:%s/s", a->folder);
	snprintf(a->reference, sizeof a->reference, "pyr:target@%s", a->endpoint);
	start_target(a, connections);
	/* the ceiling is for what an attacker makes the target use, not for a good client's ring */
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	options.shared_memory = PYR_SHARED_MEMORY_OFF;
	cr_assert_eq(pyr_context_new(&options, &a->context, &err), PYR_OK);
	cr_assert_eq(hostile_target__open(a->context, a->reference, NULL, &a->good, &err), PYR_OK);
	attack_target_serves(a);
	a->began_kib = status_kib(a->pid, "VmHWM:");
}

void attack_target_serves(attack *a)
{
	pyr_error err;
	Hostile__Node request = HOSTILE__NODE__INIT, *reply;
	request.text = (char *)"still there?";
	int64_t began = now_ms();
	pyr_status status = hostile_target_echo(a->good, &request, &reply, &err);
	cr_assert_eq(status, PYR_OK, "%s: %s", pyr_status_name(status), err.message);
	cr_assert_str_eq(reply->text, request.text);
	cr_assert_lt(now_ms() - began, 1000, "the good client had to wait");
	hostile__node__free_unpacked(reply, NULL);
}

void attack_end(attack *a, size_t ceiling_bytes)
{
	int status;
	attack_target_serves(a);
	long grown_kib = status_kib(a->pid, "VmHWM:") - a->began_kib;
	cr_assert_leq((size_t)grown_kib, (ceiling_bytes + CEILING_SLACK) / 1024,
		"the target grew by %ld KiB", grown_kib);
	hostile_target__close(a->good);
	pyr_context_free(a->context);
	kill(a->pid, SIGTERM);
	cr_assert_eq(waitpid(a->pid, &status, 0), a->pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "the target ended with %x",
		status);
	char path[128];
	snprintf(path, sizeof path, "%s/s", a->folder);
	unlink(path);
	rmdir(a->folder);
	CHECK_LEAKS();
}

/* Peers */

peer peer_connected(const attack *a)
{
	peer p = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cr_assert(p.fd >= 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/s", a->folder);
	cr_assert_eq(connect(p.fd, (struct sockaddr *)&address, sizeof address), 0, "%s",
		strerror(errno));
	return p;
}

bool peer_greet(peer *p)
{
	uint8_t hello[64], *at = hello;
	at = pyr__put_u32(
		at, PYR__HELLO_VERSIONS | PYR__CRITICAL, PYR__VERSION_MIN | PYR__VERSION_MAX << 16);
	return peer_send(p, PYR__PREFACE, PYR__PREFACE_SIZE) &&
	       peer_send_frame(p, PYR__FRAME_HELLO, 0, 0, hello, (size_t)(at - hello));
}

peer peer_greeted(const attack *a)
{
	peer p = peer_connected(a);
	cr_assert(peer_greet(&p));
	return p;
}

void peer_close(peer *p)
{
	close(p->fd);
	free(p->in);
	p->in = NULL;
	p->in_size = 0;
}

/* Takes in what there is, so that the target is never kept from writing by us. */
static bool take_in(peer *p, int flags)
{
	uint8_t bytes[65536];
	ssize_t got = recv(p->fd, bytes, sizeof bytes, flags);
	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	p->in = realloc(p->in, p->in_size + (size_t)got);
	memcpy(p->in + p->in_size, bytes, (size_t)got);
	p->in_size += (size_t)got;
	return true;
}

bool peer_send(peer *p, const void *data, size_t size)
{
	const uint8_t *at = data;
	while (size > 0) {
		struct pollfd item = {p->fd, POLLIN | POLLOUT, 0};
		cr_assert_gt(poll(&item, 1, PATIENCE_MS), 0, "the target takes nothing");
		if (item.revents & POLLIN && !take_in(p, MSG_DONTWAIT))
			return false;
		ssize_t sent = send(p->fd, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN)
			return false;
		at += sent > 0 ? sent : 0;
		size -= sent > 0 ? (size_t)sent : 0;
	}
	return true;
}

size_t peer_send_some(peer *p, const void *data, size_t size, int patience_ms)
{
	size_t done = 0;
	struct pollfd item = {p->fd, POLLOUT, 0};
	while (done < size && poll(&item, 1, patience_ms) > 0) {
		ssize_t sent = send(p->fd, (const uint8_t *)data + done, size - done,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN)
			break;
		done += sent > 0 ? (size_t)sent : 0;
	}
	return done;
}

bool peer_send_frame(
	peer *p, uint8_t type, uint8_t flags, uint32_t stream, const void *data, size_t size)
{
	uint8_t header[PYR__FRAME_HEADER];
	pyr__frame_store(header, (uint32_t)size, type, flags, stream);
	return peer_send(p, header, sizeof header) && peer_send(p, data, size);
}

bool peer_send_call(peer *p, uint32_t stream, uint8_t flags, const char *method,
	const void *message, size_t size)
{
	char name[128];
	snprintf(name, sizeof name, "hostile.Target/%s", method);
	uint8_t *frame = malloc(256 + size), *at = frame + 2;
	at = pyr__put_text(at, PYR__CALL_NAME | PYR__CRITICAL, (pyr__text){name, strlen(name)});
	at = pyr__put_text(at, PYR__CALL_OBJECT | PYR__CRITICAL, (pyr__text){"target", 6});
	pyr__store16(frame, (uint16_t)(at - frame - 2));
	bool whole = (size_t)(at - frame) + size <= PYR__FRAME_MAX;
	if (whole && size)
		memcpy(at, message, size);
	else if (!whole)
		pyr__store32(at, (uint32_t)size);
	at += whole ? size : 4;
	uint8_t first = whole ? flags : (uint8_t)((flags & ~PYR__END) | PYR__MORE);
	bool sent = peer_send_frame(
		p, PYR__FRAME_CALL, PYR__MSG | first, stream, frame, (size_t)(at - frame));
	free(frame);
	for (size_t done = 0; sent && !whole && done < size;) {
		size_t part = size - done < PYR__FRAGMENT_MAX ? size - done : PYR__FRAGMENT_MAX;
		uint8_t more = done + part < size ? PYR__MORE : flags & PYR__END;
		sent = peer_send_frame(p, PYR__FRAME_MESSAGE, PYR__MSG | PYR__CONT | more, stream,
			(const uint8_t *)message + done, part);
		done += part;
	}
	return sent;
}

/* Drops the frame that was handed out last, and looks for the next whole one. */
static bool take_frame(peer *p, pyr__frame *ret_frame)
{
	if (p->in_size < PYR__FRAME_HEADER)
		return false;
	pyr__frame_load(ret_frame, p->in);
	cr_assert_leq(ret_frame->length, PYR__FRAME_MAX);
	return p->in_size >= PYR__FRAME_HEADER + ret_frame->length;
}

bool peer_next(peer *p, pyr__frame *ret_frame)
{
	static _Thread_local uint8_t data[PYR__FRAME_MAX];
	int64_t until = now_ms() + PATIENCE_MS;
	for (;;) {
		if (take_frame(p, ret_frame)) {
			size_t size = PYR__FRAME_HEADER + ret_frame->length;
			memcpy(data, ret_frame->data, ret_frame->length);
			ret_frame->data = data;
			memmove(p->in, p->in + size, p->in_size - size);
			p->in_size -= size;
			if (ret_frame->type != PYR__FRAME_HELLO)
				return true;
			continue;
		}
		struct pollfd item = {p->fd, POLLIN, 0};
		cr_assert_gt(poll(&item, 1, PATIENCE_MS), 0, "the target says nothing");
		cr_assert_lt(now_ms(), until, "the target does not come to an end");
		if (!take_in(p, 0))
			return false;
	}
}

static bool contains(const pyr__field *field, const char *text)
{
	return memmem(field->data, field->size, text, strlen(text)) != NULL;
}

void peer_expect_goaway(peer *p, const char *reason)
{
	pyr__frame frame;
	pyr__fields fields;
	pyr__field field;
	bool found = false;
	do
		cr_assert(peer_next(p, &frame), "closed without a GOAWAY; expected: %s", reason);
	while (frame.type != PYR__FRAME_GOAWAY);
	cr_assert(frame.flags & PYR__END);
	pyr__fields_init(&fields, frame.data, frame.length);
	while (pyr__fields_next(&fields, &field)) {
		if (field.number != PYR__GOAWAY_REASON)
			continue;
		found = true;
		cr_assert(contains(&field, reason), "the reason is '%.*s', not '%s'", field.size,
			(const char *)field.data, reason);
	}
	cr_assert(found);
	peer_expect_closed(p, 2000);
}

void peer_expect_final(peer *p, uint32_t stream, pyr_status status, const char *text)
{
	pyr__frame frame;
	pyr__fields fields;
	pyr__field field;
	do
		cr_assert(peer_next(p, &frame), "closed before the answer");
	while (frame.type != PYR__FRAME_FINAL || frame.stream != stream);
	pyr_status said = PYR_OK;
	bool has_text = !text;
	pyr__fields_init(&fields, frame.data + 2, pyr__load16(frame.data));
	while (pyr__fields_next(&fields, &field)) {
		if (field.number == PYR__FINAL_STATUS)
			said = (pyr_status)field.data[0];
		if (field.number == PYR__FINAL_MESSAGE && text) {
			has_text = contains(&field, text);
			cr_assert(has_text, "the message is '%.*s'", field.size,
				(const char *)field.data);
		}
	}
	cr_assert_eq(said, status, "%s, not %s", pyr_status_name(said), pyr_status_name(status));
	cr_assert(has_text, "no message");
}

void peer_expect_closed(peer *p, int within_ms)
{
	int64_t until = now_ms() + within_ms;
	while (now_ms() < until) {
		struct pollfd item = {p->fd, POLLIN, 0};
		if (poll(&item, 1, (int)(until - now_ms()) + 1) > 0 && !take_in(p, 0)) {
			peer_close(p);
			return;
		}
	}
	cr_assert_fail("the target did not close the connection within %d ms", within_ms);
}
