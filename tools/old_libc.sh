#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds what is loaded into programs (libtenure.so, libtenure_inject.so) with the oldest C library that they are
# written for, glibc 2.31, in build-old-PROCESSOR. Its files are fetched into build-sysroot-old-PROCESSOR. Status 77,
# and one line that says why, where a package that this takes cannot be had.
#
# usage: tools/old_libc.sh PROCESSOR
#   PROCESSOR   x86_64, or aarch64: 64-bit Arm
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

processor=${1:-}
packages='mmdebstrap fetches the libraries of another release'
case $processor in
x86_64) debian=amd64 prefix='' ;;
aarch64)
    debian=arm64 prefix=aarch64-linux-gnu-
    packages="$packages
gcc-aarch64-linux-gnu compiles for aarch64"
    ;;
'') die "which processor? usage: tools/old_libc.sh PROCESSOR" ;;
*) die "unknown processor $processor; known: x86_64, aarch64" ;;
esac
build=$root/build-old-$processor
sysroot=$root/build-sysroot-old-$processor
libraries=$sysroot/usr/lib/$processor-linux-gnu

skip() {
    say "old libc: no build for $processor: $*"
    exit 77
}

(install_packages "$packages") || skip "a package cannot be installed"
if [ ! -e "$sysroot/complete" ]; then
    rm -rf "$sysroot"
    # Without the release's later corrections: its mirror may have dropped the newest of them.
    mmdebstrap --quiet --architectures="$debian" --variant=extract --include=libc6-dev,libgcc-10-dev,libgcc-s1 \
        bullseye "$sysroot" 'deb http://deb.debian.org/debian bullseye main' >&2 || skip "its libraries cannot be fetched"
    # Links that begin at the root would lead to this machine's libraries.
    find "$sysroot" -type l -lname '/*' | while read -r link; do
        ln -sfn "$sysroot$(readlink "$link")" "$link"
    done
    : >"$sysroot/complete"
fi

launcher=
command -v ccache >/dev/null 2>&1 && launcher="'ccache', "
cat >"$sysroot/cross.ini" <<END
[binaries]
c = [$launcher'${prefix}gcc']
ar = '${prefix}ar'
strip = '${prefix}strip'
pkgconfig = 'pkg-config'

[properties]
sys_root = '$sysroot'
pkg_config_libdir = ['$libraries/pkgconfig']
needs_exe_wrapper = true

[built-in options]
c_args = ['--sysroot=$sysroot']
c_link_args = ['--sysroot=$sysroot', '-B$libraries', '-L$libraries', '-L$sysroot/lib/$processor-linux-gnu']

[host_machine]
system = 'linux'
cpu_family = '$processor'
cpu = '$processor'
endian = 'little'
END
configure "$build" --cross-file "$sysroot/cross.ini" -Donly_preloaded=true -Dwerror=true && ninja -C "$build" || exit 1

# A symbol of a newer library would keep the loader from loading them.
for library in shim/libtenure.so inject/libtenure_inject.so; do
    newest=$("${prefix}objdump" -T "$build/lib/$library" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
    newer=$(printf '%s\nGLIBC_2.31\n' "$newest" | sort -V | tail -n 1)
    say "$library asks for $newest at most"
    [ "$newer" = GLIBC_2.31 ] || exit 1
done
