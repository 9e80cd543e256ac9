/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Included by bcc's bpf.h; instruction encodings, of which C programs use none. */
