// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * compile_filter.c - writes the filter of system calls as C, a program for each architecture.
 *
 * Runs while the program is built, on the machine that builds it. Which calls are refused, and why:
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
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * An architecture that a copy's init can be of; its programs can be of the others, too. The flags
 * of open(2), address families and errors that are used here have the same numbers on all of these
 * and on the machine that builds, if that is one of them.
 */
struct architecture {
	const char *condition; /* of the preprocessor */
	uint32_t token, others[2];
	unsigned int clone_flags; /* which argument of clone(2) has the flags */
	bool is_big_endian;
};

static const struct architecture ARCHITECTURES[] = {
	{"defined(__x86_64__)", SCMP_ARCH_X86_64, {SCMP_ARCH_X86, SCMP_ARCH_X32}, 0, false},
	{"defined(__i386__)", SCMP_ARCH_X86, {0}, 0, false},
	{"defined(__aarch64__) && !defined(__AARCH64EB__)",
	 SCMP_ARCH_AARCH64,
	 {SCMP_ARCH_ARM},
	 0,
	 false},
	{"defined(__arm__) && !defined(__ARMEB__)", SCMP_ARCH_ARM, {0}, 0, false},
	{"defined(__riscv) && __riscv_xlen == 64", SCMP_ARCH_RISCV64, {0}, 0, false},
	{"defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)", SCMP_ARCH_PPC64LE, {0}, 0, false},
	{"defined(__s390x__)", SCMP_ARCH_S390X, {0}, 1, true},
};

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

static int add_calls(scmp_filter_ctx context)
{
	for (size_t i = 0; i < COUNT(REFUSED); i++) {
		int err = seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), REFUSED[i], 0);

		if (err)
			return err;
	}
	return 0;
}

/* Refuses the call if all of these bits are set in the argument. */
static int add_bits(scmp_filter_ctx context, int call, unsigned int argument, uint64_t bits)
{
	const struct scmp_arg_cmp condition = {
		.arg = argument,
		.op = SCMP_CMP_MASKED_EQ,
		.datum_a = bits,
		.datum_b = bits,
	};

	return seccomp_rule_add_array(context, SCMP_ACT_ERRNO(EPERM), call, 1, &condition);
}

static int add_namespaces(scmp_filter_ctx context, unsigned int clone_flags)
{
	for (size_t i = 0; i < COUNT(NAMESPACES); i++) {
		int err = add_bits(context, SCMP_SYS(clone), clone_flags, NAMESPACES[i]);

		if (err)
			return err;
		err = add_bits(context, SCMP_SYS(unshare), 0, NAMESPACES[i]);
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
static int add_sockets(scmp_filter_ctx context)
{
	const struct scmp_arg_cmp condition = {
		.arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX, .datum_b = AF_VSOCK};

	return seccomp_rule_add_array(context, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				      &condition);
}

static int add_mode(scmp_filter_ctx context, size_t call, uint64_t bit)
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

static int add_modes(scmp_filter_ctx context)
{
	for (size_t call = 0; call < COUNT(MODES); call++)
		for (size_t i = 0; i < COUNT(SET_ID); i++) {
			int err = add_mode(context, call, SET_ID[i]);

			if (err)
				return err;
		}
	/* A filter cannot read openat2()'s mode: it is in memory. Programs then use openat(). */
	return seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);
}

static int build(scmp_filter_ctx context, const struct architecture *architecture)
{
	int err = 0;

	if (architecture->token != seccomp_arch_native()) {
		err = seccomp_arch_remove(context, seccomp_arch_native());
		err = err ? err : seccomp_arch_add(context, architecture->token);
	}
	for (size_t i = 0; !err && i < COUNT(architecture->others); i++)
		if (architecture->others[i])
			err = seccomp_arch_add(context, architecture->others[i]);
	if (err)
		return err;
	/* Nearly every call is allowed, and must be found fast: search a tree (2), not a list. */
	seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	err = add_calls(context);
	if (!err)
		err = add_namespaces(context, architecture->clone_flags);
	if (!err)
		err = add_sockets(context);
	return err ? err : add_modes(context);
}

/* What libseccomp writes is in the byte order of the architecture. */
static void print_statement(struct sock_filter statement, bool is_big_endian)
{
	uint16_t code = is_big_endian ? be16toh(statement.code) : le16toh(statement.code);
	uint32_t k = is_big_endian ? be32toh(statement.k) : le32toh(statement.k);

	printf("\t{0x%02x, %u, %u, 0x%08x},\n", code, statement.jt, statement.jf, k);
}

/* Before its release 2.6, libseccomp writes a program only to a file. */
static int print_program(const struct architecture *architecture)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ALLOW);
	int file = memfd_create("filter", MFD_CLOEXEC);
	int err = context && file >= 0 ? build(context, architecture) : -ENOMEM;
	struct sock_filter statement;

	if (!err)
		err = seccomp_export_bpf(context, file);
	if (!err && lseek(file, 0, SEEK_SET) < 0)
		err = -errno;
	while (!err && read(file, &statement, sizeof(statement)) == sizeof(statement))
		print_statement(statement, architecture->is_big_endian);
	close(file);
	seccomp_release(context);
	return err;
}

int main(void)
{
	for (size_t i = 0; i < COUNT(ARCHITECTURES); i++) {
		int err;

		printf("#%s %s\n", i ? "elif" : "if", ARCHITECTURES[i].condition);
		err = print_program(&ARCHITECTURES[i]);
		if (err) {
			fprintf(stderr, "compile_filter: %s: %s\n", ARCHITECTURES[i].condition,
				strerror(-err));
			return EXIT_FAILURE;
		}
	}
	printf("#else\n#error there is no filter of system calls for this architecture\n#endif\n");
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
