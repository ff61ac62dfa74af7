/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the calculator, wherever it is. */
#include <stdio.h>
#include "calculator.pyr.h"

int main(void)
{
	demo_calculator *calc;
	Demo__AddRequest request = DEMO__ADD_REQUEST__INIT;
	Demo__AddReply *reply;
	pyr_error err;
	request.a = 20;
	request.b = 22;
	if (demo_calculator__open(NULL, "example.calculator", NULL, &calc, &err) ||
		demo_calculator_add(calc, &request, &reply, &err))
		return fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message), 1;
	printf("20 + 22 = %g\n", reply->sum);
	demo__add_reply__free_unpacked(reply, NULL);
	demo_calculator__close(calc);
}
