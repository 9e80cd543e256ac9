/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Strings: argv, environment, paths. A piece is put together in this CPU's scratch buffer and
 * sent with its exact length, so a short path costs a short record.
 *
 * Raw tracepoint programs run with preemption disabled up to 6.18. Should a kernel ever preempt
 * one, the buffer is seen busy and the string is counted as lost instead of being mixed up.
 */
enum { TEXT_PATH = 1, TEXT_ARGV, TEXT_CWD, TEXT_ENVIRONMENT, TEXT_EXECUTABLE, TEXT_INTERPRETER,
       TEXT_AUXILIARY_VECTOR, TEXT_MAPPED_FILE };
enum { TEXT_TRUNCATED = 1, TEXT_UNREADABLE = 2 };

#define PIECE_BYTES 4096
#define NAME_BYTES 256
#define PIECES_MAX 32 /* 128 KiB, MAX_ARG_STRLEN */
#define PATH_DEPTH_MAX 48

struct piece {
	u64 time_ns;
	u32 tid;
	u16 what;
	u16 flags;
	u32 offset;
	u32 total;
	char data[2 * PIECE_BYTES];
};

/* What a loop carries from one step to the next lives here and not in registers, which keeps the
 * verifier from following every combination. */
struct scratch {
	u64 busy;
	u64 begin;
	u64 total;
	u64 vfsmount;
	u64 dentry;
	u32 used;
	u32 flags;
	struct piece piece;
};

BPF_PERCPU_ARRAY(scratch, struct scratch, 1);

#define PIECE_HEADER_BYTES 24

INLINE struct scratch *take_scratch(u64 time_ns, u32 tid)
{
	int zero = 0;
	struct scratch *s = scratch.lookup(&zero);

	if (!s)
		return 0;
	if (s->busy) {
		count_lost(LOST_SCRATCH);
		return 0;
	}
	s->busy = 1;
	s->piece.time_ns = time_ns;
	s->piece.tid = tid;
	return s;
}

INLINE void give_scratch(struct scratch *s)
{
	s->busy = 0;
}

INLINE void send_piece(struct scratch *s, u16 what, u16 flags, u32 offset, u32 total, u32 bytes)
{
	s->piece.what = what;
	s->piece.flags = flags;
	s->piece.offset = offset;
	s->piece.total = total;
	bytes &= 2 * PIECE_BYTES - 1;
	if (text.ringbuf_output(&s->piece, PIECE_HEADER_BYTES + bytes, BPF_RB_NO_WAKEUP))
		count_lost(LOST_TEXT);
}

/* One piece of the area, from `offset` on; 0 when that was beyond its end. */
INLINE int send_area_piece(struct scratch *s, u16 what, u64 offset)
{
	u64 total = s->total;

	if (offset >= total)
		return 0;
	s->used = total - offset > PIECE_BYTES ? PIECE_BYTES : total - offset;
	s->flags = 0;
	if (offset == (PIECES_MAX - 1) * PIECE_BYTES && total - offset > PIECE_BYTES)
		s->flags = TEXT_TRUNCATED;
	if (read_user(s->piece.data, s->used & (2 * PIECE_BYTES - 1),
				(void *)(s->begin + offset))) {
		s->flags |= TEXT_UNREADABLE;
		s->used = 0;
	}
	send_piece(s, what, s->flags, offset, s->total, s->used);
	return 1;
}

/* The area [begin, end) of this task's memory: argv or environment of the new image. */
INLINE void send_area(struct scratch *s, u16 what, u64 begin, u64 end)
{
	s->begin = begin;
	s->total = end > begin ? end - begin : 0;
	for (int i = 0; i < PIECES_MAX; i++) {
		if (!send_area_piece(s, what, (u64)i * PIECE_BYTES))
			return;
	}
}

/* A path as it was given; `bytes` is what a string helper returned, with the NUL. */
INLINE void send_string(struct scratch *s, u16 what, s64 bytes)
{
	if (bytes <= 0)
		send_piece(s, what, TEXT_UNREADABLE, 0, 0, 0);
	else
		send_piece(s, what, bytes == PIECE_BYTES ? TEXT_TRUNCATED : 0, 0, bytes - 1,
			   bytes - 1);
}

INLINE void send_kernel_string(struct scratch *s, u16 what, u64 address)
{
	send_string(s, what,
		    bpf_probe_read_kernel_str(s->piece.data, PIECE_BYTES, (void *)address));
}

INLINE void send_user_string(struct scratch *s, u16 what, u64 address)
{
	send_string(s, what, read_user_string(s->piece.data, PIECE_BYTES, (void *)address));
}

/* One step of prepend_path(): cross a mount point, or append a name. 0 when the path is whole or
 * can't go on; the flags say which. */
INLINE int append_name(struct scratch *s, u64 root_mount, u64 root_dentry)
{
	u64 dentry = s->dentry;
	u64 parent, mount, above;
	s64 bytes;

	s->flags = 0;
	if (s->vfsmount == root_mount && dentry == root_dentry)
		return 0;
	if (dentry == peek(s->vfsmount + OFF_vfsmount__mnt_root)) {
		mount = s->vfsmount - OFF_mount__mnt;
		above = peek(mount + OFF_mount__mnt_parent);
		if (above == mount || !above)
			return 0;
		s->dentry = peek(mount + OFF_mount__mnt_mountpoint);
		s->vfsmount = above + OFF_mount__mnt;
		return 1;
	}
	parent = peek(dentry + OFF_dentry__d_parent);
	bytes = bpf_probe_read_kernel_str(
		&s->piece.data[s->used & (PIECE_BYTES - 1)], NAME_BYTES,
		(void *)peek(dentry + OFF_dentry__d_name + OFF_qstr__name));
	if (bytes < 0) {
		s->flags = TEXT_UNREADABLE;
		return 0;
	}
	s->used += bytes;
	if (parent == dentry || !parent) /* a memfd: no directory, but a name */
		return 0;
	s->dentry = parent;
	s->flags = TEXT_TRUNCATED;
	return s->used <= PIECE_BYTES - NAME_BYTES;
}

/*
 * The path of a dentry, as d_path() finds it (prepend_path(), fs/d_path.c, 6.18): names from the
 * innermost outwards, crossing mount points, up to the task's root directory.
 */
INLINE void send_path(struct scratch *s, u16 what, u64 path, u64 root)
{
	u64 root_mount = peek(root + OFF_path__mnt);
	u64 root_dentry = peek(root + OFF_path__dentry);

	s->vfsmount = peek(path + OFF_path__mnt);
	s->dentry = peek(path + OFF_path__dentry);
	s->used = 0;
	for (int i = 0; i < PATH_DEPTH_MAX; i++) {
		if (!append_name(s, root_mount, root_dentry))
			break;
		s->flags = TEXT_TRUNCATED;
	}
	send_piece(s, what, s->flags, 0, s->used, s->used);
}
