/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: the files they are made of, and what TLS has made of the files. */
#include "transport/credentials.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/refs.h"

struct pyr_credentials {
	atomic_uint refs;
	const pyr__tls_library *library;
	char *authorities_file, *certificate_file, *key_file, *server_name; /* or NULL */
	pthread_mutex_t lock; /* guards what follows */
	pyr__tls_context *client;
	pyr__tls_context *server; /* NULL without a certificate */
	pyr__pem pem;             /* without the server_name */
	uint64_t pem_number;      /* of those that there have been */
};

#define PEM_BYTES_MAX (16u << 20) /* of one file: the system's authorities have 200 KiB */

/* NULL without a path, or if the file cannot be read: TLS has read it, and says so. */
static char *read_text(const char *path)
{
	FILE *file = path ? fopen(path, "re") : NULL;
	if (!file)
		return NULL;
	size_t size = 0, room = 4096, got = 1;
	char *text = pyr__alloc(room);
	while (got > 0 && size < PEM_BYTES_MAX) {
		if (room - size < 2048)
			text = pyr__realloc(text, room *= 2);
		got = fread(text + size, 1, room - size - 1, file);
		size += got;
	}
	text[size] = '\0';
	fclose(file);
	return text;
}

static void read_pem(pyr_credentials *credentials)
{
	pyr__pem old, pem = {
			      .authorities = read_text(credentials->authorities_file),
			      .certificate = read_text(credentials->certificate_file),
			      .key = read_text(credentials->key_file),
		      };
	pthread_mutex_lock(&credentials->lock);
	old = credentials->pem;
	credentials->pem = pem;
	credentials->pem_number++;
	pthread_mutex_unlock(&credentials->lock);
	pyr__pem_done(&old);
}

bool pyr__credentials_pem(pyr_credentials *credentials, uint64_t *seen, pyr__pem *ret_pem)
{
	pthread_mutex_lock(&credentials->lock);
	bool fresh = *seen != credentials->pem_number;
	*seen = credentials->pem_number;
	if (fresh)
		*ret_pem = (pyr__pem){
			.authorities = pyr__strdup(credentials->pem.authorities),
			.certificate = pyr__strdup(credentials->pem.certificate),
			.key = pyr__strdup(credentials->pem.key),
			.server_name = pyr__strdup(credentials->server_name),
		};
	pthread_mutex_unlock(&credentials->lock);
	return fresh;
}

void pyr__pem_done(pyr__pem *pem)
{
	if (pem->key)
		explicit_bzero(pem->key, strlen(pem->key));
	free(pem->authorities);
	free(pem->certificate);
	free(pem->key);
	free(pem->server_name);
}

/* What both sides need, out of the files as they are now. */
static pyr_status read_files(const pyr_credentials *credentials, pyr__tls_context **ret_client,
	pyr__tls_context **ret_server, pyr_error *err)
{
	const pyr__tls_library *library = credentials->library;
	const pyr__tls_files files = {
		credentials->authorities_file,
		credentials->certificate_file,
		credentials->key_file,
	};
	char why[PYR__TLS_WHY_MAX];
	pyr__tls_context *client = library->context_new(false, &files, why), *server = NULL;
	if (client && files.certificate)
		server = library->context_new(true, &files, why);
	if (!client || (files.certificate && !server)) {
		library->context_free(client);
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "%s", why);
	}
	*ret_client = client;
	*ret_server = server;
	return PYR_OK;
}

static void free_credentials(pyr_credentials *credentials)
{
	credentials->library->context_free(credentials->client);
	credentials->library->context_free(credentials->server);
	pyr__pem_done(&credentials->pem);
	pthread_mutex_destroy(&credentials->lock);
	free(credentials->authorities_file);
	free(credentials->certificate_file);
	free(credentials->key_file);
	free(credentials->server_name);
	free(credentials);
}

pyr_status pyr_credentials_new_tls(
	const pyr_tls_options *given, pyr_credentials **ret_credentials, pyr_error *err)
{
	const pyr__tls_library *library;
	pyr_tls_options options = PYR_TLS_OPTIONS_INIT;
	if (given)
		memcpy(&options, given,
			given->size < sizeof options ? given->size : sizeof options);
	if (!options.certificate_file != !options.key_file)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"a certificate_file and a key_file go together: only the %s was given",
			options.key_file ? "key" : "certificate");
	pyr_status status = pyr__tls_load(&library, err);
	if (status)
		return status;
	pyr_credentials *credentials = pyr__zalloc(sizeof *credentials);
	atomic_init(&credentials->refs, 1);
	pthread_mutex_init(&credentials->lock, NULL);
	credentials->library = library;
	credentials->authorities_file = pyr__strdup(options.authorities_file);
	credentials->certificate_file = pyr__strdup(options.certificate_file);
	credentials->key_file = pyr__strdup(options.key_file);
	credentials->server_name = pyr__strdup(options.server_name);
	status = read_files(credentials, &credentials->client, &credentials->server, err);
	if (status)
		free_credentials(credentials);
	else
		*ret_credentials = credentials;
	if (status == PYR_OK)
		read_pem(credentials);
	return status;
}

pyr_status pyr_credentials_reload(pyr_credentials *credentials, pyr_error *err)
{
	pyr__tls_context *client, *server;
	pyr_status status = read_files(credentials, &client, &server, err);
	if (status)
		return status;
	pthread_mutex_lock(&credentials->lock);
	pyr__tls_context *old_client = credentials->client, *old_server = credentials->server;
	credentials->client = client;
	credentials->server = server;
	pthread_mutex_unlock(&credentials->lock);
	credentials->library->context_free(old_client);
	credentials->library->context_free(old_server);
	read_pem(credentials);
	return PYR_OK;
}

pyr_credentials *pyr_credentials_ref(pyr_credentials *credentials)
{
	pyr__refs_take(&credentials->refs);
	return credentials;
}

void pyr_credentials_unref(pyr_credentials *credentials)
{
	if (credentials && pyr__refs_drop(&credentials->refs))
		free_credentials(credentials);
}

pyr_status pyr__credentials_check_server(pyr_credentials *credentials, pyr_error *err)
{
	if (credentials->certificate_file)
		return PYR_OK;
	return pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"these credentials have no certificate_file and key_file, which a server needs");
}

pyr__tls *pyr__credentials_open(pyr_credentials *credentials, bool server, const char *host,
	const pyr__tls_library **ret_library)
{
	const char *expected = server                     ? NULL
			       : credentials->server_name ? credentials->server_name
							  : host;
	*ret_library = credentials->library;
	pthread_mutex_lock(&credentials->lock);
	pyr__tls_context *context = server ? credentials->server : credentials->client;
	pyr__tls *tls = credentials->library->open(context, expected);
	pthread_mutex_unlock(&credentials->lock);
	return tls;
}
