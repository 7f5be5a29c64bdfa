// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * filter.c - the program for the kernel. Which calls it refuses stands in scripts/compile_filter.c,
 * which makes it when the program is built.
 */
#include "copy/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

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

static const struct sock_filter PROGRAM[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)X32_BIT),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fchmodat2, 0, 3),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, LOW_HALF(2)),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, S_ISUID | S_ISGID, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
#include "filter_program.h"
};

int filter_install(void)
{
	const struct sock_fprog program = {
		.len = sizeof(PROGRAM) / sizeof(PROGRAM[0]),
		.filter = (struct sock_filter *)PROGRAM,
	};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return error_report(-errno, "cannot install the seccomp filter");
	return 0;
}
