// SPDX-License-Identifier: Apache-2.0
// Reads a plan (replay/scenario/PLAN.md) and takes nothing on trust that could harm later: every
// number is in its bounds, every reference leads somewhere, and each actor comes to an end.
#include "plan.h"
#include "operations.h"
#include "words.h"

static const char *read_region(struct control *control, const struct line *line, u32 at, u64 *pages)
{
	const s64 *number = line->number;
	struct region *region = &control->region[at];
	u64 lowest = LOWEST_ADDRESS;

	if (!line_is(line, "region") || !rest_is_zero(line, 6))
		return "a line 'region' is expected";
	if (number[0] != at)
		return "regions are numbered from 0";
	if (at)
		lowest = region[-1].address + region[-1].pages * PAGE_BYTES;
	if (number[2] < 1 || number[2] > PAGES_MAX || (*pages += (u64)number[2]) > PAGES_MAX)
		return "a region has too many pages, or none";
	if (number[1] % (s64)PAGE_BYTES || number[1] < (s64)lowest ||
	    number[1] > (s64)(HIGHEST_ADDRESS - PAGES_MAX * PAGE_BYTES))
		return "a region is not where one may be, upwards from 2^44";
	for (int place = 3; place < 6; place++)
		if (number[place] != 0 && number[place] != 1)
			return "a region is shared or not, of a file or not, with huge pages or not";
	if (number[5] && (number[3] || number[4]))
		return "only private anonymous regions may have huge pages";
	*region = (struct region){ (u64)number[1], (u64)number[2], (u8)number[3], (u8)number[4],
				   (u8)number[5] };
	return NULL;
}

static const char *read_barrier(struct control *control, const struct line *line, u32 at)
{
	if (!line_is(line, "barrier") || !rest_is_zero(line, 2))
		return "a line 'barrier' is expected";
	if (line->number[0] != at)
		return "barriers are numbered from 0";
	if (line->number[1] < 1 || line->number[1] > ACTORS_MAX)
		return "a barrier has too many participants, or none";
	control->barrier[at] = (struct barrier){ .participants = (u32)line->number[1] };
	return NULL;
}

static const char *read_name(struct actor *actor, const struct line *line, const char *plan)
{
	if (line->text_bytes < 1 || line->text_bytes >= NAME_BYTES)
		return "the name of an actor has 1 to 15 characters";
	for (u32 at = 0; at < line->text_bytes; at++) {
		char letter = plan[line->text + at];

		if (letter <= ' ' || letter > '~')
			return "the name of an actor is printable";
		actor->name[at] = letter;
	}
	return NULL;
}

static const char *read_actor(struct control *control, const struct line *line, u32 at,
			      const char *plan)
{
	const s64 *number = line->number;
	struct actor *actor = &control->actor[at];
	u32 first = at ? actor[-1].first + actor[-1].operations : 0;

	if (!line_is(line, "actor") || !rest_is_zero(line, 4))
		return "a line 'actor' is expected";
	if (number[0] != at)
		return "actors are numbered from 0";
	if (number[1] < MADE_ROOT || number[1] > MADE_EXECUTED || (number[1] == MADE_ROOT) != !at)
		return "the first actor, and no other, is the root";
	if (at ? number[2] < 0 || number[2] >= at : number[2] != NOBODY)
		return "the parent of an actor comes before it";
	if (number[3] < 1 || number[3] > OPERATIONS_MAX - first)
		return "an actor has too many operations, or none";
	*actor = (struct actor){ .first = first, .operations = (u32)number[3],
				 .parent = (s32)number[2], .made = (u8)number[1] };
	return read_name(actor, line, plan);
}

static const char *read_arguments(struct reader *reader, struct operation *operation)
{
	struct line line;
	const char *why;

	if (operation->number[0] < 1 || operation->number[0] > ARGUMENTS_MAX)
		return "a program has 1 to 64 arguments";
	for (s64 count = 0; count < operation->number[0]; count++) {
		why = next_line(reader, &line);
		if (why)
			return why;
		if (!line_is(&line, "argument") || !rest_is_zero(&line, 1))
			return "a line 'argument' is expected";
		if (line.number[0] != line.text_bytes)
			return "an argument has another length than it says";
		reader->at[-1] = '\0';
		if (count == 0)
			operation->text = line.text;
	}
	if (reader->begin[operation->text] != '/')
		return "the path of a program begins with /";
	return NULL;
}

static const char *read_operations(struct control *control, struct reader *reader, u32 at)
{
	const struct actor *actor = &control->actor[at];
	struct line line;
	const char *why;

	for (u32 place = 0; place < actor->operations; place++) {
		struct operation *operation = &control->operation[actor->first + place];
		int code;

		why = next_line(reader, &line);
		if (why)
			return why;
		code = line_code(&line);
		if (code < 0)
			return "there is no operation of that name";
		if (ends_actor(code) != (place + 1 == actor->operations))
			return "an actor has one operation that ends it, as its last";
		operation->code = (u8)code;
		__builtin_memcpy(operation->number, line.number, sizeof(line.number));
		why = check_operation(control, operation);
		if (!why && code == OP_EXEC_PROGRAM)
			why = read_arguments(reader, operation);
		if (why)
			return why;
	}
	control->operations = actor->first + actor->operations;
	return NULL;
}

static const char *read_head(struct control *control, const struct line *line)
{
	const s64 *number = line->number;

	if (!line_is(line, "plan") || !rest_is_zero(line, 4))
		return "this is no plan";
	if (number[0] != PLAN_VERSION)
		return "this program reads version 1 of plans";
	if (number[1] < 0 || number[1] > REGIONS_MAX)
		return "there are too many regions";
	if (number[2] < 0 || number[2] > BARRIERS_MAX)
		return "there are too many barriers";
	if (number[3] < 1 || number[3] > ACTORS_MAX)
		return "there are too many actors, or none";
	control->regions = (u32)number[1];
	control->barriers = (u32)number[2];
	control->actors = (u32)number[3];
	return NULL;
}

static const char *read_lines(struct control *control, struct reader *reader)
{
	struct line line;
	u64 pages = 0;
	const char *why = next_line(reader, &line);

	if (!why)
		why = read_head(control, &line);
	for (u32 at = 0; !why && at < control->regions; at++) {
		why = next_line(reader, &line);
		if (!why)
			why = read_region(control, &line, at, &pages);
	}
	for (u32 at = 0; !why && at < control->barriers; at++) {
		why = next_line(reader, &line);
		if (!why)
			why = read_barrier(control, &line, at);
	}
	for (u32 at = 0; !why && at < control->actors; at++) {
		why = next_line(reader, &line);
		if (!why)
			why = read_actor(control, &line, at, reader->begin);
		if (!why)
			why = read_operations(control, reader, at);
	}
	if (why)
		return why;
	why = next_line(reader, &line);
	if (!why && !(line_is(&line, "end") && rest_is_zero(&line, 0) && !line.text_bytes))
		why = "the line 'end' is expected";
	if (!why && reader->at != reader->end)
		why = "something follows its line 'end'";
	return why ? why : check_plan(control);
}

int read_plan(struct control *control, char *text, u64 bytes, struct fault *fault)
{
	struct reader reader = { text, text, text + bytes, 0 };

	fault->why = bytes > PLAN_BYTES_MAX ? "it is too long" : read_lines(control, &reader);
	fault->line = reader.line;
	return !fault->why;
}
