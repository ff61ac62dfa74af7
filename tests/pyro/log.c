/* SPDX-License-Identifier: Apache-2.0 */
/* What happened in the server, in order, for tests that look or wait for it. */
#include "log.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES 128

static char log_lines[LOG_LINES_MAX][LINE_MAX_BYTES];
static size_t log_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void log_add(const char *what, const char *text)
{
	pthread_mutex_lock(&lock);
	if (log_count == LOG_LINES_MAX)
		abort(); /* a test that logs so much is wrong */
	snprintf(log_lines[log_count++], LINE_MAX_BYTES, "%s%s", what, text);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static bool has(const char *line)
{
	for (size_t i = 0; i < log_count; i++)
		if (strcmp(log_lines[i], line) == 0)
			return true;
	return false;
}

bool log_wait(const char *line, uint32_t ms, const bool *given_up)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&lock);
	while (!has(line) && !(given_up && *given_up))
		if (pthread_cond_timedwait(&changed, &lock, &until))
			break;
	bool found = has(line);
	pthread_mutex_unlock(&lock);
	return found;
}

void log_wake(bool *given_up)
{
	pthread_mutex_lock(&lock);
	*given_up = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

size_t log_find(const char *prefix, char *lines[LOG_LINES_MAX])
{
	size_t found = 0;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < log_count; i++)
		if (strncmp(log_lines[i], prefix, strlen(prefix)) == 0)
			lines[found++] = log_lines[i];
	pthread_mutex_unlock(&lock);
	return found;
}
