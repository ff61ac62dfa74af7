/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Knocks at the door, as who its certificate says.
 * usage: tls-client FOLDER [WHO [REFERENCE]]   FOLDER made by certificates.sh; WHO: alice
 */
#include <stdio.h>
#include "tls.pyr.h"

static pyr_status make_credentials(
	const char *folder, const char *who, pyr_credentials **ret_credentials, pyr_error *err)
{
	char authorities[512], certificate[512], key[512];
	pyr_tls_options options = PYR_TLS_OPTIONS_INIT;
	snprintf(authorities, sizeof authorities, "%s/ca.pem", folder);
	snprintf(certificate, sizeof certificate, "%s/%s.pem", folder, who);
	snprintf(key, sizeof key, "%s/%s.key", folder, who);
	options.authorities_file = authorities; /* whom the server must have its certificate from */
	options.certificate_file = certificate;
	options.key_file = key;
	return pyr_credentials_new_tls(&options, ret_credentials, err);
}

static pyr_status knock(pyr_context *context, const char *reference, pyr_error *err)
{
	demo_door *door;
	Demo__OpenRequest request = DEMO__OPEN_REQUEST__INIT;
	Demo__OpenReply *reply;
	pyr_status status = demo_door__open(context, reference, NULL, &door, err);
	if (status)
		return status;
	status = demo_door_open(door, &request, &reply, err);
	if (status == PYR_OK) {
		printf("%s\n", reply->greeting);
		demo__open_reply__free_unpacked(reply, NULL);
	}
	demo_door__close(door);
	return status;
}

int main(int argc, char **argv)
{
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	pyr_context *context = NULL;
	pyr_error err;
	if (argc < 2)
		return fprintf(stderr, "usage: tls-client FOLDER [WHO [REFERENCE]]\n"), 2;
	/* the credentials are for everything that a context connects to over TLS */
	bool failed = make_credentials(
			      argv[1], argc > 2 ? argv[2] : "alice", &options.credentials, &err) ||
		      pyr_context_new(&options, &context, &err) ||
		      knock(context, argc > 3 ? argv[3] : "example.door", &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_context_free(context);
	pyr_credentials_unref(options.credentials);
	return failed;
}
