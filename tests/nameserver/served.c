/* SPDX-License-Identifier: Apache-2.0 */
/* A name server in the test's own process. */
#include "served.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t test_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void test_pause(void)
{
	struct timespec pause = {0, 1000000};
	nanosleep(&pause, NULL);
}

void served_init(served *s, const char *kind)
{
	memset(s, 0, sizeof *s);
	s->descriptors = descriptors();
	s->kind = kind;
	s->limits = (ns_limits)NS_LIMITS_DEFAULT;
	strcpy(s->directory, "/tmp/pyrite-ns-XXXXXX");
	cr_assert(mkdtemp(s->directory));
	snprintf(s->endpoint, sizeof s->endpoint, "unix:%s/socket", s->directory);
	snprintf(s->store_path, sizeof s->store_path, "%s/names.db", s->directory);
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	options.name_server = s->endpoint;
	assert_ok(s, pyr_context_new(&options, &s->context, &s->err));
	char reference[PYR_REFERENCE_MAX];
	snprintf(reference, sizeof reference, "pyr:pyrite.nameserver@%s", s->endpoint);
	assert_ok(s, pyrite_names__open(s->context, reference, NULL, &s->names, &s->err));
}

void served_start(served *s)
{
	ns_store *store;
	if (strcmp(s->kind, "memory") == 0)
		assert_ok(s, ns_store_open_memory(&s->limits, &store, &s->err));
	else
		assert_ok(s, ns_store_open_sqlite(s->store_path, &s->limits, test_now_ms() * 1000,
				     &store, &s->err));
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.context = s->context; /* the default one would never go */
	if (s->options.tokens) {
		options.authenticate = ns_tokens_authenticate;
		options.access_ctx = (void *)s->options.tokens;
	}
	assert_ok(s, pyr_daemon_new(&options, &s->daemon, &s->err));
	assert_ok(s, pyr_daemon_listen(s->daemon, s->endpoint, NULL, &s->err));
	assert_ok(s, ns_service_new(s->daemon, store, &s->options, &s->service, &s->err));
	assert_ok(s, pyr_daemon_start(s->daemon, &s->err));
}

void served_stop(served *s)
{
	if (s->daemon)
		pyr_daemon_stop(s->daemon, 0);
	ns_service_free(s->service);
	pyr_daemon_free(s->daemon);
	s->service = NULL;
	s->daemon = NULL;
}

static void remove_directory(const char *path)
{
	DIR *directory = opendir(path);
	cr_assert(directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		char file[400];
		snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(file);
	}
	closedir(directory);
	cr_assert_eq(rmdir(path), 0);
}

void served_done(served *s)
{
	served_stop(s);
	pyrite_names__close(s->names);
	pyr_context_free(s->context);
	remove_directory(s->directory);
	CHECK_DESCRIPTORS(s->descriptors);
}

void run_served(const char *kind, void (*body)(served *s))
{
	served s;
	served_init(&s, kind);
	served_start(&s);
	body(&s);
	served_done(&s);
	CHECK_LEAKS();
}

pyrite_names *served_open(served *s, pyr_context **ret_context)
{
	char reference[PYR_REFERENCE_MAX];
	pyrite_names *names;
	snprintf(reference, sizeof reference, "pyr:pyrite.nameserver@%s", s->endpoint);
	assert_ok(s, pyr_context_new(NULL, ret_context, &s->err));
	assert_ok(s, pyrite_names__open(*ret_context, reference, NULL, &names, &s->err));
	return names;
}

static pyr_status register_it(served *s, const Pyrite__RegisterRequest *request)
{
	Pyrite__RegisterReply *reply;
	pyr_status status = pyrite_names_register(s->names, request, &reply, &s->err);
	if (status == PYR_OK)
		pyrite__register_reply__free_unpacked(reply, NULL);
	return status;
}

pyr_status put(served *s, const char *name, const char *reference)
{
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	char *references[] = {(char *)reference};
	request.name = (char *)name;
	request.references = references;
	request.n_references = 1;
	return register_it(s, &request);
}

pyr_status put_tagged(served *s, const char *name, const char *tag1, const char *tag2)
{
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	char *references[] = {"pyr:x@127.0.0.1:1"}, *tags[] = {(char *)tag1, (char *)tag2};
	request.name = (char *)name;
	request.references = references;
	request.n_references = 1;
	request.tags = tags;
	request.n_tags = (tag1 != NULL) + (tag2 != NULL);
	return register_it(s, &request);
}

pyr_status put_leased(served *s, const char *name, uint64_t lease_id)
{
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	char *references[] = {"pyr:x@127.0.0.1:1"};
	request.name = (char *)name;
	request.references = references;
	request.n_references = 1;
	request.lease_id = lease_id;
	return register_it(s, &request);
}

pyr_status take(served *s, const char *name)
{
	Pyrite__RemoveRequest request = PYRITE__REMOVE_REQUEST__INIT;
	Pyrite__RemoveReply *reply;
	request.name = (char *)name;
	pyr_status status = pyrite_names_remove(s->names, &request, &reply, &s->err);
	if (status == PYR_OK)
		pyrite__remove_reply__free_unpacked(reply, NULL);
	return status;
}

uint64_t lease(served *s, uint32_t ttl_ms)
{
	Pyrite__GrantRequest request = PYRITE__GRANT_REQUEST__INIT;
	Pyrite__GrantReply *reply;
	request.ttl_ms = ttl_ms;
	assert_ok(s, pyrite_names_grant(s->names, &request, &reply, &s->err));
	uint64_t id = reply->lease_id;
	pyrite__grant_reply__free_unpacked(reply, NULL);
	return id;
}

bool is_there(served *s, const char *name)
{
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	request.name = (char *)name;
	pyr_status status = pyrite_names_lookup(s->names, &request, &reply, &s->err);
	if (status == PYR_OK)
		pyrite__lookup_reply__free_unpacked(reply, NULL);
	else
		cr_assert_eq(status, PYR_NOT_FOUND, "%s", s->err.message);
	return status == PYR_OK;
}

uint64_t revision_of(served *s)
{
	Pyrite__CountRequest request = PYRITE__COUNT_REQUEST__INIT;
	Pyrite__CountReply *reply;
	assert_ok(s, pyrite_names_count(s->names, &request, &reply, &s->err));
	uint64_t revision = reply->revision;
	pyrite__count_reply__free_unpacked(reply, NULL);
	return revision;
}

pyr_status list(served *s, Pyrite__ListRequest request, const char **ret_names)
{
	static char all[4096];
	char *token = strdup("");
	size_t size = 0;
	*all = '\0';
	for (bool more = true; more;) {
		Pyrite__ListReply *reply;
		request.page_token = token;
		pyr_status status = pyrite_names_list(s->names, &request, &reply, &s->err);
		free(token);
		if (status)
			return status;
		for (size_t i = 0; i < reply->n_names; i++)
			size += (size_t)snprintf(all + size, sizeof all - size, "%s%s",
				size ? " " : "", reply->names[i]->name);
		token = strdup(reply->next_page_token);
		more = *token != '\0';
		pyrite__list_reply__free_unpacked(reply, NULL);
	}
	free(token);
	*ret_names = all;
	return PYR_OK;
}

typedef struct awaited {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	size_t left, failed;
} awaited;

static void on_put(
	void *ctx, pyr_status status, const Pyrite__RegisterReply *reply, const pyr_error *err)
{
	(void)reply;
	(void)err;
	awaited *a = ctx;
	pthread_mutex_lock(&a->lock);
	a->failed += status != PYR_OK;
	if (--a->left == 0)
		pthread_cond_signal(&a->cond);
	pthread_mutex_unlock(&a->lock);
}

void put_many(served *s, const char *prefix, size_t count)
{
	const size_t at_once = 5000;
	awaited a = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
	for (size_t done = 0; done < count;) {
		size_t batch = count - done < at_once ? count - done : at_once;
		a.left = batch;
		for (size_t i = 0; i < batch; i++, done++) {
			char name[300], *references[] = {"pyr:x@127.0.0.1:1"};
			Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
			snprintf(name, sizeof name, "%s%07zu", prefix, done);
			request.name = name;
			request.references = references;
			request.n_references = 1;
			assert_ok(s, pyrite_names_register__invoke(
					     s->names, &request, on_put, &a, NULL, &s->err));
		}
		pthread_mutex_lock(&a.lock);
		while (a.left)
			pthread_cond_wait(&a.cond, &a.lock);
		pthread_mutex_unlock(&a.lock);
	}
	cr_assert_eq(a.failed, 0, "%zu registrations failed", a.failed);
}
