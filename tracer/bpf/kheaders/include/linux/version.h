/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* bcc's helpers.h asks which helpers and map types there are; the kernel itself answers when the
 * program is loaded, so any version that has ring buffers (5.8) serves. */
#ifndef PROCTRACE_VERSION_H
#define PROCTRACE_VERSION_H
#define KERNEL_VERSION(major, minor, patch) (((major) << 16) + ((minor) << 8) + (patch))
#define LINUX_VERSION_CODE KERNEL_VERSION(5, 10, 0)
#endif
