/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A door that opens for user:alice alone. Who comes without a certificate of our authority gets no
 * further than the handshake; who the others are is for the servant to ask.
 * usage: tls-server FOLDER, made by certificates.sh
 */
#include <stdio.h>
#include <string.h>
#include "tls.pyr.h"

static void open_door(void *self, pyr_call *call, const Demo__OpenRequest *request)
{
	const char *who = pyr_call_principal(call); /* what its certificate says */
	char greeting[PYR_PRINCIPAL_MAX + 16];
	Demo__OpenReply reply = DEMO__OPEN_REPLY__INIT;
	(void)self;
	(void)request;
	if (strcmp(who, "user:alice") != 0) {
		pyr_call_fail(call, PYR_PERMISSION_DENIED, "%s may not enter", who);
		return;
	}
	snprintf(greeting, sizeof greeting, "welcome, %s", who);
	reply.greeting = greeting;
	demo_door_open__reply(call, &reply);
}

static pyr_status make_credentials(
	const char *folder, pyr_credentials **ret_credentials, pyr_error *err)
{
	char authorities[512], certificate[512], key[512];
	pyr_tls_options options = PYR_TLS_OPTIONS_INIT;
	snprintf(authorities, sizeof authorities, "%s/ca.pem", folder);
	snprintf(certificate, sizeof certificate, "%s/server.pem", folder);
	snprintf(key, sizeof key, "%s/server.key", folder);
	options.authorities_file = authorities; /* makes it mutual: clients must show one too */
	options.certificate_file = certificate;
	options.key_file = key;
	return pyr_credentials_new_tls(&options, ret_credentials, err);
}

int main(int argc, char **argv)
{
	static const demo_door_ops ops = {.open = open_door};
	pyr_listen_options listen = PYR_LISTEN_OPTIONS_INIT;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	if (argc != 2)
		return fprintf(stderr, "usage: tls-server FOLDER\n"), 2;
	/* two ports, with the same credentials: Pyrite's protocol, and gRPC for everyone else */
	bool failed = make_credentials(argv[1], &listen.credentials, &err) ||
		      pyr_daemon_new(NULL, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", &listen, &err) ||
		      pyr_daemon_listen(daemon, "grpcs:127.0.0.1:0", &listen, &err) ||
		      demo_door__serve(daemon, "door", &ops, NULL, &err) ||
		      pyr_daemon_publish(daemon, "door", "example.door", NULL, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	pyr_credentials_unref(listen.credentials);
	return failed;
}
