/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a plan, before anything is made of them. */
#ifndef PROCTRACE_ACTOR_WORDS_H
#define PROCTRACE_ACTOR_WORDS_H

#include "plan.h"

struct reader {
	char *begin, *at, *end;
	u32 line; /* from 1 */
};

struct line {
	const char *word;
	u32 word_bytes;
	u32 text; /* where its text begins in the plan */
	u32 text_bytes;
	s64 number[NUMBERS];
};

/* Read the next line; gives why it is none, or NULL. */
const char *next_line(struct reader *reader, struct line *line);

/* Whether a line begins with this word. */
int line_is(const struct line *line, const char *word);

/* The operation that a line is about, -1 for none. */
int line_code(const struct line *line);

/* Whether the numbers from `used` on are 0. */
int rest_is_zero(const struct line *line, int used);

#endif
