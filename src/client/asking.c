/* SPDX-License-Identifier: Apache-2.0 */
/* One search for a name server: see the header. */
#include "client/asking.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/random.h"
#include "native/datagram.h"

#define LINGER_US 100000 /* after the first answer, for others */
#define BURST_MAX 256    /* datagrams looked at in one step */
#define SHOWN_MAX 3

/* After the begin; what is lost is asked again. */
static const int64_t rounds_us[] = {0, 200000, 500000};

#define ROUNDS (sizeof rounds_us / sizeof rounds_us[0])

pyr_status pyr__asking_open(
	pyr__asking *asking, const pyr__discovery *where, int64_t timeout_us, pyr_error *err)
{
	memset(asking, 0, sizeof *asking);
	asking->where = *where;
	pyr_status status = pyr__datagram_open(&asking->fd, err);
	if (status)
		return status;
	snprintf(asking->query.group, sizeof asking->query.group, "%s", where->group);
	pyr__random_bytes(asking->query.nonce, sizeof asking->query.nonce);
	if (where->address) {
		asking->places[0] = where->address;
		asking->place_count = 1;
	} else {
		asking->place_count =
			pyr__datagram_everybody(asking->places, PYR__ASKING_PLACES_MAX);
	}
	asking->began_us = asking->next_us = pyr__now_us();
	asking->until_us = asking->began_us + (timeout_us > 0 ? timeout_us : 0);
	return PYR_OK;
}

/* A place that cannot be reached now may be in the next round. */
static void send_round(pyr__asking *asking)
{
	uint8_t bytes[PYR__DISCOVERY_QUERY_SIZE];
	pyr__query_store(&asking->query, bytes);
	for (size_t i = 0; i < asking->place_count; i++)
		pyr__datagram_send(
			asking->fd, asking->places[i], asking->where.port, bytes, sizeof bytes);
	asking->sent++;
}

static bool is_known(const pyr__asking *asking, const pyr__answer *answer)
{
	for (size_t i = 0; i < asking->answer_count; i++)
		if (memcmp(asking->answers[i].id, answer->id, sizeof answer->id) == 0)
			return true;
	return false;
}

static void take(pyr__asking *asking, const pyr__datagram *datagram)
{
	pyr__answer answer;
	if (!pyr__answer_load(&answer, asking->query.nonce, datagram->data, datagram->size))
		return;
	if (!asking->query.any_group && strcmp(answer.group, asking->query.group) != 0)
		return;
	if (asking->where.tls_only && answer.reference.scheme != PYR_SCHEME_PYRS) {
		asking->passed_over = true;
		return;
	}
	if (asking->answer_count == PYR__ASKING_ANSWERS_MAX || is_known(asking, &answer))
		return;
	asking->answers[asking->answer_count++] = answer;
	int64_t enough_us = pyr__now_us() + LINGER_US;
	if (!asking->all && asking->until_us > enough_us)
		asking->until_us = enough_us;
}

bool pyr__asking_step(pyr__asking *asking)
{
	pyr__datagram datagram;
	int64_t now_us = pyr__now_us();
	for (int i = 0; i < BURST_MAX && pyr__datagram_receive(asking->fd, &datagram); i++)
		take(asking, &datagram);
	while (asking->sent < ROUNDS && now_us >= asking->began_us + rounds_us[asking->sent])
		send_round(asking);
	asking->next_us = asking->until_us;
	if (asking->sent < ROUNDS && asking->began_us + rounds_us[asking->sent] < asking->until_us)
		asking->next_us = asking->began_us + rounds_us[asking->sent];
	return now_us >= asking->until_us;
}

void pyr__asking_wait(pyr__asking *asking)
{
	while (!pyr__asking_step(asking))
		pyr__datagram_wait(asking->fd, asking->next_us - pyr__now_us());
}

static pyr_status fail_none(const pyr__asking *asking, pyr_error *err)
{
	char places[(SHOWN_MAX + 1) * (PYR__DATAGRAM_TEXT_SIZE + 2)] = "";
	for (size_t i = 0, size = 0; i < asking->place_count && i < SHOWN_MAX; i++) {
		char text[PYR__DATAGRAM_TEXT_SIZE];
		pyr__datagram_text(asking->places[i], asking->where.port, text);
		size += (size_t)snprintf(
			places + size, sizeof places - size, "%s%s", i ? ", " : "", text);
	}
	const char *group = asking->query.group;
	return pyr_error_set(err, PYR_UNAVAILABLE,
		"no name server%s%s%s%s was discovered in %lld ms: asked by UDP at %s%s. %s",
		*group ? " of the group '" : "", group, *group ? "'" : "",
		asking->where.tls_only ? " over TLS" : "",
		(long long)(asking->until_us - asking->began_us) / 1000, places,
		asking->place_count > SHOWN_MAX ? " and more" : "",
		asking->passed_over
			? "One in cleartext has answered, and is not taken with a token or pyrs:"
			: "'pyrite ns --discoverable' answers there, if no firewall is between");
}

static pyr_status fail_several(const pyr__asking *asking, pyr_error *err)
{
	char found[2 * 128 + 4] = "";
	for (size_t i = 0, size = 0; i < 2; i++) {
		char text[PYR_REFERENCE_MAX] = "";
		pyr_status status = pyr_reference_format(
			&asking->answers[i].reference, text, sizeof text, NULL);
		(void)status; /* what was parsed can be formatted */
		size += (size_t)snprintf(
			found + size, sizeof found - size, "%s%.100s", i ? ", " : "", text);
	}
	return pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"%zu name servers were discovered: %s%s. Give each a group (pyrite ns --group) "
		"and ask for one (PYRITE_NS=discover:GROUP@), or say in PYRITE_NS which it is",
		asking->answer_count, found, asking->answer_count > 2 ? ", ..." : "");
}

pyr_status pyr__asking_verdict(
	const pyr__asking *asking, pyr_reference *ret_reference, pyr_error *err)
{
	if (asking->answer_count == 0)
		return fail_none(asking, err);
	if (asking->answer_count > 1)
		return fail_several(asking, err);
	*ret_reference = asking->answers[0].reference;
	return PYR_OK;
}

void pyr__asking_close(pyr__asking *asking)
{
	pyr__datagram_close(asking->fd);
}
