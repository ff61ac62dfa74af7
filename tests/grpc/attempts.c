/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes one call, and prints how it ended and whether it is known to have run.
 * usage: story_attempts REFERENCE one|look [RETRIES]   look is idempotent, one is not
 */
#include <pyrite/pyrite.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "story.pyr.h"

typedef Pyrite__Test__Story__Item Item;

int main(int argc, char **argv)
{
	static const char *const executed[] = {"maybe", "no", "yes"};
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	Pyrite__Test__Story__Ask ask = PYRITE__TEST__STORY__ASK__INIT;
	pyrite_test_story_story *story;
	Item *item = NULL;
	pyr_context *context;
	pyr_error err;
	options.timeout_ms = 20000;
	options.retries_max = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	if (argc < 3 || pyr_context_new(NULL, &context, &err) ||
		pyrite_test_story_story__open(context, argv[1], &options, &story, &err))
		return 2;
	pyr_status status = strcmp(argv[2], "look") == 0
				    ? pyrite_test_story_story_look(story, &ask, &item, &err)
				    : pyrite_test_story_story_one(story, &ask, &item, &err);
	printf("%s %s\n", pyr_status_name(status), status ? executed[err.executed] : "yes");
	if (item)
		pyrite__test__story__item__free_unpacked(item, NULL);
	pyrite_test_story_story__close(story);
	pyr_context_free(context);
	return 0;
}
