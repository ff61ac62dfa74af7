/* SPDX-License-Identifier: Apache-2.0 */
/* TLS on native connections: who is believed, who is refused, and what each is told. */
#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "descriptors.h"
#include "leaks.h"
#include "tls/secured.h"

/* The call fails with UNAVAILABLE, before it ran, and the error says this. */
static void expect_refused(secured *s, pyr_credentials *credentials, const char *text)
{
	pyr_error err;
	int calls = s->calls;
	cr_assert_eq(secured_call(s, credentials, &err), PYR_UNAVAILABLE, "%s", err.message);
	cr_assert(strstr(err.message, text), "'%s' does not say '%s'", err.message, text);
	cr_assert_eq(s->calls, calls, "the call has run");
}

Test(tls, S1_a_call_over_tls)
{
	secured s;
	pyr_error err;
	int before = 0;
	for (int round = 0; round < 2; round++) {
		secured_begin(&s, "server", false);
		cr_assert_eq(secured_call(&s, secured_credentials(&s, "ca.pem", NULL, NULL), &err),
			PYR_OK, "%s", err.message);
		cr_assert_eq(s.calls, 1);
		cr_assert_str_eq(s.principal, "");
		secured_end(&s);
		if (round == 0) /* the process's default context has been made by now */
			before = descriptors();
	}
	CHECK_DESCRIPTORS(before);
	CHECK_LEAKS();
}

Test(tls, S1_an_unknown_authority_is_refused)
{
	secured s;
	secured_begin(&s, "server", false);
	expect_refused(&s, secured_credentials(&s, "other-ca.pem", NULL, NULL),
		"unable to get local issuer certificate");
	expect_refused(
		&s, secured_credentials(&s, NULL, NULL, NULL), "the certificate was refused");
	secured_end(&s);
	CHECK_LEAKS();
}

Test(tls, S1_a_wrong_host_is_refused_and_a_named_one_accepted)
{
	secured s;
	pyr_error err;
	secured_begin(&s, "wronghost", false);
	expect_refused(&s, secured_credentials(&s, "ca.pem", NULL, NULL), "mismatch");
	expect_refused(&s, secured_credentials(&s, "ca.pem", NULL, "nowhere.example"), "mismatch");
	cr_assert_eq(secured_call(&s, secured_credentials(&s, "ca.pem", NULL, "elsewhere.example"),
			     &err),
		PYR_OK, "%s", err.message);
	secured_end(&s);
	CHECK_LEAKS();
}

Test(tls, S1_an_expired_certificate_is_refused)
{
	secured s;
	secured_begin(&s, "expired", false);
	expect_refused(&s, secured_credentials(&s, "ca.pem", NULL, NULL), "expired");
	secured_end(&s);
	CHECK_LEAKS();
}

Test(tls, S1_mutual_the_servant_sees_whose_certificate_it_was)
{
	secured s;
	pyr_error err;
	secured_begin(&s, "server", true);
	cr_assert_eq(secured_call(&s, secured_credentials(&s, "ca.pem", "client", NULL), &err),
		PYR_OK, "%s", err.message);
	cr_assert_str_eq(s.principal, "test:alice");
	secured_end(&s);
	CHECK_LEAKS();
}

Test(tls, S2_a_rule_goes_by_the_name_in_the_certificate)
{
	secured s;
	pyr_error err;
	const pyr_rule rules[] = {
		{"test:alice", NULL, "hostile.Target/Echo", true},
		{"?*", NULL, NULL, false},
	};
	secured_begin(&s, "server", true);
	cr_assert_eq(pyr_daemon_set_rules(s.daemon, rules, 2, &err), PYR_OK);
	cr_assert_eq(secured_call(&s, secured_credentials(&s, "ca.pem", "client", NULL), &err),
		PYR_OK, "%s", err.message);
	cr_assert_eq(pyr_daemon_set_rules(s.daemon, rules + 1, 1, &err), PYR_OK);
	cr_assert_eq(secured_call(&s, secured_credentials(&s, "ca.pem", "client", NULL), &err),
		PYR_PERMISSION_DENIED);
	cr_assert(strstr(err.message, " to test:alice"), "%s", err.message);
	cr_assert_eq(s.calls, 1);
	secured_end(&s);
	CHECK_LEAKS();
}

Test(tls, S1_mutual_a_client_without_or_with_a_foreign_certificate_is_refused)
{
	secured s;
	secured_begin(&s, "server", true);
	expect_refused(&s, secured_credentials(&s, "ca.pem", NULL, NULL), "certificate required");
	expect_refused(&s, secured_credentials(&s, "ca.pem", "foreign", NULL), "unknown ca");
	expect_refused(&s, secured_credentials(&s, "ca.pem", "expired", NULL), "expired");
	secured_end(&s);
	CHECK_LEAKS();
}

typedef struct heard {
	pthread_mutex_t lock;
	pthread_cond_t more;
	char lines[2000];
} heard;

static void hear(void *ctx, pyr_log_level level, const char *line)
{
	heard *h = ctx;
	size_t size = strlen(h->lines);
	cr_assert_eq(level, PYR_LOG_WARNING);
	pthread_mutex_lock(&h->lock);
	snprintf(h->lines + size, sizeof h->lines - size, "%s\n", line);
	pthread_cond_signal(&h->more);
	pthread_mutex_unlock(&h->lock);
}

/* The server's side may see it a little later than the client. */
static void expect_heard(heard *h, const char *text)
{
	struct timespec until;
	int late = 0;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	pthread_mutex_lock(&h->lock);
	while (!strstr(h->lines, text) && !late)
		late = pthread_cond_timedwait(&h->more, &h->lock, &until);
	cr_assert_not(late, "no '%s' in the log:\n%s", text, h->lines);
	pthread_mutex_unlock(&h->lock);
}

Test(tls, S1_a_refused_client_is_in_the_log_with_the_reason)
{
	secured s;
	static heard h = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, ""};
	pyr_log_set(hear, &h, PYR_LOG_WARNING);
	secured_begin(&s, "server", true);
	expect_refused(&s, secured_credentials(&s, "ca.pem", NULL, NULL), "certificate required");
	expect_heard(&h, "peer did not return a certificate");
	expect_refused(&s, secured_credentials(&s, "ca.pem", "foreign", NULL), "unknown ca");
	expect_heard(&h, "unable to get local issuer certificate");
	expect_refused(&s, secured_credentials(&s, "ca.pem", "expired", NULL), "expired");
	expect_heard(&h, "certificate has expired");
	expect_heard(&h, "TLS with 127.0.0.1:");
	/* and one that refuses us */
	expect_refused(&s, secured_credentials(&s, "other-ca.pem", "client", NULL), "refused");
	expect_heard(&h, "alert unknown ca");
	pyr_log_set(NULL, NULL, PYR_LOG_NONE);
	secured_end(&s);
	CHECK_LEAKS();
}

Test(tls, S1_certificates_are_reloaded_without_a_restart)
{
	secured s;
	pyr_error err;
	char command[256];
	secured_begin(&s, "wronghost", false);
	expect_refused(&s, secured_credentials(&s, "ca.pem", NULL, NULL), "mismatch");
	snprintf(command, sizeof command, "cd %s && cp server.pem wronghost.pem", s.folder);
	cr_assert_eq(system(command), 0);
	/* half of it: the certificate without its key */
	cr_assert_eq(pyr_credentials_reload(s.credentials, &err), PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "wronghost.key"), "%s", err.message);
	expect_refused(&s, secured_credentials(&s, "ca.pem", NULL, NULL), "mismatch");
	snprintf(command, sizeof command, "cd %s && cp server.key wronghost.key", s.folder);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(pyr_credentials_reload(s.credentials, &err), PYR_OK, "%s", err.message);
	cr_assert_eq(secured_call(&s, secured_credentials(&s, "ca.pem", NULL, NULL), &err), PYR_OK,
		"%s", err.message);
	secured_end(&s);
	CHECK_LEAKS();
}

Test(tls, files_that_do_not_do_are_named)
{
	secured s;
	pyr_error err;
	pyr_credentials *credentials;
	pyr_tls_options tls = PYR_TLS_OPTIONS_INIT;
	secured_begin(&s, "server", false);
	tls.authorities_file = "/nowhere/ca.pem";
	cr_assert_eq(pyr_credentials_new_tls(&tls, &credentials, &err), PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "/nowhere/ca.pem"), "%s", err.message);
	tls.authorities_file = NULL;
	tls.certificate_file = secured_file(&s, "server.pem");
	cr_assert_eq(pyr_credentials_new_tls(&tls, &credentials, &err), PYR_INVALID_ARGUMENT);
	tls.key_file = secured_file(&s, "client.key");
	cr_assert_eq(pyr_credentials_new_tls(&tls, &credentials, &err), PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "client.key"), "%s", err.message);
	/* a server's credentials need a certificate */
	pyr_listen_options listen = PYR_LISTEN_OPTIONS_INIT;
	listen.credentials = secured_credentials(&s, "ca.pem", NULL, NULL);
	cr_assert_eq(
		pyr_daemon_listen(s.daemon, "127.0.0.1:0", &listen, &err), PYR_FAILED_PRECONDITION);
	pyr_credentials_unref(listen.credentials);
	secured_end(&s);
	CHECK_LEAKS();
}

/* A reference of the other kind at the same port. */
static pyr_status call_cleartext(const secured *s, pyr_error *err)
{
	char reference[64];
	hostile_target *target;
	pyr_proxy_options once = PYR_PROXY_OPTIONS_INIT;
	Hostile__Node request = HOSTILE__NODE__INIT, *reply;
	once.retries_max = UINT32_MAX;
	once.timeout_ms = 10000;
	snprintf(reference, sizeof reference, "pyr:target@127.0.0.1:%d", secured_port(s));
	cr_assert_eq(hostile_target__open(NULL, reference, &once, &target, err), PYR_OK);
	pyr_status status = hostile_target_echo(target, &request, &reply, err);
	hostile_target__close(target);
	return status;
}

Test(tls, cleartext_at_a_port_for_tls_is_refused)
{
	secured s;
	pyr_error err;
	secured_begin(&s, "server", false);
	cr_assert_eq(call_cleartext(&s, &err), PYR_UNAVAILABLE, "%s", err.message);
	cr_assert_eq(s.calls, 0);
	cr_assert_eq(secured_call(&s, secured_credentials(&s, "ca.pem", NULL, NULL), &err), PYR_OK);
	secured_end(&s);
}

Test(tls, random_bytes_and_cut_handshakes_hurt_only_themselves)
{
	secured s;
	pyr_error err;
	struct sockaddr_in address = {.sin_family = AF_INET};
	secured_begin(&s, "server", false);
	address.sin_port = htons((uint16_t)secured_port(&s));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	srand(42);
	for (int round = 0; round < 100; round++) {
		uint8_t bytes[512] = {0x16, 3, 1, 1, 0xfb, 1};
		size_t size = (size_t)(rand() % (int)sizeof bytes);
		for (size_t i = round % 2 ? 6 : 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)(rand() >> 7);
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
		cr_assert_eq(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
		close(fd);
	}
	cr_assert_eq(secured_call(&s, secured_credentials(&s, "ca.pem", NULL, NULL), &err), PYR_OK);
	secured_end(&s);
	CHECK_LEAKS();
}

/* OpenSSL's own client, whom nobody here wrote. */
static bool s_client(const secured *s, const char *options, const char *expected)
{
	char command[512], line[1024];
	bool found = false;
	snprintf(command, sizeof command,
		"openssl s_client -connect 127.0.0.1:%d -CAfile %s/ca.pem %s < /dev/null 2>&1",
		secured_port(s), s->folder, options);
	FILE *pipe = popen(command, "r");
	cr_assert(pipe);
	while (fgets(line, sizeof line, pipe))
		found |= strstr(line, expected) != NULL;
	pclose(pipe);
	return found;
}

Test(tls, openssl_agrees)
{
	secured s;
	secured_begin(&s, "server", false);
	cr_assert(s_client(&s, "-alpn pyr -tls1_3", "Verify return code: 0 (ok)"));
	cr_assert(s_client(&s, "-alpn pyr -tls1_2", "Verify return code: 0 (ok)"));
	cr_assert(s_client(&s, "-alpn pyr", "ALPN protocol: pyr"));
	/* who thinks that this is another protocol's port */
	cr_assert(s_client(&s, "-alpn h2", "no application protocol"));
	cr_assert(s_client(&s, "-alpn pyr -tls1_1", "Cipher is (NONE)"));
	secured_end(&s);
}

#define THREADS 8
#define CALLS   200

typedef struct caller {
	pthread_t thread;
	hostile_target *target;
	int failed;
} caller;

static void *call_often(void *arg)
{
	caller *c = arg;
	size_t room = 300000;
	uint8_t *data = calloc(1, room);
	for (int i = 0; i < CALLS; i++) {
		pyr_error err;
		Hostile__Node request = HOSTILE__NODE__INIT, *reply;
		request.data.len = i % 20 ? (size_t)i : room;
		request.data.data = data;
		if (hostile_target_echo(c->target, &request, &reply, &err)) {
			c->failed++;
			continue;
		}
		c->failed += reply->data.len != request.data.len;
		hostile__node__free_unpacked(reply, NULL);
	}
	free(data);
	return NULL;
}

Test(tls, many_threads_and_long_messages_on_one_connection)
{
	secured s;
	pyr_error err;
	pyr_context *context;
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	caller callers[THREADS] = {0};
	hostile_target *target;
	secured_begin(&s, "server", true);
	options.credentials = secured_credentials(&s, "ca.pem", "client", NULL);
	cr_assert_eq(pyr_context_new(&options, &context, &err), PYR_OK);
	cr_assert_eq(hostile_target__open(context, s.reference, NULL, &target, &err), PYR_OK);
	for (int i = 0; i < THREADS; i++) {
		callers[i].target = target;
		cr_assert_eq(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		cr_assert_eq(callers[i].failed, 0);
	}
	cr_assert_eq(s.calls, THREADS * CALLS);
	hostile_target__close(target);
	pyr_context_free(context);
	pyr_credentials_unref(options.credentials);
	secured_end(&s);
	CHECK_LEAKS();
}

Test(tls, S3_a_servant_sees_the_user_at_the_other_end_of_a_unix_socket)
{
	secured s;
	pyr_error err;
	char endpoint[128], expected[32];
	secured_begin(&s, "server", false);
	snprintf(endpoint, sizeof endpoint, "unix:%s/socket", s.folder);
	cr_assert_eq(pyr_daemon_listen(s.daemon, endpoint, NULL, &err), PYR_OK, "%s", err.message);
	cr_assert_eq(
		pyr_daemon_reference(s.daemon, "target", 1, s.reference, sizeof s.reference, &err),
		PYR_OK);
	cr_assert_eq(secured_call(&s, secured_credentials(&s, NULL, NULL, NULL), &err), PYR_OK);
	snprintf(expected, sizeof expected, "uid:%u", (unsigned)getuid());
	cr_assert_str_eq(s.principal, expected);
	secured_end(&s);
	CHECK_LEAKS();
}
