/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon over TLS, and its clients. */
#include "tls/secured.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void echo(void *self, pyr_call *call, const Hostile__Node *request)
{
	secured *s = self;
	s->calls++;
	snprintf(s->principal, sizeof s->principal, "%s", pyr_call_principal(call));
	hostile_target_echo__reply(call, request);
}

static const hostile_target_ops ops = {.echo = echo};

const char *secured_file(const secured *s, const char *name)
{
	static char paths[3][128];
	static int at;
	char *path = paths[at++ % 3];
	snprintf(path, sizeof paths[0], "%s/%s", s->folder, name);
	return path;
}

void secured_begin(secured *s, const char *certificate, bool mutual)
{
	char command[256], file[64];
	pyr_error err;
	memset(s, 0, sizeof *s);
	strcpy(s->folder, "/tmp/pyrite-tls-XXXXXX");
	cr_assert(mkdtemp(s->folder));
	snprintf(command, sizeof command, "sh " CERTIFICATES " %s", s->folder);
	cr_assert_eq(system(command), 0);
	pyr_tls_options tls = PYR_TLS_OPTIONS_INIT;
	snprintf(file, sizeof file, "%s.pem", certificate);
	tls.certificate_file = secured_file(s, file);
	snprintf(file, sizeof file, "%s.key", certificate);
	tls.key_file = secured_file(s, file);
	tls.authorities_file = mutual ? secured_file(s, "ca.pem") : NULL;
	cr_assert_eq(
		pyr_credentials_new_tls(&tls, &s->credentials, &err), PYR_OK, "%s", err.message);
	cr_assert_eq(pyr_daemon_new(NULL, &s->daemon, &err), PYR_OK);
	pyr_listen_options listen = PYR_LISTEN_OPTIONS_INIT;
	listen.credentials = s->credentials;
	cr_assert_eq(pyr_daemon_listen(s->daemon, "127.0.0.1:0", &listen, &err), PYR_OK, "%s",
		err.message);
	cr_assert_eq(hostile_target__serve(s->daemon, "target", &ops, s, &err), PYR_OK);
	cr_assert_eq(pyr_daemon_start(s->daemon, &err), PYR_OK);
	cr_assert_eq(pyr_daemon_reference(
			     s->daemon, "target", 0, s->reference, sizeof s->reference, &err),
		PYR_OK);
	cr_assert_eq(strncmp(s->reference, "pyrs:target@127.0.0.1:", 22), 0, "%s", s->reference);
}

void secured_end(secured *s)
{
	char command[256];
	pyr_daemon_free(s->daemon);
	pyr_credentials_unref(s->credentials);
	snprintf(command, sizeof command, "rm -rf %s", s->folder);
	cr_assert_eq(system(command), 0);
}

int secured_port(const secured *s)
{
	return atoi(strrchr(s->reference, ':') + 1);
}

pyr_credentials *secured_credentials(
	const secured *s, const char *authorities, const char *certificate, const char *server_name)
{
	char file[64], key[128], own[128];
	pyr_error err;
	pyr_credentials *credentials;
	pyr_tls_options tls = PYR_TLS_OPTIONS_INIT;
	if (authorities)
		tls.authorities_file = secured_file(s, authorities);
	if (certificate) {
		snprintf(file, sizeof file, "%s.pem", certificate);
		snprintf(own, sizeof own, "%s", secured_file(s, file));
		snprintf(file, sizeof file, "%s.key", certificate);
		snprintf(key, sizeof key, "%s", secured_file(s, file));
		tls.certificate_file = own;
		tls.key_file = key;
	}
	tls.server_name = server_name;
	cr_assert_eq(pyr_credentials_new_tls(&tls, &credentials, &err), PYR_OK, "%s", err.message);
	return credentials;
}

pyr_status secured_call(secured *s, pyr_credentials *credentials, pyr_error *err)
{
	hostile_target *target;
	pyr_context *context;
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	pyr_proxy_options once = PYR_PROXY_OPTIONS_INIT;
	Hostile__Node request = HOSTILE__NODE__INIT, *reply;
	options.credentials = credentials;
	once.retries_max = UINT32_MAX;
	once.timeout_ms = 10000;
	request.text = (char *)"secret";
	cr_assert_eq(pyr_context_new(&options, &context, err), PYR_OK);
	pyr_credentials_unref(credentials);
	cr_assert_eq(hostile_target__open(context, s->reference, &once, &target, err), PYR_OK);
	pyr_status status = hostile_target_echo(target, &request, &reply, err);
	if (status == PYR_OK) {
		cr_assert_str_eq(reply->text, "secret");
		hostile__node__free_unpacked(reply, NULL);
	}
	hostile_target__close(target);
	pyr_context_free(context);
	return status;
}
