/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* A new image stands ready (sched_process_exec), or an exec was refused (return of the call). */

BPF_PROG_ARRAY(continue_argv, 1);

#define ARGUMENTS_PER_PIECE 256
#define ARGUMENTS_END 0xffffffff

INLINE void send_exec_texts(u64 task, u64 mm, u64 bprm, u64 time_ns, u32 tid)
{
	struct scratch *s = take_scratch(time_ns, tid);
	u64 fs = peek(task + OFF_task_struct__fs);
	u64 root = fs + OFF_fs_struct__root;
	u64 exe = peek(mm + OFF_mm_struct__exe_file);

	if (!s)
		return;
	send_kernel_string(s, TEXT_PATH, peek(bprm + OFF_linux_binprm__filename));
	if (peek(bprm + OFF_linux_binprm__interp) != peek(bprm + OFF_linux_binprm__filename))
		send_kernel_string(s, TEXT_INTERPRETER, peek(bprm + OFF_linux_binprm__interp));
	send_area(s, TEXT_ARGV, peek(mm + OFF_mm_struct__arg_start),
		  peek(mm + OFF_mm_struct__arg_end));
#ifdef RECORD_ENVIRONMENT
	send_area(s, TEXT_ENVIRONMENT, peek(mm + OFF_mm_struct__env_start),
		  peek(mm + OFF_mm_struct__env_end));
#endif
#ifdef RECORD_FAULTS
	send_auxiliary_vector(s, mm);
#endif
	/* One loop for both keeps the code, and so the time to compile it, half as large. */
	for (int i = 0; i < 2; i++)
		send_path(s, i ? TEXT_EXECUTABLE : TEXT_CWD,
			  i ? exe + OFF_file__f_path : fs + OFF_fs_struct__pwd, root);
	give_scratch(s);
}

INLINE void record_exec(struct followed *entry, u64 task, u64 mm, u64 bprm, u64 now)
{
	u64 exe = peek(mm + OFF_mm_struct__exe_file);
	u64 inode = peek(exe + OFF_file__f_inode);
	u64 cred = peek(task + OFF_task_struct__cred);
	struct exec *r = reserve_exec();

	if (!r)
		return;
	r->time_ns = now;
	r->kind = KIND_EXEC;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = tid_of(task);
	r->tgid = tgid_of(task);
	r->start_ns = start_of(task);
	r->old_tid = entry->tid;
	r->old_start_ns = entry->start_ns;
	r->enter_ns = entry->syscall ? entry->enter_ns : 0;
	r->syscall = entry->syscall;
	r->compat = entry->compat;
	r->uid = peek32(cred + OFF_cred__uid);
	r->euid = peek32(cred + OFF_cred__euid);
	r->argc = peek32(bprm + OFF_linux_binprm__argc);
	r->arg_bytes = peek(mm + OFF_mm_struct__arg_end) - peek(mm + OFF_mm_struct__arg_start);
	r->exe_ino = peek(inode + OFF_inode__i_ino);
	r->exe_dev = peek32(peek(inode + OFF_inode__i_sb) + OFF_super_block__s_dev);
	namespace_of(task, &r->pidns_level, &r->pidns_inum, &r->ns_tid);
	r->mm = mm;
	r->old_mm = entry->syscall ? entry->old_mm : 0;
	r->start_code = peek(mm + OFF_mm_struct__start_code);
	r->end_code = peek(mm + OFF_mm_struct__end_code);
	r->start_data = peek(mm + OFF_mm_struct__start_data);
	r->end_data = peek(mm + OFF_mm_struct__end_data);
	r->start_brk = peek(mm + OFF_mm_struct__start_brk);
	r->start_stack = peek(mm + OFF_mm_struct__start_stack);
	r->mmap_base = peek(mm + OFF_mm_struct__mmap_base);
	r->cgroup = cgroup_of(task);
	submit_exec(r);
}

/*
 * sched_process_exec(task, pid_t old_pid, struct linux_binprm *bprm): the new image is mapped and
 * its argument area has just been written, so it is resident and whole. After an exec by a
 * non-leader thread the task has the leader's tid and start time (de_thread(), fs/exec.c).
 */
int on_sched_process_exec(struct raw_arguments *ctx)
{
	u64 task = bpf_get_current_task();
	struct followed *entry = follow_wanted(task, 0);
	u64 now = bpf_ktime_get_ns();
	u64 mm;

	if (!entry)
		return 0;
	mm = peek(task + OFF_task_struct__mm);
	record_exec(entry, task, mm, ctx->args[2], now);
#ifdef RECORD_FAULTS
	forget_running();
#endif
	entry->tid = tid_of(task);
	entry->start_ns = start_of(task);
	entry->leader_start_ns = entry->start_ns;
	entry->syscall = 0;
	send_exec_texts(task, mm, ctx->args[2], now, entry->tid);
	return 0;
}

INLINE u64 argument_pointer(struct followed *entry)
{
	u64 argv = entry->arg[1];
	u64 pointer = 0;

	if (entry->compat)
		read_user(&pointer, 4, (void *)(argv + 4ULL * entry->argv_index));
	else
		read_user(&pointer, 8, (void *)(argv + 8ULL * entry->argv_index));
	return pointer;
}

/* Append the argument that argv_index and argv_within point at; 0 when the piece is full or the
 * last argument is in. A single argument longer than a piece goes on in the next one. */
INLINE int append_argument(struct followed *entry, struct scratch *s)
{
	u64 pointer = argument_pointer(entry);
	u32 used = entry->piece_used;
	s64 bytes;

	if (!pointer) {
		entry->argv_index = ARGUMENTS_END;
		return 0;
	}
	if (used >= PIECE_BYTES)
		return 0;
	bytes = read_user_string(&s->piece.data[used], PIECE_BYTES,
					(void *)(pointer + entry->argv_within));
	if (bytes == PIECE_BYTES) {
		entry->piece_used = used + PIECE_BYTES - 1;
		entry->argv_within += PIECE_BYTES - 1;
		return 0;
	}
	if (bytes <= 0) {
		entry->piece_flags |= TEXT_UNREADABLE;
		s->piece.data[used] = 0;
		bytes = 1;
	}
	entry->piece_used = used + bytes;
	entry->argv_within = 0;
	entry->argv_index++;
	return 1;
}

/*
 * One piece of a failed exec's arguments, read where the caller keeps them; then the next piece
 * by a tail call, of which the kernel allows 33 (MAX_TAIL_CALL_CNT, include/linux/bpf.h). Memory
 * that is not resident can't be read here and is flagged. What is carried from one argument to
 * the next lives in the map, which keeps the verifier from following every combination.
 */
int send_failed_argv(struct raw_arguments *ctx)
{
	u64 task = bpf_get_current_task();
	struct followed *entry = followed.lookup(&task);
	struct scratch *s;

	if (!entry)
		return 0;
	s = take_scratch(entry->exec_failed_ns, entry->tid);
	if (!s)
		return 0;
	entry->piece_used = 0;
	entry->piece_flags = 0;
	for (int i = 0; i < ARGUMENTS_PER_PIECE; i++) {
		if (!append_argument(entry, s))
			break;
	}
	if (entry->argv_index != ARGUMENTS_END &&
	    entry->argv_bytes + entry->piece_used >= PIECES_MAX * PIECE_BYTES) {
		entry->piece_flags |= TEXT_TRUNCATED;
		entry->argv_index = ARGUMENTS_END;
	}
	send_piece(s, TEXT_ARGV, entry->piece_flags, entry->argv_bytes, 0, entry->piece_used);
	entry->argv_bytes += entry->piece_used;
	give_scratch(s);
	if (entry->argv_index == ARGUMENTS_END)
		return 0;
	continue_argv.call(ctx, 0);
	/* Reached only when the kernel allows no further tail call. */
	s = take_scratch(entry->exec_failed_ns, entry->tid);
	if (s) {
		send_piece(s, TEXT_ARGV, TEXT_TRUNCATED, entry->argv_bytes, 0, 0);
		give_scratch(s);
	}
	return 0;
}

INLINE void record_exec_failed(struct followed *entry, s64 result, u64 now)
{
	struct exec_failed *r = reserve_exec_failed();

	if (!r)
		return;
	r->time_ns = now;
	r->kind = KIND_EXEC_FAILED;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = entry->tid;
	r->tgid = entry->tgid;
	r->start_ns = entry->start_ns;
	r->enter_ns = entry->enter_ns;
	r->syscall = entry->syscall;
	r->compat = entry->compat;
	r->dirfd = entry->arg[2];
	r->at_flags = entry->arg[3];
	r->result = result;
	submit_exec_failed(r);
}

/* Everything about a failed exec but its arguments, which send_failed_argv() sends piece by piece. */
INLINE void begin_exec_failed(struct followed *entry, u64 task, s64 result)
{
	u64 now = bpf_ktime_get_ns();
	u64 fs = peek(task + OFF_task_struct__fs);
	struct scratch *s;

	record_exec_failed(entry, result, now);
	entry->exec_failed_ns = now;
	entry->argv_index = 0;
	entry->argv_bytes = 0;
	entry->argv_within = 0;
	s = take_scratch(now, entry->tid);
	if (!s)
		return;
	send_user_string(s, TEXT_PATH, entry->arg[0]);
	send_path(s, TEXT_CWD, fs + OFF_fs_struct__pwd, fs + OFF_fs_struct__root);
	give_scratch(s);
}
