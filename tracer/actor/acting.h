/* SPDX-License-Identifier: Apache-2.0 */
/* What all parts of an actor know. Set once as an image begins, and only read from then on. */
#ifndef PROCTRACE_ACTOR_ACTING_H
#define PROCTRACE_ACTOR_ACTING_H

#include "plan.h"

#define STACK_BYTES (64UL << 10)
#define ACTOR_VARIABLE "PROCTRACE_ACTOR="
enum {
	ENVIRONMENT_MAX = 1024, /* variables that are handed on */
	HANDED_BYTES = 64,
	STATUS_MISUSED = 2,
	STATUS_GIVEN_UP = 124, /* as of timeout(1) */
	STATUS_FAILED = 125,
};

struct acting {
	struct control *control;
	const char *plan;  /* its text, for arguments of programs */
	const char *stacks; /* STACK_BYTES for each actor; untouched until it is created */
	const char *path;  /* of this program */
	char **environment; /* for programs */
	const char *handed; /* what goes into the environment of the next image of this program */
};

extern struct acting acting;

/* Run an actor to its end, in the task that is to be it. Called as it begins. */
__attribute__((noreturn)) void act(u32 actor);

/* End everything, since an actor cannot do what the plan says; the first failure is kept. */
__attribute__((noreturn)) void fail(u32 actor, const char *what, long error);

/* begin.c */
void begin_actor(u32 actor);
void begin_root(void);

/* memory.c */
void map_region(u32 actor, u32 number);
void touch_pages(const struct operation *operation);

/* creating.c */
void create(u32 actor, const struct operation *operation);
__attribute__((noreturn)) void execute_actor(u32 actor, u32 next);
__attribute__((noreturn)) void execute_program(u32 actor, const struct operation *operation);

/* meeting.c */
void set_state(u32 actor, enum state state);
void meet(u32 actor, u32 number);
void kill_paused(u32 actor, u32 victim, int signal);
__attribute__((noreturn)) void pause_for_ever(u32 actor);

/* waiting.c */
void wait_for(u32 actor, const struct operation *operation);
void wait_for_all(u32 actor);

/* SplitMix64 of a seed, as in PLAN.md. */
static inline u64 mix(u64 seed, u64 place)
{
	u64 z = seed + (place + 1) * 0x9E3779B97F4A7C15UL;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9UL;
	z = (z ^ z >> 27) * 0x94D049BB133111EBUL;
	return z ^ z >> 31;
}

#endif
