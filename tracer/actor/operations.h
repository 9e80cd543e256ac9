/* SPDX-License-Identifier: Apache-2.0 */
/* What the numbers of an operation may be. */
#ifndef PROCTRACE_ACTOR_OPERATIONS_H
#define PROCTRACE_ACTOR_OPERATIONS_H

#include "plan.h"

#define CLONE_VM_ 0x100UL
#define CLONE_VFORK_ 0x4000UL
#define CLONE_THREAD_ 0x10000UL

/* Whether an actor does nothing more after this. */
int ends_actor(int code);

/* Tell why an operation cannot be done, or NULL. */
const char *check_operation(const struct control *control, const struct operation *operation);

/* The same for what can be seen only when all operations are known; notes who is a thread. */
const char *check_plan(struct control *control);

#endif
