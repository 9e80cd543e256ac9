/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* bcc carries the kernel's bpf.h itself. */
#include <bcc/bpf.h>
