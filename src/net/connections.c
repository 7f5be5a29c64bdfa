// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * connections.c - reads the conntrack table once for any number of owners.
 */
#include "net/connections.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/conntrack.h"
#include "net/diag.h"

/* Owners by their addresses, sorted. */
struct connections_index {
	const struct address *address;
	struct connections_owner *owner;
};

struct connections_search {
	struct connections_index *index;
	size_t count;
	bool is_over; /* the entry that is looked at */
};

static int connections_compare(const void *a, const void *b)
{
	const struct connections_index *x = a, *y = b;

	if (x->address->family != y->address->family)
		return x->address->family < y->address->family ? -1 : 1;
	return memcmp(x->address->bytes, y->address->bytes, address_length(x->address));
}

static bool connections_is_owner(const struct address *address, void *data)
{
	const struct connections_search *search = data;
	const struct connections_index key = {.address = address};
	struct connections_index *found =
		bsearch(&key, search->index, search->count, sizeof(key), connections_compare);

	if (found && !search->is_over)
		found->owner->has_connections = true;
	return found;
}

static bool connections_is_wanted(const struct conntrack_flow *flow, void *data)
{
	struct connections_search *search = data;

	search->is_over = flow->is_over;
	return conntrack_any_address(flow, connections_is_owner, search);
}

static int connections_index_all(struct connections_search *search,
				 struct connections_owner *owners, size_t count)
{
	search->index = calloc(2 * count + 1, sizeof(*search->index));
	if (!search->index)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		owners[i].has_connections = false;
		for (size_t j = 0; j < 2; j++)
			if (owners[i].addresses[j].family != AF_UNSPEC)
				search->index[search->count++] = (struct connections_index){
					&owners[i].addresses[j], &owners[i]};
	}
	qsort(search->index, search->count, sizeof(*search->index), connections_compare);
	return 0;
}

/* Fills @search and @list, which the caller frees, also after a failure. */
static int connections_find(struct netlink *nl, struct connections_owner *owners, size_t count,
			    struct connections_search *search, struct conntrack_list *list)
{
	int err = connections_index_all(search, owners, count);

	return err ? err : conntrack_find(nl, connections_is_wanted, search, list);
}

static int connections_end_found(struct netlink *nl, struct connections_owner *owners, size_t count)
{
	struct connections_search search = {0};
	struct conntrack_list list = {0};
	int err = connections_find(nl, owners, count, &search, &list);

	if (!err) {
		for (size_t i = 0; i < count; i++)
			if (owners[i].has_connections)
				diag_abort_all(owners[i].diag);
		err = conntrack_delete(nl, &list);
	}
	conntrack_free(&list);
	free(search.index);
	return err;
}

int connections_end(struct netlink *nl, struct connections_owner *owners, size_t count)
{
	int err = count ? connections_end_found(nl, owners, count) : 0;

	return err ? netlink_report(nl, err, "cannot end the connections of copies that have ended")
		   : 0;
}
