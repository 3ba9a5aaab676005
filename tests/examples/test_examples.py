#!/usr/bin/env python3
"""Run the examples in every way and compare each result with SQLite's answer over the same input.

usage: test_examples.py [--weir PROGRAM] --tools FOLDER [--source FOLDER] [--only NAME] [--scale N] [--update]

  --weir PROGRAM   the weir program; without it only examples/expected is compared
  --tools FOLDER   where make_weblog and make_ysb are
  --source FOLDER  the repository's root (two folders up)
  --only NAME      quickstart, web_attack, ysb or flights; without it all but the last
  --scale N        lines or events to generate (20000)
  --update         write examples/expected/*.csv from SQLite's answers instead of comparing; runs no weir

web_attack and ysb generate their input in a temporary folder beside a copy of the SQL file, because a relative path
in a SQL file is relative to it. flights needs examples/data/flights (see examples/fetch_flights) and is also compared
with DuckDB where the Python module is installed. Text, integers and timestamps must be equal; doubles agree to one
part in 10^9, because SQLite adds doubles in the order of the rows (Weir's own sums are within 1 ulp of the exact ones).
Exit status: 0 all equal, 1 a difference, 77 nothing to test (no data).
"""

import argparse
import csv
import importlib
import io
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

import reference

DEFAULT_SCALE = 20000
DEVICES = os.environ.get("WEIR_TEST_DEVICES", "native opencl").split()  # what this build has
RUNS = list(itertools.product(DEVICES, ("1", "8"), ("csv", "json")))


def is_same(kind, weir, right):
    if weir is None or right is None:
        return weir is None and right is None
    if kind == "f":
        return math.isclose(float(weir), float(right), rel_tol=1e-9, abs_tol=1e-12)
    if kind == "i":
        return int(weir) == int(right)
    return str(weir) == str(right)


def compare(name, results, queries, right):
    """Print the first difference; True when there is none."""
    if len(results) != len(queries):
        print(f"{name}: {len(results)} results for {len(queries)} queries")
        return False
    for number, (rows, (_, kinds), expected) in enumerate(zip(results, queries, right), 1):
        if len(rows) != len(expected):
            print(f"{name}: query {number} gives {len(rows)} rows, expected {len(expected)}")
            return False
        for at, (row, wanted) in enumerate(zip(rows, expected), 1):
            if len(row) != len(kinds) or not all(map(is_same, kinds, row, wanted)):
                print(f"{name}: query {number}, row {at}:\n  weir     {row}\n  expected {list(wanted)}")
                return False
    return True


def read_csv(text):
    """Results are separated by an empty line; NULL is an empty field."""
    results = []
    for block in text.split("\n\n"):
        rows = list(csv.reader(io.StringIO(block)))
        results.append([[None if v == "" else v for v in row] for row in rows[1:]])
    return results


def read_json(text):
    return [[list(json.loads(line).values()) for line in block.splitlines()] for block in text.split("\n\n")]


def check_statistics(path, device):
    """On OpenCL some stage of each query must have run there; what fell back is told."""
    with open(path) as file:
        runs = json.load(file)
    good = True
    for number, run in enumerate(runs if isinstance(runs, list) else [runs], 1):
        stages = run["stages"]
        used = {backend["backend"] for stage in stages for backend in stage["backends"]}
        for stage in stages:
            for fallback in stage["fallbacks"]:
                print(f"     query {number}: {stage['operator']}: {fallback['reason']}")
        if device == "opencl" and not any(name.startswith("opencl") for name in used):
            print(f"     query {number}: nothing ran on OpenCL, only on {', '.join(sorted(used))}")
            good = False
    return good


def run_weir(weir, sql, device, partitions, form, statistics):
    command = [weir, "run", sql, "--device", device, "--partitions", partitions, "--format", form,
               "--stats", statistics]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        print(" ".join(command), f"\nexit status {done.returncode}\n{done.stderr}")
        return None
    return (read_csv if form == "csv" else read_json)(done.stdout.rstrip("\n"))


def run_everywhere(weir, sql, queries, right):
    failures = 0
    for device, partitions, form in RUNS:
        name = f"{os.path.basename(sql)} --device {device} --partitions {partitions} --format {form}"
        with tempfile.TemporaryDirectory() as place:
            statistics = os.path.join(place, "stats.json")
            results = run_weir(weir, sql, device, partitions, form, statistics)
            good = results is not None and compare(name, results, queries, right)
            good = good and check_statistics(statistics, device)
        print(f"{'ok  ' if good else 'FAIL'} {name}")
        failures += not good
    return failures


def write_expected(folder, name, queries, right):
    for number, ((sql, _), rows) in enumerate(zip(queries, right), 1):
        with open(os.path.join(folder, f"{name}-{number}.csv"), "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)


def check_expected(folder, name, queries, right):
    """The committed files are SQLite's answers still: neither generator nor query changed unnoticed."""
    committed = []
    for number in range(1, len(queries) + 1):
        with open(os.path.join(folder, f"{name}-{number}.csv"), newline="") as file:
            committed.append([[None if v == "" else v for v in row] for row in csv.reader(file)])
    good = compare(f"examples/expected/{name}", committed, queries, right)
    print(f"{'ok  ' if good else 'FAIL'} examples/expected/{name}-*.csv")
    return not good


def test_quickstart(weir, sql):
    """Its rows are random: every order counts once, pieces are 1 to 9 each, and revenue is exact."""
    prices = {"tea": 320, "coffee": 475, "cocoa": 290}
    failures = 0
    for device, partitions in (("native", "1"), ("native", "8"), ("auto", "2")):
        done = subprocess.run([weir, "run", sql, "--device", device, "--partitions", partitions, "--format", "csv"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        rows = [(name, int(orders), int(pieces), int(revenue.replace(".", "")))
                for name, orders, pieces, revenue in list(csv.reader(io.StringIO(done.stdout)))[1:]]
        good = (done.returncode == 0 and [row[0] for row in rows] == sorted(prices)
                and sum(row[1] for row in rows) == 100000 and all(n <= k <= 9 * n for _, n, k, _ in rows)
                and all(revenue == prices[name] * pieces for name, _, pieces, revenue in rows))
        print(f"{'ok  ' if good else 'FAIL'} quickstart.sql --device {device} --partitions {partitions}")
        if not good:
            print(done.stdout, done.stderr)
        failures += not good
    return failures


def test_example(arguments, name, work):
    examples = os.path.join(arguments.source, "examples")
    queries = {"web_attack": reference.WEB_ATTACK, "ysb": reference.YSB, "flights": reference.FLIGHTS}[name]
    sql = os.path.join(examples, name + ".sql")
    if name == "flights":
        data = os.path.join(examples, "data", "flights")
        if not os.path.exists(os.path.join(data, "flights.csv")):
            print("skipped: no examples/data/flights; examples/fetch_flights gets it")
            return None
    else:
        tool, options, folder = {"web_attack": ("make_weblog", ["--lines"], "weblog"),
                                 "ysb": ("make_ysb", ["--rate", "400", "--events"], "ysb")}[name]
        data = os.path.join(work, "data", folder)
        subprocess.run([os.path.join(arguments.tools, tool), data, *options, str(arguments.scale)], check=True)
        sql = shutil.copy(sql, work)
    db = reference.open_sqlite()
    getattr(reference, "load_" + name)(db, data)
    right = reference.answer(db, queries)
    expected = os.path.join(examples, "expected")
    if arguments.update:
        write_expected(expected, name, queries, right)
        return 0
    failures = 0
    if name == "flights" or arguments.scale == DEFAULT_SCALE:
        failures += check_expected(expected, name, queries, right)
    if name == "flights":
        failures += check_duckdb(data, queries, right)
    if arguments.weir:
        failures += run_everywhere(arguments.weir, sql, queries, right)
    return failures


def check_duckdb(data, queries, right):
    try:
        duckdb = importlib.import_module("duckdb")
    except ImportError:
        print("skipped: the comparison with DuckDB, because Python has no module duckdb")
        return 0
    theirs = reference.answer(reference.open_duckdb_flights(duckdb, data), queries)
    good = compare("DuckDB", theirs, queries, right)
    print(f"{'ok  ' if good else 'FAIL'} DuckDB's answers are SQLite's")
    return not good


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--weir")
    parser.add_argument("--tools", required=True)
    parser.add_argument("--source", default=os.path.dirname(os.path.dirname(here)))
    parser.add_argument("--only", choices=("quickstart", "web_attack", "ysb", "flights"))
    parser.add_argument("--scale", type=int, default=DEFAULT_SCALE)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    names = [arguments.only] if arguments.only else ["quickstart", "web_attack", "ysb"]
    failures, tested = 0, 0
    for name in names:
        if name == "quickstart":
            tested += 1
            if arguments.weir:
                failures += test_quickstart(arguments.weir, os.path.join(arguments.source, "examples", "quickstart.sql"))
            continue
        with tempfile.TemporaryDirectory() as work:
            result = test_example(arguments, name, work)
        if result is not None:
            tested += 1
            failures += result
    if tested == 0:
        return 77
    print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
