#!/usr/bin/env python3
"""Weir beside other engines: the queries of bench_queries over the same rows, in one run.

    python3 bench/peers.py --bench build/release/bench/bench_queries [--rows N] [--threads N]
                           [--rounds N] [--json FILE]

Peers are duckdb, polars, pyarrow and chdb from PyPI, each used if it can be imported; numpy makes
their rows, bit for bit those of bench_queries. Every engine has its columns in memory before the
clock starts, the same number of threads, and a process of its own. In each round every engine runs
every query once to warm up and RUNS times for the clock; engines take turns, so that all see the
same weather. The answers are compared before anything is printed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

QUERIES = ["filter + sum (Q6)", "group by 1,000", "group by 1 M", "group by sparse 1 M", "join 1 M"]
PEERS = ["duckdb", "polars", "pyarrow", "chdb"]
RUNS = 3  # of each query in a round
CHUNK = 1 << 21


# ---- rows: splitmix64 from seed 42, as in queries.c ----


def random_words(first, n):
    """Words FIRST … FIRST + N of the sequence."""
    import numpy as np

    with np.errstate(over="ignore"):
        z = np.arange(first + 1, first + n + 1, dtype=np.uint64)
        z = z * np.uint64(0x9E3779B97F4A7C15) + np.uint64(42)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def make_tables(rows, build_rows):
    import numpy as np

    t = {
        "shipdate": np.empty(rows, np.int32),
        "discount": np.empty(rows),
        "quantity": np.empty(rows),
        "price": np.empty(rows),
        "k1000": np.empty(rows, np.int32),
        "k1m": np.empty(rows, np.int32),
    }
    u = np.uint64
    for at in range(0, rows, CHUNK):
        n = min(CHUNK, rows - at)
        words = random_words(2 * at, 2 * n)
        r, q, to = words[0::2], words[1::2], slice(at, at + n)
        t["shipdate"][to] = 8035 + (r % u(2557)).astype(np.int32)
        t["discount"][to] = ((r >> u(16)) & u(0xFF)).astype(float) * 11 / 256 / 100
        t["quantity"][to] = (1 + (r >> u(24)) % u(50)).astype(float)
        t["price"][to] = 900 + ((r >> u(32)) & u(0xFFFFF)).astype(float) / 10
        t["k1000"][to] = (q % u(1000)).astype(np.int32)
        t["k1m"][to] = ((q >> u(20)) % u(build_rows)).astype(np.int32)
    d = {
        "k": np.arange(build_rows, dtype=np.int32),
        "v": (random_words(2 * rows, build_rows) % u(1000)).astype(np.int32),
    }
    return t, d


def arrow_tables(rows, build_rows):
    import pyarrow as pa

    t, d = make_tables(rows, build_rows)
    columns = {name: pa.array(v) for name, v in t.items()}
    columns["shipdate"] = columns["shipdate"].cast(pa.date32())
    return pa.table(columns), pa.table({name: pa.array(v) for name, v in d.items()})


# ---- peers: each gives a function of the query's number that returns an Arrow table ----

SQL = [
    "SELECT SUM(price * discount) AS s FROM t WHERE shipdate >= DATE '1994-01-01' AND "
    "shipdate < DATE '1995-01-01' AND discount BETWEEN 0.05 AND 0.07 AND quantity < 24",
    "SELECT k1000, SUM(price) AS s, COUNT(*) AS n FROM t GROUP BY k1000",
    "SELECT k1m, SUM(price) AS s, COUNT(*) AS n FROM t GROUP BY k1m",
    "SELECT k1m * 2003 AS k, SUM(price) AS s, COUNT(*) AS n FROM t GROUP BY k1m * 2003",
    "SELECT COUNT(*) AS n, SUM(CAST(d.v AS BIGINT)) AS s FROM t JOIN d ON t.k1m = d.k",
]


def open_duckdb(rows, build_rows, threads):
    import duckdb

    t, d = arrow_tables(rows, build_rows)
    db = duckdb.connect(config={"threads": threads})
    db.register("t_rows", t)
    db.register("d_rows", d)
    db.execute("CREATE TABLE t AS SELECT * FROM t_rows")
    db.execute("CREATE TABLE d AS SELECT * FROM d_rows")
    db.unregister("t_rows")
    db.unregister("d_rows")
    # DOUBLE constants: a DECIMAL one would be compared after a cast of the column
    sql = [SQL[0].replace("0.05 AND 0.07", "0.05::DOUBLE AND 0.07::DOUBLE")] + SQL[1:]
    return duckdb.__version__, lambda q: db.sql(sql[q]).to_arrow_table()


def open_polars(rows, build_rows, threads):
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import datetime

    import polars as pl

    t, d = (pl.from_arrow(x) for x in arrow_tables(rows, build_rows))
    c = pl.col

    def group(key):
        return t.lazy().group_by(key).agg(c("price").sum().alias("s"), pl.len().alias("n"))

    plans = [
        t.lazy()
        .filter(
            (c("shipdate") >= datetime.date(1994, 1, 1))
            & (c("shipdate") < datetime.date(1995, 1, 1))
            & c("discount").is_between(0.05, 0.07)
            & (c("quantity") < 24)
        )
        .select((c("price") * c("discount")).sum().alias("s")),
        group("k1000"),
        group("k1m"),
        group((c("k1m") * 2003).alias("k")),
        t.lazy()
        .join(d.lazy(), left_on="k1m", right_on="k")
        .select(pl.len().alias("n"), c("v").cast(pl.Int64).sum().alias("s")),
    ]
    return pl.__version__, lambda q: plans[q].collect().to_arrow()


def open_pyarrow(rows, build_rows, threads):
    import datetime

    import pyarrow as pa
    import pyarrow.compute as pc

    pa.set_cpu_count(threads)
    t, d = arrow_tables(rows, build_rows)
    f = pc.field
    where = (
        (f("shipdate") >= datetime.date(1994, 1, 1))
        & (f("shipdate") < datetime.date(1995, 1, 1))
        & (f("discount") >= 0.05)
        & (f("discount") <= 0.07)
        & (f("quantity") < 24)
    )

    def q6():
        kept = t.select(["shipdate", "discount", "quantity", "price"]).filter(where)
        return pa.table({"s": [pc.sum(pc.multiply(kept["price"], kept["discount"]))]})

    def group(key):
        return t.group_by(key).aggregate([("price", "sum"), ([], "count_all")])

    def group_sparse():
        keyed = pa.table({"k": pc.multiply(t["k1m"], 2003), "price": t["price"]})
        return keyed.group_by("k").aggregate([("price", "sum"), ([], "count_all")])

    def join():
        both = t.select(["k1m"]).join(d, "k1m", "k", "inner")
        return pa.table({"n": [both.num_rows], "s": [pc.sum(pc.cast(both["v"], pa.int64()))]})

    calls = [q6, lambda: group("k1000"), lambda: group("k1m"), group_sparse, join]
    return pa.__version__, lambda q: calls[q]()


def open_chdb(rows, build_rows, threads):
    import chdb
    from chdb import session

    t, d = arrow_tables(rows, build_rows)
    globals()["t_rows"], globals()["d_rows"] = t, d  # chdb looks names up here
    db = session.Session()
    db.query("CREATE DATABASE b ENGINE = Atomic")
    db.query(f"SET max_threads = {threads}")
    kinds = "shipdate Date32, discount Float64, quantity Float64, price Float64, k1000 Int32, k1m Int32"
    db.query(f"CREATE TABLE b.t ({kinds}) ENGINE = Memory")
    db.query("CREATE TABLE b.d (k Int32, v Int32) ENGINE = Memory")
    db.query("INSERT INTO b.t SELECT * FROM Python(t_rows)")
    db.query("INSERT INTO b.d SELECT * FROM Python(d_rows)")
    del globals()["t_rows"], globals()["d_rows"]
    sql = [
        s.replace("FROM t", "FROM b.t AS t").replace("JOIN d", "JOIN b.d AS d") for s in SQL
    ]
    import pyarrow as pa

    def run(q):
        out = db.query(f"{sql[q]} SETTINGS max_threads = {threads}", "ArrowStream")
        return pa.ipc.open_stream(pa.py_buffer(out.bytes())).read_all()

    return chdb.__version__, run


def answer(table):
    """Rows, and the sums of the columns but for keys, in the order of their names."""
    import pyarrow.compute as pc

    sums = {}
    for name in table.column_names:
        if not name.startswith("k"):
            value = pc.sum(table[name]).as_py()
            sums["n" if name in ("n", "count_all") else "s"] = float(value)
    return [table.num_rows, [sums[k] for k in sorted(sums)]]


def serve(peer, rows, build_rows, threads):
    """A peer's process: a line with a query's number comes in, a line with its seconds goes out."""
    reply = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no reply
    try:
        version, run = globals()["open_" + peer](rows, build_rows, threads)
        out = {"version": version}
    except Exception as e:  # not installed, or refuses
        out = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(out), file=reply, flush=True)
    if "error" in out:
        return
    for line in sys.stdin:
        try:
            seconds, q = [], int(line)
            result = run(q)
            for _ in range(RUNS):
                start = time.perf_counter()
                run(q)
                seconds.append(time.perf_counter() - start)
            out = {"seconds": seconds, "answer": answer(result)}
        except Exception as e:
            out = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(out), file=reply, flush=True)


# ---- the run ----


class Peer:
    def __init__(self, name, a):
        self.name = name
        me = [sys.executable, os.path.abspath(__file__), "--serve", name]
        me += ["--rows", str(a.rows), "--build", str(a.build), "--threads", str(a.threads)]
        self.process = subprocess.Popen(
            me, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def read(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"error": "its process ended"}

    def ask(self, q):
        self.process.stdin.write(f"{q}\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def weir_round(a, results):
    command = [a.bench, "--format", "json", "--rows", str(a.rows), "--build", str(a.build)]
    command += ["--threads", str(a.threads), "--runs", str(RUNS)]
    out = subprocess.run(command, capture_output=True, text=True)
    if out.returncode:
        sys.exit(f"{a.bench} failed: {out.stderr.strip()}")
    lines = [json.loads(x) for x in out.stdout.splitlines()]
    for x in lines[1:]:
        # the sums of what is not a key: (s), (s, n) or (n, s)
        grouped = x["query"].startswith("group")
        sums = x["sums"][1:] if grouped else x["sums"]
        named = ["s", "n"] if grouped else ["s"] if x["query"] == QUERIES[0] else ["n", "s"]
        by_name = dict(zip(named, sums))
        one = {"seconds": x["seconds"], "answer": [x["rows"], [by_name[k] for k in sorted(by_name)]]}
        note(results, f"weir {x['device']}", QUERIES.index(x["query"]), one)
        results["bytes_per_row"][x["query"]] = x["bytes_per_row"]
    results["bandwidth"].append(lines[0]["bandwidth"])


def note(results, engine, q, one):
    if "error" in one:
        results["errors"][f"{engine}, {QUERIES[q]}"] = one["error"]
        return
    e = results["engines"].setdefault(engine, {})
    e.setdefault(QUERIES[q], {"seconds": [], "answer": one["answer"]})
    e[QUERIES[q]]["seconds"] += one["seconds"]


def check(results):
    """Every engine's answer must be that of Weir's native operators."""
    wrong = []
    for engine, queries in results["engines"].items():
        for q, x in queries.items():
            rows, sums = x["answer"]
            want_rows, want = results["engines"]["weir native"][q]["answer"]
            same = rows == want_rows and len(sums) == len(want)
            if not same or any(abs(s - w) > 1e-9 * abs(w) for s, w in zip(sums, want)):
                wrong.append(f"{engine}, {q}: {x['answer']} instead of {[want_rows, want]}")
    return wrong


def print_table(results):
    bandwidth = statistics.median(results["bandwidth"])
    print(
        f"{results['rows']} rows, {results['build_rows']} build rows, {results['threads']} threads, "
        f"median of {results['rounds'] * RUNS}; read bandwidth {bandwidth / 1e9:.1f} GB/s\n"
    )
    print("| query | engine | ms | M rows/s | of bandwidth | time / Weir native |")
    print("|---|---|---:|---:|---:|---:|")
    for q in QUERIES:
        native = statistics.median(results["engines"]["weir native"][q]["seconds"])
        for engine, queries in results["engines"].items():
            if q in queries:
                s = statistics.median(queries[q]["seconds"])
                share = results["rows"] * results["bytes_per_row"][q] / s / bandwidth
                print(
                    f"| {q} | {engine} | {s * 1e3:.1f} | {results['rows'] / s / 1e6:.1f} | "
                    f"{share * 100:.0f} % | {s / native:.2f} |"
                )
    print("\nAll answers are the same." if not results["wrong"] else "\nWRONG ANSWERS:")
    for line in results["wrong"]:
        print(line)
    for who, why in results["errors"].items():
        print(f"not measured: {who}: {why}")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--bench", default="build/release/bench/bench_queries")
    p.add_argument("--rows", type=int, default=1 << 25)
    p.add_argument("--build", type=int, default=1000000)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--json", help="write all seconds there")
    p.add_argument("--serve", choices=PEERS, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.serve:
        serve(a.serve, a.rows, a.build, a.threads)
        return 0
    results = {"rows": a.rows, "build_rows": a.build, "threads": a.threads, "rounds": a.rounds}
    results |= {"bandwidth": [], "bytes_per_row": {}, "versions": {}, "engines": {}, "errors": {}}
    peers = []
    for name in PEERS:
        peer = Peer(name, a)
        hello = peer.read()
        if "error" in hello:
            results["errors"][name] = hello["error"]
            peer.close()
        else:
            results["versions"][name] = hello["version"]
            peers.append(peer)
    for _ in range(a.rounds):
        weir_round(a, results)
        for peer in peers:
            for q in range(len(QUERIES)):
                note(results, peer.name, q, peer.ask(q))
    for peer in peers:
        peer.close()
    results["wrong"] = check(results)
    print_table(results)
    if a.json:
        with open(a.json, "w") as f:
            json.dump(results, f, indent=1)
            f.write("\n")
    return 1 if results["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
