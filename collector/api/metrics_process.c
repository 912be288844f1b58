/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_process.c - metrics of the collector's process, named as in Prometheus' client
 * libraries. */
#include "collector/api/api_int.h"
#include "common/clock.h"
#include "common/descriptors.h"
#include <dirent.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* Read /proc/self/statm; 0 if it cannot be read. */
static void
memory(uint64_t *virtual_bytes, uint64_t *resident_bytes)
{
	uint64_t page = (uint64_t) sysconf(_SC_PAGESIZE), total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return;
	/* NOLINTNEXTLINE(cert-err34-c): written by the kernel */
	if (fscanf(f, "%" SCNu64 " %" SCNu64, &total, &resident) == 2) {
		*virtual_bytes = total * page;
		*resident_bytes = resident * page;
	}
	(void) fclose(f);
}

/* Count the open descriptors, except the one of the directory itself. */
static long
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	long n = -3; /* ., .. and d */

	while (d != NULL && readdir(d) != NULL) /* NOLINT(concurrency-mt-unsafe): own DIR */
		n++;
	if (d != NULL)
		(void) closedir(d);
	return MAX(n, 0);
}

void
api_metrics_process(const struct api_view *v, struct buf *out)
{
	uint64_t virtual_bytes = 0, resident_bytes = 0;
	struct rusage u;

	buf_printf(out,
	    "# HELP mews_build_info What is running; always 1.\n"
	    "# TYPE mews_build_info gauge\n"
	    "mews_build_info{version=\"" MEWS_VERSION "\",compiler=\"" COMPILER "\"} 1\n");
	memory(&virtual_bytes, &resident_bytes);
	(void) getrusage(RUSAGE_SELF, &u);
	buf_printf(out,
	    "# HELP process_cpu_seconds_total User and system CPU.\n"
	    "# TYPE process_cpu_seconds_total counter\n"
	    "process_cpu_seconds_total %ld.%06ld\n",
	    u.ru_utime.tv_sec + u.ru_stime.tv_sec +
		(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000000,
	    (u.ru_utime.tv_usec + u.ru_stime.tv_usec) % 1000000);
	buf_printf(out,
	    "# HELP process_virtual_memory_bytes Virtual memory.\n"
	    "# TYPE process_virtual_memory_bytes gauge\nprocess_virtual_memory_bytes %lu\n"
	    "# HELP process_resident_memory_bytes Resident memory.\n"
	    "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %lu\n"
	    "# HELP process_max_resident_bytes Largest resident memory so far.\n"
	    "# TYPE process_max_resident_bytes gauge\nprocess_max_resident_bytes %ld\n",
	    (unsigned long) virtual_bytes, (unsigned long) resident_bytes, u.ru_maxrss * 1024);
	buf_printf(out,
	    "# HELP process_open_fds File descriptors open.\n"
	    "# TYPE process_open_fds gauge\nprocess_open_fds %ld\n"
	    "# HELP process_max_fds File descriptors that may be open.\n"
	    "# TYPE process_max_fds gauge\nprocess_max_fds %lu\n",
	    open_files(), (unsigned long) descriptors_max());
	buf_printf(out,
	    "# HELP process_start_time_seconds When the collector started.\n"
	    "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %lu\n",
	    (unsigned long) (v->started / NS_PER_S));
}
