#!/usr/bin/env python3
"""The generators of the examples' input. usage: test_generators.py FOLDER-OF-PROGRAMS

The same arguments give the same bytes, another seed gives others; the number of lines is the one asked for, whatever
the number of files; every line is JSON and every address on the risk list occurs once; wrong arguments are refused.
"""

import csv
import glob
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest

TOOLS = sys.argv.pop(1)


def generate(tool, folder, *options):
    return subprocess.run([os.path.join(TOOLS, tool), folder, *options], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)


def digests(folder):
    result = {}
    for path in sorted(glob.glob(os.path.join(folder, "*"))):
        with open(path, "rb") as file:
            result[os.path.basename(path)] = hashlib.sha256(file.read()).hexdigest()
    return result


def lines(folder, pattern):
    for path in sorted(glob.glob(os.path.join(folder, pattern))):
        with gzip.open(path, "rt") if path.endswith(".gz") else open(path) as file:
            yield from file


class Generators(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)

    def folder(self, name):
        return os.path.join(self.place.name, name)

    def test_same_seed_same_bytes(self):
        for tool, count in (("make_weblog", "--lines"), ("make_ysb", "--events")):
            for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
                done = generate(tool, self.folder(tool + name), count, "5000", "--seed", seed)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
            a, b, c = (digests(self.folder(tool + name)) for name in "abc")
            self.assertEqual(a, b)
            for name in a:
                self.assertNotEqual(a[name], c[name])

    def test_counts(self):
        for count, files in ((1, 1), (1, 5), (999, 64), (20001, 3)):
            folder = self.folder(f"log{count}-{files}")
            generate("make_weblog", folder, "--lines", str(count), "--files", str(files))
            self.assertEqual(len(glob.glob(os.path.join(folder, "access-*"))), files)
            self.assertEqual(sum(1 for _ in lines(folder, "access-*")), count)
            folder = self.folder(f"ysb{count}-{files}")
            generate("make_ysb", folder, "--events", str(count), "--files", str(files))
            self.assertEqual(sum(1 for _ in lines(folder, "events-*")), count)

    def test_log_is_realistic(self):
        folder = self.folder("log")
        generate("make_weblog", folder, "--lines", "200000")
        records = [json.loads(line) for line in lines(folder, "access-*")]
        with open(os.path.join(folder, "risk_ips.csv"), newline="") as file:
            listed = [row["ip"] for row in csv.DictReader(file)]
        self.assertEqual(len(listed), len(set(listed)))
        times = [record["ts"] for record in records]
        latest = ""
        for time in times:
            latest = max(latest, time)
            self.assertLess(float(latest[17:]) - float(time[17:]) if latest[:16] == time[:16] else 0, 1.5)
        self.assertTrue(times != sorted(times), "some lines are out of order")
        hours = [sum(time[11:13] == hour for time in times) for hour in ("04", "20")]
        self.assertGreater(hours[1], 5 * hours[0])
        bad = set(listed)
        risky = sum(record["ip"] in bad for record in records) / len(records)
        self.assertTrue(0.03 < risky < 0.3, risky)

    def test_ads(self):
        folder = self.folder("ysb")
        generate("make_ysb", folder, "--events", "10", "--campaigns", "7", "--ads", "3")
        with open(os.path.join(folder, "ads.csv"), newline="") as file:
            ads = list(csv.DictReader(file))
        self.assertEqual(len({ad["ad_id"] for ad in ads}), 21)
        self.assertEqual(len({ad["campaign_id"] for ad in ads}), 7)
        known = {ad["ad_id"] for ad in ads}
        self.assertTrue(all(json.loads(line)["ad_id"] in known for line in lines(folder, "events-*")))

    def test_refusals(self):
        for options in (["--lines", "0"], ["--lines", "-1"], ["--lines", "x"], ["--lines"], ["--what", "1"],
                        ["--files", "65"], ["--seed", "99999999999999999999"]):
            done = generate("make_weblog", self.folder("refused"), *options)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(options[0], done.stderr)
            self.assertFalse(os.path.exists(self.folder("refused")))
        done = generate("make_weblog", "/dev/null/folder", "--lines", "1")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/dev/null/folder", done.stderr)


if __name__ == "__main__":
    unittest.main()
