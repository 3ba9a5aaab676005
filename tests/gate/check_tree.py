#!/usr/bin/env python3
"""The rules of the repository that no compiler checks. usage: check_tree.py [ROOT]

Reads the tracked files of ROOT (all files, where ROOT is no git checkout) and prints one line for each breach,
"path:line: rule: what", and the count. Exit status 1 when there is one.

  include   which folder may include which (ALLOWED below), OpenCL's headers only where they belong, every quoted
            include leads to a file, no two files include each other (through however many others)
  size      no file over 1 MiB; no source over 800 lines
  path      no absolute path of somebody's machine
  marker    no note to do something later: it is done, or it is an issue
  opening   a source begins by saying what it is: a comment, or for a header its guard
  link      a relative link of a Markdown file leads to a file
"""

import os
import re
import shutil
import subprocess
import sys

PUBLIC = ("host/include/", "runtime/include/", "topology/include/")
ALLOWED = {  # folder: the path prefixes that its files may include
    "topology": ("topology/",),
    "kernels": ("kernels/",),
    "runtime": ("runtime/", "topology/", "kernels/"),
    "host": ("host/", "runtime/", "topology/"),
    "bench": ("bench/",) + PUBLIC,
    "examples": ("examples/",) + PUBLIC,
    "tests": ("",),
}
OPENCL_USERS = ("runtime/device/", "tests/")
SOURCES = (".c", ".h", ".cl", ".cpp", ".hpp")
MAX_BYTES, MAX_LINES = 1 << 20, 800

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)
MACHINE_PATH = re.compile(r"(?<![\w.~/-])(?:/home|/root|/work|/Users|/tmp/wt)/\w|\b[A-Z]:\\Users\\")
MARKER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME)\b")
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)


class Tree:
    def __init__(self, root):
        self.root = root
        self.paths = list_files(root)
        self.known = set(self.paths)
        self.breaches = []
        self.texts = {}

    def text(self, path):
        """The file's text, None where it is not text."""
        if path not in self.texts:
            with open(os.path.join(self.root, path), "rb") as file:
                data = file.read()
            try:
                self.texts[path] = None if b"\0" in data else data.decode("utf-8")
            except UnicodeDecodeError:
                self.texts[path] = None
        return self.texts[path]

    def breach(self, path, offset, rule, what):
        line = self.text(path).count("\n", 0, offset) + 1 if offset else 1
        self.breaches.append(f"{path}:{line}: {rule}: {what}")


def list_files(root):
    if os.path.exists(os.path.join(root, ".git")) and shutil.which("git"):
        out = subprocess.run(["git", "-C", root, "ls-files", "-z"], check=True, stdout=subprocess.PIPE).stdout
        paths = out.decode().split("\0")
    else:
        paths = []
        for folder, subfolders, names in os.walk(root):
            subfolders[:] = [name for name in subfolders if name not in ("build", ".git")]
            paths += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(path for path in paths if path and os.path.isfile(os.path.join(root, path)))


def resolve(tree, path, quote, name):
    """The file of the tree that the include means, or None for one of the system's."""
    places = ["", *PUBLIC]
    if quote == '"':
        places.insert(0, os.path.dirname(path))
    if path.startswith("kernels/"):
        places.append("kernels/")
    for place in places:
        found = os.path.normpath(os.path.join(place, name))
        if found in tree.known:
            return found
    return None


def check_includes(tree):
    edges = {}
    for path in tree.paths:
        folder = path.split("/")[0]
        if not path.endswith(SOURCES) or folder not in ALLOWED or tree.text(path) is None:
            continue
        edges[path] = []
        for match in INCLUDE.finditer(tree.text(path)):
            quote, name = match.groups()
            if name.startswith("CL/") and not path.startswith(OPENCL_USERS):
                tree.breach(path, match.start(), "include", f"{name} outside runtime/device")
                continue
            target = resolve(tree, path, quote, name)
            if target:
                edges[path].append((target, match.start()))
                if not target.startswith(ALLOWED[folder]):
                    tree.breach(path, match.start(), "include", f"{folder}/ may not use {target}")
            elif quote == '"' or name.startswith("weir/"):
                tree.breach(path, match.start(), "include", f"{name} is no file of the tree")
    check_cycles(tree, edges)


def check_cycles(tree, edges):
    state = {}  # path: 1 while its includes are being walked, 2 afterwards

    def walk(path, trail):
        state[path] = 1
        for target, offset in edges.get(path, ()):
            if state.get(target) == 1:
                loop = trail[trail.index(target):] + [target]
                tree.breach(path, offset, "include", "a circle: " + " -> ".join(loop))
            elif target not in state:
                walk(target, trail + [target])
        state[path] = 2

    for path in edges:
        if path not in state:
            walk(path, [path])


def check_sizes(tree):
    for path in tree.paths:
        size = os.path.getsize(os.path.join(tree.root, path))
        if size > MAX_BYTES:
            tree.breach(path, 0, "size", f"{size} bytes; the limit is {MAX_BYTES}")
        elif path.endswith(SOURCES) and tree.text(path) is not None:
            lines = tree.text(path).count("\n")
            if lines > MAX_LINES:
                tree.breach(path, 0, "size", f"{lines} lines; over {MAX_LINES} it is two files")


def check_words(tree):
    for path in tree.paths:
        text = tree.text(path)
        if text is None:
            continue
        for match in MACHINE_PATH.finditer(text):
            tree.breach(path, match.start(), "path", f"'{match.group()}...' is a path of one machine")
        for match in MARKER.finditer(text):
            tree.breach(path, match.start(), "marker", f"{match.group()}: do it, or file an issue")


def check_openings(tree):
    for path in tree.paths:
        if path.endswith(SOURCES) and tree.text(path) is not None:
            first = tree.text(path).lstrip("\ufeff \t\r\n")
            allowed = ["/*", "//"]
            if path.endswith((".h", ".hpp")):
                allowed += ["#ifndef", "#pragma once"]
            if not first.startswith(tuple(allowed)):
                tree.breach(path, 0, "opening", "begins neither with a comment nor (a header) with its guard")


def check_links(tree):
    for path in tree.paths:
        if not path.endswith(".md") or tree.text(path) is None:
            continue
        # Code blocks keep their length in newlines, so that line numbers stay right.
        text = FENCE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), tree.text(path))
        for match in LINK.finditer(text):
            link = next(group for group in match.groups() if group)
            target = link.split("#")[0]
            if not target or re.match(r"[a-z]+:", target):
                continue
            found = os.path.normpath(os.path.join(os.path.dirname(path), target))
            if found not in tree.known and not any(p.startswith(found.rstrip("/") + "/") for p in tree.known):
                tree.breach(path, match.start(), "link", f"{link} leads to no file of the tree")


CHECKS = (check_includes, check_sizes, check_words, check_openings, check_links)


def main():
    root = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.abspath(__file__ + "/../../..")
    tree = Tree(root)
    for check in CHECKS:
        check(tree)
    print("\n".join(tree.breaches + [f"{len(tree.paths)} files, {len(tree.breaches)} breaches"]))
    return 1 if tree.breaches or not tree.paths else 0


if __name__ == "__main__":
    sys.exit(main())
