#!/usr/bin/env python3
"""Reading files: filter and aggregate a CSV and a JSON lines file, Weir beside other engines.

    python3 bench/ingest.py --weir build/release/weir [--millions N] [--threads N] [--rounds N]
                            [--folder DIR] [--json FILE]

The files (about 65 and 130 bytes a row, seven columns, of which the query needs three) are made in
DIR once and lie in the page cache. Peers are duckdb and polars from PyPI, each used if it can be
imported, told the columns' types as Weir is. Every run is a process of its own and its clock is the
query's alone: for Weir the time that --stats reports. The answers are compared.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

COLUMNS = {
    "id": "BIGINT",
    "user_id": "INT",
    "country": "STRING",
    "price": "DOUBLE",
    "quantity": "INT",
    "ts": "TIMESTAMP(3)",
    "page": "STRING",
}
QUERY = (
    "SELECT country, COUNT(*) AS n, SUM(price * quantity) AS s FROM {} "
    "WHERE quantity >= 10 AND price < 900E0 GROUP BY country ORDER BY country"
)


def make_files(folder, millions):
    """A million random rows, MILLIONS times."""
    names = [os.path.join(folder, f"events-{millions}.{kind}") for kind in ("csv", "json")]
    if all(os.path.exists(n) for n in names):
        return names
    r = random.Random(42)
    pages = ["/index.html", "/cart/view", "/product/4711", "/search?q=weir", "/checkout/step2"]
    countries = ["DE", "FR", "US", "CN", "BR", "IN", "JP", "GB"]
    csv, lines = [], []
    for i in range(1000000):
        row = (
            i,
            r.randrange(1000000),
            r.choice(countries),
            r.randrange(100000) / 100,
            r.randrange(1, 50),
            f"2024-01-01 {i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d}",
            r.choice(pages),
        )
        csv.append(",".join(map(str, row)) + "\n")
        lines.append(json.dumps(dict(zip(COLUMNS, row)), separators=(",", ":")) + "\n")
    for name, head, rows in zip(names, [",".join(COLUMNS) + "\n", ""], [csv, lines]):
        text = "".join(rows).encode()
        with open(name, "wb") as f:
            f.write(head.encode())
            for _ in range(millions):
                f.write(text)
    return names


# ---- engines: seconds and rows of one run ----


def run_weir(a, path, kind):
    columns = ", ".join(f"{n} {t}" for n, t in COLUMNS.items())
    header = ", 'csv.header' = 'true'" if kind == "csv" else ""
    sql = (
        f"CREATE TABLE e ({columns}) WITH ('connector' = 'filesystem', 'path' = '{path}', "
        f"'format' = '{kind}'{header}); {QUERY.format('e')};"
    )
    with tempfile.NamedTemporaryFile() as stats:
        command = [a.weir, "run", "-c", sql, "--format", "json", "--device", "native"]
        command += ["--partitions", str(a.threads), "--stats", stats.name]
        out = subprocess.run(command, capture_output=True, text=True)
        if out.returncode:
            sys.exit(f"{a.weir} failed: {out.stderr.strip()}")
        found = json.load(open(stats.name))
    rows = [json.loads(x) for x in out.stdout.splitlines() if x.strip()]
    found = found[0] if isinstance(found, list) else found
    return found["wall_ms"] / 1e3, [[x["country"], x["n"], x["s"]] for x in rows]


def run_duckdb(a, path, kind):
    import duckdb

    db = duckdb.connect(config={"threads": a.threads})
    kinds = {"STRING": "VARCHAR", "TIMESTAMP(3)": "TIMESTAMP"}
    columns = {n: kinds.get(t, t) for n, t in COLUMNS.items()}
    read = {"csv": "read_csv", "json": "read_json"}[kind]
    extra = ", header = true, delim = ','" if kind == "csv" else ", format = 'newline_delimited'"
    source = f"{read}('{path}', columns = {columns}{extra})"
    start = time.perf_counter()
    rows = db.execute(QUERY.format(source)).fetchall()
    return time.perf_counter() - start, [list(x) for x in rows]


def run_polars(a, path, kind):
    os.environ["POLARS_MAX_THREADS"] = str(a.threads)
    import polars as pl

    kinds = {"BIGINT": pl.Int64, "INT": pl.Int32, "STRING": pl.String, "DOUBLE": pl.Float64}
    schema = {n: kinds.get(t, pl.String) for n, t in COLUMNS.items()}
    c = pl.col
    start = time.perf_counter()
    scan = pl.scan_csv(path, schema=schema) if kind == "csv" else pl.scan_ndjson(path, schema=schema)
    t = (
        scan.filter((c("quantity") >= 10) & (c("price") < 900))
        .group_by("country")
        .agg(pl.len().alias("n"), (c("price") * c("quantity")).sum().alias("s"))
        .sort("country")
        .collect(engine="streaming")
    )
    return time.perf_counter() - start, [list(x) for x in t.rows()]


def run_apart(a, engine, path, kind):
    """A peer's run in a process of its own."""
    me = [sys.executable, os.path.abspath(__file__), "--run", engine, path, kind]
    out = subprocess.run(me + ["--threads", str(a.threads)], capture_output=True, text=True)
    if out.returncode:
        return None, (out.stderr.strip().splitlines() or ["it failed"])[-1]
    return json.loads(out.stdout.splitlines()[-1])


def same(x, y):
    return len(x) == len(y) and all(
        p[:2] == q[:2] and abs(p[2] - q[2]) <= 1e-9 * abs(q[2]) for p, q in zip(x, y)
    )


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--weir", default="build/release/weir")
    p.add_argument("--millions", type=int, default=20)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--folder", default=tempfile.gettempdir())
    p.add_argument("--json", help="write all seconds there")
    p.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.run:
        print(json.dumps(globals()["run_" + a.run[0]](a, a.run[1], a.run[2])))
        return 0
    result = {"rows": a.millions * 1000000, "threads": a.threads, "files": {}, "errors": {}}
    wrong = []
    for path, kind in zip(make_files(a.folder, a.millions), ("csv", "json")):
        size = os.path.getsize(path)
        runs, answer = {}, None
        for _ in range(a.rounds):
            seconds, answer = run_weir(a, path, kind)
            runs.setdefault("weir", []).append(seconds)
            for peer in ("duckdb", "polars"):
                if f"{peer}, {kind}" in result["errors"]:
                    continue
                seconds, rows = run_apart(a, peer, path, kind)
                if seconds is None:
                    result["errors"][f"{peer}, {kind}"] = rows
                    continue
                runs.setdefault(peer, []).append(seconds)
                if not same(rows, answer):
                    wrong.append(f"{peer}, {kind}: {rows} instead of {answer}")
        result["files"][kind] = {"bytes": size, "seconds": runs}
    print(f"{result['rows']} rows, {a.threads} threads, median of {a.rounds}\n")
    print("| file | engine | ms | M rows/s | MB/s | time / Weir |")
    print("|---|---|---:|---:|---:|---:|")
    for kind, x in result["files"].items():
        weir = statistics.median(x["seconds"]["weir"])
        for engine, seconds in x["seconds"].items():
            s = statistics.median(seconds)
            print(
                f"| {kind} | {engine} | {s * 1e3:.0f} | {result['rows'] / s / 1e6:.1f} | "
                f"{x['bytes'] / s / 1e6:.0f} | {s / weir:.2f} |"
            )
    print("\nAll answers are the same." if not wrong else "\nWRONG ANSWERS:\n" + "\n".join(wrong))
    for who, why in result["errors"].items():
        print(f"not measured: {who}: {why}")
    if a.json:
        with open(a.json, "w") as f:
            json.dump(result, f, indent=1)
            f.write("\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
