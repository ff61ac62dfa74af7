/* SPDX-License-Identifier: Apache-2.0 */
/* Prints how many fields the messages have, and what the interface is called. */
#include <stdio.h>
#include "app/shop.pyr.h"
#include "made.pyr.h"

int main(void)
{
	printf("%s %u %u %u %zu\n", app_shop__interface.name, common__thing__descriptor.n_fields,
		app__order__descriptor.n_fields, made__message__descriptor.n_fields,
		app_shop__interface.file->import_count);
	return 0;
}
