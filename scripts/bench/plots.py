# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures as pictures."""

from pathlib import Path

import matplotlib

matplotlib.use("SVG")
matplotlib.rcParams.update(
    {"svg.fonttype": "none", "svg.hashsalt": "bench", "font.family": "sans-serif", "font.size": 9}
)

import matplotlib.pyplot as plt  # noqa: E402

OURS, OTHERS = "#2f6f9f", "#b0b0b0"
OWN = ("uva_container", "portmux")
DATA = {
    "kept": "requests, kept",
    "new": "requests, new connections",
    "up": "bytes up",
    "down": "bytes down",
    "udp": "datagrams",
}


def draw_all(figures, directory):
    """Draw what was measured into SVG files in directory."""
    if figures.has("start"):
        draw_lives(figures, Path(directory, "lives.svg"))
    if figures.has("localhost_kept"):
        draw_ways(figures, Path(directory, "ways.svg"))
    if figures.has("scale_start"):
        draw_scale(figures, Path(directory, "scale.svg"))


def save(figure, figures, path):
    """Write a picture, with what it was measured on."""
    text = f"{figures}; medians of {figures.rounds} rounds in turn, and their middle half"
    figure.text(0.01, 0.005, text, fontsize=6, color="#606060")
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def bars(axes, table, names, ratios=False):
    """Draw a bar for each way that has a median, with its spread and its value, or its ratio to the limit."""
    names = [name for name in names if table.median(name) is not None]
    for place, name in enumerate(reversed(names)):
        if ratios:
            middle, low, high = table.ratio(name)
        else:
            middle = table.median(name)
            low, high = table.quartiles(name)
        colour = OURS if name.startswith(OWN) else OTHERS
        axes.barh(place, middle, color=colour, xerr=[[max(0, middle - low)], [max(0, high - middle)]], ecolor="#404040")
        text = f" {middle:.2f}" if ratios else f" {middle:.0f} {table.unit}"
        axes.text(max(middle, high), place, text, va="center", fontsize=8)
    axes.set_yticks(range(len(names)), reversed(names))
    axes.set_xlim(0, axes.get_xlim()[1] * 1.15)
    axes.spines[["top", "right"]].set_visible(False)


def draw_lives(figures, path):
    """Start and stop, side by side."""
    figure, both = plt.subplots(1, 2, figsize=(9, 2.6))
    for axes, name, title in zip(
        both, ("start", "stop"), ("Start until both ports answer", "Ctrl-C until all is gone")
    ):
        table = figures.table(name)
        bars(axes, table, table.values)
        axes.set_title(title, fontsize=9)
    both[1].set_yticklabels([])
    save(figure, figures, path)


def draw_ways(figures, path):
    """What each way reaches of a direct connection, by what is measured and from where."""
    places = [place for place in ("localhost", "localhost6", "lan", "hairpin") if figures.has(f"{place}_kept")]
    figure, grid = plt.subplots(len(places), len(DATA), figsize=(13, 1 + 1.5 * len(places)), squeeze=False)
    for row, place in zip(grid, places):
        for axes, (what, title) in zip(row, DATA.items()):
            table = figures.table(f"{place}_{what}")
            bars(axes, table, [name for name in table.values if name != table.limit], ratios=True)
            axes.axvline(1, color="#404040", linewidth=0.6, linestyle=":")
            axes.set_title(
                f"{table.title.partition(':')[0]}: {title}" if place != "localhost6" else f"From [::1]: {title}",
                fontsize=8,
            )
            if axes is not row[0]:
                axes.set_yticklabels([])
    save(figure, figures, path)


def draw_scale(figures, path):
    """Start and stop by the number of copies."""
    figure, both = plt.subplots(1, 2, figsize=(9, 3))
    for axes, name, title in zip(
        both, ("scale_start", "scale_stop"), ("Start until all ports answer", "Ctrl-C until all is gone")
    ):
        table = figures.table(name)
        for way in dict.fromkeys(label.rpartition(", ")[0] for label in table.values):
            points = [
                (int(label.rpartition(", ")[2]), table.median(label))
                for label in table.values
                if label.rpartition(", ")[0] == way
            ]
            points = [(copies, value / 1000) for copies, value in points if value is not None]
            axes.plot(*zip(*points), marker="o", label=way)
        axes.set(xscale="log", yscale="log", xlabel="copies", ylabel="seconds", title=title)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    save(figure, figures, path)
