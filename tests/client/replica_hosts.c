/* SPDX-License-Identifier: Apache-2.0 */
/* Several daemons under one name. */
#include "client/replica_hosts.h"

#include <stdio.h>

static void hang(void *ctx)
{
	host *h = ctx;
	if (atomic_load(&h->hangs))
		tally_await(&h->release, 1);
}

void host_start(served *s, host *h)
{
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	assert_ok(s, pyr_context_new(NULL, &h->context, &s->err));
	options.context = h->context;
	assert_ok(s, pyr_daemon_new(&options, &h->daemon, &s->err));
	assert_ok(s, suite_suite__serve(h->daemon, "suite", &servant_ops, &h->servant, &s->err));
	assert_ok(s, pyr_daemon_listen(h->daemon, h->endpoint, NULL, &s->err));
	assert_ok(s, pyr_daemon_start(h->daemon, &s->err));
	assert_ok(s, pyr_daemon_reference(
			     h->daemon, "suite", 0, h->reference, sizeof h->reference, &s->err));
}

void host_stop(host *h, uint32_t grace_ms)
{
	if (!h->daemon)
		return;
	pyr_daemon_stop(h->daemon, grace_ms);
	pyr_daemon_free(h->daemon);
	pyr_context_free(h->context);
	h->daemon = NULL;
}

void host_name(served *s, const host *h)
{
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	Pyrite__RegisterReply *reply;
	char *references[] = {(char *)h->reference};
	request.name = "suite";
	request.references = references;
	request.n_references = 1;
	request.replica = true;
	assert_ok(s, pyrite_names_register(s->names, &request, &reply, &s->err));
	pyrite__register_reply__free_unpacked(reply, NULL);
}

void hosts_start(served *s, host *hosts)
{
	for (int i = 0; i < HOSTS; i++) {
		host *h = &hosts[i];
		*h = (host){.servant = SERVANT_INIT, .release = TALLY_INIT};
		h->servant.interrupt = hang;
		h->servant.interrupt_ctx = h;
		snprintf(h->endpoint, sizeof h->endpoint, "unix:%s/host-%d", s->directory, i);
		host_start(s, h);
		host_name(s, h);
	}
}

void hosts_stop(host *hosts)
{
	for (int i = 0; i < HOSTS; i++) {
		servant_drop_all(&hosts[i].servant);
		host_stop(&hosts[i], 0);
	}
}

suite_suite *open_balanced(served *s, pyr_balance balance)
{
	suite_suite *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.balance = balance;
	options.timeout_ms = 10000;
	assert_ok(s, suite_suite__open(s->context, "suite", &options, &proxy, &s->err));
	return proxy;
}

unsigned counted(host *h)
{
	return tally_get(&h->servant.count_count);
}

void count_times(served *s, suite_suite *proxy, unsigned times)
{
	for (unsigned i = 0; i < times; i++)
		assert_ok(s, suite_count(proxy, &s->err));
}

void add_ended(void *ctx, pyr_status status, const Suite__Number *reply, const pyr_error *err)
{
	(void)status;
	(void)reply;
	(void)err;
	tally_add(ctx, 1);
}
