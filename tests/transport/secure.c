/* SPDX-License-Identifier: Apache-2.0 */
/* What the suite's transports over TLS have in common. CERTIFICATES is a folder. */
#include "transport/secure.h"

static pyr_credentials *new_credentials(const pyr_tls_options *options)
{
	pyr_error err;
	pyr_credentials *credentials;
	CHECK_OK(pyr_credentials_new_tls(options, &credentials, &err));
	return credentials;
}

pyr_status secure_listen(pyr_daemon *daemon, const char *endpoint, pyr_error *err)
{
	pyr_tls_options tls = PYR_TLS_OPTIONS_INIT;
	pyr_listen_options options = PYR_LISTEN_OPTIONS_INIT;
	tls.certificate_file = CERTIFICATES "/server.pem";
	tls.key_file = CERTIFICATES "/server.key";
	options.credentials = new_credentials(&tls);
	pyr_status status = pyr_daemon_listen(daemon, endpoint, &options, err);
	pyr_credentials_unref(options.credentials);
	return status;
}

pyr_credentials *secure_credentials(void)
{
	pyr_tls_options tls = PYR_TLS_OPTIONS_INIT;
	tls.authorities_file = CERTIFICATES "/ca.pem";
	return new_credentials(&tls);
}
