#!/bin/bash
# usage: install.sh CMAKE BUILD_DIR
# Installs the build into a temporary folder, then builds consumer.c against what lies there in four ways
# (pkg-config shared and static, find_package shared and static), runs each, and compares the exported symbols
# with the functions that the installed headers declare.
set -euo pipefail
cmake=$1 build=$2 here=$(cd "$(dirname "$0")" && pwd)
cc=${CC:-cc}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
prefix=$root/prefix

fail() { echo "install: $*" >&2; exit 1; }
# expect WHAT COMMAND...: the command prints the version that the installed program prints
expect() {
    local what=$1 got; shift
    got=$("$@") || fail "$what: exit status $?"
    [ "$got" = "$version" ] || fail "$what: printed '$got', the program says '$version'"
    echo "ok: $what"
}

"$cmake" --install "$build" --prefix "$prefix" >"$root/log" || { cat "$root/log"; fail "cmake --install failed"; }
libdir=$(dirname "$(find "$prefix" -name libweir.so)")
version=$("$prefix/bin/weir" --version) || fail "the installed program does not run"
version=${version##* }
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+ ]] || fail "'weir --version' ends with '$version', not a version"
grep -rlF "$build" "$libdir/pkgconfig" "$libdir/cmake" && fail "the files above name the build folder"

export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir
read -ra flags < <(pkg-config --cflags --libs weir)
"$cc" -std=c17 -Wall -Werror "$here/consumer.c" -o "$root/shared" "${flags[@]}"
expect "pkg-config, shared library" "$root/shared"
readelf -d "$root/shared" | grep -q 'NEEDED.*libweir\.so\.[0-9]' || fail "the program does not ask for libweir.so.N"

read -ra cflags < <(pkg-config --cflags weir)
read -ra libs < <(pkg-config --libs --static weir)
"$cc" -std=c17 -Wall -Werror "${cflags[@]}" "$here/consumer.c" -o "$root/static" "${libs[@]/#-lweir/-l:libweir.a}"
readelf -d "$root/static" | grep -q 'NEEDED.*libweir' && fail "the static program asks for libweir.so"
expect "pkg-config, static library" env -u LD_LIBRARY_PATH "$root/static"

mkdir "$root/project"
cat >"$root/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(consumer C)
find_package(weir ${version%.*} REQUIRED)
add_executable(consumer_shared $here/consumer.c)
target_link_libraries(consumer_shared PRIVATE weir::weir)
add_executable(consumer_static $here/consumer.c)
target_link_libraries(consumer_static PRIVATE weir::weir_static)
END
if ! { "$cmake" -S "$root/project" -B "$root/build" -DCMAKE_PREFIX_PATH="$prefix" &&
    "$cmake" --build "$root/build"; } >"$root/log" 2>&1; then
    cat "$root/log"
    fail "find_package(weir) failed"
fi
expect "find_package, shared library" "$root/build/consumer_shared"
expect "find_package, static library" env -u LD_LIBRARY_PATH "$root/build/consumer_static"

# What the library exports is what the headers declare: a name in neither direction alone.
nm -D --defined-only --format=posix "$libdir/libweir.so" | awk '{sub(/@.*/, "", $1); print $1}' | sort -u >"$root/exported"
for header in "$prefix"/include/weir/*.h; do
    "$cc" -std=c17 -fsyntax-only -x c "$header" -I "$prefix/include" || fail "$header does not stand alone"
    "${CXX:-c++}" -std=c++17 -fsyntax-only -x c++ "$header" -I "$prefix/include" || fail "$header is not C++"
    "$cc" -std=c17 -fpreprocessed -dD -E -P "$header"
done | grep -vE '^ *(#|static inline )' | grep -oE '\bweir_[a-z0-9_]+ ?\(' | tr -d ' (' | sort -u >"$root/declared"
extra=$(comm -23 "$root/exported" "$root/declared")
[ -z "$extra" ] || fail "exported and in no public header: $extra"
missing=$(comm -13 "$root/exported" "$root/declared")
[ -z "$missing" ] || fail "declared in a public header and not in libweir.so: $missing"
echo "ok: $(wc -l <"$root/exported") exported functions, all declared in the public headers"
