/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of a turn's output is held back until its end. To write all of it at once takes the
 * fewest system calls. But if all that is under way is in this one turn, then the other side has
 * nothing to do meanwhile: the two work by turns, and sleep and are woken in between. So a quarter
 * of it is sent as soon as it is there, and while the other side wakes up for it we make the rest.
 *
 * Where both have the same processor, and no other, that would only make more of the turns.
 */
#include <limits.h>
#include <sched.h>
#include <sys/socket.h>
#include "native/conn_private.h"

#define PARTS         4
#define PARTS_LEAST   2 /* calls, or answers: a system call for each would be too many */
#define TURNS_TO_LOOK 64

void pyr__conn_pace_init(pyr__conn *conn)
{
	conn->one_processor = pyr__spin_is_alone();
}

/*
 * Whether the peer has our only processor too. Of a process of this machine one can ask that; of
 * what came by TCP the kernel notes where it was received, which on loopback is where it was sent.
 */
static bool is_peer_here(const pyr__conn *conn)
{
	cpu_set_t ours, theirs;
	struct ucred peer = {.pid = 0};
	socklen_t size = sizeof peer;
	int cpu = -1;
	if (getsockopt(conn->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0)
		return sched_getaffinity(0, sizeof ours, &ours) ||
		       sched_getaffinity(peer.pid, sizeof theirs, &theirs) ||
		       CPU_EQUAL(&ours, &theirs);
	size = sizeof cpu;
	if (getsockopt(conn->fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &size) || cpu < 0)
		return true;
	return cpu == sched_getcpu();
}

void pyr__conn_pace_begin(pyr__conn *conn)
{
	unsigned part = pyr__session_depth(conn->session) / PARTS;
	bool by_turns = false;
	if (conn->one_processor) {
		if (conn->turns++ % TURNS_TO_LOOK == 0)
			conn->peer_is_here = is_peer_here(conn);
		by_turns = conn->peer_is_here;
	}
	conn->held_back_max = by_turns ? UINT_MAX : part < PARTS_LEAST ? PARTS_LEAST : part;
}
