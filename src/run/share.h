/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * share.h - a host port that leads to many copies: which of them, and each to how many buckets.
 *
 * The port itself is a mapping that leads to no copy: its head. Each copy has a mapping beside it,
 * a member, which is in the share as long as the copy listens.
 */
#pragma once

#include "plan.h"
#include "run/mapping.h"

struct share_bucket {
	struct mapping *leads_to; /* NULL: to none */
	bool is_led;              /* in the table it leads somewhere */
};

struct share {
	struct mapping *head;
	struct buckets table; /* how it is in the table; its texts are these: */
	char chain[NAT_CHAIN_MAX], map[NAT_CHAIN_MAX], comment[64 + ADDRESS_TEXT_MAX];
	struct mapping **members; /* those that are in, @count of them, by their copies; owned */
	size_t count, room;
	struct share_bucket *buckets; /* @table.count of them; owned */
	bool has_changed;             /* since share_settle() */
	bool is_rough;                /* not dealt strictly in turn, though that is wanted */
	bool is_smooth_due;           /* share_smooth() was called */
};

/**
 * share_new() - a share without members
 * @copies: about how many members it will have: with more than that, it is less even
 * @order:  1, or more: there is another share of that port number, at another address
 *
 * Return: free it with share_free(); or NULL, reported.
 */
struct share *share_new(struct mapping *head, enum plan_balance balance, unsigned int copies,
			unsigned int order);

/** share_free() - free it. The table knows nothing of it any more. Safe on NULL. */
void share_free(struct share *share);

/** share_install() - make what leads to members, from the next commit on. */
void share_install(struct share *share);

/** share_uninstall() - lead nowhere, and remove it from the table. */
void share_uninstall(struct share *share);

/** share_put() - a copy listens: let its member in. Without memory it stays out, reported. */
void share_put(struct share *share, struct mapping *member);

/** share_take() - lead no new connections to a member. */
void share_take(struct share *share, struct mapping *member);

/**
 * share_settle() - before a commit: deal the buckets out to the members that there are now
 * Return: true: they were dealt roughly, so that few had to change; see share_smooth().
 */
bool share_settle(struct share *share);

/** share_smooth() - members have not come or gone for a while: let share_settle() deal in turn. */
void share_smooth(struct share *share);
