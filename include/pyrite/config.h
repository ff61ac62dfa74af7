/* SPDX-License-Identifier: Apache-2.0 */
/* The environment variables PYRITE_*, which give defaults for what a program does not say itself.
 */
#ifndef PYRITE_CONFIG_H
#define PYRITE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <pyrite/status.h>

PYR_BEGIN_DECLS

/* One variable. The texts are static, but for the value, which is the environment's. */
typedef struct pyr_config_variable {
	size_t size;         /* sizeof(pyr_config_variable), set by the caller */
	const char *name;    /* "PYRITE_CONNECT_TIMEOUT" */
	const char *allowed; /* what its value may be, for people */
	const char *initial; /* the value without the variable; "" if there is none */
	const char *help;    /* one line */
	const char *value;   /* as the environment has it, unchecked; NULL: not set, or empty */
	bool secret;         /* not to be shown; value is "" then, if it is set */
} pyr_config_variable;

#define PYR_CONFIG_VARIABLE_INIT                                                                   \
	{                                                                                          \
		sizeof(pyr_config_variable), NULL, NULL, NULL, NULL, NULL, false                   \
	}

/*
 * Describes the variable number `index`, from 0; OUT_OF_RANGE after the last one. In a process with
 * more rights than its user (see secure_getenv(3)) none is set.
 */
PYR_API PYR_MUST_USE pyr_status pyr_config_get(
	size_t index, pyr_config_variable *ret_variable, pyr_error *err);

/*
 * INVALID_ARGUMENT for an environment with an unknown variable PYRITE_*, or with a value that is
 * not allowed; the message names the variable and what is allowed. PYRITE_TEST_* is left to tests.
 * pyr_context_new() and pyr_daemon_new() check as well, and so does the first use of the default
 * context. Any thread, while none changes the environment.
 */
PYR_API PYR_MUST_USE pyr_status pyr_config_check(pyr_error *err);

PYR_END_DECLS

#endif
