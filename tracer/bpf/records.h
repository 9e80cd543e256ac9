/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the programs send to the recorder: one struct for each table of the trace, with the
 * table's name, and one field for each column, with the column's name and size.
 *
 * tracer/records.py reads this file: the numpy layout of a record, its number (KIND_*) and the
 * ring it travels in follow from it, so there is no second list to keep in step. Every struct
 * begins with time_ns, kind, cpu. Fields whose name begins with pad_ are not stored.
 */

struct adopted {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u32 real_parent_tid;
	u32 real_parent_tgid;
	s32 exit_signal;
	u64 start_ns;
	u64 leader_start_ns;
	u64 real_parent_start_ns;
	u32 flags;
	u32 pidns_level;
	u32 pidns_inum;
	u32 ns_tid;
	u32 uid;
	u32 pad_1;
	u64 cgroup;
	u64 mm;
	char comm[16];
};

struct newtask {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u32 child_tid;
	u32 child_tgid;
	u32 real_parent_tid;
	u32 real_parent_tgid;
	s32 exit_signal;
	u64 start_ns;
	u64 child_start_ns;
	u64 child_leader_start_ns;
	u64 real_parent_start_ns;
	u64 clone_flags;
	u32 child_state;
	u32 flags;
	u32 child_flags;
	u32 pidns_level;
	u32 pidns_inum;
	u32 ns_tid;
	u32 uid;
	u32 pad_1;
	u64 cgroup;
	u64 mm;
	u64 files;
	u64 fs;
	u64 sighand;
	u64 signal;
	u64 nsproxy;
	u64 cred;
	u64 child_mm;
	u64 child_files;
	u64 child_fs;
	u64 child_sighand;
	u64 child_signal;
	u64 child_nsproxy;
	u64 child_cred;
	char comm[16];
};

struct started {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u32 pad_1;
	u64 start_ns;
	u64 fork_ns;
	u64 wakeup_new_ns;
	u8 late;
};

struct clone_call {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u16 syscall;
	u8 compat;
	u8 unfinished;
	u64 start_ns;
	u64 enter_ns;
	u64 flags;
	u64 exit_signal;
	u64 stack;
	u64 set_tid_size;
	s64 result;
	u64 blocked_ns;
	u64 blocked_total_ns;
	u64 woken_ns;
	u32 waker_tid;
	u32 sleeps;
	u8 args_read;
};

struct exec {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u32 old_tid;
	u64 start_ns;
	u64 old_start_ns;
	u64 enter_ns;
	u16 syscall;
	u8 compat;
	u8 pad_1;
	u32 uid;
	u32 euid;
	u32 argc;
	u64 arg_bytes;
	u64 exe_ino;
	u32 exe_dev;
	u32 pidns_level;
	u32 pidns_inum;
	u32 ns_tid;
	u64 mm;
	u64 old_mm;
	u64 start_code;
	u64 end_code;
	u64 start_data;
	u64 end_data;
	u64 start_brk;
	u64 start_stack;
	u64 mmap_base;
	u64 cgroup;
};

struct exec_failed {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u16 syscall;
	u8 compat;
	u8 pad_1;
	u64 start_ns;
	u64 enter_ns;
	s32 dirfd;
	s32 at_flags;
	s64 result;
};

struct wait {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u16 syscall;
	u8 compat;
	u8 unfinished;
	u64 start_ns;
	u64 enter_ns;
	s32 idtype;
	s32 id;
	u32 options;
	s32 ns_pid;
	s64 result;
	s32 code;
	s32 status;
	u64 ru_utime_us;
	u64 ru_stime_us;
	u64 ru_maxrss_kib;
	u64 ru_minflt;
	u64 ru_majflt;
	u64 blocked_ns;
	u64 blocked_total_ns;
	u64 woken_ns;
	u32 waker_tid;
	u32 sleeps;
	u8 got;
};

struct exit {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u32 real_parent_tid;
	u32 real_parent_tgid;
	s32 exit_code;
	u64 start_ns;
	u64 real_parent_start_ns;
	s32 group_exit_code;
	u32 signal_flags;
	u32 orphans;
	u32 flags;
	u64 min_flt;
	u64 maj_flt;
	u64 utime_ns;
	u64 stime_ns;
	u64 runtime_ns;
	u64 nvcsw;
	u64 nivcsw;
	u64 maxrss_pages;
	u64 mm;
	u64 cgroup;
	u32 uid;
	u8 group_dead;
	u8 pad_1[3];
	char comm[16];
};

struct dead {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u32 exit_state;
	u64 start_ns;
	u32 orphans;
	u32 reaper_tid;
	u32 reaper_tgid;
	u32 leader_exit_state;
	u64 reaper_start_ns;
};

struct orphan {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u32 child_tid;
	u64 start_ns;
	u32 child_tgid;
	u32 pad_1;
	u64 child_start_ns;
	u8 truncated;
};

struct signal {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u32 target_tid;
	u64 start_ns;
	u32 target_tgid;
	s32 sig;
	u64 target_start_ns;
	s32 code;
	s32 group;
	s32 result;
};

struct fault {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u64 address;
	u64 ip;
	u64 old_pte;
	u64 new_pte;
	u32 took_ns;
	s32 refcount;
	s32 mapcount;
	u8 old_level;
	u8 new_level;
	u8 error_code;
	u8 flags;
};

struct mapping_call {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 tgid;
	u16 syscall;
	u8 compat;
	u8 pad_1;
	u64 start_ns;
	u64 enter_ns;
	u64 arg0;
	u64 arg1;
	u64 arg2;
	u64 arg3;
	u64 arg4;
	u64 arg5;
	s64 result;
	u64 file_ino;
	u32 file_dev;
};

struct step {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u64 site;
	u64 object;
	u64 cache;
	u64 amount;
	u32 gfp;
	s32 result;
	u8 what;
	u8 flags;
	u8 pad_1[6];
};

struct slab_cache {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u64 cache;
	u32 object_bytes;
	char name[32];
};

struct newtask_state {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u32 child_tid;
	u32 child_switches;
	u64 child_start_ns;
	u64 pending;
	u64 shared_pending;
	u64 child_pending;
	u64 child_shared_pending;
	u64 blocked;
	u64 child_blocked;
	u64 child_utime_ns;
	u64 child_stime_ns;
	u64 child_min_flt;
	u64 child_maj_flt;
	u64 child_vfork_done;
	u64 child_set_child_tid;
	u64 child_clear_child_tid;
	u64 stack;
	u64 child_stack;
	u64 io_context;
	u64 child_io_context;
	u64 undo_list;
	u64 child_undo_list;
	u64 seccomp_filter;
	u64 child_seccomp_filter;
	u32 seccomp_mode;
	u32 child_seccomp_mode;
	s32 map_count;
	s32 child_map_count;
	s32 normal_prio;
	s32 child_prio;
	s32 static_prio;
	s32 child_static_prio;
	s32 child_nr_threads;
	u8 child_has_children;
	u8 new_namespaces;
};

struct fork_rss {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u64 mm;
	u64 child_mm;
	s64 file_pages;
	s64 anon_pages;
	s64 swap_entries;
	s64 shmem_pages;
	s64 child_file_pages;
	s64 child_anon_pages;
	s64 child_swap_entries;
	s64 child_shmem_pages;
	u32 child_tid;
	u16 cpus_read;
};

struct migration {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u64 address;
	u64 entry;
	u8 order;
	u8 what;
};

struct collapse {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	u64 mm;
	u64 index;
	s32 status;
};

struct fault_stack {
	u64 time_ns;
	u16 kind;
	u16 cpu;
	u32 tid;
	s32 stack;
};
