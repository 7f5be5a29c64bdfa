// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * filter.c - which system calls are refused, and why.
 *
 * The list holds the calls that the default profiles of Docker, Podman and containerd all refuse.
 * The form differs: those profiles list the allowed calls and refuse all others; we list the
 * refused calls. Their form also refuses calls that do not exist yet. They need that, because root
 * in their containers has capabilities. A copy has none, and it should run on a kernel and a libc
 * that are newer than this file.
 *
 * Two more differences: io_uring is refused (Docker does so since 25.0, Podman does not). ptrace()
 * and process_vm_readv() are allowed: in its pid namespace a copy finds only its own processes, and
 * it cannot trace init.
 */
#include "copy/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const int REFUSED[] = {
	/* mounts and roots */
	SCMP_SYS(mount),
	SCMP_SYS(umount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fspick),
	SCMP_SYS(open_tree),
	SCMP_SYS(move_mount),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(chroot),
	/* other namespaces, and files that are opened without their path */
	SCMP_SYS(setns),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	/* code for the kernel */
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(create_module),
	SCMP_SYS(get_kernel_syms),
	SCMP_SYS(query_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(fanotify_init),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(lookup_dcookie),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	/* keys: they are not in any namespace */
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	/* the machine as a whole */
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(acct),
	SCMP_SYS(quotactl),
	SCMP_SYS(quotactl_fd),
	SCMP_SYS(syslog),
	SCMP_SYS(vhangup),
	SCMP_SYS(nfsservctl),
	SCMP_SYS(clock_settime),
	SCMP_SYS(clock_settime64),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(clock_adjtime64),
	SCMP_SYS(settimeofday),
	SCMP_SYS(stime),
	SCMP_SYS(adjtimex),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	/* memory of other processes, and on which NUMA node memory is */
	SCMP_SYS(kcmp),
	SCMP_SYS(move_pages),
	SCMP_SYS(migrate_pages),
	SCMP_SYS(mbind),
	SCMP_SYS(set_mempolicy),
	SCMP_SYS(get_mempolicy),
	/* relics */
	SCMP_SYS(_sysctl),
	SCMP_SYS(sysfs),
	SCMP_SYS(uselib),
	SCMP_SYS(ustat),
	SCMP_SYS(vm86),
	SCMP_SYS(vm86old),
	SCMP_SYS(modify_ldt),
};

/*
 * The namespaces that clone(2) and unshare(2) make. In a new user namespace the caller gets all
 * capabilities.
 */
static const uint64_t NAMESPACES[] = {
	CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWNET,    CLONE_NEWPID,
	CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP,
};

/* Which argument of clone(2) holds the flags: s390 has the first two in the other order. */
#ifdef __s390__
enum { CLONE_FLAGS_ARGUMENT = 1 };
#else
enum { CLONE_FLAGS_ARGUMENT = 0 };
#endif

/*
 * The calls that take a mode. Each is refused where that would set S_ISUID or S_ISGID: the copy's
 * mounts are nosuid, but the host's own view of the same files need not be, and a program that a
 * copy left behind there would run with the rights of the copy's user.
 */
enum { ALWAYS = -1 };
static const struct {
	int call;
	unsigned int mode; /* which argument */
	int flags; /* which argument says whether there is a mode at all; ALWAYS: there is */
} MODES[] = {
	{SCMP_SYS(chmod), 1, ALWAYS},    {SCMP_SYS(fchmod), 1, ALWAYS},
	{SCMP_SYS(fchmodat), 2, ALWAYS}, {SCMP_SYS(creat), 1, ALWAYS},
	{SCMP_SYS(open), 2, 1},          {SCMP_SYS(openat), 3, 2},
	{SCMP_SYS(mkdir), 1, ALWAYS},    {SCMP_SYS(mkdirat), 2, ALWAYS},
	{SCMP_SYS(mknod), 1, ALWAYS},    {SCMP_SYS(mknodat), 2, ALWAYS},
};
static const uint64_t SET_ID[] = {S_ISUID, S_ISGID};
static const uint64_t CREATING[] = {O_CREAT, O_TMPFILE & ~O_DIRECTORY};

/*
 * fchmodat2() (Linux 6.6) is unknown to libseccomp before 2.5.5, and an unknown call cannot be
 * added to a filter for several architectures. Its number is the same on all of them, but for the
 * bit that marks calls of x32.
 */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
enum { X32_BIT = 0x40000000 };

/* The half of a 64-bit argument that the kernel looks at, where it takes 32 bits or fewer. */
#define LOW_HALF(argument)                               \
	(offsetof(struct seccomp_data, args[argument]) + \
	 (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(uint32_t) : 0))

static const struct sock_filter FCHMODAT2[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)X32_BIT),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fchmodat2, 0, 3),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW_HALF(2)),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, S_ISUID | S_ISGID, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
};

static int filter_add_calls(scmp_filter_ctx context)
{
	for (size_t i = 0; i < COUNT(REFUSED); i++) {
		int err = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), REFUSED[i], 0);

		if (err)
			return err;
	}
	return 0;
}

/* Refuses the call if all of these bits are set in the argument. */
static int filter_add_bits(scmp_filter_ctx context, int call, unsigned int argument, uint64_t bits)
{
	const struct scmp_arg_cmp condition = {
		.arg = argument,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = bits,
		.datum_b = bits,
	};

	return seccomp_rule_add_array(context, SCMP_ACT_ERRNO(EPERM), call, 1, &condition);
}

static int filter_add_namespaces(scmp_filter_ctx context)
{
	for (size_t i = 0; i < COUNT(NAMESPACES); i++) {
		int err = filter_add_bits(context, SCMP_SYS(clone), CLONE_FLAGS_ARGUMENT,
					  NAMESPACES[i]);

		if (err)
			return err;
		err = filter_add_bits(context, SCMP_SYS(unshare), 0, NAMESPACES[i]);
		if (err)
			return err;
	}
	/* A filter cannot read clone3()'s flags: they are in memory. libc then uses clone(2). */
	return seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/*
 * Refuses AF_VSOCK: it reaches the hypervisor, and no network namespace prevents that. The kernel
 * takes the family as an int, so the upper half of the register must not count. On 32-bit x86
 * libseccomp then refuses socketcall(SYS_SOCKET) for every family. That does no harm: libc does not
 * use it any more, because Linux has socket(2) there since 4.3.
 */
static int filter_add_sockets(scmp_filter_ctx context)
{
	const struct scmp_arg_cmp condition = {
		.arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX, .datum_b = AF_VSOCK};

	return seccomp_rule_add_array(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				      &condition);
}

static int filter_add_mode(scmp_filter_ctx context, size_t call, uint64_t bit)
{
	const struct scmp_arg_cmp mode = {
		.arg = MODES[call].mode, .op = SCMP_CMP_MASKED_EQ, .datum_a = bit, .datum_b = bit};

	if (MODES[call].flags == ALWAYS)
		return seccomp_rule_add_array(context, SCMP_ACT_ERRNO(EPERM), MODES[call].call, 1,
					      &mode);
	for (size_t i = 0; i < COUNT(CREATING); i++) {
		const struct scmp_arg_cmp both[] = {
			{.arg = (unsigned int)MODES[call].flags,
			 .op = SCMP_CMP_MASKED_EQ,
			 .datum_a = CREATING[i],
			 .datum_b = CREATING[i]},
			mode,
		};
		int err = seccomp_rule_add_array(context, SCMP_ACT_ERRNO(EPERM), MODES[call].call,
						 2, both);

		if (err)
			return err;
	}
	return 0;
}

static int filter_add_modes(scmp_filter_ctx context)
{
	for (size_t call = 0; call < COUNT(MODES); call++)
		for (size_t i = 0; i < COUNT(SET_ID); i++) {
			int err = filter_add_mode(context, call, SET_ID[i]);

			if (err)
				return err;
		}
	/* A filter cannot read openat2()'s mode: it is in memory. Programs then use openat(). */
	return seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);
}

static int filter_add_architectures(scmp_filter_ctx context)
{
	static const uint32_t variants[][2] = {
		{SCMP_ARCH_X86_64, SCMP_ARCH_X86},
		{SCMP_ARCH_X86_64, SCMP_ARCH_X32},
		{SCMP_ARCH_AARCH64, SCMP_ARCH_ARM},
	};

	for (size_t i = 0; i < COUNT(variants); i++) {
		int err = 0;

		if (variants[i][0] == seccomp_arch_native())
			err = seccomp_arch_add(context, variants[i][1]);
		if (err)
			return err;
	}
	return 0;
}

static int filter_build(scmp_filter_ctx context)
{
	int err = filter_add_architectures(context);

	if (err)
		return err;
	/* Nearly every call is allowed, and must be found fast: search a tree (2), not a list. */
	seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	err = filter_add_calls(context);
	if (err)
		return err;
	err = filter_add_namespaces(context);
	if (err)
		return err;
	err = filter_add_sockets(context);
	if (err)
		return err;
	return filter_add_modes(context);
}

/* ---- Who compiles it ---- */

/* Before its release 2.6, libseccomp writes a program only to a file. */
static int filter_compile(int file)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
	int err = context ? filter_build(context) : -ENOMEM;

	if (!err)
		err = seccomp_export_bpf(context, file);
	return err ? error_report(err, "cannot make the seccomp filter") : 0;
}

int filter_begin(struct filter *filter)
{
	long pid;

	*filter = FILTER_NONE;
	filter->file = memfd_create("seccomp filter", MFD_CLOEXEC);
	if (filter->file < 0)
		return error_report(-errno, "cannot make a file for the seccomp filter");
	pid = helper_begin(&filter->helper, 0);
	if (pid == 0)
		_exit(filter_compile(filter->file) ? EXIT_FAILURE : EXIT_SUCCESS);
	return pid < 0 ? error_report((int)pid, "cannot start a child for the seccomp filter") : 0;
}

/* Puts what libseccomp cannot express in front of its program. */
static int filter_read(struct filter *filter)
{
	struct stat st;

	if (fstat(filter->file, &st) < 0)
		return -errno;
	filter->program = malloc(sizeof(FCHMODAT2) + (size_t)st.st_size);
	if (!filter->program)
		return -ENOMEM;
	memcpy(filter->program, FCHMODAT2, sizeof(FCHMODAT2));
	if (pread(filter->file, filter->program + COUNT(FCHMODAT2), (size_t)st.st_size, 0) !=
	    st.st_size)
		return -EIO;
	filter->length =
		(unsigned short)(COUNT(FCHMODAT2) + (size_t)st.st_size / sizeof(*filter->program));
	return 0;
}

int filter_finish(struct filter *filter)
{
	int err = helper_finish(&filter->helper, "make the seccomp filter");

	if (err)
		return err;
	err = filter_read(filter);
	fd_close(&filter->file);
	return err ? error_report(err, "cannot read the seccomp filter") : 0;
}

void filter_free(struct filter *filter)
{
	helper_abandon(&filter->helper);
	fd_close(&filter->file);
	free(filter->program);
	*filter = FILTER_NONE;
}

int filter_install(const struct filter *filter)
{
	const struct sock_fprog program = {.len = filter->length, .filter = filter->program};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return error_report(-errno, "cannot install the seccomp filter");
	return 0;
}
