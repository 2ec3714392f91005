# Sourced by bindings/<language>/test. Sees to libkldiv and to the lines of bits.c, and sets
#   KLDIV_ROOT, KLDIV_INCLUDE, KLDIV_TESTDATA   the tree, its headers and its tables
#   KLDIV_LIBDIR    the folder with libkldiv.so: as given, or built here
#   KLDIV_BUILD     a folder for what the tests make
#   KLDIV_BITS      what bits.c prints, which each language prints too
language=$(basename "$PWD")
KLDIV_ROOT=$(cd ../.. && pwd)
KLDIV_INCLUDE=$KLDIV_ROOT/include
KLDIV_TESTDATA=$KLDIV_ROOT/testdata

# Ends the test where a tool is missing: scripts/setup installs them, so in CI that is a failure.
skip() {
    echo "bindings/$language/test: skipped, $1"
    [ "${CI:-}" = true ] && exit 1
    exit 0
}

build_library() {
    local target=${CARGO_TARGET_DIR:-target}
    case $target in
    /*) ;;
    *) target=$KLDIV_ROOT/$target ;;
    esac
    if [ -z "${KLDIV_LIBDIR:-}" ]; then
        (cd "$KLDIV_ROOT" && cargo build --locked --quiet --package kldiv-capi)
        KLDIV_LIBDIR=$target/debug
    fi
    KLDIV_BUILD=$target/bindings/$language
    mkdir -p "$KLDIV_BUILD/lib"
    # The name that programs record beside the one that they are linked by, wherever the library lies.
    ln -sf "$(cd "$KLDIV_LIBDIR" && pwd)/libkldiv.so" "$KLDIV_BUILD/lib/libkldiv.so"
    ln -sf libkldiv.so "$KLDIV_BUILD/lib/libkldiv.so.0"
    KLDIV_LIBDIR=$KLDIV_BUILD/lib
    KLDIV_BITS=$KLDIV_BUILD/bits.expected
    gcc -std=c99 -Wall -Wextra -Werror -O2 -I"$KLDIV_INCLUDE" "$KLDIV_ROOT/bindings/bits.c" -L"$KLDIV_LIBDIR" -lkldiv \
        -Wl,-rpath,"$KLDIV_LIBDIR" -o "$KLDIV_BUILD/bits"
    "$KLDIV_BUILD/bits" >"$KLDIV_BITS"
    export KLDIV_ROOT KLDIV_INCLUDE KLDIV_TESTDATA KLDIV_LIBDIR KLDIV_BUILD KLDIV_BITS
}
