/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* The integer types that bcc's bpf.h and helpers.h use, as x86-64 defines them. */
#ifndef PROCTRACE_TYPES_H
#define PROCTRACE_TYPES_H

typedef unsigned char __u8, u8;
typedef signed char __s8, s8;
typedef unsigned short __u16, u16, __be16, __le16, __sum16;
typedef short __s16, s16;
typedef unsigned int __u32, u32, __be32, __le32, __wsum;
typedef int __s32, s32;
typedef unsigned long long __u64, u64, __be64, __le64;
typedef long long __s64, s64;
typedef __u64 __aligned_u64 __attribute__((aligned(8)));

typedef unsigned long size_t;
typedef long ssize_t;
typedef unsigned long uintptr_t;
typedef _Bool bool;
typedef int pid_t;

#define NULL ((void *)0)
#define true 1
#define false 0
#endif
