/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Changes of mappings: the system calls that make them, and what a new image began with. */
#ifdef RECORD_FAULTS

#define NR_MMAP 9
#define NR_MPROTECT 10
#define NR_MUNMAP 11
#define NR_BRK 12
#define NR_MREMAP 25
#define NR_MADVISE 28
#define NR_PKEY_MPROTECT 329
#define NR_PROCESS_MADVISE 440

#define MAP_ANONYMOUS_BIT 0x20 /* include/uapi/asm-generic/mman-common.h */
#define ERRNO_MAX 4095
#define AUXV_BYTES 320 /* 20 pairs; the kernel writes fewer, AT_NULL ends them */

INLINE u32 mapping_number_of_native(u32 nr)
{
	switch (nr) {
	case NR_MMAP:
	case NR_MPROTECT:
	case NR_MUNMAP:
	case NR_BRK:
	case NR_MREMAP:
	case NR_MADVISE:
	case NR_PKEY_MPROTECT:
	case NR_PROCESS_MADVISE:
		return nr;
	}
	return 0;
}

INLINE u32 mapping_number_of_compat(u32 nr)
{
	switch (nr) {
	case 45: return NR_BRK;
	case 91: return NR_MUNMAP;
	case 125: return NR_MPROTECT;
	case 163: return NR_MREMAP;
	case 192: return NR_MMAP; /* mmap2: its offset is in pages */
	case 219: return NR_MADVISE;
	case 380: return NR_PKEY_MPROTECT;
	case 440: return NR_PROCESS_MADVISE;
	}
	return 0;
}

/* The struct file behind a descriptor; files_lookup_fd_raw(), include/linux/fdtable.h, 6.18 */
INLINE u64 file_of(u64 task, u32 descriptor)
{
	u64 table = peek(peek(task + OFF_task_struct__files) + OFF_files_struct__fdt);

	if (descriptor >= peek32(table + OFF_fdtable__max_fds))
		return 0;
	return peek(peek(table + OFF_fdtable__fd) + 8ULL * descriptor);
}

INLINE void send_mapped_file(u64 task, u64 file, u64 time_ns, u32 tid)
{
	struct scratch *s = take_scratch(time_ns, tid);
	u64 fs = peek(task + OFF_task_struct__fs);

	if (!s)
		return;
	send_path(s, TEXT_MAPPED_FILE, file + OFF_file__f_path, fs + OFF_fs_struct__root);
	give_scratch(s);
}

INLINE void record_mapping_call(struct followed *entry, u64 task, s64 result)
{
	u64 now = bpf_ktime_get_ns();
	struct mapping_call *r;
	u64 file = 0;
	u64 inode;

	if (entry->syscall == NR_MMAP && !(entry->arg[3] & MAP_ANONYMOUS_BIT) &&
	    (result > 0 || result < -ERRNO_MAX))
		file = file_of(task, entry->arg[4]);
	r = reserve_mapping_call();
	if (!r)
		return;
	r->time_ns = now;
	r->kind = KIND_MAPPING_CALL;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->tgid = entry->tgid;
	r->start_ns = entry->start_ns;
	r->enter_ns = entry->enter_ns;
	r->syscall = entry->syscall;
	r->compat = entry->compat;
	r->arg0 = entry->arg[0];
	r->arg1 = entry->arg[1];
	r->arg2 = entry->arg[2];
	r->arg3 = entry->arg[3];
	r->arg4 = entry->arg[4];
	r->arg5 = entry->arg[5];
	r->result = result;
	r->file_ino = 0;
	r->file_dev = 0;
	if (file) {
		inode = peek(file + OFF_file__f_inode);
		r->file_ino = peek(inode + OFF_inode__i_ino);
		r->file_dev = peek32(peek(inode + OFF_inode__i_sb) + OFF_super_block__s_dev);
	}
	submit_mapping_call(r);
	if (file)
		send_mapped_file(task, file, now, entry->tid);
}

/* What the kernel told the new image: where its interpreter is, among others. */
INLINE void send_auxiliary_vector(struct scratch *s, u64 mm)
{
	u32 bytes = AUXV_BYTES;

	if (bpf_probe_read_kernel(s->piece.data, AUXV_BYTES,
				  (void *)(mm + OFF_mm_struct__saved_auxv)))
		bytes = 0;
	send_piece(s, TEXT_AUXILIARY_VECTOR, bytes ? 0 : TEXT_UNREADABLE, 0, bytes, bytes);
}

#endif
