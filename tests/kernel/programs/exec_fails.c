// SPDX-License-Identifier: Apache-2.0
// Three execs that fail: ENOENT, EACCES and ENOEXEC; then an execveat that does. Takes a directory
// to write in.
#include <fcntl.h>
#include <sys/stat.h>

#include "common.h"

static void put(const char *path, int mode)
{
	int file = sound(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), path);

	if (write(file, "no program\n", 11) != 11 || fchmod(file, mode) || close(file))
		err(99, "%s", path);
}

static void refused(const char *path, const char *name, int expected)
{
	char *arguments[] = { (char *)name, "argument one", "", NULL }, *none[] = { NULL };

	execve(path, arguments, none);
	if (errno != expected)
		err(97, "%s", path);
}

int main(int argc, char **argv)
{
	char *arguments[] = { "at", NULL }, *none[] = { NULL };

	if (argc < 2 || chdir(argv[1]))
		err(99, "chdir");
	put("not-executable", 0600);
	put("no-format", 0700);
	refused("absent", "first", ENOENT);
	refused("not-executable", "second", EACCES);
	refused("./no-format", "third", ENOEXEC);
	if (syscall(SYS_execveat, -1, "relative", arguments, none, 0) != -1 || errno != EBADF)
		err(97, "execveat");
	return 3;
}
