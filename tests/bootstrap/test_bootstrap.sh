#!/bin/bash
# usage: test_bootstrap.sh SOURCE_DIR
# Runs bootstrap on machines that do not exist: its own PATH holds a few real tools and stand-ins for apt-get,
# dpkg-query, cmake, id and sudo, which write down how they were called. Checks what it installs, when it asks the
# network, when it stops and with which exit status.
# shellcheck disable=SC2016 # the stand-ins expand when they run
set -euo pipefail
source=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
failures=0 ran=0

stand_in() { printf '#!/bin/bash\n%s\n' "$2" >"$bin/$1" && chmod +x "$bin/$1"; }

# machine ID VERSION UID PACKAGE...: a fresh machine of that system where these packages are installed
machine() {
    rm -rf "${root:?}"/* && mkdir -p "$root/bin" "$root/weir"
    cp "$source/bootstrap" "$root/weir/"
    bin=$root/bin calls=$root/calls installed=$root/installed
    local tool
    for tool in bash awk cat dirname env grep mkdir mv nproc sed sort tr; do ln -s "$(command -v $tool)" "$bin/$tool"; done
    printf 'ID=%s\nVERSION_ID="%s"\n' "$1" "$2" >"$root/os-release"
    stand_in id "echo $3"
    shift 3
    : >"$calls" && printf '%s\n' "$@" >"$installed"
    stand_in dpkg-query 'shift 3; for p; do grep -qx -- "$p" '"$installed"' && echo "$p installed"; done; exit 1'
    stand_in apt-cache '[ ! -e '"$root"'/unknown ] || ! grep -qx -- "$2" '"$root/unknown"
    # the options come first, then update, or install and the packages
    stand_in apt-get 'echo "apt-get $*" >>'"$calls"'
        while [[ $1 == -* ]]; do [ "$1" = -o ] && shift; shift; done
        [ "$1" = install ] || exit 0
        shift 2; [ ! -e '"$root"'/broken ] || exit 100
        printf "%s\n" "$@" >>'"$installed"'
        [ ! -e '"$bin"'/cmake.deb ] || mv '"$bin/cmake.deb $bin/cmake"
    stand_in cmake '[ "$1" != --version ] || { echo "cmake version 3.22.1"; exit; }; echo "cmake $*" >>'"$calls"
    stand_in ctest 'echo "ctest $*" >>'"$calls"
}

everything=(gcc g++ libc6-dev cmake ninja-build pkg-config libhwloc-dev libnuma-dev libsimdjson-dev zlib1g-dev
    libzstd-dev opencl-headers ocl-icd-opencl-dev pocl-opencl-icd libcmocka-dev libsqlite3-dev oclgrind python3 git)

# run STATUS ARGUMENT...: runs bootstrap; its output lands in $root/out
run() {
    local want=$1 got=0; shift
    PATH=$bin WEIR_OS_RELEASE=$root/os-release "$bin/bash" "$root/weir/bootstrap" "$@" >"$root/out" 2>&1 || got=$?
    check "'bootstrap $*' exits with $want, not $got" [ "$got" -eq "$want" ]
}
check() {
    local what=$1; shift; ran=$((ran + 1))
    "$@" || { failures=$((failures + 1)); echo "FAILED: $case: $what"; cat "$root/out" "$calls"; }
}
said() { check "says '$1'" grep -qF -- "$1" "$root/out"; }
called() { check "calls '$1'" grep -qE -- "$1" "$calls"; }
never() { check "never calls '$1'" not grep -qE -- "$1" "$calls"; }
silent() { check "does not say '$1'" not grep -qF -- "$1" "$root/out"; }
not() { ! "$@"; }

for system in 'debian 12' 'ubuntu 22.04' 'ubuntu 24.04'; do
    case="everything is there on $system"
    # shellcheck disable=SC2086
    machine $system 0 "${everything[@]}"
    run 0 test -- -R sql
    called 'ctest --preset release .*-R sql$'
    run 0 build
    never apt-get; called 'cmake --preset release'; called 'cmake --build --preset release'; silent Installing

    case="a bare $system"
    # shellcheck disable=SC2086
    machine $system 0 bash
    mv "$bin/cmake" "$bin/cmake.deb"
    run 0 build
    called 'update$'; called 'install .*gcc g\+\+ .*cmake .*libhwloc-dev .*pocl-opencl-icd'; never libcmocka-dev
done

case="one package is missing"
machine debian 12 0 "${everything[@]/libnuma-dev/}"
run 0 build
called 'install --no-install-recommends libnuma-dev$'
: >"$calls"
run 0 build
never apt-get

case="a native-only Weir needs no OpenCL"
machine debian 12 0 "${everything[@]/*cl*/}"
run 0 build -DWEIR_OPENCL=OFF
never apt-get; called 'cmake --preset release .*-DWEIR_OPENCL=OFF'
run 0 build --preset native
never apt-get
run 0 build
called 'install .*pocl-opencl-icd'

case="an old cmake does not count"
machine debian 12 0 "${everything[@]/cmake/}"
run 0 build
never apt-get
stand_in cmake '[ "$1" != --version ] || echo "cmake version 3.18.4"'
run 0 build
called 'install .*cmake'

case="the checkers are a role of their own"
machine ubuntu 22.04 0 "${everything[@]}"
run 0 deps
never apt-get
run 0 deps lint
called 'install .*clang-format-14 clang-tidy-14 shellcheck$'

case="a system without oclgrind"
machine ubuntu 24.04 0 "${everything[@]/oclgrind/}"
run 0 test
called 'install .*oclgrind'
machine ubuntu 24.04 0 "${everything[@]/oclgrind/}"
echo oclgrind >"$root/unknown"
run 0 test
never apt-get

case="another system gets the list"
machine fedora 41 0
rm "$bin/apt-get" "$bin/dpkg-query" "$bin/cmake"
run 2 test
said fedora; said 'hwloc 2 with headers'; said CMake; said --no-install; never .
stand_in cmake 'echo "cmake $*" >>'"$calls"
run 0 build --no-install
called 'cmake --preset release'

case="not root, with sudo"
machine debian 12 1000 "${everything[@]/zlib1g-dev/}"
stand_in sudo 'echo "sudo $*" >>'"$calls"'; exec "$@"'
run 0 build
called '^sudo .*apt-get .*install .*zlib1g-dev'

case="not root, no sudo"
machine debian 12 1000 "${everything[@]/zlib1g-dev/}"
run 2 build
said 'apt-get install --no-install-recommends zlib1g-dev'; never .

case="the install fails"
machine debian 12 0 "${everything[@]/zlib1g-dev/}"
: >"$root/broken"
run 2 build
said 'could not install: zlib1g-dev'; never cmake

case="the build fails"
machine debian 12 0 "${everything[@]}"
stand_in cmake '[ "$1" != --version ] || { echo "cmake version 3.25.0"; exit; }; echo "no such compiler"; exit 1'
run 1 build
said 'no such compiler'

case="wrong words"
machine debian 12 0 "${everything[@]}"
run 2; run 2 bulid; run 2 build --preset relase; run 2 build test; run 2 lint
run 0 --help
said 'usage: ./bootstrap'; never .

echo "$ran checks, $failures failed"
[ "$failures" -eq 0 ]
