#!/usr/bin/env python3
"""Where jobs run: the options that ask for a place, what a job gets, and what a second one is told.

usage: test_place.py PATH/TO/weir [unittest arguments]
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

WEIR = os.path.abspath(sys.argv.pop(1))
CPUS = sorted(os.sched_getaffinity(0))
DEVICES = os.environ.get("WEIR_TEST_DEVICES", "native opencl").split()  # what this build has

STDIN_TABLE = "CREATE TABLE t (x INT) WITH ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv'%s);"
GENERATED = "CREATE TABLE %s (x INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1000'%s);"


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.env = dict(os.environ, WEIR_LEASE_DIR=os.path.join(self.folder.name, "leases"))

    def weir(self, *args):
        return subprocess.run([WEIR, *args], capture_output=True, text=True, env=self.env, timeout=120)

    def run_sql(self, sql, *args):
        return self.weir("run", "-c", sql, "--format", "csv", *args)

    def ok(self, p):
        self.assertEqual(p.returncode, 0, p.stderr)
        return p

    def fails(self, p, code, *parts, out=""):
        self.assertEqual(p.returncode, code, p.stdout + p.stderr)
        self.assertEqual(p.stdout, out)
        for part in parts:
            self.assertIn(part, p.stderr)

    def place(self, sql, *args):
        """What EXPLAIN says: isolation, and its slots by stream."""
        plan = json.loads(self.ok(self.weir("explain", "-c", sql, "--format", "json", *args)).stdout)
        streams = {}
        for slot in plan[0]["placement"]["slots"]:
            streams.setdefault(slot["stream"], []).append(slot)
        return plan[0]["placement"]["isolation"], streams

    def start(self, *args):
        """A job that runs until its standard input ends; returns when it is placed."""
        path = os.path.join(self.folder.name, "job.sql")
        with open(path, "w") as f:
            f.write(STDIN_TABLE % "" + "SELECT x FROM t;")
        p = subprocess.Popen([WEIR, "run", path, "--format", "csv", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, env=self.env)
        self.addCleanup(self.end, p)
        self.wait_for(lambda: self.slots(p.pid) and self.cpus(p.pid, "weir") == set().union(*self.slots(p.pid)), p)
        return p

    def wait_for(self, condition, p):
        end = time.monotonic() + 60
        while not condition():
            self.assertIsNone(p.poll(), "the job has ended")
            self.assertLess(time.monotonic(), end, "the job does not start")
            time.sleep(0.01)

    @staticmethod
    def threads(pid):
        """(name, CPUs) of each thread."""
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/comm" % (pid, task)) as f:
                yield f.read().strip(), os.sched_getaffinity(int(task))

    def slots(self, pid):
        """The CPUs of each worker."""
        return [cpus for name, cpus in self.threads(pid) if name.startswith("weir-slot-")]

    def cpus(self, pid, wanted):
        return set().union(*(cpus for name, cpus in self.threads(pid) if name == wanted))

    @staticmethod
    def end(p):
        if p.poll() is None:
            p.kill()
        p.communicate()


class Options(Case):
    def test_ratio(self):
        for text, share, size in (("1:2", None, 2), ("cu", None, 4), ("500m:256MiB", 500, 0.25), ("1:0.5", None, 0.5)):
            for args in (["--ratio", text], []):
                sql = "" if args else "SET 'weir.partition.ratio' = '%s';" % text
                _, streams = self.place(sql + "SELECT 1", "--partitions", "1", *args)
                slot, = streams["job"]
                self.assertEqual(slot["bytes"], int(size * 2**30))
                if share:
                    self.assertEqual(slot["share_milli_cu"], share)

    def test_wrong_settings(self):
        for key, value, parts in (
                ("weir.partition.ratio", "1:", ("no ratio of CPU to memory", "1:4", "500m:2GiB")),
                ("weir.partition.ratio", "500m:0GiB", ("no ratio of CPU to memory",)),
                ("weir.partition.ratio", "-1:4", ("no ratio of CPU to memory",)),
                ("weir.mode", "alone", ("'alone'", "shared, exclusive")),
                ("weir.exclusive.scope", "socket", ("'socket'", "pu, core, l3, numa, package")),
                ("weir.partitions", "-3", ("'-3'", "a number from 0 to 4096")),
                ("weir.memory", "much", ("'much'", "512MiB")),
                ("weir.device", "gpu", ("'gpu' is not known",)),
                ("weir.nonsense", "1", ("'weir.nonsense' is not an option of Weir", "weir.exclusive.scope"))):
            self.fails(self.run_sql("SET '%s' = '%s'; SELECT 1" % (key, value)), 3, "-c:1:5", key, *parts)
        self.fails(self.weir("run", "--mode", "alone", "-c", "SELECT 1"), 2, "'alone'", "shared, exclusive")
        self.fails(self.weir("run", "--ratio", "4", "-c", "SELECT 1"), 2, "no ratio of CPU to memory")
        self.fails(self.weir("explain", "--scope", "x", "-c", "SELECT 1"), 2, "pu, core, l3, numa, package")

    def test_wrong_table_options(self):
        for option, parts in (
                ("'weir.partitions' = 'all'", ("'all'", "a number from 0 to 4096")),
                ("'weir.memory' = '0'", ("no memory budget", "512MiB")),
                ("'weir.device' = 'tpu'", ("'tpu' is not known",)),
                ("'weir.mode' = 'exclusive'", ("for a whole job", "SET 'weir.mode' = 'exclusive'")),
                ("'weir.colour' = 'red'", ("no such option", "weir.device, weir.partitions, weir.memory"))):
            self.fails(self.run_sql(GENERATED % ("t", ", " + option) + "SELECT * FROM t"), 3,
                       "table t", option.split("'")[1], "line 1, column", *parts)
            self.fails(self.run_sql("CREATE TABLE s (x INT) WITH ('connector' = 'blackhole', " + option + ");"
                                    "INSERT INTO s SELECT 1"), 3, "table s", *parts)

    def test_streams(self):
        both = "SELECT COUNT(*) FROM a, b"
        _, streams = self.place(GENERATED % ("a", "") + GENERATED % ("b", "") + both)
        self.assertEqual([(sorted(k.split("+")), len(v)) for k, v in streams.items()], [(["a", "b"], len(CPUS))])
        tables = (GENERATED % ("a", ", 'weir.partitions' = '3', 'weir.memory' = '64MiB'") +
                  GENERATED % ("b", ", 'weir.memory' = '32MiB', 'weir.device' = 'native'"))
        _, streams = self.place("SET 'weir.partitions' = '2';" + tables + both)
        self.assertEqual({k: [s["bytes"] for s in v] for k, v in streams.items()},
                         {"a": [64 << 20] * 3, "b": [32 << 20] * 2})
        _, streams = self.place(tables + both, "--partitions", "1", "--memory", "16MiB")
        self.assertEqual({k: [s["bytes"] for s in v] for k, v in streams.items()}, {"a": [16 << 20], "b": [16 << 20]})
        out = self.ok(self.run_sql(tables + both)).stdout
        self.assertEqual(out.splitlines()[1], "1000000")

    def test_streams_of_one_name(self):
        """Names are cut for streams, and a table may be read with other options: neither loses an option."""
        name = "n" * 80
        tables = GENERATED % (name + "1", ", 'weir.partitions' = '1'") + GENERATED % (name + "2", ", 'weir.partitions' = '2'")
        both = tables + "SELECT x FROM %s1 UNION ALL SELECT x FROM %s2;" % (name, name)
        _, streams = self.place(both)
        self.assertEqual(sorted(map(len, streams.values())), [1, 2])
        self.assertEqual(len(self.ok(self.run_sql(both)).stdout.split()), 2001)
        twice = tables + "SELECT x FROM %s1 UNION ALL SELECT x FROM %s1;" % (name, name)
        self.assertEqual([len(s) for s in self.place(twice)[1].values()], [1])

    def test_streaming_on_slots_of_its_own(self):
        """Windows over a stream whose slots are not the first ones of the job."""
        rows = "".join("2024-01-01 00:00:%02d.000,%d\n" % (i, i % 3) for i in range(60))
        job = ("CREATE TABLE d (k INT, n STRING) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv',"
               " 'weir.partitions' = '2');"
               "CREATE TABLE t (ts TIMESTAMP(3), k INT, WATERMARK FOR ts AS ts) WITH"
               " ('connector' = 'filesystem', 'path' = '-', 'format' = 'csv', 'weir.partitions' = '2');"
               "SELECT window_start, n, COUNT(*) AS c FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '30' SECOND))"
               " AS w JOIN d ON w.k = d.k GROUP BY window_start, window_end, n")
        names = os.path.join(self.folder.name, "names.csv")
        with open(names, "w") as f:
            f.write("0,zero\n1,one\n2,two\n")
        p = subprocess.run([WEIR, "run", "-c", job % names, "--format", "csv"], input=rows, capture_output=True, text=True,
                           env=self.env, timeout=60)
        self.assertEqual(sorted(self.ok(p).stdout.splitlines()[1:]),
                         sorted("2024-01-01 00:00:%s.000,%s,10" % (s, n) for s in ("00", "30") for n in ("zero", "one", "two")))

    def test_table_device(self):
        plan = self.ok(self.weir("explain", "-c", GENERATED % ("a", ", 'weir.device' = 'native'") +
                                 "SELECT SUM(x) FROM a")).stdout
        self.assertIn("native: asked for", plan)
        self.assertIn("shared, device native", plan)


class Place(Case):
    def test_explain(self):
        text = self.ok(self.weir("explain", "-c", GENERATED % ("a", "") + "SELECT SUM(x) FROM a", "--mode", "exclusive",
                                 "--partitions", "1", "--scope", "pu", "--memory", "64MiB")).stdout
        for part in ("isolation: ", "stream a: 1 partitions, exclusive (pu), 64 MiB each", "slot 0: cpu ", "on node "):
            self.assertIn(part, text)
        self.assertFalse(os.path.exists(self.env["WEIR_LEASE_DIR"]) and
                         [f for f in os.listdir(self.env["WEIR_LEASE_DIR"]) if f.endswith(".lease")])

    def test_does_not_fit(self):
        self.fails(self.run_sql("SELECT 1", "--partitions", str(len(CPUS) + 1), "--mode", "exclusive", "--scope", "pu"), 1,
                   "1 of %d partitions of stream job have no place" % (len(CPUS) + 1), "what would fit: ",
                   "taken: nothing by other jobs")
        self.fails(self.run_sql("SELECT 1", "--ratio", "1:100000"), 1, "what would fit: lower the memory")

    def test_statistics(self):
        p = self.ok(self.run_sql("SELECT 1", "--stats", "-", "--partitions", "2"))
        placement = json.loads(p.stderr)[0]["placement"]
        self.assertIn("affinity", placement["isolation"])
        self.assertEqual([s["slot"] for s in placement["slots"]], [0, 1])
        self.assertTrue(all(s["cpuset"] and s["memory"] for s in placement["slots"]))

    def test_exclusive_job_is_announced_once(self):
        p = self.ok(self.run_sql("SELECT 1; SELECT 2", "--mode", "exclusive", "--partitions", "1"))
        self.assertEqual(p.stderr.count("exclusive CPUs"), 1, p.stderr)
        self.assertIn("isolation: ", p.stderr)

    def test_second_job(self):
        first = self.start("--mode", "exclusive", "--partitions", str(len(CPUS)), "--scope", "pu", "--memory", "64MiB")
        for args in (["--mode", "exclusive", "--partitions", "1"], []):
            self.fails(self.run_sql("SELECT 1", *args), 1, "have no place", "what would fit",
                       "process %d (job.sql) holds CPUs" % first.pid)
        text = self.ok(self.weir("explain", "-c", "SELECT 1")).stdout
        self.assertIn("NO PLACE", text)
        first.send_signal(signal.SIGKILL)
        first.wait()
        self.ok(self.run_sql("SELECT 1", "--mode", "exclusive"))

    @unittest.skipIf(len(CPUS) < 2, "one CPU")
    def test_shared_beside_exclusive(self):
        first = self.start("--mode", "exclusive", "--partitions", "1", "--scope", "pu", "--memory", "64MiB")
        taken = self.cpus(first.pid, "weir-slot-0")
        self.assertEqual(len(taken), 1)
        _, streams = self.place("SELECT 1")
        shared = {int(s["cpuset"]) for s in streams["job"]}
        self.assertEqual(shared, set(CPUS) - taken)
        second = self.start("--memory", "64MiB")
        for name, cpus in self.threads(second.pid):
            self.assertTrue(cpus.isdisjoint(taken), name)
        self.fails(self.run_sql("SELECT 1", "--mode", "exclusive", "--partitions", "1"), 1,
                   "process %d (job.sql)" % first.pid, "process %d (job.sql)" % second.pid, "shared CPUs")

    @unittest.skipUnless("opencl" in DEVICES, "built without OpenCL")
    @unittest.skipIf(len(CPUS) < 2, "one CPU")
    def test_a_device_of_its_own(self):
        """A device with memory of its own (pocl, treated as one) is owned by an exclusive job."""
        self.env["WEIR_DEVICE_SHAPE"] = "gpu"
        sql = GENERATED % ("t", "") + "SELECT MAX(x) FROM t"
        shape = ["--partitions", "1", "--scope", "pu", "--memory", "64MiB", "--device", "opencl"]
        first = self.start("--mode", "exclusive", *shape)
        self.wait_for(lambda: "device opencl:0 1" in self.leases(), first)
        self.fails(self.run_sql(sql, *shape), 1, "opencl:0 (", "is not free",
                   "process %d (job.sql) owns device opencl:0" % first.pid)
        self.ok(self.run_sql(sql, "--partitions", "1"))
        self.end(first)
        second = self.start(*shape)
        self.wait_for(lambda: "device opencl:0 0" in self.leases(), second)
        self.ok(self.run_sql(sql, *shape))
        self.fails(self.run_sql(sql, "--mode", "exclusive", *shape), 1, "process %d (job.sql) uses device" % second.pid)

    def leases(self):
        text = ""
        for name in os.listdir(self.env["WEIR_LEASE_DIR"]):
            if name.endswith(".lease"):
                with open(os.path.join(self.env["WEIR_LEASE_DIR"], name)) as f:
                    text += f.read()
        return text

    def test_no_lease_directory(self):
        self.env["WEIR_LEASE_DIR"] = "/proc/nowhere"
        p = self.ok(self.run_sql("SELECT 1", "--stats", "-"))
        self.assertIn("no lease: cannot make the lease directory", p.stderr)
        self.fails(self.run_sql("SELECT 1", "--mode", "exclusive"), 4, "/proc/nowhere", "WEIR_LEASE_DIR")


class Verify(Case):
    """A running job, looked at from outside."""
    JOB = ("CREATE TABLE a (k BIGINT, v BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '1000000000000',"
           " 'fields.k.min' = '0', 'fields.k.max' = '100000', 'fields.v.min' = '0', 'fields.v.max' = '100');"
           "SELECT k, SUM(v) FROM a GROUP BY k;")

    def verify(self, pid):
        p = self.weir("topo", "verify", "--pid", str(pid), "--json")
        return p.returncode, json.loads(p.stdout) if p.stdout else None, p.stderr

    def check(self, kinds, *args):
        path = os.path.join(self.folder.name, "job.sql")
        with open(path, "w") as f:
            f.write(self.JOB)
        job = subprocess.Popen([WEIR, "run", path, "--memory", "256MiB", *args], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, env=self.env)
        self.addCleanup(self.end, job)
        seen = []

        def working():
            code, verdict, _ = self.verify(job.pid)
            if verdict is None or verdict["pages_known"] and not verdict["pages_sampled"]:
                return False
            seen[:] = [(code, verdict)]
            return {t["kind"] for t in verdict["threads"]} == kinds
        self.wait_for(working, job)
        code, verdict = seen[0]
        self.assertEqual(code, 0, verdict)
        self.assertTrue(all(t["as_planned"] and t["bound"] for t in verdict["threads"]), verdict)
        self.assertEqual(verdict["threads_as_planned"], verdict["thread_count"])
        self.assertEqual(verdict["pages_as_planned"], verdict["pages_sampled"])
        return job, verdict

    def test_native(self):
        job, verdict = self.check({"slot"}, "--device", "native")
        self.assertEqual(verdict["thread_count"], len(CPUS))
        text = self.weir("topo", "verify", "--pid", str(job.pid)).stdout
        self.assertIn("process %d (job.sql), isolation: affinity" % job.pid, text)
        self.assertIn("100 % of", text)
        tid = verdict["threads"][0]["thread"]
        os.sched_setaffinity(tid, {c for c in CPUS if str(c) != verdict["threads"][0]["cpuset"]} or CPUS)
        if len(CPUS) > 1:
            code, verdict, _ = self.verify(job.pid)
            self.assertEqual(code, 3)
            self.assertEqual([t["thread"] for t in verdict["threads"] if not t["bound"]], [tid])

    @unittest.skipUnless("opencl" in DEVICES, "built without OpenCL")
    def test_opencl(self):
        self.check({"slot", "pocl"}, "--device", "opencl")

    @unittest.skipUnless("opencl" in DEVICES, "built without OpenCL")
    def test_opencl_has_no_more_than_the_plan(self):
        job, verdict = self.check({"slot", "pocl"}, "--device", "opencl", "--partitions", "1", "--mode", "exclusive",
                                  "--scope", "pu")
        self.assertEqual(len({t["cpuset"] for t in verdict["threads"]}), 1)
        everything = set().union(*(cpus for _, cpus in self.threads(job.pid)))
        self.assertEqual(len(everything), 1)

    def test_no_job(self):
        code, _, err = self.verify(os.getpid())
        self.assertEqual(code, 1)
        self.assertIn("process %d holds no lease" % os.getpid(), err)


class Memory(Case):
    def test_budget(self):
        """What a slot holds beyond its budget is an error that says whose, which, and what to raise."""
        group = GENERATED.replace("1000", "3000000") % ("g", "%s") + "SELECT COUNT(*) FROM (SELECT x FROM g GROUP BY x)"
        self.fails(self.run_sql(group % ", 'weir.memory' = '2MiB', 'weir.partitions' = '2'"), 5,
                   "stream g, slot ", "has a memory budget of 2097152 bytes", "raise 'weir.memory'", out="EXPR$0\n")
        join = (GENERATED.replace("1000", "3000000") % ("big", "") + GENERATED.replace("1000", "3000000") % ("c", "") +
                "SELECT COUNT(*) FROM c JOIN big ON c.x = big.x")
        sort = GENERATED.replace("1000", "3000000") % ("s", "") + "SELECT x FROM s ORDER BY x LIMIT 3 OFFSET 2000000"
        for sql, header in ((join, "EXPR$0\n"), (sort, "x\n")):
            self.fails(self.run_sql(sql, "--memory", "2MiB"), 5, "slot ", "has a memory budget of 2097152 bytes", out=header)


if __name__ == "__main__":
    unittest.main()
