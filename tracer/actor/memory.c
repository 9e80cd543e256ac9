// SPDX-License-Identifier: Apache-2.0
// Regions: mapping them, and touching their pages.
#include "acting.h"

void map_region(u32 actor, u32 number)
{
	const struct region *region = &acting.control->region[number];
	long bytes = (long)(region->pages * PAGE_BYTES);
	long flags = MAP_FIXED_ | (region->shared ? MAP_SHARED_ : MAP_PRIVATE_);
	long file = region->file ? acting.control->file[number] : -1;
	long result;

	if (!region->file)
		flags |= MAP_ANONYMOUS_;
	result = call6(__NR_mmap, (long)region->address, bytes, PROT_READ_WRITE, flags, file, 0);
	if (result != (long)region->address)
		fail(actor, "mmap", -result);
	/* Refused where the kernel has no huge pages, and then there is nothing to say. */
	if (!region->file && !region->shared)
		call3(__NR_madvise, (long)region->address, bytes,
		      region->thp ? MADV_HUGEPAGE_ : MADV_NOHUGEPAGE_);
}

void touch_pages(const struct operation *operation)
{
	const s64 *number = operation->number;
	volatile u8 *begin = (volatile u8 *)acting.control->region[number[0]].address;
	u64 first = (u64)number[1], count = (u64)number[2], step = (u64)number[3];
	int write = operation->code == OP_WRITE;

	for (u64 k = 0; k < count; k++) {
		u64 page = first;

		if (number[4] == NO_SEED)
			page += k * step;
		else
			page += mix((u64)number[4], k) % (u64)number[5];
		if (write)
			begin[page * PAGE_BYTES] = 1;
		else
			(void)begin[page * PAGE_BYTES];
	}
}
