/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls as they are, on x86-64. There is no C library in this program: nothing but what a
 * scenario asks for may touch memory, create tasks or change mappings, and tasks made by a bare
 * clone have no thread area that a library could rely on.
 */
#ifndef PROCTRACE_ACTOR_SYSTEM_H
#define PROCTRACE_ACTOR_SYSTEM_H

#include <asm/errno.h>
#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define PAGE_BYTES 4096UL

static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long call4(long number, long a, long b, long c, long d)
{
	return call6(number, a, b, c, d, 0, 0);
}

static inline long call3(long number, long a, long b, long c)
{
	return call6(number, a, b, c, 0, 0, 0);
}

static inline long call1(long number, long a)
{
	return call6(number, a, 0, 0, 0, 0, 0);
}

/* What include/uapi gives in headers that cannot be had without a C library's, or not together. */
enum {
	PROT_READ_WRITE = 3,
	MAP_SHARED_ = 1,
	MAP_PRIVATE_ = 2,
	MAP_FIXED_ = 0x10,
	MAP_ANONYMOUS_ = 0x20,
	MAP_NORESERVE_ = 0x4000,
	MADV_HUGEPAGE_ = 14,
	MADV_NOHUGEPAGE_ = 15,
	FUTEX_WAIT_ = 0,
	FUTEX_WAKE_ = 1,
	CLOCK_MONOTONIC_ = 1,
	CLOCK_BOOTTIME_ = 7,
	PR_SET_NAME_ = 15,
	PR_SET_CHILD_SUBREAPER_ = 36,
	RLIMIT_CORE_ = 4,
	ITIMER_REAL_ = 0,
	SIG_UNBLOCK_ALL = 2, /* SIG_SETMASK, with an empty mask */
	SIGKILL_ = 9,
	SIGCHLD_ = 17,
	SIGSTOP_ = 19,
	SIGNALS = 64,
	CLOSE_UNSHARED_AT_EXEC = 2 | 4, /* CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC */
};

struct time {
	s64 s;
	s64 ns;
};

static inline u64 clock_ns(int clock)
{
	struct time now = { 0, 0 };

	call3(__NR_clock_gettime, clock, (long)&now, 0);
	return (u64)now.s * 1000000000 + (u64)now.ns;
}

static inline void sleep_ns(u64 ns)
{
	struct time span = { (s64)(ns / 1000000000), (s64)(ns % 1000000000) };

	call3(__NR_nanosleep, (long)&span, 0, 0);
}

static inline __attribute__((noreturn)) void exit_group(int status)
{
	for (;;)
		call1(__NR_exit_group, status);
}

#endif
