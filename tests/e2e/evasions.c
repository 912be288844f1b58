/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evasions - the program that evasions.sh runs: it reads a file and exits.
 *
 *	evasions                     /etc/shadow
 *	evasions PATH                by open()
 *	evasions root FOLDER PATH    by openat2() with RESOLVE_IN_ROOT: FOLDER is the path's root
 *	evasions beneath FOLDER PATH with RESOLVE_BENEATH
 *	evasions ring PATH           through io_uring
 */
#define _GNU_SOURCE
#include "tests/driver/raw_uring.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct open_how how = { .flags = O_RDONLY };
	char b[4];
	int dir, fd;

	if (argc == 4) {
		how.resolve = strcmp(argv[1], "root") == 0 ? RESOLVE_IN_ROOT : RESOLVE_BENEATH;
		dir = open(argv[2], O_PATH | O_DIRECTORY);
		fd = (int) syscall(SYS_openat2, dir, argv[3], &how, sizeof(how));
	} else if (argc == 3) {
		struct ring r;

		ring_open(&r, 2, 0);
		fd = ring_path(&r, IORING_OP_OPENAT, AT_FDCWD, argv[2], 0, O_RDONLY);
	} else {
		fd = open(argc == 2 ? argv[1] : "/etc/shadow", O_RDONLY);
	}
	return fd < 0 || read(fd, b, sizeof(b)) < 0;
}
