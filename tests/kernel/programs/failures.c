// SPDX-License-Identifier: Apache-2.0
// failures KIND [FOLDER]: one creation that fails by a limit, or by what else runs at that moment.
// Prints KIND, errno and own pid.
#include "common.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

#define NOBODY 65534
#define LEAST_PID_MAX 301 /* RESERVED_PIDS + 1 */
#define TABLES 1024
#define TABLE_BYTES (2UL << 20) /* what a table of PTEs maps */
#define TRIES_MAX 200000

static long over_nproc(void)
{
	struct rlimit one = { 1, 1 };

	if (setrlimit(RLIMIT_NPROC, &one))
		err(99, "setrlimit");
	if (setgid(NOBODY) || setuid(NOBODY))
		err(99, "setuid");
	return syscall(SYS_fork);
}

static long as_deadline_task(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime_ns, deadline_ns, period_ns;
	} attributes = { .size = sizeof(attributes), .policy = 6 /* SCHED_DEADLINE */,
			 .runtime_ns = 2000000, .deadline_ns = 50000000, .period_ns = 50000000 };

	sound(syscall(SYS_sched_setattr, 0, &attributes, 0U), "sched_setattr");
	return syscall(SYS_fork);
}

static volatile int stop;

// execve looks at the file only when fs->in_exec is set already, and refuses this program.
static void *executes(void *path)
{
	char *arguments[] = { path, NULL };

	while (!stop && execve(path, arguments, arguments + 1) < 0)
		;
	return NULL;
}

// All but the last attempt fail later, because the pid exists.
static long while_sibling_executes(void)
{
	char path[] = "/tmp/proctrace-no-program-XXXXXX";
	pid_t own = getpid();
	struct clone_args arguments = {
		.flags = CLONE_FS, .exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&own, .set_tid_size = 1,
	};
	int found = 0, file = sound(mkstemp(path), "mkstemp");
	pthread_t thread;

	if (write(file, "\0", 1) != 1 || fchmod(file, 0700) || close(file))
		err(99, "%s", path);
	if (pthread_create(&thread, NULL, executes, path))
		errx(99, "pthread_create");
	for (int i = 0; i < TRIES_MAX; i++) {
		syscall(SYS_clone3, &arguments, sizeof(arguments));
		found = errno;
		if (found == EAGAIN)
			break;
	}
	stop = 1;
	pthread_join(thread, NULL);
	unlink(path);
	errno = found;
	return -1;
}

static void write_word(const char *folder, const char *name, const char *word)
{
	char path[4096];
	int file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = sound(open(path, O_WRONLY), path);
	if (write(file, word, strlen(word)) != (ssize_t)strlen(word))
		err(99, "%s", path);
	close(file);
}

static long over_pids_max(const char *folder)
{
	write_word(folder, "pids.max", "1");
	write_word(folder, "cgroup.procs", "0");
	return syscall(SYS_fork);
}

// In a pid namespace of our own, of which this process is the first.
static long over_pid_max(void)
{
	long result = 0;

	if (getpid() != 1)
		errx(99, "not in a namespace of our own");
	write_word("/proc/sys/kernel", "pid_max", "301");
	// They die with the namespace, when this process ends.
	for (int count = 0; count < LEAST_PID_MAX && result >= 0; count++) {
		result = syscall(SYS_fork);
		if (result)
			continue;
		for (;;)
			pause();
	}
	return result;
}

// Mappings that are small enough one by one become one that is greater than all memory.
static long over_memory(void)
{
	struct sysinfo info;
	size_t all, part;
	char *room;

	sysinfo(&info);
	all = (info.totalram + info.totalswap) * info.mem_unit;
	part = all / 2 & ~4095UL;
	room = mmap(NULL, 3 * part, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED || munmap(room, 3 * part))
		err(99, "mmap");
	for (int i = 0; i < 3; i++)
		if (mmap(room + i * part, part, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
			err(99, "mmap");
	return syscall(SYS_fork);
}

static unsigned long number_in(const char *folder, const char *name)
{
	char path[4096];
	unsigned long number;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%lu", &number) != 1)
		err(99, "%s", path);
	fclose(file);
	return number;
}

// A control group of version 1 whose limit leaves no room for as many page tables as we have.
// Without its OOM killer the allocation fails, and a fault would wait: so it is lifted at once.
static long over_memory_cgroup(const char *folder)
{
	char *room, limit[32];
	long result;
	int error;

	alarm(60);
	write_word(folder, "cgroup.procs", "0");
	write_word(folder, "memory.oom_control", "1");
	room = mmap(NULL, TABLES * TABLE_BYTES, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED || madvise(room, TABLES * TABLE_BYTES, MADV_NOHUGEPAGE))
		err(99, "mmap");
	for (int i = 0; i < TABLES; i++)
		room[i * TABLE_BYTES] = 1;
	snprintf(limit, sizeof(limit), "%lu",
		 number_in(folder, "memory.usage_in_bytes") + TABLES * 1024UL);
	write_word(folder, "memory.limit_in_bytes", limit);
	result = syscall(SYS_fork);
	error = errno;
	if (result == 0)
		_exit(0);
	write_word(folder, "memory.limit_in_bytes", "-1");
	errno = error;
	return result;
}

// The limit on address space is about mappings that are made, and a copy makes none.
static long over_address_space(void)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_AS, &none))
		err(99, "setrlimit");
	return syscall(SYS_fork);
}

static const struct {
	const char *name;
	long (*fail)(void);
} kinds[] = {
	{ "address_space", over_address_space },
	{ "deadline", as_deadline_task },
	{ "in_exec", while_sibling_executes },
	{ "memory", over_memory },
	{ "nproc", over_nproc },
	{ "pid_max", over_pid_max },
};

static long fail(const char *kind, const char *folder)
{
	if (!strcmp(kind, "pids_max"))
		return over_pids_max(folder);
	if (!strcmp(kind, "memory_cgroup"))
		return over_memory_cgroup(folder);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kind, kinds[i].name))
			return kinds[i].fail();
	errx(99, "no kind %s", kind);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	long result = fail(kind, argc > 2 ? argv[2] : "");

	if (result == 0)
		_exit(0);
	printf("%s %d %d\n", kind, result < 0 ? errno : 0, getpid());
	fflush(stdout);
	if (result > 0)
		waitpid(result, NULL, 0);
	return 0;
}
