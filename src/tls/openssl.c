/* SPDX-License-Identifier: Apache-2.0 */
/* TLS by OpenSSL between two memory BIOs: see transport/tls.h. The only file that includes it. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pyrite/export.h>
#include <pyrite/version.h>
#include "transport/tls.h"

/* RFC 7301: a client of another protocol that is led here by mistake is refused by the server. */
#define PROTOCOL      "\x03pyr"
#define PROTOCOL_SIZE 4u

struct pyr__tls_context {
	SSL_CTX *ctx;
	bool server;
};

struct pyr__tls {
	SSL *ssl;
	BIO *in, *out; /* ssl's */
	size_t out_at; /* of out, that has been sent */
	bool ended;    /* read and write say no more */
	char why[PYR__TLS_WHY_MAX];
};

static const char *last_error(void)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	return reason ? reason : "unknown error";
}

/* Certificates and keys */

static int choose_protocol(SSL *ssl, const unsigned char **ret_chosen, unsigned char *ret_size,
	const unsigned char *offered, unsigned offered_size, void *arg)
{
	(void)ssl;
	(void)arg;
	unsigned char *chosen;
	int found = SSL_select_next_proto(&chosen, ret_size, (const unsigned char *)PROTOCOL,
		PROTOCOL_SIZE, offered, offered_size);
	*ret_chosen = chosen;
	return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool load_own(SSL_CTX *ctx, const pyr__tls_files *files, char *why)
{
	if (!files->certificate)
		return true;
	if (SSL_CTX_use_certificate_chain_file(ctx, files->certificate) != 1) {
		snprintf(why, PYR__TLS_WHY_MAX, "cannot use the certificate in %s: %s",
			files->certificate, last_error());
		return false;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM) != 1) {
		snprintf(why, PYR__TLS_WHY_MAX,
			"cannot use the key in %s for the certificate in %s: %s", files->key,
			files->certificate, last_error());
		return false;
	}
	return true;
}

static bool load_authorities(SSL_CTX *ctx, bool server, const pyr__tls_files *files, char *why)
{
	if (!files->authorities) {
		if (!server)
			SSL_CTX_set_default_verify_paths(ctx);
		return true;
	}
	if (SSL_CTX_load_verify_file(ctx, files->authorities) != 1) {
		snprintf(why, PYR__TLS_WHY_MAX, "cannot use the authorities in %s: %s",
			files->authorities, last_error());
		return false;
	}
	if (server) /* tells clients whose certificates are asked for */
		SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(files->authorities));
	return true;
}

static void set_policy(SSL_CTX *ctx, bool server, const pyr__tls_files *files)
{
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (server) {
		/* connections live long: nothing is gained by resuming sessions */
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(ctx, 0);
		SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
		SSL_CTX_set_verify(ctx,
			files->authorities ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
					   : SSL_VERIFY_NONE,
			NULL);
	} else {
		SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)PROTOCOL, PROTOCOL_SIZE);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
}

static void context_free(pyr__tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ctx);
	free(context);
}

static pyr__tls_context *context_new(
	bool server, const pyr__tls_files *files, char why[PYR__TLS_WHY_MAX])
{
	ERR_clear_error();
	pyr__tls_context *context = calloc(1, sizeof *context);
	if (context)
		context->ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	if (!context || !context->ctx) {
		snprintf(why, PYR__TLS_WHY_MAX, "OpenSSL does not start: %s", last_error());
		free(context);
		return NULL;
	}
	context->server = server;
	set_policy(context->ctx, server, files);
	if (!load_own(context->ctx, files, why) ||
		!load_authorities(context->ctx, server, files, why)) {
		context_free(context);
		return NULL;
	}
	return context;
}

/* Connections */

static void close_tls(pyr__tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl); /* and both BIOs */
	free(tls);
}

static bool is_address(const char *host)
{
	unsigned char bytes[16];
	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool expect(SSL *ssl, const char *expected)
{
	if (is_address(expected))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), expected) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set_tlsext_host_name(ssl, expected) == 1 && SSL_set1_host(ssl, expected) == 1;
}

static pyr__tls *open_tls(pyr__tls_context *context, const char *expected)
{
	pyr__tls *tls = calloc(1, sizeof *tls);
	if (!tls)
		return NULL;
	tls->ssl = SSL_new(context->ctx);
	tls->in = BIO_new(BIO_s_mem());
	tls->out = BIO_new(BIO_s_mem());
	if (!tls->ssl || !tls->in || !tls->out) {
		BIO_free(tls->in);
		BIO_free(tls->out);
		SSL_free(tls->ssl);
		free(tls);
		return NULL;
	}
	SSL_set_bio(tls->ssl, tls->in, tls->out);
	if (context->server)
		SSL_set_accept_state(tls->ssl);
	else
		SSL_set_connect_state(tls->ssl);
	if (expected && !expect(tls->ssl, expected)) {
		close_tls(tls);
		return NULL;
	}
	return tls;
}

static void feed(pyr__tls *tls, const void *data, size_t size)
{
	if (!tls->ended && BIO_write(tls->in, data, (int)size) != (int)size) {
		tls->ended = true;
		snprintf(tls->why, sizeof tls->why, "no memory for what has arrived");
	}
}

/* OpenSSL could not go on: is that for good, and why? */
static bool settle(pyr__tls *tls, int result)
{
	int error = SSL_get_error(tls->ssl, result);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return true;
	tls->ended = true;
	long verified = SSL_get_verify_result(tls->ssl);
	if (error == SSL_ERROR_ZERO_RETURN)
		return false;
	if (verified != X509_V_OK && !SSL_is_init_finished(tls->ssl))
		snprintf(tls->why, sizeof tls->why, "the certificate was refused: %s",
			X509_verify_cert_error_string(verified));
	else
		snprintf(tls->why, sizeof tls->why, "%s", last_error());
	return false;
}

static bool read_tls(pyr__tls *tls, void *room, size_t size, size_t *ret_size)
{
	*ret_size = 0;
	if (tls->ended)
		return false;
	ERR_clear_error();
	int got = SSL_read_ex(tls->ssl, room, size, ret_size);
	return got == 1 || settle(tls, got);
}

static bool is_open(const pyr__tls *tls)
{
	return SSL_is_init_finished(tls->ssl) && !tls->ended;
}

static bool write_tls(pyr__tls *tls, const void *data, size_t size)
{
	size_t wrote;
	if (tls->ended)
		return false;
	ERR_clear_error();
	int result = SSL_write_ex(tls->ssl, data, size, &wrote);
	/* into memory everything fits at once: asking to wait is no answer here */
	if (result == 1 && wrote == size)
		return true;
	if (settle(tls, result)) {
		tls->ended = true;
		snprintf(tls->why, sizeof tls->why, "no memory for what is to be sent");
	}
	return false;
}

static void end(pyr__tls *tls)
{
	ERR_clear_error();
	if (is_open(tls))
		SSL_shutdown(tls->ssl);
	tls->ended = true;
}

static size_t sealed(pyr__tls *tls, const void **ret_data)
{
	char *data;
	long size = BIO_get_mem_data(tls->out, &data);
	*ret_data = data + tls->out_at;
	return (size_t)size - tls->out_at;
}

static void sent(pyr__tls *tls, size_t size)
{
	const void *rest;
	tls->out_at += size;
	if (sealed(tls, &rest) > 0)
		return;
	BIO_reset(tls->out);
	tls->out_at = 0;
}

static const char *why(const pyr__tls *tls)
{
	return tls->why;
}

/* The peer's name */

/* For a "uid:" only the kernel vouches, so that no certificate may name one. */
#define LOCAL_USER "uid:"

static bool copy_name(char *name, const ASN1_STRING *text)
{
	int size = ASN1_STRING_length(text);
	const unsigned char *data = ASN1_STRING_get0_data(text);
	if (size <= 0 || size >= PYR__TLS_NAME_MAX || memchr(data, '\0', (size_t)size))
		return false;
	if ((size_t)size >= strlen(LOCAL_USER) && memcmp(data, LOCAL_USER, strlen(LOCAL_USER)) == 0)
		return false;
	memcpy(name, data, (size_t)size);
	name[size] = '\0';
	return true;
}

static bool find_alternative(X509 *certificate, int type, char *name)
{
	bool found = false;
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME *each = sk_GENERAL_NAME_value(names, i);
		if (each->type == type)
			found = copy_name(name, each->d.ia5);
	}
	GENERAL_NAMES_free(names);
	return found;
}

static bool find_common_name(X509 *certificate, char *name)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	return at >= 0 &&
	       copy_name(name, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

static void peer_name(const pyr__tls *tls, char name[PYR__TLS_NAME_MAX])
{
	X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
	name[0] = '\0';
	if (!certificate || SSL_get_verify_result(tls->ssl) != X509_V_OK)
		return;
	if (!find_alternative(certificate, GEN_URI, name) &&
		!find_alternative(certificate, GEN_DNS, name) &&
		!find_alternative(certificate, GEN_EMAIL, name))
		find_common_name(certificate, name);
}

PYR_API extern const pyr__tls_library pyr_tls_library;

const pyr__tls_library pyr_tls_library = {
	.version = PYR_VERSION,
	.context_new = context_new,
	.context_free = context_free,
	.open = open_tls,
	.close = close_tls,
	.feed = feed,
	.read = read_tls,
	.is_open = is_open,
	.write = write_tls,
	.end = end,
	.sealed = sealed,
	.sent = sent,
	.why = why,
	.peer_name = peer_name,
};
