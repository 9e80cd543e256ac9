/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* bcc includes this before everything else. The programs are compiled against these few headers
 * and the running kernel's BTF, so that no kernel headers need to be installed. */
#ifndef PROCTRACE_KCONFIG_H
#define PROCTRACE_KCONFIG_H
#define CONFIG_BPF_SYSCALL 1
#endif
