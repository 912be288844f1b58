/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_order.c - events' names and the order of their parameters, as rule authors know them.
 *
 * evt.arg[1] in a rule means the parameter at that index in Falco's table. Everything takes this
 * order from events.def, so it is written down here a second time: a change must be made in both
 * places.
 */
#include "proto/schema.h"
#include "tests/support/test.h"
#include <string.h>

/* By number: evt.type, then its arguments, without our own extra parameters. */
static const struct {
	unsigned num;
	const char *words;
} events[] = {
	{ 1, "syscall ID nativeID" },
	{ 2, "open name flags mode" },
	{ 3, "open fd name flags mode dev ino" },
	{ 5, "close res fd" },
	{ 7, "read res data fd size" },
	{ 9, "write res data fd size" },
	{ 19, "socket fd domain type proto flags" },
	{ 21, "bind res addr fd" },
	{ 22, "connect fd addr" },
	{ 23, "connect res tuple fd addr" },
	{ 25, "listen res fd backlog" },
	{ 29, "send res data fd size tuple" },
	{ 31, "sendto res data fd size tuple" },
	{ 33, "recv res data fd size tuple" },
	{ 35, "recvfrom res data tuple fd size" },
	{ 37, "shutdown res fd how" },
	{ 39, "getsockname" },
	{ 41, "getpeername" },
	{ 43, "socketpair res fd1 fd2 source peer domain type proto" },
	{ 45, "setsockopt res fd level optname val optlen" },
	{ 47, "getsockopt res fd level optname val optlen" },
	{ 49, "sendmsg res data fd size tuple" },
	{ 51, "sendmmsg res fd size data tuple" },
	{ 53, "recvmsg res size data tuple msgcontrol fd" },
	{ 55, "recvmmsg res fd size data tuple msgcontrol" },
	{ 58, "creat name mode" },
	{ 59, "creat fd name mode dev ino creat_flags" },
	{ 61, "pipe res fd1 fd2 ino" },
	{ 63, "eventfd res initval flags" },
	{ 65, "futex res addr op val" },
	{ 67, "stat res path" },
	{ 69, "lstat res path" },
	{ 71, "fstat res fd" },
	{ 73, "stat64 res path" },
	{ 75, "lstat64 res path" },
	{ 77, "fstat64 res" },
	{ 79, "epoll_wait res maxevents" },
	{ 81, "poll res fds timeout" },
	{ 83, "select res" },
	{ 87, "lseek res fd offset whence" },
	{ 89, "llseek res fd offset whence" },
	{ 93, "getcwd res path" },
	{ 95, "chdir res path" },
	{ 97, "fchdir res fd" },
	{ 113, "pread res data fd size pos" },
	{ 115, "pwrite res data fd size pos" },
	{ 117, "readv res size data fd" },
	{ 119, "writev res data fd size" },
	{ 121, "preadv res size data fd pos" },
	{ 123, "pwritev res data fd size pos" },
	{ 127, "signalfd res fd mask flags" },
	{ 129, "kill res pid sig" },
	{ 131, "tkill res tid sig" },
	{ 133, "tgkill res pid tid sig" },
	{ 135, "nanosleep res interval" },
	{ 137, "timerfd_create res clockid flags" },
	{ 139, "inotify_init res flags" },
	{ 141, "getrlimit res cur max resource" },
	{ 143, "setrlimit res cur max resource" },
	{ 145, "prlimit res newcur newmax oldcur oldmax pid resource" },
	{ 148, "drop ratio" },
	{ 149, "drop ratio" },
	{ 151, "fcntl res fd cmd arg" },
	{ 152, "switch next pgft_maj pgft_min vm_size vm_rss vm_swap" },
	{ 159, "brk res vm_size vm_rss vm_swap addr" },
	{ 161, "mmap res vm_size vm_rss vm_swap addr length prot flags fd offset" },
	{ 163, "mmap2 res vm_size vm_rss vm_swap addr length prot flags fd pgoffset" },
	{ 165, "munmap res vm_size vm_rss vm_swap addr length" },
	{ 167, "splice res fd_in fd_out size flags" },
	{ 169, "ptrace res addr data request pid" },
	{ 171, "ioctl res fd request argument" },
	{ 175, "rename res oldpath newpath" },
	{ 177, "renameat res olddirfd oldpath newdirfd newpath" },
	{ 179, "symlink res target linkpath" },
	{ 181, "symlinkat res target linkdirfd linkpath" },
	{ 186, "procexit status ret sig core reaper_tid" },
	{ 189, "sendfile res offset out_fd in_fd size" },
	{ 191,
	    "quotactl res special quotafilepath dqb_bhardlimit dqb_bsoftlimit "
	    "dqb_curspace dqb_ihardlimit dqb_isoftlimit dqb_btime dqb_itime dqi_bgrace "
	    "dqi_igrace dqi_flags quota_fmt_out cmd type id quota_fmt" },
	{ 193, "setresuid res ruid euid suid" },
	{ 195, "setresgid res rgid egid sgid" },
	{ 196, "scapevent event_type event_data" },
	{ 199, "setuid res uid" },
	{ 201, "setgid res gid" },
	{ 203, "getuid uid" },
	{ 205, "geteuid euid" },
	{ 207, "getgid gid" },
	{ 209, "getegid egid" },
	{ 211, "getresuid res ruid euid suid" },
	{ 213, "getresgid res rgid egid sgid" },
	{ 223,
	    "clone res exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size "
	    "vm_rss vm_swap comm cgroups flags uid gid vtid vpid pidns_init_start_ts" },
	{ 225,
	    "fork res exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size vm_rss "
	    "vm_swap comm cgroups flags uid gid vtid vpid pidns_init_start_ts" },
	{ 227,
	    "vfork res exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size "
	    "vm_rss vm_swap comm cgroups flags uid gid vtid vpid pidns_init_start_ts" },
	{ 232, "signaldeliver spid dpid sig" },
	{ 234, "procinfo cpu_usr cpu_sys" },
	{ 237, "getdents res fd" },
	{ 239, "getdents64 res fd" },
	{ 241, "setns res fd nstype" },
	{ 243, "flock res fd operation" },
	{ 244, "cpu_hotplug cpu action" },
	{ 247, "accept fd tuple queuepct queuelen queuemax" },
	{ 251,
	    "semop res nsops sem_num_0 sem_op_0 sem_flg_0 sem_num_1 sem_op_1 sem_flg_1 "
	    "semid" },
	{ 253, "semctl res semid semnum cmd val" },
	{ 255, "ppoll res fds timeout sigmask" },
	{ 257, "mount res dev dir type flags" },
	{ 263, "semget res key nsems semflg" },
	{ 265, "access res name mode" },
	{ 267, "chroot res path" },
	{ 275, "setsid res" },
	{ 277, "mkdir res path mode" },
	{ 279, "rmdir res path" },
	{ 280, "notification id desc" },
	{ 285, "unshare res flags" },
	{ 286, "infra source name description scope" },
	{ 290, "page_fault addr ip error" },
	{ 292, "execve filename" },
	{ 293,
	    "execve res exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size "
	    "vm_rss vm_swap comm cgroups env tty vpgid loginuid flags cap_inheritable "
	    "cap_permitted cap_effective exe_ino exe_ino_ctime exe_ino_mtime uid "
	    "trusted_exepath pgid gid filename" },
	{ 295, "setpgid res pid pgid" },
	{ 299, "seccomp res op flags" },
	{ 301, "unlink res path" },
	{ 303, "unlinkat res dirfd name flags" },
	{ 305, "mkdirat res dirfd path mode" },
	{ 306, "openat dirfd name flags mode" },
	{ 307, "openat fd dirfd name flags mode dev ino" },
	{ 309, "link res oldpath newpath" },
	{ 311, "linkat res olddir oldpath newdir newpath flags" },
	{ 313, "fchmodat res dirfd filename mode" },
	{ 315, "chmod res filename mode" },
	{ 317, "fchmod res fd mode" },
	{ 319, "renameat2 res olddirfd oldpath newdirfd newpath flags" },
	{ 321, "userfaultfd res flags" },
	{ 322, "pluginevent plugin_id event_data" },
	{ 324, "container json" },
	{ 326, "openat2 dirfd name flags mode resolve" },
	{ 327, "openat2 fd dirfd name flags mode resolve dev ino" },
	{ 329, "mprotect res addr length prot" },
	{ 330, "execveat dirfd pathname flags" },
	{ 331,
	    "execveat res exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size "
	    "vm_rss vm_swap comm cgroups env tty vpgid loginuid flags cap_inheritable "
	    "cap_permitted cap_effective exe_ino exe_ino_ctime exe_ino_mtime uid "
	    "trusted_exepath pgid gid" },
	{ 333, "copy_file_range res fdout offout fdin offin len" },
	{ 335,
	    "clone3 res exe args tid pid ptid cwd fdlimit pgft_maj pgft_min vm_size "
	    "vm_rss vm_swap comm cgroups flags uid gid vtid vpid pidns_init_start_ts" },
	{ 337, "open_by_handle_at fd mountfd flags path dev ino" },
	{ 339,
	    "io_uring_setup res entries sq_entries cq_entries flags sq_thread_cpu "
	    "sq_thread_idle features" },
	{ 341, "io_uring_enter res fd to_submit min_complete flags sig" },
	{ 343, "io_uring_register res fd opcode arg nr_args" },
	{ 345, "mlock res addr len" },
	{ 347, "munlock res addr len" },
	{ 349, "mlockall res flags" },
	{ 351, "munlockall res" },
	{ 353, "capset res cap_inheritable cap_permitted cap_effective" },
	{ 354, "useradded uid gid name home shell container_id" },
	{ 356, "userdeleted uid gid name home shell container_id" },
	{ 358, "groupadded gid name container_id" },
	{ 360, "groupdeleted gid name container_id" },
	{ 363, "dup2 res oldfd newfd" },
	{ 365, "dup3 res oldfd newfd flags" },
	{ 367, "dup res oldfd" },
	{ 369, "bpf fd cmd" },
	{ 371, "mlock2 res addr len flags" },
	{ 373, "fsconfig res fd cmd key value_bytebuf value_charbuf aux" },
	{ 375, "epoll_create res size" },
	{ 377, "epoll_create1 res flags" },
	{ 379, "chown res path uid gid" },
	{ 381, "lchown res path uid gid" },
	{ 383, "fchown res fd uid gid" },
	{ 385, "fchownat res dirfd pathname uid gid flags" },
	{ 387, "umount res name" },
	{ 389, "accept4 fd tuple queuepct queuelen queuemax flags" },
	{ 391, "umount2 res name flags" },
	{ 393, "pipe2 res fd1 fd2 ino flags" },
	{ 395, "inotify_init1 res flags" },
	{ 397, "eventfd2 res flags initval" },
	{ 399, "signalfd4 res flags fd mask" },
	{ 401, "prctl res option arg2_str arg2_int" },
	{ 402, "asyncevent plugin_id name data" },
	{ 405, "memfd_create fd name flags" },
	{ 407, "pidfd_getfd fd pid_fd target_fd flags" },
	{ 409, "pidfd_open fd pid flags" },
	{ 411, "init_module res img length uargs" },
	{ 413, "finit_module res fd uargs flags" },
	{ 415, "mknod res path mode dev" },
	{ 417, "mknodat res dirfd path mode dev" },
	{ 419, "newfstatat res dirfd path flags" },
	{ 421, "process_vm_readv res pid data" },
	{ 423, "process_vm_writev res pid data" },
	{ 425, "delete_module res name flags" },
	{ 427, "setreuid res ruid euid" },
	{ 429, "setregid res rgid egid" },
	{ 430,
	    "task ppid pgid vpgid sid comm argv exepath flags env cwd fdlimit euid egid "
	    "cap_permitted cap_effective cap_inheritable exe_ino_num exe_ino_ctime "
	    "exe_ino_mtime vm_size vm_rss vm_swap pgft_maj pgft_min vtgid vpid "
	    "pidns_init_start_ts cgroups root start_time tty loginuid" },
	{ 432, "task_file_pipe fd path ino_num" },
	{ 434, "task_file_memfd fd path ino_num" },
	{ 436, "task_file_regular fd path flags mnt_id ino_num" },
	{ 438, "task_file_directory fd path ino_num" },
	{ 440,
	    "task_file_socket_inet fd sk_type sk_proto local_ip local_port remote_ip "
	    "remote_port ino_num" },
	{ 442,
	    "task_file_socket_inet6 fd sk_type sk_proto local_ip local_port remote_ip "
	    "remote_port ino_num" },
	{ 444, "task_file_socket_unix fd sk_type sk_proto sk_pointer sun_path ino_num" },
	{ 446, "task_file_socket_netlink fd sk_type sk_proto ino_num" },
	{ 448, "task_file_anon_inode fd fd_type path ino_num" },
	{ 451, "close_range res first last flags" },
	{ 453, "keyctl res operation arg2 arg3 arg4 arg5" },
	{ 500, "task_file_passed fd path flags mode dev ino_num sk_family sk_type sk_proto tuple" },
	{ 501, "setfsuid res fsuid" },
	{ 502,
	    "container_info id full_id runtime traits container_name image image_id "
	    "image_repository image_tag image_digest mounts labels ip cni pod_sandbox pod_name "
	    "pod_namespace pod_uid pod_labels pod_ip entry_point healthcheck liveness_probe "
	    "readiness_probe env user" },
};

static void
order(void **state)
{
	(void) state;
	assert_int_equal(ARRAY_SIZE(events), schema_nevents);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		const struct ev_schema *s = schema_get(events[i].num);
		char words[512];
		size_t n;

		assert_non_null(s);
		n = (size_t) snprintf(words, sizeof(words), "%s", s->name);
		for (unsigned k = 0; k < s->nargs; k++)
			n += (size_t) snprintf(
			    words + n, sizeof(words) - n, " %s", s->params[k].name);
		assert_true(n < sizeof(words));
		assert_string_equal(events[i].words, words);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(order) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
