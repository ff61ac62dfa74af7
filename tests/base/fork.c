/* SPDX-License-Identifier: Apache-2.0 */
/* Fork detection: a child sees another count than its parent did. */
#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fork.h"

/* Runs check in a child, where no assertion may be made, and returns its answer. */
static int in_child(int (*check)(unsigned before), unsigned before)
{
	pid_t pid = fork();
	cr_assert(pid >= 0);
	if (pid == 0)
		_exit(check(before));
	int status;
	cr_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int differs(unsigned before)
{
	return pyr__fork_count() != before;
}

static int grandchild_differs_from_child(unsigned before)
{
	unsigned own = pyr__fork_count();
	pid_t pid = fork();
	if (pid == 0)
		_exit(pyr__fork_count() != own && pyr__fork_count() != before);
	int status;
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status);
}

Test(fork, leaves_the_parents_count)
{
	unsigned before = pyr__fork_count();
	in_child(differs, before);
	cr_assert(pyr__fork_count() == before);
}

Test(fork, changes_the_childs_count)
{
	cr_assert(in_child(differs, pyr__fork_count()));
}

Test(fork, changes_it_again_in_a_grandchild)
{
	cr_assert(in_child(grandchild_differs_from_child, pyr__fork_count()));
}
