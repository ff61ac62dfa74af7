/* SPDX-License-Identifier: Apache-2.0 */
/* What names, tags and references may look like. INVALID_ARGUMENT says at which byte they do not.
 */
#ifndef NS_CHECK_H
#define NS_CHECK_H

#include <pyrite/status.h>

#define NS_NAME_MAX 255 /* bytes of a name or a tag */

/* 1 to 255 bytes of UTF-8 without control characters (U+0000 to U+001F, U+007F to U+009F). */
PYR_MUST_USE pyr_status ns_check_name(const char *name, pyr_error *err);

/* The same without ',', which separates tags in references. */
PYR_MUST_USE pyr_status ns_check_tag(const char *tag, pyr_error *err);

/* Who somebody is; the same as a name, or empty for nobody in particular. */
PYR_MUST_USE pyr_status ns_check_principal(const char *principal, pyr_error *err);

/*
 * Not empty, not longer than a reference can be, UTF-8 without control characters: what a store
 * can keep. The grammar is the business of whoever took the reference from a client.
 */
PYR_MUST_USE pyr_status ns_check_reference_text(const char *reference, pyr_error *err);

#endif
