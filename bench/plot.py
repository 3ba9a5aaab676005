#!/usr/bin/env python3
"""A picture of what peers.py measured (matplotlib).

    python3 bench/plot.py results.json picture.svg [picture.png ...]

A panel for each query, a bar for each engine: millions of rows a second, and beside it the share of
the read bandwidth of the same run that this is. Each panel has its own scale.
"""

import json
import statistics
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

OURS = {"weir native": "#1b5e9b", "weir opencl": "#3f9bd8"}
PEER = "#b9bec5"


def panel(axes, results, query):
    bandwidth = statistics.median(results["bandwidth"])
    bars = []
    for engine, queries in results["engines"].items():
        if query in queries:
            seconds = statistics.median(queries[query]["seconds"])
            rate = results["rows"] / seconds
            share = rate * results["bytes_per_row"][query] / bandwidth
            bars.append((rate / 1e6, engine, share))
    bars.sort()
    best = bars[-1][0]
    axes.barh(
        [engine for _, engine, _ in bars],
        [rate for rate, _, _ in bars],
        color=[OURS.get(engine, PEER) for _, engine, _ in bars],
        height=0.72,
    )
    for i, (rate, _, share) in enumerate(bars):
        text = f" {rate:,.0f}" + (f"  ({share:.0%} of bandwidth)" if share >= 0.095 else "")
        axes.text(rate, i, text, va="center", fontsize=8, color="#333333")
    axes.set_xlim(0, best * 1.45)
    axes.set_title(query, fontsize=10, loc="left", fontweight="bold")
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.xaxis.set_visible(False)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.spines["left"].set_color("#888888")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    results = json.load(open(sys.argv[1]))
    plt.rcParams["svg.hashsalt"] = "weir"  # the same picture gives the same file
    plt.rcParams["svg.fonttype"] = "none"
    queries = list(results["bytes_per_row"])
    figure, axes = plt.subplots((len(queries) + 1) // 2, 2, figsize=(9.5, 5.2))
    for a, query in zip(axes.flat, queries):
        panel(a, results, query)
    for a in list(axes.flat)[len(queries) :]:
        a.set_visible(False)
    figure.suptitle(
        f"Million rows a second, {results['rows'] / 1e6:.1f} M rows in memory, "
        f"{results['threads']} threads; each panel has its own scale",
        fontsize=10,
        x=0.01,
        ha="left",
    )
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    for name in sys.argv[2:]:
        metadata = {"Date": None} if name.endswith(".svg") else None
        figure.savefig(name, dpi=150, metadata=metadata)


if __name__ == "__main__":
    main()
