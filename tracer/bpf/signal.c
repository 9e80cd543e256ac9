/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* A signal is sent to a followed task: signal_generate. SIGCHLD is left out: the end of the child
 * that causes it is recorded, and it would double the records of every fork. */

/* include/linux/sched/signal.h: special values of the siginfo pointer */
#define SEND_SIG_NOINFO 0
#define SEND_SIG_PRIV 1
#define SI_KERNEL_CODE 0x80

/* signal_generate(int sig, struct kernel_siginfo *info, task, int group, int result) */
int on_signal_generate(struct raw_arguments *ctx)
{
	u64 task = bpf_get_current_task();
	u64 target = ctx->args[2];
	u64 info = ctx->args[1];
	struct followed *entry;
	struct signal *r;

	if ((s32)ctx->args[0] == SIGCHLD_NR)
		return 0;
	entry = followed.lookup(&target);
	if (!entry)
		return 0;
	r = reserve_signal();
	if (!r)
		return 0;
	r->time_ns = bpf_ktime_get_ns();
	r->kind = KIND_SIGNAL;
	r->cpu = bpf_get_smp_processor_id();
	r->tid = tid_of(task);
	r->tgid = tgid_of(task);
	r->start_ns = start_of(task);
	r->target_tid = entry->tid;
	r->target_tgid = entry->tgid;
	r->target_start_ns = entry->start_ns;
	r->sig = ctx->args[0];
	if (info == SEND_SIG_NOINFO)
		r->code = 0;
	else if (info == SEND_SIG_PRIV)
		r->code = SI_KERNEL_CODE;
	else
		r->code = peek32(info + OFF_kernel_siginfo__si_code);
	r->group = ctx->args[3];
	r->result = ctx->args[4];
	submit_signal(r);
	return 0;
}
