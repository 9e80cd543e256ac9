/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* Included by bcc's helpers.h; nothing of it is used. */
