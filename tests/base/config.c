/* SPDX-License-Identifier: Apache-2.0 */
/* The environment variables: which there are, what they may say, and who wins. */
#include "base/config.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <pyrite/pyrite.h>
#include "client/context.h"
#include "server/call.h"

static void accepts(const char *name, const char *value)
{
	pyr_error err;
	setenv(name, value, 1);
	cr_assert(pyr_config_check(&err) == PYR_OK, "%s=%s: %s", name, value, err.message);
	unsetenv(name);
}

/* The error names the variable, and says this. */
static void refuses(const char *name, const char *value, const char *saying)
{
	pyr_error err;
	setenv(name, value, 1);
	cr_assert(pyr_config_check(&err) == PYR_INVALID_ARGUMENT, "%s=%s", name, value);
	cr_assert(strstr(err.message, name) && strstr(err.message, saying), "%s", err.message);
	unsetenv(name);
}

Test(config, O2_every_default_is_a_value_that_is_allowed)
{
	pyr_config_variable v = PYR_CONFIG_VARIABLE_INIT;
	size_t count = 0;
	for (; pyr_config_get(count, &v, NULL) == PYR_OK; count++) {
		cr_assert(strncmp(v.name, "PYRITE_", 7) == 0 && *v.help && *v.allowed);
		if (*v.initial)
			accepts(v.name, v.initial);
	}
	cr_assert(count == PYR__CONFIG_KEYS);
}

Test(config, O2_an_unknown_variable_is_refused_with_the_nearest_name)
{
	refuses("PYRITE_CONECT_TIMEOUT", "secret", "is it PYRITE_CONNECT_TIMEOUT?");
	refuses("PYRITE_BANANA_SPLIT_WITH_CREAM", "", "lists them");
	accepts("PYRITE_TEST_ANYTHING", "x");
	accepts("PYRITES", "x");
	pyr_error err;
	setenv("PYRITE_TOKN", "hush", 1);
	cr_assert(pyr_config_check(&err) == PYR_INVALID_ARGUMENT);
	cr_assert(!strstr(err.message, "hush"), "%s", err.message);
}

Test(config, O2_a_bad_value_is_refused_with_what_is_allowed)
{
	static const char *const durations[] = {
		"0", "0ms", "25h", "-1s", "1.5s", "1 s", "s", "1S", "99999999999", " 1s", "1s "};
	static const char *const sizes[] = {"1023", "2GiB", "4MB", "4mib", "0x1000"};
	for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
		refuses("PYRITE_TIMEOUT", durations[i], "1ms to 24h");
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		refuses("PYRITE_MESSAGE_BYTES_MAX", sizes[i], "1KiB to 1GiB");
	refuses("PYRITE_STREAMS_MAX", "16385", "1 to 16384");
	refuses("PYRITE_LEASE_TTL", "99ms", "100ms to 24h");
	refuses("PYRITE_NS", "nonsense", "HOST:PORT");
	refuses("PYRITE_NS", "discover:nonsense", "discover[");
	accepts("PYRITE_NS", "pyrs:discover:blue@10.0.0.255:9790");
	refuses("PYRITE_LOG", "loud", "none, error");
	refuses("PYRITE_TIMEOUT", "a\033b", "'a?b'");
	pyr_error err;
	setenv("PYRITE_TOKEN", "two words", 1);
	cr_assert(pyr_config_check(&err) == PYR_INVALID_ARGUMENT);
	cr_assert(!strstr(err.message, "words"), "%s", err.message);
}

static uint64_t number(pyr__config_key key, const char *name, const char *value)
{
	setenv(name, value, 1);
	uint64_t result = pyr__config_number(key, 0);
	cr_assert(pyr__config_number(key, 7) == 7, "an option wins");
	unsetenv(name);
	return result;
}

Test(config, O2_options_win_over_the_environment_and_that_over_defaults)
{
	cr_assert(pyr__config_number(PYR__CONFIG_TIMEOUT, 0) == PYR_TIMEOUT_DEFAULT_MS);
	cr_assert(number(PYR__CONFIG_TIMEOUT, "PYRITE_TIMEOUT", "250ms") == 250);
	cr_assert(number(PYR__CONFIG_TIMEOUT, "PYRITE_TIMEOUT", "2") == 2000);
	cr_assert(number(PYR__CONFIG_TIMEOUT, "PYRITE_TIMEOUT", "3m") == 180000);
	cr_assert(number(PYR__CONFIG_TIMEOUT, "PYRITE_TIMEOUT", "24h") == 86400000);
	cr_assert(number(PYR__CONFIG_TIMEOUT, "PYRITE_TIMEOUT", "") == 30000);
	cr_assert(number(PYR__CONFIG_MESSAGE_BYTES_MAX, "PYRITE_MESSAGE_BYTES_MAX", "8MiB") ==
		  8 << 20);
	cr_assert(
		number(PYR__CONFIG_MESSAGE_BYTES_MAX, "PYRITE_MESSAGE_BYTES_MAX", "2048") == 2048);
	setenv("PYRITE_NS", "unix:/x", 1);
	cr_assert_str_eq(pyr__config_text(PYR__CONFIG_NS), "unix:/x");
}

Test(config, O2_a_context_and_a_daemon_refuse_a_bad_environment)
{
	pyr_context *context, *given;
	pyr_daemon *daemon;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_error err;
	cr_assert(pyr_context_new(NULL, &given, &err) == PYR_OK, "%s", err.message);
	setenv("PYRITE_NONSENSE", "1", 1);
	cr_assert(pyr_context_new(NULL, &context, &err) == PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "PYRITE_NONSENSE"), "%s", err.message);
	options.context = given;
	cr_assert(pyr_daemon_new(&options, &daemon, &err) == PYR_INVALID_ARGUMENT);
	cr_assert(pyr_daemon_new(NULL, &daemon, &err) == PYR_INVALID_ARGUMENT);
	unsetenv("PYRITE_NONSENSE");
	pyr_context_free(given);
}

Test(config, O2_the_value_of_a_token_is_not_told)
{
	pyr_config_variable v = PYR_CONFIG_VARIABLE_INIT;
	setenv("PYRITE_TOKEN", "hush", 1);
	cr_assert(pyr_config_get(PYR__CONFIG_TOKEN, &v, NULL) == PYR_OK);
	cr_assert(v.secret && v.value && !*v.value);
}

Test(config, O2_a_context_and_a_daemon_take_what_the_environment_says)
{
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	pyr_context *context;
	pyr_daemon *daemon;
	pyr_error err;
	setenv("PYRITE_TIMEOUT", "3s", 1);
	setenv("PYRITE_CONNECT_TIMEOUT", "250ms", 1);
	setenv("PYRITE_MESSAGE_BYTES_MAX", "1MiB", 1);
	setenv("PYRITE_QUEUE_BYTES_MAX", "2MiB", 1);
	setenv("PYRITE_STALL_TIMEOUT", "1m", 1);
	setenv("PYRITE_CONNECTIONS_MAX", "5", 1);
	options.queue_bytes_max = 3 << 20;
	cr_assert(pyr_context_new(&options, &context, &err) == PYR_OK, "%s", err.message);
	cr_assert(context->timeout_ms == 3000 && context->connect_timeout_ms == 250);
	cr_assert(context->session.message_max == 1 << 20);
	cr_assert(context->session.queue_max == 3 << 20, "an option wins");
	pyr_daemon_options daemon_options = PYR_DAEMON_OPTIONS_INIT;
	daemon_options.context = context;
	daemon_options.connections_max = 6;
	cr_assert(pyr_daemon_new(&daemon_options, &daemon, &err) == PYR_OK, "%s", err.message);
	const pyr_daemon_options *taken = pyr__daemon_options(daemon);
	cr_assert(taken->stall_timeout_ms == 60000 && taken->queue_bytes_max == 2 << 20);
	cr_assert(taken->connections_max == 6, "an option wins");
	pyr_daemon_free(daemon);
	pyr_context_free(context);
}
