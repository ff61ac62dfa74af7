/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a leak fail the test that left it. Criterion runs each test in a process of its own, and a
 * report that LeakSanitizer writes at that process's end does not reach the run's result.
 */
#ifndef TESTS_LEAKS_H
#define TESTS_LEAKS_H

#if defined(__SANITIZE_ADDRESS__)
#include <criterion/criterion.h>
#include <sanitizer/lsan_interface.h>
/* The last statement of a test's body. */
#define CHECK_LEAKS() cr_assert(!__lsan_do_recoverable_leak_check(), "memory has leaked")
#else
#define CHECK_LEAKS() ((void)0)
#endif

#endif
