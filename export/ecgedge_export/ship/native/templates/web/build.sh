#!/bin/sh
# Compiles ecg_core.wasm and models.wasm, here: with emscripten, or with clang, lld and wasi-libc (Debian: apt-get
# install emscripten, or clang lld wasi-libc libclang-rt-14-dev-wasm32). ecg_core.wasm allocates and grows as it needs.
set -eu
cd "$(dirname "$0")"
if command -v emcc >/dev/null; then
    compile=emcc
    link="emcc -O3 -sSTANDALONE_WASM -sALLOW_MEMORY_GROWTH -sMALLOC=emmalloc --no-entry -sERROR_ON_UNDEFINED_SYMBOLS=0
        -sWARN_ON_UNDEFINED_SYMBOLS=0"
elif command -v clang >/dev/null && command -v wasm-ld >/dev/null; then
    compile="clang --target=wasm32-wasi"
    link="$compile -mexec-model=reactor -Wl,--strip-all"
else
    echo "needs emcc, or clang and wasm-ld: install one of them" >&2
    exit 1
fi
# Sums have a written order: lanes hold what is side by side, and never what is added up.
flags="-std=c99 -O3 -ffp-contract=off -fno-fast-math -I../core/include -I../core ${SIMD--msimd128}"
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# made TARGET SOURCE...
made() {
    target=$1
    shift
    n=0
    for source; do
        n=$((n + 1))
        $compile $flags -DECG_NET8_LINKED -c "$source" -o "$objects/$target-$n.o"
    done
    $link "$objects/$target"-*.o -o "$target"
}

made ecg_core.wasm ecg_web.c $(ls ../core/*.c | grep -v /check.c)
made models.wasm models_web.c ../core/net8.c ../../*/model.c
