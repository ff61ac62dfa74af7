/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of calls that a client of the soak test waits for. */
#include <stdlib.h>
#include "answer.h"
#include "calls.h"

#define WORK_US_MAX 20000
#define LIST_MAX    50
#define TALK_MAX    8
#define BATCH_MAX   8

unsigned soak_random(caller *c, unsigned below)
{
	return (unsigned)rand_r(&c->random) % below;
}

int64_t soak_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

Soak__Token soak_token(caller *c)
{
	Soak__Token token = SOAK__TOKEN__INIT;
	token.client = c->id;
	token.number = ++c->number;
	token.work_us = soak_random(c, 4) ? 0 : soak_random(c, WORK_US_MAX);
	return token;
}

void soak_record(caller *c, char kind, uint64_t number, const char *status, pyr_executed executed,
	int64_t began_us)
{
	static const char executions[] = "?-+"; /* maybe, no, yes */
	fprintf(c->record, "%c %u %llu %s %c %lld %s\n", kind, c->id, (unsigned long long)number,
		status, executions[executed], (long long)(soak_now_us() - began_us), c->balance);
}

void soak_explain(const caller *c, char kind, uint64_t number, const pyr_error *err)
{
	fprintf(stderr, "%c %u %llu: %s: %s (%s)\n", kind, c->id, (unsigned long long)number,
		pyr_status_name(err->status), err->message, err->where);
}

const char *soak_judge(uint32_t client, uint64_t number, uint32_t index, const Soak__Answer *answer)
{
	return answer->value == soak_answer(client, number, index) ? "OK" : "WRONG";
}

static void record_answer(caller *c, char kind, const Soak__Token *token, pyr_status status,
	Soak__Answer *answer, const pyr_error *err, int64_t began_us)
{
	if (status) {
		soak_explain(c, kind, token->number, err);
		soak_record(
			c, kind, token->number, pyr_status_name(status), err->executed, began_us);
		return;
	}
	soak_record(c, kind, token->number, soak_judge(c->id, token->number, 0, answer),
		PYR_EXECUTED_YES, began_us);
	soak__answer__free_unpacked(answer, NULL);
}

void soak_look(caller *c)
{
	Soak__Token token = soak_token(c);
	Soak__Answer *answer = NULL;
	pyr_error err;
	int64_t began = soak_now_us();
	pyr_status status = soak_servant_look(c->servant, &token, &answer, &err);
	record_answer(c, 'L', &token, status, answer, &err, began);
}

void soak_add(caller *c)
{
	Soak__Token token = soak_token(c);
	Soak__Answer *answer = NULL;
	pyr_error err;
	int64_t began = soak_now_us();
	pyr_status status = soak_servant_add(c->servant, &token, &answer, &err);
	record_answer(c, 'A', &token, status, answer, &err, began);
}

/* Nobody knows whether it has run, though it was taken over. */
void soak_note(caller *c)
{
	Soak__Token token = soak_token(c);
	pyr_error err;
	int64_t began = soak_now_us();
	pyr_status status = soak_servant_note(c->servant, &token, &err);
	soak_record(c, 'N', token.number, status ? pyr_status_name(status) : "SENT",
		status ? err.executed : PYR_EXECUTED_MAYBE, began);
}

/* The status of a whole list: WRONG if it ends early, or too late, or has a wrong answer. */
static const char *read_list(pyr_stream *stream, const Soak__Token *token, pyr_error *err)
{
	const Soak__Answer *answer;
	for (uint32_t i = 0;; i++) {
		pyr_status status = soak_servant_list__next(stream, &answer, err);
		if (status)
			return pyr_status_name(status);
		if (!answer)
			return i == token->count ? "OK" : "WRONG";
		if (soak_judge(token->client, token->number, i, answer)[0] == 'W')
			return "WRONG";
	}
}

void soak_list(caller *c)
{
	Soak__Token token = soak_token(c);
	pyr_stream *stream;
	pyr_error err;
	int64_t began = soak_now_us();
	token.count = soak_random(c, LIST_MAX);
	pyr_status status = soak_servant_list(c->servant, &token, &stream, &err);
	if (status) {
		soak_record(c, 'S', token.number, pyr_status_name(status), err.executed, began);
		return;
	}
	err.executed = PYR_EXECUTED_MAYBE;
	const char *end = read_list(stream, &token, &err);
	if (end[0] != 'O' && end[0] != 'W')
		soak_explain(c, 'S', token.number, &err);
	soak_record(c, 'S', token.number, end, err.executed, began);
	pyr_stream_close(stream);
}

/* One token there and its answer back; PYR_OK also with a wrong answer, which is recorded. */
static pyr_status say(caller *c, pyr_stream *stream, pyr_error *err)
{
	Soak__Token token = soak_token(c);
	const Soak__Answer *answer = NULL;
	int64_t began = soak_now_us();
	token.work_us = 0; /* it is observed, on the daemon's loop */
	/* when a send fails the stream has ended, and who reads is told why */
	bool sent = soak_servant_talk__send(stream, &token, err) == PYR_OK;
	pyr_status status = soak_servant_talk__next(stream, &answer, err);
	if (status == PYR_OK && !answer && !sent)
		status = pyr_error_set(
			err, PYR_INTERNAL, "a send failed, and the stream ended well");
	const char *name = status   ? pyr_status_name(status)
			   : answer ? soak_judge(c->id, token.number, 0, answer)
				    : "WRONG";
	if (status)
		soak_explain(c, 'T', token.number, err);
	soak_record(c, 'T', token.number, name, status ? err->executed : PYR_EXECUTED_MAYBE, began);
	return status;
}

static pyr_status hear_the_end(pyr_stream *stream, pyr_error *err)
{
	const Soak__Answer *answer;
	pyr_status status = pyr_stream_end(stream, err);
	if (status == PYR_OK)
		status = soak_servant_talk__next(stream, &answer, err);
	return status;
}

void soak_talk(caller *c)
{
	pyr_stream *stream;
	pyr_error err;
	int64_t began = soak_now_us();
	pyr_status status = soak_servant_talk(c->servant, &stream, &err);
	if (status) {
		soak_record(c, 'T', ++c->number, pyr_status_name(status), PYR_EXECUTED_NO, began);
		return;
	}
	for (unsigned left = soak_random(c, TALK_MAX); left > 0 && status == PYR_OK; left--)
		status = say(c, stream, &err);
	if (status == PYR_OK)
		status = hear_the_end(stream, &err);
	pyr_stream_close(stream);
}

typedef struct lot {
	caller *client;
	pyr_batch *batch;
	bool looks; /* looks, or additions */
	uint64_t first;
	int64_t began_us;
} lot;

static pyr_status add_to(lot *l, pyr_error *err)
{
	Soak__Token token = soak_token(l->client);
	return l->looks ? soak_servant_look__batch(l->batch, &token, err)
			: soak_servant_add__batch(l->batch, &token, err);
}

static const char *judge_one(const lot *l, size_t index)
{
	Soak__Answer *answer;
	pyr_error err;
	pyr_status status = l->looks ? soak_servant_look__batched(l->batch, index, &answer, &err)
				     : soak_servant_add__batched(l->batch, index, &answer, &err);
	if (status)
		return "WRONG";
	const char *name = soak_judge(l->client->id, l->first + index, 0, answer);
	soak__answer__free_unpacked(answer, NULL);
	return name;
}

/* Those before pyr_batch_ran() have run; about the others err says what it can. */
static void record_lot(const lot *l, pyr_status status, const pyr_error *err)
{
	for (size_t i = 0; i < pyr_batch_count(l->batch); i++) {
		bool ran = i < pyr_batch_ran(l->batch);
		const char *name = ran      ? judge_one(l, i)
				   : status ? pyr_status_name(status)
					    : "WRONG";
		pyr_executed executed = ran      ? PYR_EXECUTED_YES
					: status ? err->executed
						 : PYR_EXECUTED_MAYBE;
		soak_record(
			l->client, l->looks ? 'b' : 'B', l->first + i, name, executed, l->began_us);
	}
}

void soak_batch(caller *c)
{
	lot l = {c, pyr_batch_new(soak_servant__proxy(c->servant)), soak_random(c, 2),
		c->number + 1, soak_now_us()};
	pyr_error err;
	pyr_status status = PYR_OK;
	for (unsigned left = 1 + soak_random(c, BATCH_MAX); left > 0 && !status; left--)
		status = add_to(&l, &err);
	if (status == PYR_OK)
		status = pyr_batch_run(l.batch, &err);
	if (status)
		soak_explain(c, l.looks ? 'b' : 'B', l.first, &err);
	record_lot(&l, status, &err);
	pyr_batch_free(l.batch);
}
