// SPDX-License-Identifier: Apache-2.0
// Words and numbers of the lines of a plan.
#include "words.h"

static const char *const code_words[OP_CODES] = {
	[OP_MAP] = "map", [OP_UNMAP] = "unmap", [OP_MADVISE] = "madvise", [OP_READ] = "read",
	[OP_WRITE] = "write", [OP_CREATE] = "create", [OP_EXEC_ACTOR] = "exec_actor",
	[OP_EXEC_PROGRAM] = "exec_program", [OP_WAIT] = "wait", [OP_WAIT_ALL] = "wait_all",
	[OP_WAITID] = "waitid", [OP_EXIT] = "exit", [OP_EXIT_THREAD] = "exit_thread",
	[OP_DIE] = "die", [OP_KILL] = "kill", [OP_PAUSE] = "pause", [OP_BARRIER] = "barrier",
	[OP_SUBREAPER] = "subreaper", [OP_IGNORE_CHILDREN] = "ignore_children",
};

int line_is(const struct line *line, const char *word)
{
	u32 at = 0;

	while (at < line->word_bytes && word[at] == line->word[at])
		at++;
	return at == line->word_bytes && word[at] == '\0';
}

int line_code(const struct line *line)
{
	for (int code = 0; code < OP_CODES; code++)
		if (line_is(line, code_words[code]))
			return code;
	return -1;
}

/* Read digits, perhaps after a minus; a number that 64 bits cannot hold is refused. */
static const char *read_number(const char *at, const char *end, s64 *number)
{
	int negative = at < end && *at == '-';
	const char *first = at += negative;
	s64 value = 0;

	for (; at < end && *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *at - '0', &value))
			return NULL;
	*number = negative ? -value : value;
	return at == first ? NULL : at;
}

const char *next_line(struct reader *reader, struct line *line)
{
	const char *at = reader->at, *end = at;

	reader->line++;
	if (at == reader->end)
		return "the plan ends before its line 'end'";
	while (end < reader->end && *end != '\n' && *end != '\0')
		end++;
	if (end == reader->end)
		return "the last line has no end";
	if (*end == '\0')
		return "there is a NUL in it";
	for (line->word = at; at < end && *at != ' '; at++)
		;
	line->word_bytes = (u32)(at - line->word);
	for (int place = 0; place < NUMBERS; place++) {
		if (at == end || *at != ' ')
			return "a line is a word, eight integers and text, with a space between";
		at = read_number(at + 1, end, &line->number[place]);
		if (!at)
			return "an integer is missing or too large";
	}
	if (at == end || *at != ' ')
		return "a line is a word, eight integers and text, with a space between";
	line->text = (u32)(at + 1 - reader->begin);
	line->text_bytes = (u32)(end - at - 1);
	reader->at = (char *)end + 1;
	return NULL;
}

int rest_is_zero(const struct line *line, int used)
{
	for (int place = used; place < NUMBERS; place++)
		if (line->number[place])
			return 0;
	return 1;
}
