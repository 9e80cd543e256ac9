// SPDX-License-Identifier: Apache-2.0
// Executes /bin/true by descriptor: argument "file" opens it, "memfd" runs a copy in memory.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "common.h"

int main(int argc, char **argv)
{
	int file = sound(open("/bin/true", O_RDONLY | O_CLOEXEC), "open"), program = file;
	char *arguments[] = { "named-so", "second", NULL }, *none[] = { NULL };

	if (argc > 1 && !strcmp(argv[1], "memfd")) {
		program = sound(memfd_create("copy", MFD_CLOEXEC), "memfd_create");
		while (sendfile(program, file, NULL, 1 << 20) > 0)
			;
	}
	syscall(SYS_execveat, program, "", arguments, none, AT_EMPTY_PATH);
	err(98, "execveat");
}
