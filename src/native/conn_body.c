/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection's messages are sent as: deflated, by who sends them. */
#include "native/conn_private.h"

bool pyr__conn_deflates(const pyr__conn *conn, const pyr__body *body)
{
	uint32_t from = conn->options.compress_from;
	return body && from > 0 && body->size >= from &&
	       pyr__session_may_deflate(conn->session, body->size);
}

const pyr__body *pyr__conn_deflate(
	pyr__conn *conn, const pyr__body *body, pyr__deflated *ret_deflated)
{
	pyr__mutex_unlock(&conn->lock);
	bool shorter = pyr__deflate(body, ret_deflated);
	pyr__mutex_lock(&conn->lock);
	return shorter ? &ret_deflated->body : body;
}
