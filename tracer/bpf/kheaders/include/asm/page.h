/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* The size of a page on x86-64, for bcc's BPF_RINGBUF_OUTPUT. */
#ifndef PROCTRACE_PAGE_H
#define PROCTRACE_PAGE_H
#define PAGE_SIZE 4096
#endif
