#!/usr/bin/env python3
"""The program `weir` as a person meets it: results, reports, and above all what it says when something is wrong.

usage: test_cli.py PATH/TO/weir [unittest arguments]
"""

import datetime
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zlib

WEIR = os.path.abspath(sys.argv.pop(1))
DEVICES = os.environ.get("WEIR_TEST_DEVICES", "native opencl").split()  # what this build has


def wait_for_handler(p):
    """Until Ctrl-C is caught: before that it ends the process as it does any other."""
    while p.poll() is None:
        with open(f"/proc/{p.pid}/status") as status:
            caught = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt:"))
        if caught >> (signal.SIGINT - 1) & 1:
            return
        time.sleep(0.01)


def weir(*args, stdin=None, env=None, cwd=None):
    full = dict(os.environ, **(env or {}))
    return subprocess.run([WEIR, *args], input=stdin, capture_output=True, text=True, env=full, cwd=cwd, timeout=120)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, content):
        with open(self.path(name), "wb" if isinstance(content, bytes) else "w") as f:
            f.write(content)
        return self.path(name)

    def sql(self, text, *args, **kw):
        return weir("run", self.write("job.sql", text), "--format", "csv", *args, **kw)

    def ok(self, p):
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def fails(self, p, code, *parts):
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        for part in parts:
            self.assertIn(part, p.stderr)
        self.assertNotIn("/build/", p.stderr)


class Usage(Case):
    def test_help(self):
        self.assertIn("usage: weir", self.ok(weir("--help")))
        for command in ("run", "explain", "devices", "topo"):
            out = self.ok(weir(command, "--help"))
            self.assertIn("weir", out)

    def test_wrong_arguments(self):
        self.fails(weir(), 2, "usage")
        self.fails(weir("rnu"), 2, "'rnu' is not a command")
        self.fails(weir("run"), 2, "give one SQL file")
        self.fails(weir("run", "--format", "xml", "-c", "SELECT 1"), 2, "--format 'xml'", "box, csv, json or markdown")
        self.fails(weir("run", "--partitions", "0", "-c", "SELECT 1"), 2, "--partitions '0'")
        self.fails(weir("run", "--device", "gpu", "-c", "SELECT 1"), 2, "'gpu' is not known", "opencl:N")
        self.fails(weir("run", "--memory", "4 potatoes", "-c", "SELECT 1"), 2, "--memory")
        self.fails(weir("run", "--nonsense", "-c", "SELECT 1"), 2, "'--nonsense' is not an option")
        self.fails(weir("run", "no/such.sql"), 4, "no/such.sql", "No such file")


class Results(Case):
    def test_digits_of_time(self):
        q = "SELECT CAST(CAST(TIME '10:11:12.345' AS TIME(1)) AS TIME(3)) AS a, CAST('10:11:12.9' AS TIME) = TIME '10:11:12' " \
            "AS b, CAST(TIMESTAMP '2024-01-01 10:11:12.5' AS TIME(0)) = TIME '10:11:12' AS c"
        self.assertEqual(self.ok(weir("run", "-c", q, "--format", "csv")), "a,b,c\n10:11:12.300,true,true\n")

    def test_formats(self):
        q = "SELECT * FROM (VALUES (1, 'a,b'), (2, CAST(NULL AS STRING))) AS t(x, y) ORDER BY x"
        self.assertEqual(self.ok(weir("run", "-c", q, "--format", "csv")), 'x,y\n1,"a,b"\n2,\n')
        rows = [json.loads(line) for line in self.ok(weir("run", "-c", q, "--format", "json")).splitlines()]
        self.assertEqual(rows, [{"x": 1, "y": "a,b"}, {"x": 2, "y": None}])
        self.assertIn("| 1 | a,b |", self.ok(weir("run", "-c", q, "--format", "markdown")))
        self.assertIn("│", self.ok(weir("run", "-c", q)))

    def test_several_queries(self):
        out = self.ok(self.sql("SELECT 1 AS a; SELECT 2 AS b;"))
        self.assertEqual(out, "a\n1\n\nb\n2\n")

    def test_standard_input(self):
        self.assertEqual(self.ok(weir("run", "-", "--format", "csv", stdin="SELECT 6 * 7 AS x")), "x\n42\n")

    def test_standard_input_is_read_once(self):
        """A pipe cannot be read twice, and never gives an empty table instead; a file can."""
        table = "CREATE TABLE t (x INT) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');"
        job = self.write("job.sql", table + "SELECT SUM(x) AS s FROM t; SELECT COUNT(*) AS n FROM t")
        self.fails(weir("run", job, "--format", "csv", stdin="1\n2\n"), 4, "standard input is a pipe and was read already")
        self.fails(weir("run", "-c", table + "SELECT a.x FROM t AS a JOIN t AS b ON a.x = b.x", stdin="1\n"), 4, "put the rows into a file")
        self.fails(weir("run", "-", stdin=table + "SELECT x FROM t"), 4, "as the SQL or by an earlier FROM")
        with open(self.write("in.csv", "1\n2\n")) as f:
            out = subprocess.run([WEIR, "run", job, "--format", "csv"], stdin=f, capture_output=True, text=True)
        self.assertEqual(self.ok(out), "s\n3\n\nn\n2\n")

    def test_pipes_are_read_once(self):
        """Under whatever name they come: a second reader would take an empty pipe for an empty table."""
        table = "CREATE TABLE %s (x INT) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv');"
        full = "SELECT COUNT(*) AS n FROM l FULL JOIN r ON l.x = r.x"
        r = table % ("r", self.write("r.csv", "2\n3\n"))
        read_already = " is a pipe and was read already"
        stdin = table % ("l", "/dev/stdin") + r
        self.fails(weir("run", "-c", stdin + "SELECT x FROM l; SELECT x FROM l", stdin="1\n2\n"), 4, "standard input" + read_already)
        self.assertEqual(self.ok(weir("run", "-c", stdin + full, "--format", "csv", stdin="1\n2\n")), "n\n3\n")
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        sets = "SELECT x, COUNT(*) FROM l GROUP BY GROUPING SETS ((x), ())"
        with subprocess.Popen(["sh", "-c", 'printf "1\\n2\\n" > "$0"', fifo]):
            self.fails(weir("run", "-c", table % ("l", fifo) + sets), 4, fifo + read_already, "GROUPING SETS")
        ends = os.pipe()
        os.write(ends[1], b"1\n2\n")
        os.close(ends[1])
        path = "/dev/fd/%d" % ends[0]
        out = subprocess.run([WEIR, "run", "-c", table % ("l", path) + "SELECT x FROM l; SELECT x FROM l"], pass_fds=ends[:1],
                             capture_output=True, text=True)
        os.close(ends[0])
        self.fails(out, 4, path + read_already)

    def test_full_join_of_rows_that_differ_each_time(self):
        """Both sides are needed twice; what LIMIT or RAND() choose is chosen once."""
        r = ("CREATE TABLE r (y BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '5000', 'fields.y.kind' = 'sequence',"
             "'fields.y.start' = '1', 'fields.y.end' = '5000');")
        for side in ("SELECT y AS x FROM r WHERE RAND() < 0.5", "SELECT y AS x FROM r LIMIT 100",
                     "SELECT CAST(RAND() * 5000 AS BIGINT) AS x FROM r GROUP BY y"):
            for join in ("(%s) AS a FULL JOIN r ON a.x = r.y", "r FULL JOIN (%s) AS a ON a.x = r.y"):
                out = self.ok(self.sql(r + "SELECT COUNT(DISTINCT y), SUM(CASE WHEN x IS NULL THEN y ELSE 0 END) + "
                                       "SUM(DISTINCT CASE WHEN x IS NULL THEN 0 ELSE y END) FROM " + join % side, "--partitions", "4"))
                self.assertEqual(out.splitlines()[1], "5000,12502500", side)
        shown = self.ok(weir("explain", "-c", r + "SELECT * FROM (SELECT y FROM r LIMIT 3) AS a FULL JOIN r ON a.y = r.y"))
        self.assertEqual(shown.count("-> spool"), 1, shown)
        self.assertEqual(shown.count("read spool"), 2, shown)

    def test_a_table_is_read_again_for_each_query(self):
        self.write("t.csv", "1\n2\n3\n")
        out = self.ok(self.sql("CREATE TABLE t (x INT) WITH ('connector' = 'filesystem', 'path' = 't.csv', 'format' = 'csv');"
                               "SELECT SUM(x) AS s FROM t; SELECT COUNT(*) AS n FROM t"))
        self.assertEqual(out, "s\n6\n\nn\n3\n")

    def test_every_number_of_partitions_and_device(self):
        self.write("t.csv", "".join(f"{i},{i % 7},{i / 4}\n" for i in range(5000)))
        text = ("CREATE TABLE t (x INT, k INT, d DOUBLE) WITH ('connector' = 'filesystem', 'path' = 't.csv', 'format' = 'csv');"
                "SELECT k, COUNT(*) AS n, SUM(d) AS s FROM t WHERE x > 10 GROUP BY k ORDER BY k")
        want = self.ok(self.sql(text, "--device", "native", "--partitions", "1"))
        self.assertEqual(len(want.splitlines()), 8)
        for device in DEVICES:
            for n in ("1", "3", "8"):
                self.assertEqual(self.ok(self.sql(text, "--device", device, "--partitions", n)), want)

    def test_reports(self):
        stats, trace = self.path("stats.json"), self.path("trace.json")
        self.ok(weir("run", "-c", "SELECT k, COUNT(*) FROM (VALUES (1), (1), (2)) AS t(k) GROUP BY k", "--stats", stats,
                     "--trace", trace))
        with open(stats) as f:
            s = json.load(f)[0]
        self.assertEqual(s["rows_out"], 2)
        self.assertTrue(any("aggregate" in stage["operator"] for stage in s["stages"]))
        self.assertTrue(all({"backends", "fallbacks", "rows_in", "rows_out", "wall_ms"} <= set(stage) for stage in s["stages"]))
        with open(trace) as f:
            self.assertTrue(any(e["ph"] == "X" for e in json.load(f)["traceEvents"]))

    def test_explain(self):
        q = "SELECT k, COUNT(*) FROM (VALUES (1), (1), (2)) AS t(k) WHERE k > 0 GROUP BY k"
        out = self.ok(weir("explain", "-c", q))
        for part in ("== Logical plan ==", "Aggregate", "== Pipelines ==", "== Slots =="):
            self.assertIn(part, out)
        plan = json.loads(self.ok(weir("explain", "-c", q, "--format", "json")))
        self.assertEqual({"plan", "stages", "placement"}, set(plan[0]))
        self.assertIn("plan", self.ok(weir("run", "-c", "EXPLAIN " + q, "--format", "csv")))

    def notes(self, q, *args, env=None):
        """What EXPLAIN says of the stages and what the statistics say, which must be the same for stages that stay native."""
        stats = self.path("stats.json")
        self.ok(weir("run", "-c", q, "--stats", stats, *args, env=env))
        plan = json.loads(self.ok(weir("explain", "-c", q, "--format", "json", *args, env=env)))
        with open(stats) as f:
            done = json.load(f)[0]
        said = [s["why"] for s in plan[0]["stages"]]
        self.assertEqual(said, [s["note"] for s in done["stages"]])
        return said

    def test_why_a_stage_is_native(self):
        merged = "native: it reads merged results, which are on the host"
        q = "SELECT k, COUNT(*) FROM (VALUES (1), (1), (2)) AS t(k) WHERE k > 0 GROUP BY k"
        small, second = self.notes(q)
        self.assertIn("native: a small job, under 0.1 s of work", small)
        self.assertEqual(second, merged)
        self.assertEqual(self.notes(q, "--device", "native"), ["native: asked for", merged])
        self.assertEqual(self.notes("SELECT x FROM (VALUES (1)) AS t(x)"), ["native: nothing to compute, the columns only pass"])
        self.write("none.csv", "")
        big = (f"CREATE TABLE t (x INT) WITH ('connector' = 'filesystem', 'path' = '{self.path('none.csv')}', 'format' = 'csv');"
               "SELECT SUM(x) FROM t WHERE x > 1")
        none = self.notes(big, env={"OCL_ICD_VENDORS": "/nonexistent", "OPENCL_VENDOR_PATH": "/nonexistent"})
        self.assertIn("native: no OpenCL device: ", none[0])

    def test_full_join(self):
        """Against the rows that a person finds: NULL keys match nothing, conditions of one side filter no row away."""
        self.write("a.csv", "1,a\n2,b\n2,c\n,d\n4,e\n")
        self.write("b.csv", "2,10\n3,20\n,30\n4,40\n4,5\n")
        tables = "".join(f"CREATE TABLE {t} (k INT, {c}) WITH ('connector' = 'filesystem', 'path' = '{t}.csv', 'format' = 'csv');"
                         for t, c in (("a", "s STRING"), ("b", "n INT")))
        a, b = [(1, "a"), (2, "b"), (2, "c"), (None, "d"), (4, "e")], [(2, 10), (3, 20), (None, 30), (4, 40), (4, 5)]

        def joined(on, where=lambda x, y: True):
            pairs = [(x, y) for x in a for y in b if on(x, y)]
            rows = pairs + [(x, (None, None)) for x in a if x not in [p[0] for p in pairs]]
            rows += [((None, None), y) for y in b if y not in [p[1] for p in pairs]]
            return sorted(",".join("" if v is None else str(v) for v in x + y) for x, y in rows if where(x, y))

        def key(x, y):
            return x[0] is not None and x[0] == y[0]

        cases = (("a.k = b.k", key, "", lambda x, y: True),
                 ("a.k = b.k AND n > 7 AND s <> 'c'", lambda x, y: key(x, y) and y[1] > 7 and x[1] != "c", "", lambda x, y: True),
                 ("a.k = b.k AND n > a.k * 10", lambda x, y: key(x, y) and y[1] > 10 * x[0], "", lambda x, y: True),
                 ("a.k < b.k", lambda x, y: x[0] is not None and y[0] is not None and x[0] < y[0], "", lambda x, y: True),
                 ("a.k = b.k", key, "WHERE n IS NULL OR n > 15", lambda x, y: y[1] is None or y[1] > 15))
        for on, matches, where, keeps in cases:
            q = tables + f"SELECT a.k, s, b.k, n FROM a FULL OUTER JOIN b ON {on} {where}"
            for device in DEVICES:
                for slots in ("1", "3"):
                    out = self.ok(self.sql(q, "--device", device, "--partitions", slots)).splitlines()[1:]
                    self.assertEqual(sorted(line.replace('""', "") for line in out), joined(matches, keeps), (on, device))

    def test_a_value_of_several_lines(self):
        out = self.ok(weir("run", "-c", "CREATE TABLE t (x INT) WITH ('connector' = 'datagen'); SHOW CREATE TABLE t"))
        self.assertIn("│ CREATE TABLE t (", out)
        self.assertIn("│   x INT", out)
        self.assertIn("'a\\nb'".strip("'"), self.ok(weir("run", "-c", "SELECT 'a\nb' AS x, 1 AS y")))

    def test_sink(self):
        self.ok(self.sql("CREATE TABLE o (x INT) WITH ('connector' = 'filesystem', 'path' = 'out.csv', 'format' = 'csv');"
                         "INSERT INTO o VALUES (1), (2)"))
        with open(self.path("out.csv")) as f:
            self.assertEqual(sorted(f.read().split()), ["1", "2"])


class WrongSql(Case):
    def test_position(self):
        self.fails(self.sql("SELECT\n  1 +;"), 3, "job.sql:2:6")
        self.fails(self.sql("SELECT y FROM (VALUES (1)) AS t(x)"), 3, "job.sql:1:8", '"y"')
        self.fails(self.sql("SELECT 'a' + 1 FROM nowhere"), 3, "job.sql:1:", "nowhere")
        self.fails(self.sql("SELECT x LIKE 3 FROM (VALUES (1)) AS t(x)"), 3, "job.sql:1:")

    def test_not_executed(self):
        p = self.sql("SELECT * FROM (VALUES (1)) AS a(x) FULL JOIN (VALUES (2)) AS b(x) USING (x)")
        self.fails(p, 3, "job.sql:1:", "COALESCE(a.x, b.x)")

    def test_values_that_cannot_be(self):
        self.fails(self.sql("SELECT 10 / x FROM (VALUES (1), (0)) AS t(x)"), 1, "1:8", "division by zero")
        self.fails(self.sql("SELECT x + 1 FROM (VALUES (2147483647)) AS t(x)"), 1, "1:8")
        self.fails(self.sql("SELECT CAST(x AS INT) FROM (VALUES ('12x')) AS t(x)"), 1, "12x", "INT")
        self.assertEqual(self.ok(self.sql("SELECT CASE WHEN x <> 0 THEN 10 / x ELSE 0 END AS y FROM (VALUES (0)) AS t(x)")), "y\n0\n")
        self.assertEqual(self.ok(self.sql("SELECT TRY_CAST('12x' AS INT) AS y")), "y\n\n")


class WrongData(Case):
    def csv(self, content, columns="a INT, b STRING", extra=""):
        self.write("in.csv", content)
        return (f"CREATE TABLE t ({columns}) WITH ('connector' = 'filesystem', 'path' = 'in.csv', 'format' = 'csv'{extra});"
                "CREATE TABLE o (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out.csv', 'format' = 'csv');"
                "INSERT INTO o SELECT COUNT(b) FROM t WHERE a > 0;")

    def broken(self, content, *parts, code=1, **kw):
        for device in DEVICES:
            self.fails(self.sql(self.csv(content, **kw), "--device", device), code, "in.csv", *parts)
            self.assertFalse(os.path.exists(self.path("out.csv")), "a half-written output")
            self.assertEqual([f for f in os.listdir(self.folder.name) if ".tmp" in f], [])

    def test_unclosed_quote(self):
        self.broken('1,x\n2,"abc\n3,y\n', ":2")

    def test_number_of_fields(self):
        self.broken("1,x\n2,y,z\n", ":2")
        self.broken("1,x\n2\n", ":2")

    def test_bad_number(self):
        self.broken("1,x\n12q,y\n", ":2", "12q", "INT")
        self.broken("1,x\n99999999999,y\n", ":2", "99999999999")

    def test_nul_byte(self):
        self.broken(b"1,x\n2,a\0b\n", ":2", "NUL")

    def test_long_field(self):
        self.broken("1," + "x" * (10 << 20) + "\n", ":1", "format.max-record-bytes")
        p = self.sql(self.csv("1," + "x" * (10 << 20) + "\n", extra=", 'format.max-record-bytes' = '20000000'"))
        self.assertEqual(p.returncode, 0, p.stderr)

    def test_ignored_errors(self):
        p = self.sql(self.csv("1,x\noops,y\n2,z\n", extra=", 'csv.ignore-parse-errors' = 'true'"))
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("1 rows did not parse", p.stderr)
        with open(self.path("out.csv")) as f:
            self.assertEqual(f.read().strip(), "2")

    def test_json(self):
        self.write("in.json", '{"a": 1}\n{"a": }\n')
        p = self.sql("CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 'in.json', 'format' = 'json');"
                     "SELECT SUM(a) FROM t")
        self.fails(p, 1, "in.json:2")

    def test_gzip(self):
        whole = gzip.compress(b"1,x\n" * 20000)
        self.write("in.csv.gz", whole[: len(whole) // 2])
        text = ("CREATE TABLE t (a INT, b STRING) WITH ('connector' = 'filesystem', 'path' = 'in.csv.gz', 'format' = 'csv');"
                "SELECT COUNT(*) FROM t")
        p = self.sql(text)
        self.assertIn(p.returncode, (1, 4), p.stderr)
        self.assertIn("in.csv.gz", p.stderr)

    def test_null_for_a_not_null_column(self):
        self.write("in.csv", "".join(f"{i},{'' if i == 3 else 'x'}\n" for i in range(1, 6)))
        text = ("CREATE TABLE t (x INT, y STRING) WITH ('connector' = 'filesystem', 'path' = 'in.csv', 'format' = 'csv',"
                " 'csv.null-literal' = '');"
                "CREATE TABLE o (y STRING NOT NULL, x INT) WITH ('connector' = 'filesystem', 'path' = 'out.csv', 'format' = 'csv');"
                "{} INSERT INTO o SELECT {}, x FROM t")
        key = "'table.exec.sink.not-null-enforcer'"
        for y in ("y", "UPPER(y)"):
            self.fails(self.sql(text.format("", y)), 1, 'table o: column "y" is NOT NULL', key + " = 'drop'")
            self.assertFalse(os.path.exists(self.path("out.csv")))
            p = self.sql(text.format(f"SET {key} = 'drop';", y), "--stats", self.path("s.json"))
            self.assertIn("1 rows with a NULL for a NOT NULL column were dropped", self.ok(p) + p.stderr)
            with open(self.path("out.csv")) as f:
                self.assertEqual(sorted(line[2] for line in f), ["1", "2", "4", "5"])
            with open(self.path("s.json")) as f:
                stats = json.load(f)[0]
            self.assertEqual((stats["rows_out"], stats["rows_dropped"]), (4, 1))
            os.remove(self.path("out.csv"))
        self.fails(self.sql(text.format(f"SET {key} = 'warn';", "y")), 3, key, "error or drop")

    def test_missing_file(self):
        p = self.sql("CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 'none.csv', 'format' = 'csv');"
                     "SELECT * FROM t")
        self.fails(p, 4, "none.csv")

    def test_sink_that_cannot_be_written(self):
        self.write("blocked", "a file where a folder is wanted")
        p = self.sql("CREATE TABLE o (x INT) WITH ('connector' = 'filesystem', 'path' = 'blocked/out.csv', 'format' = 'csv');"
                     "INSERT INTO o VALUES (1)")
        self.fails(p, 4, "blocked")

    def test_unknown_option(self):
        p = self.sql("CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'pahth' = 'x', 'format' = 'csv');"
                     "SELECT * FROM t")
        self.fails(p, 3, "pahth", "path")


@unittest.skipIf("opencl" in DEVICES, "built with OpenCL")
class NativeOnly(Case):
    def test_there_is_no_device(self):
        self.assertIn("built without OpenCL", self.ok(weir("devices")))
        self.assertEqual(json.loads(self.ok(weir("devices", "--json")))["devices"], [])
        self.fails(weir("run", "-c", "SELECT 1", "--device", "opencl"), 3, "built without OpenCL")


@unittest.skipUnless("opencl" in DEVICES, "built without OpenCL")
class Devices(Case):
    NO_OPENCL = {"OCL_ICD_VENDORS": "/nonexistent", "OPENCL_VENDOR_PATH": "/nonexistent"}

    def test_list(self):
        self.assertIn("opencl:0", self.ok(weir("devices")))
        self.assertTrue(json.loads(self.ok(weir("devices", "--json")))["devices"])

    def test_without_opencl(self):
        self.assertIn("no OpenCL device", self.ok(weir("devices", env=self.NO_OPENCL)))
        self.assertEqual(json.loads(self.ok(weir("devices", "--json", env=self.NO_OPENCL)))["devices"], [])
        self.assertEqual(self.ok(weir("run", "-c", "SELECT 1 AS x", "--format", "csv", env=self.NO_OPENCL)), "x\n1\n")
        self.fails(weir("run", "-c", "SELECT 1", "--device", "opencl", env=self.NO_OPENCL), 3, "no OpenCL", "install")

    def test_refusal(self):
        q = "SELECT RAND() + x AS r FROM (VALUES (1), (2)) AS t(x)"
        self.fails(weir("run", "-c", q, "--device", "opencl"), 3, "RAND runs natively", "--device auto")
        self.ok(weir("run", "-c", q))

    def test_what_a_device_lacks(self):
        """DISTINCT runs natively behind a device that filters, and EXPLAIN says so."""
        q = "SELECT COUNT(DISTINCT x) AS n FROM (VALUES (1), (2), (2), (3)) AS t(x) WHERE x < 3"
        for device in ("auto", "opencl"):
            self.assertEqual(self.ok(weir("run", "-c", q, "--format", "csv", "--device", device)), "n\n2\n")
        self.assertIn("COUNT(DISTINCT) runs natively", self.ok(weir("explain", "-c", q, "--device", "opencl")))

    def test_functions_before_windows(self):
        """What computes the time of HOP windows has no kernel: it runs before the device does the rest."""
        q = ("SELECT window_start AS s, COUNT(*) AS n FROM TABLE(HOP((SELECT TO_TIMESTAMP(x) AS ts FROM (VALUES"
             " ('2024-01-01 00:00:01'), ('2024-01-01 00:00:07')) AS t(x)), DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND))"
             " GROUP BY window_start, window_end ORDER BY s")
        want = self.ok(weir("run", "-c", q, "--format", "csv", "--device", "native"))
        self.assertEqual(len(want.splitlines()), 4)
        self.assertEqual(self.ok(weir("run", "-c", q, "--format", "csv", "--device", "opencl")), want)

    def test_many_groups(self):
        """Tables too large for the caches, merged by parts: keys far apart, NULLs, texts, two keys, wide ones."""
        job = self.write("job.sql", """
CREATE TABLE t (i BIGINT, n INT, s STRING) WITH ('connector' = 'datagen', 'number-of-rows' = '400000', 'seed' = '7',
  'fields.i.min' = '-1000000000000', 'fields.i.max' = '1000000000000', 'fields.n.min' = '0', 'fields.n.max' = '100000000',
  'fields.n.null-rate' = '0.3', 'fields.s.length' = '4');
CREATE VIEW w AS SELECT i % CAST(150007 AS BIGINT) * 7919 AS k, CAST(n AS BIGINT) AS n, s FROM t;
SELECT COUNT(*), SUM(c), SUM(k), MIN(m), MAX(m), SUM(c * (k % 1000)) FROM (SELECT k, COUNT(*) AS c, MIN(n) AS m FROM w GROUP BY k) AS g;
SELECT COUNT(*), SUM(c), COUNT(n), SUM(n % 1000 * c) FROM (SELECT n, COUNT(*) AS c FROM w GROUP BY n) AS g;
SELECT COUNT(*), SUM(c), MIN(s), MAX(s) FROM (SELECT s, COUNT(*) AS c FROM w GROUP BY s) AS g;
SELECT COUNT(*), SUM(c), SUM(k), SUM(m) FROM (SELECT k, n % 10 AS m, COUNT(*) AS c FROM w GROUP BY k, n % 10) AS g;
SELECT COUNT(*), SUM(c), SUM(e * c) FROM (SELECT CAST(k AS DECIMAL(25, 0)) * 1000000007 AS e, COUNT(*) AS c FROM w
  GROUP BY CAST(k AS DECIMAL(25, 0)) * 1000000007) AS g;""")
        out = {self.ok(weir("run", job, "--format", "csv", "--device", device, "--partitions", n))
               for device in ("native", "opencl") for n in ("1", "2")}
        self.assertEqual(len(out), 1, out)
        first = out.pop().splitlines()[1].split(",")
        self.assertEqual(first[1], "400000")
        self.assertGreater(int(first[0]), 200000)

    def test_devices_that_are_not(self):
        self.fails(weir("run", "-c", "SELECT 1", "--device", "opencl:99"), 2, "opencl:99")

    def test_fallback_is_reported(self):
        q = "SELECT SUM(10 / x) AS s FROM (VALUES (1), (0)) AS t(x)"
        self.fails(weir("run", "-c", q, "--device", "opencl"), 1, "division by zero")


class Stream(Case):
    ROWS = "".join(f"2024-01-01 00:00:{s:02},{k}\n" for s, k in ((1, "a"), (11, "b"), (9, "a"), (13, "b"), (5, "late"), (30, "c")))

    def test_windows_and_late_rows(self):
        """A row is late by the rows before it, however they were batched: its window ended when 13 - 2 passed 10."""
        job = self.write("job.sql", "CREATE TABLE t (ts TIMESTAMP(3), k STRING, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)"
                         " WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');"
                         "SELECT window_start, k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))"
                         " GROUP BY window_start, window_end, k")
        for rows in ("1", "2", "3", "100"):
            p = weir("run", job, "--format", "csv", "--batch-rows", rows, stdin=self.ROWS)
            self.assertEqual(self.ok(p).splitlines()[1:], ["2024-01-01 00:00:00.000,a,2", "2024-01-01 00:00:10.000,b,2",
                                                           "2024-01-01 00:00:30.000,c,1"])
            self.assertIn("weir: 1 rows came after their windows had closed", p.stderr)

    def late(self, columns, query, rows, devices=DEVICES):
        """Late rows and result for every way to run, which must all be the same."""
        job = self.write("job.sql", f"CREATE TABLE t ({columns}) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');"
                         + query)
        results = set()
        ways = [("native", "1", "1"), ("native", "3", "3"), ("native", "1000", "2"), ("opencl", "3", "2")]
        stats = self.path("stats.json")
        for device, batch, slots in ways if "opencl" in devices else ways[:3]:
            p = weir("run", job, "--format", "csv", "--batch-rows", batch, "--partitions", slots, "--device", device,
                     "--stats", stats, stdin=rows)
            out = tuple(sorted(self.ok(p).splitlines()))
            with open(stats) as f:
                results.add((json.load(f)[0]["late_rows"], out))
        self.assertEqual(len(results), 1, results)
        return results.pop()

    COLUMNS = "ts TIMESTAMP(3), k INT, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND"
    COMPUTED = "s STRING, k INT, ts AS TO_TIMESTAMP(s), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND"

    @staticmethod
    def rows(*seconds):
        return "".join(f"2024-01-01 00:00:{s:02},{k}\n" for s, k in seconds)

    def test_late_rows_are_counted_exactly(self):
        """After 15 the windows that end at 13 or before are closed: 4, 9 and 5 are late, the row with k = 0 never gets there."""
        rows = self.rows((1, 1), (15, 1), (4, 1), (9, 1), (4, 0), (5, 2), (14, 2), (30, 1))
        window = "TABLE({}(TABLE t, DESCRIPTOR(ts), {} INTERVAL '10' SECOND))"
        query = "SELECT window_start, k, COUNT(*) AS n FROM {} WHERE k > 0 GROUP BY window_start, window_end, k"
        tumble, hop = window.format("TUMBLE", ""), window.format("HOP", "INTERVAL '5' SECOND,")
        n, out = self.late(self.COLUMNS, query.format(tumble), rows)
        self.assertEqual((n, out), (3, ("2024-01-01 00:00:00.000,1,1", "2024-01-01 00:00:10.000,1,1", "2024-01-01 00:00:10.000,2,1",
                                        "2024-01-01 00:00:30.000,1,1", "window_start,k,n")))
        self.assertEqual(self.late(self.COMPUTED, query.format(tumble), rows, devices=["native"]), (n, out))
        # HOP: 9 and 5 are still in the window that ends at 15, so only 4 is lost
        n, out = self.late(self.COLUMNS, query.format(hop), rows)
        self.assertEqual(n, 1)
        self.assertTrue({"2024-01-01 00:00:05.000,1,1", "2024-01-01 00:00:05.000,2,2"} <= set(out))
        self.assertEqual(self.late(self.COMPUTED, query.format(hop), rows, devices=["native"]), (n, out))

    def test_many_windows_and_late_rows(self):
        """Against a row-by-row account: a row is added to those of its windows that end after the watermark so far."""
        rng = random.Random(7)
        size, slide, delay, watermark, late = 10, 2, 3, float("-inf"), 0
        rows, groups = [], {}
        for i in range(12000):
            t, k = max(0, i // 12 + rng.choice((0, 0, 0, -2, -5, -9, -14))), rng.randrange(40)
            rows.append(f"2024-01-01 00:{t // 60:02}:{t % 60:02},{k}\n")
            windows = [s for s in range((t // slide) * slide - size + slide, t + 1, slide) if s <= t < s + size]
            into = [s for s in windows if s + size > watermark]
            for s in into:
                groups.setdefault((s, k), []).append(i % 7)
            late += not into
            watermark = max(watermark, t - delay)
        base = datetime.datetime(2024, 1, 1)
        want = sorted(f"{base + datetime.timedelta(seconds=s)}.000,{k},{len(v)},{len(set(v))}" for (s, k), v in groups.items())
        rows = "".join(row.rstrip("\n") + f",{i % 7}\n" for i, row in enumerate(rows))
        query = ("SELECT window_start, k, COUNT(*) AS n, COUNT(DISTINCT v) AS d FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL"
                 " '2' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end, k")
        columns = "ts TIMESTAMP(3), k INT, v INT, WATERMARK FOR ts AS ts - INTERVAL '3' SECOND"
        n, out = self.late(columns, query, rows)
        self.assertEqual(n, late)
        self.assertGreater(late, 100)
        self.assertEqual(sorted(line for line in out if line != "window_start,k,n,d"), want)

    def test_a_row_that_joins_twice_is_late_twice(self):
        query = ("SELECT window_start, v, COUNT(*) AS n FROM (SELECT * FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)))"
                 " AS w JOIN (VALUES (1, 'a'), (1, 'b'), (2, 'c')) AS u(k2, v) ON k = k2 GROUP BY window_start, window_end, v")
        n, out = self.late(self.COLUMNS, query, self.rows((1, 1), (15, 1), (4, 1), (5, 2), (6, 3)))
        self.assertEqual(n, 3)
        self.assertEqual(len(out), 5)

    def test_times_that_cannot_be_computed(self):
        """CAST of what is no time is an error where the row is used, and nothing where a filter drops it."""
        columns = "s STRING, k INT, ts AS CAST(s AS TIMESTAMP(3)), WATERMARK FOR ts AS ts"
        query = "SELECT COUNT(*) AS n FROM (SELECT * FROM t WHERE k > 0) GROUP BY TUMBLE(ts, INTERVAL '10' SECOND)"
        rows = self.rows((1, 1)) + "nonsense,0\n" + self.rows((11, 1), (2, 1))
        self.assertEqual(self.late(columns, query, rows, devices=["native"]), (1, ("1", "1", "n")))
        job = self.path("job.sql")
        self.fails(weir("run", job, stdin=rows + "nonsense,1\n"), 1, "nonsense", "TIMESTAMP", "standard input, row 5")

    def test_windows_of_another_time(self):
        """The watermark of ts says nothing about windows of another column: they close at the end, nothing is late."""
        columns = "ts TIMESTAMP(3), k INT, other AS ts - INTERVAL '1' HOUR, WATERMARK FOR ts AS ts"
        query = "SELECT COUNT(*) AS n FROM t GROUP BY TUMBLE(other, INTERVAL '10' SECOND)"
        self.assertEqual(self.late(columns, query, self.rows((1, 1), (15, 1), (2, 1)), devices=["native"]), (0, ("1", "2", "n")))


class SlowStream(Case):
    """Rows that come one by one: what they complete is there before the stream ends, however long it pauses."""

    WINDOWS = ("CREATE TABLE t (ts TIMESTAMP(3), k STRING, WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' ="
               " 'filesystem', {});"
               "SELECT window_start, k, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))"
               " GROUP BY window_start, window_end, k")
    ROWS = (("2024-01-01 00:00:01", "a"), ("2024-01-01 00:00:15", "b"), ("2024-01-01 00:00:30", "c"))
    RESULT = ("2024-01-01 00:00:00.000,a,1", "2024-01-01 00:00:10.000,b,1", "2024-01-01 00:00:30.000,c,1")

    def start(self, sql, **kw):
        p = subprocess.Popen([WEIR, "run", self.write("job.sql", sql), "--format", "csv"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)
        watchdog = threading.Timer(100, p.kill)  # a result that never comes fails the test instead of hanging it
        watchdog.start()
        for stop in (p.stdin.close, p.stdout.close, p.stderr.close, p.wait, watchdog.cancel):
            self.addCleanup(stop)
        return p

    def line(self, p):
        return p.stdout.readline().decode().rstrip("\n")

    def finish(self, p):
        self.assertEqual(p.wait(), 0, p.stderr.read())

    def windows(self, options, record, send, close, sql=WINDOWS):
        """Each window is out when a row past its end was sent, and the next row is sent only then."""
        p = self.start(sql.format(options))
        for i, row in enumerate(self.ROWS):
            send(p, record(row))
            if i == 0:
                continue
            if i == 1:
                self.assertEqual(self.line(p), "window_start,k,n")
            self.assertEqual(self.line(p), self.RESULT[i - 1])
        close(p)
        self.assertEqual(self.line(p), self.RESULT[2])
        self.finish(p)

    def to_stdin(self, p, data):
        p.stdin.write(data)
        p.stdin.flush()

    def test_csv(self):
        self.windows("'path' = '-', 'format' = 'csv'", lambda r: (",".join(r) + "\n").encode(), self.to_stdin,
                     lambda p: p.stdin.close())

    def test_csv_with_a_header(self):
        def send(p, data):
            if b"00:00:01" in data:
                self.to_stdin(p, b"k,")  # half a header, and the rest later
                time.sleep(0.3)
                self.to_stdin(p, b"ts\n")
            self.to_stdin(p, data)

        self.windows("'path' = '-', 'format' = 'csv', 'csv.header' = 'true'", lambda r: f"{r[1]},{r[0]}\n".encode(), send,
                     lambda p: p.stdin.close())

    def test_json(self):
        self.windows("'path' = '-', 'format' = 'json'", lambda r: (json.dumps({"ts": r[0], "k": r[1]}) + "\n").encode(),
                     self.to_stdin, lambda p: p.stdin.close())

    def test_computed_time(self):
        sql = self.WINDOWS.replace("(ts TIMESTAMP(3), k STRING", "(s STRING, k STRING, ts AS TO_TIMESTAMP(s)")
        self.windows("'path' = '-', 'format' = 'csv'", lambda r: (",".join(r) + "\n").encode(), self.to_stdin,
                     lambda p: p.stdin.close(), sql)

    def test_compressed_fifo(self):
        os.mkfifo(self.path("in.csv.gz"))
        z = zlib.compressobj(wbits=31)
        fifo = []

        def send(_, data):
            if not fifo:
                fifo.append(open(self.path("in.csv.gz"), "wb", 0))
            fifo[0].write(z.compress(data) + z.flush(zlib.Z_SYNC_FLUSH))

        def close(_):
            fifo[0].write(z.flush())
            fifo[0].close()

        self.windows("'path' = 'in.csv.gz', 'format' = 'csv'", lambda r: (",".join(r) + "\n").encode(), send, close)

    def test_rows_pass_at_once(self):
        for sink, want in (("'connector' = 'print'", "+I[{}]"),
                           ("'connector' = 'filesystem', 'path' = '-', 'format' = 'csv'", "{}")):
            p = self.start("CREATE TABLE t (x INT) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');"
                           f"CREATE TABLE o (y INT) WITH ({sink}); INSERT INTO o SELECT x + 1 FROM t WHERE x > 1")
            for x in (1, 2, 3):
                self.to_stdin(p, f"{x}\n".encode())
                if x > 1:
                    self.assertEqual(self.line(p), want.format(x + 1))
            p.stdin.close()
            self.finish(p)

    def test_box(self):
        """The table is drawn as the windows come, and longer values are not cut."""
        p = self.start(self.WINDOWS.format("'path' = '-', 'format' = 'csv'"))
        p.kill()
        p = subprocess.Popen([WEIR, "run", self.path("job.sql")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        watchdog = threading.Timer(100, p.kill)
        watchdog.start()
        self.to_stdin(p, b"2024-01-01 00:00:01,a\n2024-01-01 00:00:15,a long key\n")
        lines = [self.line(p) for _ in range(4)]
        self.assertIn("window_start", lines[1])
        self.assertIn("│ a        │", lines[3])
        self.to_stdin(p, b"2024-01-01 00:00:30,b\n")
        self.assertIn("│ a long key │", self.line(p))
        out, _ = p.communicate()
        watchdog.cancel()
        self.assertIn("(3 rows)", out.decode())

    def test_statement_set(self):
        """INSERTs run one after another: a source that never ends, or is a pipe, is refused rather than starved."""
        sinks = "".join(f"CREATE TABLE o{i} (x BIGINT) WITH ('connector' = 'print');" for i in (1, 2))
        text = ("CREATE TABLE g (x BIGINT) WITH ({});" + sinks + "EXECUTE STATEMENT SET BEGIN INSERT INTO o1 SELECT x FROM g;"
                " INSERT INTO o2 SELECT -x FROM g; END")
        rows = "'connector' = 'datagen', 'fields.x.kind' = 'sequence', 'fields.x.start' = '1', 'fields.x.end' = '3'"
        self.assertEqual(sorted(self.ok(self.sql(text.format(rows))).split()), sorted(f"+I[{x}]" for x in (1, 2, 3, -1, -2, -3)))
        self.fails(self.sql(text.format("'connector' = 'datagen'")), 3, "table g never ends", "the 2 INSERTs", "'number-of-rows'")

    def test_limit_ends_a_stream(self):
        p = self.start("CREATE TABLE t (x INT) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv');"
                       "SELECT x FROM t WHERE x > 1 LIMIT 2")
        for x in (1, 2, 3):
            self.to_stdin(p, f"{x}\n".encode())
        self.assertEqual([self.line(p) for _ in range(3)], ["x", "2", "3"])
        self.finish(p)

    def test_ctrl_c_while_nothing_comes(self):
        for path in ("-", "in.csv"):
            if path != "-":
                os.mkfifo(self.path(path))
            p = self.start(self.WINDOWS.format(f"'path' = '{path}', 'format' = 'csv', 'csv.header' = 'true'"))
            wait_for_handler(p)
            p.send_signal(signal.SIGINT)
            self.assertEqual(p.wait(), 130)
            self.assertIn(b"cancelled", p.stderr.read())


class Interrupt(Case):
    def test_ctrl_c(self):
        job = self.write("job.sql", "CREATE TABLE g (x BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000');"
                                    "SELECT x FROM g")
        p = subprocess.Popen([WEIR, "run", job, "--format", "csv"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        head = p.stdout.readline()
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=20)
        self.assertEqual(p.returncode, 130, err)
        self.assertIn("cancelled", err)
        self.assertTrue((head + out).startswith("x\n"))

    def test_a_stream_that_is_stopped_keeps_its_rows(self):
        """Windows that had closed are final: the file is there with them. A job over a file that is stopped leaves nothing."""
        job = self.write("job.sql", "CREATE TABLE t (ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem',"
                         " 'path' = '-', 'format' = 'csv');"
                         "CREATE TABLE o (n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out.csv', 'format' = 'csv');"
                         "INSERT INTO o SELECT COUNT(*) FROM t GROUP BY TUMBLE(ts, INTERVAL '1' SECOND)")
        for sig in (signal.SIGINT, signal.SIGTERM):
            p = subprocess.Popen([WEIR, "run", job], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            p.stdin.write("2024-01-01 00:00:01\n2024-01-01 00:00:02\n")
            p.stdin.flush()
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and not [f for f in os.listdir(self.folder.name) if ".tmp" in f]:
                time.sleep(0.05)
            time.sleep(0.5)
            p.send_signal(sig)
            p.communicate(timeout=60)
            self.assertEqual(p.returncode, 130)
            self.assertEqual([f for f in os.listdir(self.folder.name) if ".tmp" in f], [])
            with open(self.path("out.csv")) as f:
                self.assertIn(f.read(), ("1\n", ""))  # nothing, when the signal came before the rows were read
            os.remove(self.path("out.csv"))


class FullDisk(Case):
    """What cannot be written is an error, whoever writes it."""

    def test_standard_output(self):
        many = "CREATE TABLE g (x BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '100000');"
        for args in (["run", "-c", "SELECT 1"], ["run", "-c", many + "SELECT x FROM g", "--format", "csv"],
                     ["run", "-c", many + "CREATE TABLE o (x BIGINT) WITH ('connector' = 'print'); INSERT INTO o SELECT x FROM g"],
                     ["explain", "-c", "SELECT 1"], ["devices"], ["--help"], ["version"]):
            with open("/dev/full", "w") as full:
                p = subprocess.run([WEIR, *args], stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(p.returncode, 4, args)
            self.assertIn("No space left on device", p.stderr)

    def test_a_reader_that_leaves(self):
        p = subprocess.Popen([WEIR, "run", "-c", "CREATE TABLE g (x BIGINT) WITH ('connector' = 'datagen'); SELECT x FROM g",
                              "--format", "csv"], stdout=subprocess.PIPE)
        self.assertEqual(p.stdout.readline(), b"x\n")
        p.stdout.close()
        self.assertEqual(p.wait(timeout=60), -signal.SIGPIPE)


if __name__ == "__main__":
    unittest.main()
