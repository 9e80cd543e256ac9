/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* --cgroup: a task that moves into the wanted cgroup or below it, or is created there by somebody
 * who is not followed (clone3 with CLONE_INTO_CGROUP), is followed from then on. */
#ifdef WANTED_CGROUP

INLINE int in_wanted_cgroup(u64 cgroup)
{
	u64 css = cgroup + OFF_cgroup__self;

	for (int depth = 0; depth < CGROUP_DEPTH_MAX; depth++) {
		u64 at = css - OFF_cgroup__self;

		if (peek(peek(at + OFF_cgroup__kn) + OFF_kernfs_node__id) == WANTED_CGROUP)
			return 1;
		css = peek(css + OFF_cgroup_subsys_state__parent);
		if (!css)
			return 0;
	}
	return 0;
}

/* cgroup_attach_task(struct cgroup *dst, const char *path, task, bool threadgroup) */
int on_cgroup_attach_task(struct raw_arguments *ctx)
{
	u64 task = ctx->args[2];

	if (!followed.lookup(&task) && in_wanted_cgroup(ctx->args[0]))
		adopt(task);
	return 0;
}

/* A new task of somebody who is not followed. */
INLINE void adopt_by_cgroup(u64 child)
{
	u64 css_set = peek(child + OFF_task_struct__cgroups);

	if (in_wanted_cgroup(peek(css_set + OFF_css_set__dfl_cgrp)))
		adopt(child);
}

#endif
