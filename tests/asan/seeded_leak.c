/* SPDX-License-Identifier: Apache-2.0 */
/* Loses some memory: shows that a leak is reported. */
#include <stdlib.h>

int main(void)
{
	void *volatile lost = malloc(77);
	lost = NULL;
	return lost != NULL;
}
