/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * overlay.h - a directory, and over it a layer with what a copy has changed: overlayfs.
 */
#pragma once

struct overlay_spec {
	const char
		*base;  /* the directory; its file system alone, without what is mounted below it */
	int taken_base; /* a detached mount of it; -1: it is to be seen at its path */
	const char
		*place;  /* a directory with "upper" and "work" in it, of a file system that can */
	int taken_place; /* a detached mount of that, writable */
};

/**
 * overlay_make() - make the overlay, as a detached mount
 *
 * The calling process must have a mount namespace of its own. It finds its /proc and its /sys
 * mounted over afterwards, and has to mount its own there.
 *
 * Return: a descriptor, or -errno, reported.
 */
int overlay_make(const struct overlay_spec *spec);
