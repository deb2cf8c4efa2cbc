#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds tenure for another processor, whose libraries are fetched into build-sysroot-PROCESSOR. Status 77, and one
# line that says why, where a package that this takes cannot be had.
#
# usage: tools/cross.sh PROCESSOR [BUILD]
#   PROCESSOR   aarch64: 64-bit Arm
#   BUILD       the build folder; default: build-PROCESSOR
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

processor=${1:-}
case $processor in
aarch64) debian=arm64 ;;
'') die "which processor? usage: tools/cross.sh PROCESSOR [BUILD]" ;;
*) die "unknown processor $processor; known: aarch64" ;;
esac
build=${2:-$root/build-$processor}
sysroot=$root/build-sysroot-$processor

packages="gcc-$processor-linux-gnu compiles for $processor
g++-$processor-linux-gnu test programs in C++
qemu-user-static runs programs of $processor
mmdebstrap fetches the libraries of $processor"
libraries=libc6-dev,libgcc-12-dev,libstdc++-12-dev,libunwind-dev,libsqlite3-dev,libzstd-dev,libdw-dev,libiberty-dev,libcmocka-dev

skip() {
    say "cross: no build for $processor: $*"
    exit 77
}

(install_packages "$packages") || skip "a package cannot be installed"
if [ ! -e "$sysroot/complete" ]; then
    rm -rf "$sysroot"
    # The newest release whose compiler is not newer than the one here.
    mmdebstrap --quiet --architectures="$debian" --variant=extract --include="$libraries" bookworm "$sysroot" >&2 ||
        skip "its libraries cannot be fetched"
    : >"$sysroot/complete"
fi

launcher=
command -v ccache >/dev/null 2>&1 && launcher="'ccache'"
cat >"$sysroot/paths.ini" <<END
[constants]
sysroot = '$sysroot'
wrapper = ['qemu-$processor-static', '-L', sysroot]
launcher = [$launcher]
END
configure "$build" --cross-file "$sysroot/paths.ini" --cross-file "$root/tests/cross/$processor.ini" -Dwerror=true &&
    ninja -C "$build"
