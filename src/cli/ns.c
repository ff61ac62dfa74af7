/* SPDX-License-Identifier: Apache-2.0 */
/* pyrite ns: the name server. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cli.h"
#include "nameserver/service.h"
#include "nameserver/store.h"

#define ENDPOINT_DEFAULT "127.0.0.1:9790"
#define GRACE_MS         2000

static const cli_command command = {
	.name = "ns",
	.usage = "[--listen ENDPOINT]... [--store memory|FILE] [--tokens FILE] [--json]",
	.summary = "Runs the name server",
	.text = "  pyrite ns                                   on this machine, names in memory\n"
		"  pyrite ns --store /var/lib/pyrite/names.db  names that outlive it\n"
		"  pyrite ns --listen unix:/run/pyrite/ns      for programs of this user only\n"
		"  pyrite ns --listen 10.0.0.7:9790 --tokens /etc/pyrite/tokens \\\n"
		"      --tls-certificate ns.pem --tls-key ns.key   for other machines\n"
		"  pyrite ns --listen 10.0.0.7:9790 --insecure     for everybody who can reach "
		"it\n"
		"  pyrite ns --listen '*:9790' --insecure --discoverable   and finds it by "
		"itself\n\n"
		"It prints where it listens, and 'ready'. Clients find it at 127.0.0.1:9790, or\n"
		"where PYRITE_NS says: PYRITE_NS=10.0.0.7:9790. Names that a daemon publishes go\n"
		"when the daemon dies; names made by 'pyrite names register' stay until they are\n"
		"removed. Ctrl-C ends it.\n\n"
		"A name belongs to who registered it, and only they and administrators change it:\n"
		"on a Unix socket the user (this server's own and root are administrators), over\n"
		"TLS whom the certificate names, else whom the token in PYRITE_TOKEN stands for.\n"
		"What nobody in particular has registered everybody may change. With --tokens\n"
		"whoever changes something has to be somebody; reading is free. The file has a\n"
		"line PRINCIPAL TOKEN [admin] for each token, # begins a comment, and only its\n"
		"owner and group may have access to it. Clients reach a name server that speaks\n"
		"TLS with PYRITE_NS=pyrs:10.0.0.7:9790, and send tokens to other machines only "
		"so.\n\n"
		"With --discoverable it answers whoever asks the networks of this machine for a\n"
		"name server: PYRITE_NS=discover, or discover:GROUP@ for one of --group GROUP.\n"
		"Then 'discoverable at ADDRESS:PORT' is printed before 'ready'.",
};

typedef struct settings {
	option_texts listen;
	const char *advertise;
	const char *store;
	const char *tokens;
	const char *discovery; /* ADDRESS:PORT */
	const char *group;
	bool discoverable;
	pyr_tls_options tls;
	const char *metrics;
	bool insecure;
	bool json;
	uint64_t names_max;
	uint64_t leases_max;
	uint64_t watches_max;
	uint64_t waiting_max;
	uint64_t connections_max;
} settings;

typedef struct server {
	pyr_daemon *daemon;
	ns_service *service;
	ns_tokens *tokens;            /* NULL: none needed */
	pyr_credentials *credentials; /* NULL: cleartext */
	struct event *signals[2];
} server;

/* Where it may listen */

static bool is_loopback(const pyr_reference *endpoint)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (endpoint->is_unix || strcmp(endpoint->host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, endpoint->host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, endpoint->host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6) ||
		       (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
	return false;
}

/* Nobody changes anything over TCP without having proved who they are. */
static bool is_guarded(const settings *given)
{
	return given->tokens || given->tls.authorities_file;
}

static pyr_status check_endpoint(
	const settings *given, const char *text, const pyr_reference *endpoint, pyr_error *err)
{
	if (given->insecure || is_guarded(given) || is_loopback(endpoint))
		return PYR_OK;
	return pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"%s can be reached from other machines, and whoever reaches it could change every "
		"name. Listen on 127.0.0.1 or unix:PATH, say with --tokens or --tls-authorities "
		"who is who, or say --insecure if the network keeps strangers out",
		text);
}

static pyr_status listen_on(server *s, const settings *given, const char *endpoint, pyr_error *err)
{
	pyr_reference where;
	memset(&where, 0, sizeof where);
	pyr_status status = pyr_endpoint_parse(endpoint, &where, err);
	if (status == PYR_OK)
		status = check_endpoint(given, endpoint, &where, err);
	pyr_listen_options options = PYR_LISTEN_OPTIONS_INIT;
	options.advertise = given->advertise;
	options.credentials = where.is_unix ? NULL : s->credentials; /* the kernel vouches there */
	return status ? status : pyr_daemon_listen(s->daemon, endpoint, &options, err);
}

static pyr_status listen_all(server *s, const settings *given, pyr_error *err)
{
	if (given->listen.count == 0)
		return listen_on(s, given, ENDPOINT_DEFAULT, err);
	pyr_status status = PYR_OK;
	for (size_t i = 0; i < given->listen.count && status == PYR_OK; i++)
		status = listen_on(s, given, given->listen.texts[i], err);
	return status;
}

/* Its life */

static uint64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000;
}

static pyr_status open_store(const settings *given, ns_store **ret_store, pyr_error *err)
{
	ns_limits limits = NS_LIMITS_DEFAULT;
	if (given->names_max)
		limits.names_max = given->names_max;
	if (given->leases_max)
		limits.leases_max = given->leases_max;
	if (strcmp(given->store, "memory") == 0)
		return ns_store_open_memory(&limits, ret_store, err);
	return ns_store_open_sqlite(given->store, &limits, now_us(), ret_store, err);
}

static pyr_status open_service(server *s, const settings *given, pyr_error *err)
{
	ns_service_options options = {
		.watches_max = (uint32_t)given->watches_max,
		.waiting_max = (uint32_t)given->waiting_max,
		.tokens = s->tokens,
	};
	ns_store *store;
	pyr_status status = open_store(given, &store, err);
	if (status)
		return status;
	status = ns_service_new(s->daemon, store, &options, &s->service, err);
	if (status)
		ns_store_close(store);
	return status;
}

/* On the loop, so nothing has to be async-signal-safe. */
static void on_signal(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	server *s = arg;
	ns_service_stop(s->service);
	pyr_daemon_stop(s->daemon, GRACE_MS);
}

static bool is_discoverable(const settings *given)
{
	return given->discoverable || given->discovery;
}

static pyr_status make_discoverable(server *s, const settings *given, pyr_error *err)
{
	pyr_discoverable_options options = PYR_DISCOVERABLE_OPTIONS_INIT;
	if (!is_discoverable(given))
		return PYR_OK;
	options.at = given->discovery;
	options.group = given->group;
	return pyr_daemon_make_discoverable(s->daemon, &options, err);
}

static pyr_status catch_signals(server *s, pyr_error *err)
{
	static const int numbers[2] = {SIGINT, SIGTERM};
	for (int i = 0; i < 2; i++) {
		s->signals[i] = evsignal_new(pyr_daemon_base(s->daemon), numbers[i], on_signal, s);
		if (!s->signals[i] || event_add(s->signals[i], NULL))
			return pyr_error_set(
				err, PYR_RESOURCE_EXHAUSTED, "cannot wait for signals");
	}
	return PYR_OK;
}

static void print_ready(const server *s, const settings *given, const char *metrics)
{
	char reference[PYR_REFERENCE_MAX];
	pyr_discoverable_state state = PYR_DISCOVERABLE_STATE_INIT;
	bool discoverable = pyr_daemon_discoverable_state(s->daemon, &state, NULL) == PYR_OK;
	json_t *references = json_array();
	for (size_t i = 0; pyr_daemon_reference(s->daemon, NS_OWN_NAME, i, reference,
				   sizeof reference, NULL) == PYR_OK;
		i++) {
		if (!given->json)
			printf("%s\n", reference);
		json_array_append_new(references, json_string(reference));
	}
	if (given->json) {
		cli_print_json(json_pack("{s:b, s:o, s:s, s:s?, s:s?}", "ready", 1, "references",
			references, "store", given->store, "metrics", *metrics ? metrics : NULL,
			"discoverable", state.at));
	} else {
		if (discoverable)
			printf("discoverable at %s\n", state.at);
		printf("%s%sready\n", metrics, *metrics ? "\n" : "");
		json_decref(references);
	}
	fflush(stdout);
}

static pyr_status load_access(server *s, const settings *given, pyr_error *err)
{
	pyr_status status = PYR_OK;
	if (given->tokens)
		status = ns_tokens_load(given->tokens, &s->tokens, err);
	if (status == PYR_OK && given->tls.certificate_file)
		status = pyr_credentials_new_tls(&given->tls, &s->credentials, err);
	return status;
}

static pyr_status serve(server *s, const settings *given, pyr_error *err)
{
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.connections_max = (uint32_t)given->connections_max;
	char metrics[CLI_URL_MAX];
	pyr_status status = load_access(s, given, err);
	if (s->tokens) {
		options.authenticate = ns_tokens_authenticate;
		options.access_ctx = s->tokens;
	}
	if (status == PYR_OK)
		status = pyr_daemon_new(&options, &s->daemon, err);
	if (status == PYR_OK)
		status = listen_all(s, given, err);
	if (status == PYR_OK)
		status = open_service(s, given, err);
	if (status == PYR_OK)
		status = make_discoverable(s, given, err);
	if (status == PYR_OK)
		status = catch_signals(s, err);
	if (status == PYR_OK)
		status = cli_serve_metrics(s->daemon, given->metrics, metrics, err);
	if (status)
		return status;
	print_ready(s, given, metrics);
	return pyr_daemon_run(s->daemon, err);
}

static int run(const settings *given)
{
	pyr_error err;
	server s = {0};
	int result = CLI_DONE;
	if (serve(&s, given, &err))
		result = cli_fail(&err);
	for (int i = 0; i < 2; i++)
		if (s.signals[i])
			event_free(s.signals[i]);
	ns_service_free(s.service);
	pyr_daemon_free(s.daemon);
	pyr_credentials_unref(s.credentials);
	ns_tokens_free(s.tokens);
	return result;
}

static int check(const settings *given)
{
	const uint64_t counts[] = {given->watches_max, given->waiting_max, given->connections_max};
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		if (counts[i] > UINT32_MAX)
			return cli_usage(&command, "%llu is more than can be counted",
				(unsigned long long)counts[i]);
	if (given->group && !is_discoverable(given))
		return cli_usage(&command, "--group goes with --discoverable");
	if (!*given->store)
		return cli_usage(&command, "--store takes memory or a file's path");
	const pyr_tls_options *tls = &given->tls;
	if (!tls->certificate_file != !tls->key_file)
		return cli_usage(&command, "--tls-certificate and --tls-key go together");
	if (tls->authorities_file && !tls->certificate_file)
		return cli_usage(&command, "--tls-authorities needs a --tls-certificate");
	return CLI_DONE;
}

int cli_ns(int argc, char **argv)
{
	settings given = {.store = "memory", .tls = PYR_TLS_OPTIONS_INIT};
	const cli_option options[] = {
		{"listen", "ENDPOINT", "HOST:PORT, unix:PATH or unix:@NAME (" ENDPOINT_DEFAULT ")",
			OPTION_TEXTS, &given.listen},
		{"advertise", "HOST:PORT", "what its own references say instead of what is bound",
			OPTION_TEXT, &given.advertise},
		{"store", "memory|FILE", "where names are kept (memory)", OPTION_TEXT,
			&given.store},
		{"tokens", "FILE", "who is who, a line each: PRINCIPAL TOKEN [admin]", OPTION_TEXT,
			&given.tokens},
		{"tls-certificate", "FILE", "PEM, ours: TCP endpoints speak TLS", OPTION_TEXT,
			&given.tls.certificate_file},
		{"tls-key", "FILE", "PEM, its key", OPTION_TEXT, &given.tls.key_file},
		{"tls-authorities", "FILE", "PEM: TCP clients need a certificate of one of these",
			OPTION_TEXT, &given.tls.authorities_file},
		{"insecure", NULL, "listen off loopback although anybody may then change names",
			OPTION_FLAG, &given.insecure},
		{"names-max", "N", "most names (2,000,000)", OPTION_NUMBER, &given.names_max},
		{"leases-max", "N", "most leases (1,000,000)", OPTION_NUMBER, &given.leases_max},
		{"watches-max", "N", "most watches (20,000)", OPTION_NUMBER, &given.watches_max},
		{"waiting-max", "N", "most lookups that wait (20,000)", OPTION_NUMBER,
			&given.waiting_max},
		{"connections-max", "N", "most connections (10,000)", OPTION_NUMBER,
			&given.connections_max},
		{"discoverable", NULL, "answer who asks the network for a name server, at *:9790",
			OPTION_FLAG, &given.discoverable},
		{"discoverable-at", "ADDRESS:PORT", "answer there (UDP; * for every address)",
			OPTION_TEXT, &given.discovery},
		{"group", "GROUP", "answer those who ask for GROUP (or for all), not for none",
			OPTION_TEXT, &given.group},
		{"metrics", "HOST:PORT", "serve counts over HTTP, for Prometheus", OPTION_TEXT,
			&given.metrics},
		{"json", NULL, "say that it is ready as one JSON object", OPTION_FLAG, &given.json},
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result == CLI_DONE && count != SIZE_MAX)
		result = check(&given);
	if (result == CLI_DONE && count != SIZE_MAX)
		result = run(&given);
	free(given.listen.texts);
	return result;
}
