/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan as it is executed, and what the actors tell of themselves: all of it is in one piece of
 * shared memory, the control memory, so that it is read once, outlives exec, and is never copied
 * on write. The recorder has the beginning of it, up to the plan (control.py).
 */
#ifndef PROCTRACE_ACTOR_PLAN_H
#define PROCTRACE_ACTOR_PLAN_H

#include "system.h"

#define CONTROL_MAGIC 0x726f746361747470UL
#define PLAN_VERSION 1
#define NOBODY (-1)
#define NO_SEED (-1)
#define PLAN_BYTES_MAX (64UL << 20)
#define LOWEST_ADDRESS (1UL << 44)
#define HIGHEST_ADDRESS (0x7000UL << 32)

enum {
	REGIONS_MAX = 256,
	BARRIERS_MAX = 200000,
	ACTORS_MAX = 4096,
	OPERATIONS_MAX = 200000,
	PAGES_MAX = 1 << 23,
	ARGUMENTS_MAX = 64,
	NUMBERS = 8,
	NAME_BYTES = 16, /* TASK_COMM_LEN, include/linux/sched.h */
	FAILURE_BYTES = 192,
};

enum made { MADE_ROOT, MADE_CREATED, MADE_EXECUTED };

/* In the order of PLAN.md; the words are in words.c. */
enum code {
	OP_MAP, OP_UNMAP, OP_MADVISE, OP_READ, OP_WRITE, OP_CREATE, OP_EXEC_ACTOR,
	OP_EXEC_PROGRAM, OP_WAIT, OP_WAIT_ALL, OP_WAITID, OP_EXIT, OP_EXIT_THREAD, OP_DIE,
	OP_KILL, OP_PAUSE, OP_BARRIER, OP_SUBREAPER, OP_IGNORE_CHILDREN, OP_CODES,
};

/* What an actor is at; control.py knows these, too. */
enum state {
	STATE_NONE,    /* it has not begun */
	STATE_RUNNING,
	STATE_PAUSED,  /* in `pause` */
	STATE_WAITING, /* in a wait call */
	STATE_BARRIER,
	STATE_KILL,    /* until another one pauses */
	STATE_VFORK,   /* until a vfork child executes or ends */
	STATE_GONE,    /* it is another actor now, or a program, or has ended */
};

struct entry {
	u32 state;
	s32 tid;      /* in the pid namespace of /proc, which is the recorder's */
	s32 seen_tid; /* as the call that created it returned */
	u32 at;       /* its operation */
	u64 begun_ns; /* CLOCK_BOOTTIME as it began, after its start_boottime */
	s32 parent_tid_word;
	s32 child_tid_word;
	s32 pidfd_word;
	u32 unused[7];
};
_Static_assert(sizeof(struct entry) == 64, "control.py knows it");

struct region {
	u64 address;
	u64 pages;
	u8 shared, file, thp;
};

struct barrier {
	u32 participants;
	u32 meant; /* how many operations of the plan name it */
	u32 arrived;
	u32 open;
};

struct operation {
	s64 number[NUMBERS];
	u32 text; /* where the first `argument` line of it begins in the plan */
	u8 code;
};

struct actor {
	u32 first, operations;
	s32 parent;
	u8 made;
	u8 begins; /* how many operations begin it */
	u8 thread; /* it is a thread of its parent's process */
	char name[NAME_BYTES];
};

struct control {
	u64 magic;
	u64 give_up_ns; /* CLOCK_MONOTONIC after which every process is to end */
	u64 seed;       /* of the delays; 0 is none */
	u32 actors, regions, barriers, operations;
	u32 failed; /* 1 when an actor could not do what the plan says: */
	s32 failed_actor;
	s32 failed_error; /* errno, 0 for none */
	u32 unused;
	char failure[FAILURE_BYTES];
	s32 file[REGIONS_MAX]; /* descriptors of file regions */
	u8 unused_too[PAGE_BYTES - 56 - FAILURE_BYTES - 4 * REGIONS_MAX];
	struct entry entry[ACTORS_MAX];
	/* the recorder knows nothing beyond this */
	struct region region[REGIONS_MAX];
	struct actor actor[ACTORS_MAX];
	struct barrier barrier[BARRIERS_MAX];
	struct operation operation[OPERATIONS_MAX];
};
_Static_assert(offsetof(struct control, failure) == 56, "control.py knows it");
_Static_assert(offsetof(struct control, file) == 248, "control.py knows it");
_Static_assert(offsetof(struct control, entry) == 4096, "control.py knows it");

struct fault {
	u32 line; /* of the plan, from 1 */
	const char *why;
};

/* Read a plan; 0 when it is not as PLAN.md says. Argument lines get a NUL in place of their end. */
int read_plan(struct control *control, char *text, u64 bytes, struct fault *fault);

#endif
