#!/bin/sh
# Runs the C programs that misuse the library and those that fence it in under AddressSanitizer, which watches both
# sides: the programs by clang, libkldiv by rustc. Their LLVM versions should agree (rustc -vV); CLANG chooses another.
# The programs carry the sanitizer's runtime; the shared library finds it there.
set -eu

clang=${CLANG:-clang-22}
tests=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$tests/../../.." && pwd)
host=$(rustc -vV | sed -n 's/^host: //p')
target=${CARGO_TARGET_DIR:-$root/target}/asan # apart: every crate in it is instrumented
library=$target/$host/debug

command -v "$clang" >/dev/null || {
    echo "$clang is not on PATH: apt-get install clang-22 libclang-rt-22-dev" >&2
    exit 1
}

# --target keeps build scripts and procedural macros out of it: they run where no runtime is loaded.
cd "$root"
CARGO_TARGET_DIR=$target RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address \
    cargo build --package kldiv-capi --target "$host"

soname=$(readelf -dW "$library/libkldiv.so" | sed -n 's/.*(SONAME).*\[\(.*\)\].*/\1/p')
ln -sf libkldiv.so "$library/$soname"

for program in strict_calls strict_rows strict_training strict_training_rows guard_pages partial; do
    "$clang" -std=c99 -Wall -Wextra -Wpedantic -Werror -O1 -g -ffp-contract=off \
        -fsanitize=address -fno-omit-frame-pointer -I "$root/include" "$tests/c/$program.c" \
        -o "$target/$program" "$library/libkldiv.so" "-Wl,-rpath,$library" -pthread -lm
    # Sizes beyond the address space are asked for on purpose, and must be refused before anybody allocates.
    ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 "$target/$program"
done
