#!/bin/sh
# oclgrind.sh PROGRAM [ARGUMENT...]: run PROGRAM's kernels in oclgrind; fail when the program fails or the log is not empty.
# -cl-opt-disable: optimised code uses LLVM intrinsics that oclgrind does not know.
if ! command -v oclgrind > /dev/null; then
    echo "skipped: oclgrind is not installed"
    exit 77
fi
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
oclgrind --check-api --build-options -cl-opt-disable --max-errors 100 --log "$log" "$@" || exit 1
if [ -s "$log" ]; then
    echo "oclgrind found:"
    head -60 "$log"
    exit 1
fi
