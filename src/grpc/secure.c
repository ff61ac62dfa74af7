/* SPDX-License-Identifier: Apache-2.0 */
/* TLS as core has it. */
#include "grpc/secure.h"

#include <stdlib.h>
#include <string.h>
#include <grpc/grpc_security_constants.h>
#include "base/alloc.h"

static grpc_ssl_pem_key_cert_pair pair_of(const pyr__pem *pem)
{
	return (grpc_ssl_pem_key_cert_pair){
		.private_key = pem->key,
		.cert_chain = pem->certificate,
	};
}

grpc_channel_credentials *pyr__secure_channel_credentials(const pyr__pem *pem)
{
	grpc_ssl_pem_key_cert_pair own = pair_of(pem);
	return grpc_ssl_credentials_create(
		pem->authorities, pem->certificate ? &own : NULL, NULL, NULL);
}

/* Before the first handshake, and before each: what has been reloaded counts from the next on. */
static grpc_ssl_certificate_config_reload_status fetch(
	void *arg, grpc_ssl_server_certificate_config **ret_config)
{
	pyr__certificates *certificates = arg;
	pyr__pem pem;
	if (!pyr__services->credentials_pem(certificates->source, &certificates->seen, &pem))
		return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
	grpc_ssl_pem_key_cert_pair own = pair_of(&pem);
	/* core insists on authorities here, also where no client is asked for a certificate */
	const char *authorities = pem.authorities ? pem.authorities : pem.certificate;
	*ret_config = grpc_ssl_server_certificate_config_create(authorities, &own, 1);
	pyr__pem_wipe(&pem);
	return *ret_config ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW
			   : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
}

/* Whether there are authorities stays the same when the files are read again. */
static bool is_mutual(pyr_credentials *credentials)
{
	pyr__pem pem;
	uint64_t seen = 0;
	if (!pyr__services->credentials_pem(credentials, &seen, &pem))
		return false;
	bool mutual = pem.authorities != NULL;
	pyr__pem_wipe(&pem);
	return mutual;
}

grpc_server_credentials *pyr__secure_server_credentials(pyr__certificates *certificates)
{
	return grpc_ssl_server_credentials_create_with_options(
		grpc_ssl_server_credentials_create_options_using_config_fetcher(
			is_mutual(certificates->source)
				? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
				: GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
			fetch, certificates));
}

static char *first_property(const grpc_auth_context *context, const char *name)
{
	grpc_auth_property_iterator at = grpc_auth_context_find_properties_by_name(context, name);
	const grpc_auth_property *property = grpc_auth_property_iterator_next(&at);
	return property ? pyr__strndup(property->value, property->value_length) : NULL;
}

char *pyr__secure_principal(grpc_call *call)
{
	static const char *const names[] = {GRPC_PEER_URI_PROPERTY_NAME,
		GRPC_PEER_DNS_PROPERTY_NAME, GRPC_PEER_EMAIL_PROPERTY_NAME,
		GRPC_X509_CN_PROPERTY_NAME};
	char *principal = NULL;
	grpc_auth_context *context = grpc_call_auth_context(call);
	if (!context)
		return NULL;
	bool proved = grpc_auth_context_peer_is_authenticated(context) != 0;
	for (size_t i = 0; proved && !principal && i < sizeof names / sizeof names[0]; i++)
		principal = first_property(context, names[i]);
	grpc_auth_context_release(context);
	return principal;
}

void pyr__pem_wipe(pyr__pem *pem)
{
	if (pem->key)
		explicit_bzero(pem->key, strlen(pem->key));
	free(pem->authorities);
	free(pem->certificate);
	free(pem->key);
	free(pem->server_name);
}
