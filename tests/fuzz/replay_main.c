/* SPDX-License-Identifier: Apache-2.0 */
/* replay_main.c - run a fuzz target over the files of a corpus: its regression test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay(const char *dir, const char *name)
{
	static uint8_t data[1 << 20];
	char path[1024];
	size_t n;
	FILE *f;

	(void) snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (f == NULL)
		return -1;
	n = fread(data, 1, sizeof(data), f);
	(void) fclose(f);
	return LLVMFuzzerTestOneInput(data, n);
}

int
main(int argc, char **argv)
{
	unsigned n = 0;

	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		struct dirent *e;

		if (d == NULL) {
			fprintf(stderr, "%s: no such corpus\n", argv[i]);
			return 2;
		}
		while ((e = readdir(d)) != NULL) { /* NOLINT(concurrency-mt-unsafe): one thread */
			if (e->d_name[0] != '.' && replay(argv[i], e->d_name) == 0)
				n++;
		}
		(void) closedir(d);
	}
	printf("%u inputs\n", n);
	return n == 0; /* an empty corpus tests nothing */
}
