#!/usr/bin/env python3
"""The gate itself is tested: on a small tree that is clean, each planted breach must be reported, with its rule and
its place, and nothing else."""

import os
import re
import subprocess
import sys
import tempfile
import unittest

GATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check_tree.py")

CLEAN = {
    "topology/include/weir/topology.h": "#ifndef T_H\n#define T_H\n#include <hwloc.h>\n#endif\n",
    "topology/model.c": '/* The model. */\n#include "model.h"\n#include <weir/topology.h>\n',
    "topology/model.h": "#ifndef MODEL_H\n#define MODEL_H\n#endif\n",
    "kernels/common/hash.h": "/* Hash. */\n",
    "kernels/cpu/filter.cl": '/* Filter. */\n#include "common/hash.h"\n',
    "runtime/include/weir/status.h": "/* Status. */\n",
    "runtime/base/error.h": "#ifndef E_H\n#define E_H\n#include <weir/status.h>\n#endif\n",
    "runtime/device/queue.c": '/* Queue. */\n#include "runtime/base/error.h"\n#include <CL/cl.h>\n',
    "runtime/exec/run.c": '/* Run. */\n#include "kernels/common/hash.h"\n#include "topology/model.h"\n',
    "host/include/weir/weir.h": "/* The API. */\n#include <weir/status.h>\n",
    "host/sql/parse.c": '/* Parse. */\n#include "runtime/base/error.h"\n',
    "bench/filter.c": "/* Bench. */\n#include <weir/weir.h>\n",
    "tests/host/test_parse.c": '/* Test. */\n#include "host/../runtime/base/error.h"\n#include <CL/cl.h>\n',
    "README.md": "[the API](host/include/weir/weir.h) [docs](host/sql) [site](https://example.org)\n"
    "```\n[in code](nowhere.md)\n```\n",
}

# file, text appended to it (or the whole of a new file), the rule and line that must be reported
BREACHES = {
    "topology uses the runtime": ("topology/model.c", '#include "runtime/base/error.h"\n', "include", 4),
    "topology uses a public header of host": ("topology/model.h", "#include <weir/weir.h>\n", "include", 4),
    "kernels use the runtime": ("kernels/cpu/filter.cl", '#include "../../runtime/base/error.h"\n', "include", 3),
    "kernels include CL": ("kernels/common/hash.h", "#include <CL/cl.h>\n", "include", 2),
    "runtime uses host": ("runtime/exec/run.c", "#include <weir/weir.h>\n", "include", 4),
    "CL outside runtime/device": ("runtime/exec/run.c", "#  include  <CL/cl_ext.h>\n", "include", 4),
    "CL in host": ("host/sql/parse.c", '#include "CL/cl.h"\n', "include", 3),
    "host uses kernels": ("host/sql/parse.c", '#include "kernels/common/hash.h"\n', "include", 3),
    "bench looks inside": ("bench/filter.c", '#include "runtime/base/error.h"\n', "include", 3),
    "an example looks inside": ("examples/a.c", '// A.\n#include "host/sql/parse.c"\n', "include", 2),
    "a header that is not there": ("host/sql/parse.c", '#include "host/sql/absent.h"\n', "include", 3),
    "a public header that is not there": ("host/sql/parse.c", "#include <weir/absent.h>\n", "include", 3),
    "a circle of one": ("topology/model.h", '#include "model.h"\n', "include", 4),
    "a file of over 1 MiB": ("tests/data.bin", "\0" * ((1 << 20) + 1), "size", 1),
    "a source of over 800 lines": ("host/sql/long.c", "/* Long. */\n" * 801, "size", 1),
    "somebody's home": ("host/sql/parse.c", "/* see /home" "/ann/notes */\n", "path", 3),
    "a note for later": ("host/sql/parse.c", "/* TO" "DO: faster */\n", "marker", 3),
    "a source without an opening": ("host/sql/bare.c", "int x;\n", "opening", 1),
    "a kernel without an opening": ("kernels/gpu/bare.cl", "kernel void k() {}\n", "opening", 1),
    "a header without guard": ("host/sql/bare.h", "int x;\n", "opening", 1),
    "a dead link": ("README.md", "see [it](doc/absent.md#part)\n", "link", 5),
    "a dead picture": ("README.md", '<img width="9" src="absent.svg">\n', "link", 5),
}


def write(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


def gate(root):
    run = subprocess.run([sys.executable, GATE, root], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = run.stdout.decode().splitlines()
    return run.returncode, lines[:-1]


class GateTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = self.folder.name
        write(self.root, CLEAN)

    def tearDown(self):
        self.folder.cleanup()

    def test_clean_tree_passes(self):
        self.assertEqual(gate(self.root), (0, []))

    def test_each_planted_breach_is_caught_alone(self):
        for name, (path, text, rule, line) in BREACHES.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as root:
                write(root, {**CLEAN, path: CLEAN.get(path, "") + text})
                status, found = gate(root)
                self.assertEqual(status, 1)
                self.assertEqual(len(found), 1, found)
                self.assertTrue(found[0].startswith(f"{path}:{line}: {rule}: "), found)

    def test_a_circle_through_others_is_caught(self):
        guard = "#ifndef X_H\n#define X_H\n#include \"{}\"\n#endif\n"
        write(self.root, {f"runtime/{a}.h": guard.format(b + ".h") for a, b in ("ab", "bc", "ca")})
        status, found = gate(self.root)
        self.assertEqual(status, 1)
        self.assertEqual(len(found), 1, found)
        self.assertIn("include: a circle: runtime/a.h -> runtime/b.h -> runtime/c.h -> runtime/a.h", found[0])

    def test_an_empty_tree_is_no_success(self):
        with tempfile.TemporaryDirectory() as empty:
            self.assertEqual(gate(empty)[0], 1)

    def test_only_tracked_files_count_in_a_checkout(self):
        git = ["git", "-C", self.root]
        subprocess.run(git + ["init", "-q"], check=True)
        subprocess.run(git + ["add", "-A"], check=True)
        write(self.root, {"scratch.c": "int x;\n"})
        self.assertEqual(gate(self.root), (0, []))
        subprocess.run(git + ["add", "scratch.c"], check=True)
        self.assertEqual(gate(self.root)[0], 1)

    def test_every_rule_of_the_gate_has_a_breach_here(self):
        with open(GATE, encoding="utf-8") as file:
            rules = set(re.findall(r'tree\.breach\([^"]*"(\w+)"', file.read()))
        self.assertEqual(rules, {rule for _, _, rule, _ in BREACHES.values()})


if __name__ == "__main__":
    unittest.main()
