/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC's reflection: a servant that every daemon has. The two versions of the protocol have the
 * same messages, so one table of methods serves both names. Answers are made one after the other on
 * the daemon's loop; a caller that does not read them may have a few questions waiting, and no
 * more.
 */
#include <grpc/reflection/v1/reflection.pyr.h>
#include <grpc/reflection/v1alpha/reflection.pyr.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "dynamic/pool.h"
#include "server/daemon_private.h"

#define INTERFACES_MAX     4096
#define WAITING_MAX        64
#define QUESTION_BYTES_MAX 4096
#define ANSWER_BYTES_MAX   (3u << 20) /* imports are left out above; callers ask for them by name */
#define ANSWER_FILES_MAX   512

typedef Grpc__Reflection__V1__ServerReflectionRequest question;
typedef Grpc__Reflection__V1__ServerReflectionResponse answer;

#define QUESTION(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define ANSWER(name)   GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

struct pyr__reflection {
	pyr_daemon *daemon;
	pyr_interface alpha; /* the table of v1 under the older name */
	pthread_mutex_t lock;
	pyr_pool *pool;
	size_t known; /* interfaces of the daemon that are in the pool */
};

/* A question that waits until there is room for its answer. */
typedef struct waiting {
	struct waiting *next;
	question *asked;
} waiting;

/* One caller's stream; lies in its call's memory. */
typedef struct session {
	struct pyr__reflection *reflection;
	pyr_call *call;
	waiting *first;
	waiting **last;
	unsigned count;
	bool ended; /* no more questions will come */
	bool paused;
	bool over; /* the call has been answered */
} session;

/* What an answer points to while it is sent. */
typedef struct parts {
	Grpc__Reflection__V1__FileDescriptorResponse files;
	ProtobufCBinaryData bytes[ANSWER_FILES_MAX];
	const pyr_file *seen[ANSWER_FILES_MAX];
	size_t total;
	Grpc__Reflection__V1__ListServiceResponse list;
	Grpc__Reflection__V1__ServiceResponse *services;
	Grpc__Reflection__V1__ServiceResponse **service_list;
	Grpc__Reflection__V1__ExtensionNumberResponse numbers;
	Grpc__Reflection__V1__ErrorResponse error;
	char text[256];
} parts;

/* Brings what has been registered lately into the pool. Lock held. */
static void update(struct pyr__reflection *reflection)
{
	const pyr_interface *interfaces[INTERFACES_MAX];
	size_t count =
		pyr__objects_interfaces(&reflection->daemon->objects, interfaces, INTERFACES_MAX);
	if (count > INTERFACES_MAX)
		count = INTERFACES_MAX;
	for (; reflection->known < count; reflection->known++) {
		/* a file that is not valid, or one of two of the same name, is not found then */
		pyr_status status = pyr_pool_add_generated(
			reflection->pool, interfaces[reflection->known]->file, NULL);
		(void)status;
	}
}

static void fail(answer *a, parts *p, pyr_status status, const char *what, const char *name)
{
	snprintf(p->text, sizeof p->text, "%s '%.160s'", what, name);
	p->error.error_code = status;
	p->error.error_message = p->text;
	a->message_response_case = ANSWER(ERROR_RESPONSE);
	a->error_response = &p->error;
}

/* The file and, behind it, what it imports, each once. */
static void add_file(parts *p, const pyr_file *file)
{
	for (size_t i = 0; i < p->files.n_file_descriptor_proto; i++)
		if (p->seen[i] == file)
			return;
	size_t n = p->files.n_file_descriptor_proto;
	if (n == ANSWER_FILES_MAX || (n && p->total + file->descriptor_size > ANSWER_BYTES_MAX))
		return;
	p->total += file->descriptor_size;
	p->seen[n] = file;
	p->bytes[n] = (ProtobufCBinaryData){file->descriptor_size, (uint8_t *)file->descriptor};
	p->files.n_file_descriptor_proto++;
	for (size_t i = 0; i < file->import_count; i++)
		add_file(p, file->imports[i]);
}

static void answer_file(answer *a, parts *p, const pyr_file *file, const char *name)
{
	if (!file) {
		fail(a, p, PYR_NOT_FOUND, "nothing here is called", name);
		return;
	}
	add_file(p, file);
	a->message_response_case = ANSWER(FILE_DESCRIPTOR_RESPONSE);
	a->file_descriptor_response = &p->files;
}

static void answer_list(struct pyr__reflection *reflection, answer *a, parts *p)
{
	const pyr_interface *interfaces[INTERFACES_MAX];
	size_t count =
		pyr__objects_interfaces(&reflection->daemon->objects, interfaces, INTERFACES_MAX);
	if (count > INTERFACES_MAX)
		count = INTERFACES_MAX;
	p->services = pyr__alloc((count + 1) * sizeof *p->services);
	p->service_list = pyr__alloc((count + 1) * sizeof *p->service_list);
	for (size_t i = 0; i < count; i++) {
		grpc__reflection__v1__service_response__init(&p->services[i]);
		p->services[i].name = (char *)interfaces[i]->name;
		p->service_list[i] = &p->services[i];
	}
	p->list.n_service = count;
	p->list.service = p->service_list;
	a->message_response_case = ANSWER(LIST_SERVICES_RESPONSE);
	a->list_services_response = &p->list;
}

static void answer_extensions(
	const struct pyr__reflection *reflection, answer *a, parts *p, const char *type)
{
	if (!pyr_pool_message(reflection->pool, type)) {
		fail(a, p, PYR_NOT_FOUND, "no message here is called", type);
		return;
	}
	/* none that a daemon's own messages could carry: extensions are unknown fields to it */
	p->numbers.base_type_name = (char *)type;
	a->message_response_case = ANSWER(ALL_EXTENSION_NUMBERS_RESPONSE);
	a->all_extension_numbers_response = &p->numbers;
}

/* Lock held. */
static void fill(struct pyr__reflection *reflection, const question *q, answer *a, parts *p)
{
	switch (q->message_request_case) {
	case QUESTION(FILE_BY_FILENAME):
		answer_file(a, p, pyr_pool_file(reflection->pool, q->file_by_filename),
			q->file_by_filename);
		break;
	case QUESTION(FILE_CONTAINING_SYMBOL):
		answer_file(a, p, pyr_pool_file_of(reflection->pool, q->file_containing_symbol),
			q->file_containing_symbol);
		break;
	case QUESTION(FILE_CONTAINING_EXTENSION):
		fail(a, p, PYR_NOT_FOUND, "no extension is known here of",
			q->file_containing_extension->containing_type);
		break;
	case QUESTION(ALL_EXTENSION_NUMBERS_OF_TYPE):
		answer_extensions(reflection, a, p, q->all_extension_numbers_of_type);
		break;
	case QUESTION(LIST_SERVICES):
		answer_list(reflection, a, p);
		break;
	default:
		fail(a, p, PYR_UNIMPLEMENTED, "no such question is known:", "");
	}
}

static const pyr_method *method(void)
{
	return &grpc_reflection_v1_server_reflection__interface.methods[0];
}

static pyr_status send_answer(session *s, question *q, pyr_error *err)
{
	answer a = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
	parts *p = pyr__zalloc(sizeof *p);
	grpc__reflection__v1__file_descriptor_response__init(&p->files);
	grpc__reflection__v1__list_service_response__init(&p->list);
	grpc__reflection__v1__extension_number_response__init(&p->numbers);
	grpc__reflection__v1__error_response__init(&p->error);
	p->files.file_descriptor_proto = p->bytes;
	a.valid_host = q->host;
	a.original_request = q;
	pthread_mutex_lock(&s->reflection->lock);
	update(s->reflection);
	fill(s->reflection, q, &a, p);
	pthread_mutex_unlock(&s->reflection->lock);
	/* what the answer points to stays: files and interfaces are never taken away */
	pyr_status status = pyr_stub_send(s->call, method(), &a.base, err);
	free(p->services);
	free(p->service_list);
	free(p);
	return status;
}

static void drop_first(session *s)
{
	waiting *w = s->first;
	s->first = w->next;
	if (!s->first)
		s->last = &s->first;
	s->count--;
	grpc__reflection__v1__server_reflection_request__free_unpacked(w->asked, NULL);
	free(w);
}

/* The call is answered: its memory, and so the session, lasts until the runtime is through too. */
static void finish(session *s)
{
	while (s->first)
		drop_first(s);
	s->over = true;
	pyr_call_unref(s->call);
}

static void finish_with(session *s, const pyr_error *err)
{
	pyr_status status = pyr_call_fail_error(s->call, err, NULL, 0);
	(void)status; /* the caller may have gone */
	finish(s);
}

static void answer_all(session *s);

static void on_writable(void *ctx)
{
	session *s = ctx;
	s->paused = false;
	if (!s->over)
		answer_all(s);
}

static void answer_all(session *s)
{
	pyr_error err;
	while (s->first && !s->paused) {
		pyr_status status = send_answer(s, s->first->asked, &err);
		if (status == PYR_RESOURCE_EXHAUSTED && err.would_block) {
			s->paused = true;
			status = pyr_call_on_writable(s->call, on_writable, s, &err);
			if (status == PYR_OK)
				return;
		}
		if (status) {
			finish_with(s, &err);
			return;
		}
		drop_first(s);
	}
	if (s->ended && !s->first) {
		pyr_call_end(s->call);
		finish(s);
	}
}

static bool keep(session *s, const question *q)
{
	size_t size = grpc__reflection__v1__server_reflection_request__get_packed_size(q);
	if (s->count >= WAITING_MAX || size > QUESTION_BYTES_MAX)
		return false;
	uint8_t data[QUESTION_BYTES_MAX];
	grpc__reflection__v1__server_reflection_request__pack(q, data);
	waiting *w = pyr__zalloc(sizeof *w);
	w->asked = grpc__reflection__v1__server_reflection_request__unpack(NULL, size, data);
	if (!w->asked) {
		free(w);
		return false;
	}
	*s->last = w;
	s->last = &w->next;
	s->count++;
	return true;
}

static void on_question(void *ctx, pyr_call *call, pyr_status status, const question *q)
{
	session *s = ctx;
	pyr_error err;
	if (s->over)
		return;
	if (status) {
		pyr_error_set(&err, status, "the call ended early");
		finish_with(s, &err);
	} else if (q && !keep(s, q)) {
		pyr_error_set(&err, PYR_RESOURCE_EXHAUSTED,
			"a question is too long, or %d wait already and no answer is read",
			WAITING_MAX);
		finish_with(s, &err);
	} else {
		s->ended = s->ended || !q;
		answer_all(s);
	}
}

static void info(void *self, pyr_call *call)
{
	session *s = pyr__arena_alloc(&call->arena, sizeof *s);
	pyr_error err;
	if (!s) {
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	memset(s, 0, sizeof *s);
	s->reflection = self;
	s->call = pyr_call_ref(call);
	s->last = &s->first;
	if (grpc_reflection_v1_server_reflection_server_reflection_info__observe_requests(
		    call, on_question, s, &err))
		finish_with(s, &err);
}

struct pyr__reflection *pyr__reflection_new(pyr_daemon *daemon)
{
	static const grpc_reflection_v1_server_reflection_ops ops = {
		.server_reflection_info = info};
	struct pyr__reflection *reflection = pyr__zalloc(sizeof *reflection);
	reflection->daemon = daemon;
	reflection->pool = pyr_pool_new(NULL);
	pthread_mutex_init(&reflection->lock, NULL);
	reflection->alpha = grpc_reflection_v1_server_reflection__interface;
	reflection->alpha.name = grpc_reflection_v1alpha_server_reflection__interface.name;
	reflection->alpha.file = grpc_reflection_v1alpha_server_reflection__interface.file;
	pyr__objects_add_own(&daemon->objects, &grpc_reflection_v1_server_reflection__interface,
		&ops, reflection);
	pyr__objects_add_own(&daemon->objects, &reflection->alpha, &ops, reflection);
	return reflection;
}

void pyr__reflection_free(struct pyr__reflection *reflection)
{
	if (!reflection)
		return;
	pyr_pool_free(reflection->pool);
	pthread_mutex_destroy(&reflection->lock);
	free(reflection);
}
