// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * offload.c - the features of a link, of which the kernel tells the names.
 */
#include "net/offload.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
	OFFLOAD_FEATURES_MAX = 256, /* Linux 6.18 has 64 */
	OFFLOAD_BLOCK = 32,         /* features */
	OFFLOAD_BLOCKS_MAX = OFFLOAD_FEATURES_MAX / OFFLOAD_BLOCK,
	OFFLOAD_RENAME_TRIES = 50,
};

static const char OFFLOAD_LRO[] = "rx-lro";

/*
 * The commands of linux/ethtool.h, with room for what follows them there: ethtool_sset_info,
 * ethtool_gstrings, ethtool_gfeatures, ethtool_sfeatures.
 */
struct offload_count {
	uint32_t cmd, reserved;
	uint64_t sets;
	uint32_t count;
};

struct offload_names {
	uint32_t cmd, set, count;
	char name[OFFLOAD_FEATURES_MAX][ETH_GSTRING_LEN];
};

struct offload_state {
	uint32_t cmd, blocks;
	struct ethtool_get_features_block block[OFFLOAD_BLOCKS_MAX];
};

struct offload_change {
	uint32_t cmd, blocks;
	struct ethtool_set_features_block block[OFFLOAD_BLOCKS_MAX];
};

/*
 * The link can get another name between the look-up of its name and the use of that. If it has kept
 * its name, the device itself cannot be asked: while it is suspended, say.
 * Return: 0; -ENODEV: no such link, or device; -EINPROGRESS: it had another name at every try; or
 * another -errno.
 */
static int offload_ask(unsigned int ifindex, void *command)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_data = command};
	char before[IFNAMSIZ] = "";

	if (fd < 0)
		return -errno;
	for (int i = 0; i < OFFLOAD_RENAME_TRIES; i++) {
		if (!if_indextoname(ifindex, request.ifr_name))
			return errno == ENXIO ? -ENODEV : -errno;
		if (strcmp(request.ifr_name, before) == 0)
			return -ENODEV;
		memcpy(before, request.ifr_name, sizeof(before));
		if (ioctl(fd, SIOCETHTOOL, &request) == 0)
			return 0;
		if (errno != ENODEV)
			return -errno;
	}
	return -EINPROGRESS;
}

/* The number of features, which the kernel has to be asked for before their names. */
static int offload_count(unsigned int ifindex, uint32_t *ret)
{
	struct offload_count command = {.cmd = ETHTOOL_GSSET_INFO, .sets = 1ULL << ETH_SS_FEATURES};
	int err = offload_ask(ifindex, &command);

	if (err)
		return err;
	*ret = command.count;
	return command.count <= OFFLOAD_FEATURES_MAX ? 0 : -E2BIG;
}

/* Return: the number of LRO among the features, or -errno. */
static int offload_find_lro(unsigned int ifindex, uint32_t *ret_blocks)
{
	struct offload_names command = {.cmd = ETHTOOL_GSTRINGS, .set = ETH_SS_FEATURES};
	int err = offload_count(ifindex, &command.count);

	if (!err)
		err = offload_ask(ifindex, &command);
	if (err)
		return err;
	*ret_blocks = (command.count + OFFLOAD_BLOCK - 1) / OFFLOAD_BLOCK;
	for (uint32_t i = 0; i < command.count; i++)
		if (strncmp(command.name[i], OFFLOAD_LRO, ETH_GSTRING_LEN) == 0)
			return (int)i;
	return -EOPNOTSUPP;
}

int offload_wants_lro(unsigned int ifindex)
{
	struct offload_state command = {.cmd = ETHTOOL_GFEATURES};
	int lro = offload_find_lro(ifindex, &command.blocks);
	int err = lro < 0 ? lro : offload_ask(ifindex, &command);

	if (err < 0)
		return err == -EINPROGRESS ? err : 0;
	return (command.block[lro / OFFLOAD_BLOCK].requested & 1U << lro % OFFLOAD_BLOCK) != 0;
}

int offload_want_lro(unsigned int ifindex)
{
	struct offload_change command = {.cmd = ETHTOOL_SFEATURES};
	int lro = offload_find_lro(ifindex, &command.blocks);
	int err = lro;

	if (lro >= 0) {
		command.block[lro / OFFLOAD_BLOCK].valid = 1U << lro % OFFLOAD_BLOCK;
		command.block[lro / OFFLOAD_BLOCK].requested = 1U << lro % OFFLOAD_BLOCK;
		err = offload_ask(ifindex, &command);
	}
	if (err >= 0 || err == -ENODEV || err == -EOPNOTSUPP)
		return 0;
	return err == -EINPROGRESS
		       ? err
		       : error_report(err, "cannot turn on large receive offload of link %u",
				      ifindex);
}
