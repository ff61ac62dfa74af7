/* SPDX-License-Identifier: Apache-2.0 */
/* The log: levels, where lines go, and how many of a kind. */
#include "base/log.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

typedef struct seen {
	unsigned count;
	pyr_log_level level;
	char last[1100];
	char left_out[1100]; /* the last line that speaks of others */
} seen;

static void see(void *ctx, pyr_log_level level, const char *line)
{
	seen *s = ctx;
	s->count++;
	s->level = level;
	snprintf(s->last, sizeof s->last, "%s", line);
	if (strstr(line, "left out"))
		snprintf(s->left_out, sizeof s->left_out, "%s", line);
}

static void at_all_levels(void)
{
	pyr__log(PYR_LOG_ERROR, "e%d", 1);
	pyr__log(PYR_LOG_WARNING, "w%d", 2);
	pyr__log(PYR_LOG_INFO, "i%d", 3);
	pyr__log(PYR_LOG_DEBUG, "d%d", 4);
	PYR__TRACE("t%d", 5);
}

Test(log, calls_the_function_for_its_levels_only)
{
	seen s = {.count = 0};
	pyr_log_set(see, &s, PYR_LOG_INFO);
	at_all_levels();
	cr_assert(s.count == 3 && s.level == PYR_LOG_INFO && strcmp(s.last, "i3") == 0);
	pyr_log_set(see, &s, PYR_LOG_NONE);
	at_all_levels();
	cr_assert(s.count == 3);
}

Test(log, shows_errors_and_warnings_on_stderr_at_first, .init = cr_redirect_stderr)
{
	unsetenv("PYRITE_LOG");
	at_all_levels();
	cr_assert_stderr_eq_str("pyrite: error: e1\npyrite: warning: w2\n");
}

Test(log, takes_the_level_from_the_environment, .init = cr_redirect_stderr)
{
	setenv("PYRITE_LOG", "error", 1);
	at_all_levels();
	cr_assert_stderr_eq_str("pyrite: error: e1\n");
}

Test(log, says_so_when_the_environment_has_no_level, .init = cr_redirect_stderr)
{
	setenv("PYRITE_LOG", "loud", 1);
	pyr__log(PYR_LOG_WARNING, "w");
	pyr__log(PYR_LOG_INFO, "i");
	cr_assert_stderr_eq_str(
		"pyrite: warning: PYRITE_LOG is none of none, error, warning, info, debug, "
		"trace\npyrite: warning: w\n");
}

Test(log, makes_one_printable_line_of_whatever_a_peer_sent)
{
	seen s = {.count = 0};
	char text[2000];
	pyr_log_set(see, &s, PYR_LOG_DEBUG);
	pyr__log(PYR_LOG_ERROR, "%s", "a\nb\x1b[2J\x7f\xff\xc2\x9b \xc3\xa9\xc3");
	cr_assert_str_eq(s.last, "a?b?[2J???? \xc3\xa9?");
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	pyr__log(PYR_LOG_ERROR, "%s", text);
	cr_assert(strlen(s.last) == 1000);
}

Test(log, has_the_trace_below_everything_else, .init = cr_redirect_stderr)
{
	setenv("PYRITE_LOG", "trace", 1);
	at_all_levels();
	cr_assert_stderr_eq_str("pyrite: error: e1\npyrite: warning: w2\npyrite: info: i3\n"
				"pyrite: debug: d4\npyrite: trace: t5\n");
}

static int times_asked;

static int ask(void)
{
	return ++times_asked;
}

Test(log, prepares_nothing_for_a_trace_that_is_not_wanted)
{
	seen s = {.count = 0};
	pyr_log_set(see, &s, PYR_LOG_DEBUG);
	PYR__TRACE("%d", ask());
	cr_assert(times_asked == 0 && s.count == 0);
	pyr_log_set(see, &s, PYR_LOG_TRACE);
	PYR__TRACE("%d", ask());
	cr_assert(times_asked == 1 && s.count == 1 && s.level == PYR_LOG_TRACE);
}

Test(log, leaves_nothing_out_of_the_trace)
{
	seen s = {.count = 0};
	pyr_log_set(see, &s, PYR_LOG_TRACE);
	for (int i = 0; i < 1000; i++)
		PYR__TRACE("line %d", i);
	cr_assert(s.count == 1000);
}

static void of_peer(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		PYR__LOG_OF_PEER(PYR_LOG_WARNING, "line %u", i);
}

Test(log, limits_lines_that_peers_can_cause)
{
	seen s = {.count = 0};
	pyr_log_set(see, &s, PYR_LOG_WARNING);
	of_peer(1000);
	cr_assert(s.count == 10 && strcmp(s.last, "line 9") == 0, "%u lines", s.count);
	PYR__LOG_OF_PEER(PYR_LOG_WARNING, "another kind");
	cr_assert(s.count == 11);
}

Test(log, says_how_many_lines_were_left_out)
{
	seen s = {.count = 0};
	pyr__log_kind kind = {0};
	pyr_log_set(see, &s, PYR_LOG_WARNING);
	for (int i = 0; i < 30; i++)
		pyr__log_limited(&kind, PYR_LOG_WARNING, "again");
	cr_assert(s.count == 10);
	kind.since_us -= 11000000; /* as if that had been a while ago */
	pyr__log_limited(&kind, PYR_LOG_WARNING, "again");
	cr_assert(s.count == 12 && strcmp(s.last, "again") == 0);
	cr_assert_str_eq(s.left_out, "20 lines like the one that follows were left out");
}

Test(log, names_its_levels)
{
	cr_assert_str_eq(pyr_log_level_name(PYR_LOG_WARNING), "warning");
	cr_assert_str_eq(pyr_log_level_name(PYR_LOG_TRACE), "trace");
	cr_assert_str_eq(pyr_log_level_name((pyr_log_level)77), "unknown");
}
