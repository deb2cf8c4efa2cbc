#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetches kernels of Debian for another processor, and a busybox, into build-kernels-PROCESSOR, to be booted in an
# emulated machine (tests/cross/booted.py):
#   oldest     of the oldest release that the mirror has; plain: of the release here
#   pages_16k  one with pages of 16 KiB
# Status 77, and one line that says why, where they cannot be had.
#
# usage: tools/kernels.sh PROCESSOR
#   PROCESSOR   aarch64: 64-bit Arm
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

processor=${1:-}
case $processor in
aarch64) debian=arm64 ;;
'') die "which processor? usage: tools/kernels.sh PROCESSOR" ;;
*) die "unknown processor $processor; known: aarch64" ;;
esac
folder=$root/build-kernels-$processor
mirror=http://deb.debian.org/debian
packages='qemu-system-arm runs a machine of another processor
cpio packs its file system'

skip() {
    say "kernels: none for $processor: $*"
    exit 77
}

(install_packages "$packages") || skip "a package cannot be installed"
[ ! -e "$folder/complete" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/lists/partial" "$folder/archives/partial" "$folder/debs" || exit 1
for release in bullseye bookworm trixie; do
    say "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main"
done >"$folder/sources.list"

# apt, for the other processor, with nothing of this machine's but its mirror.
apt_of_device() {
    command=$1
    shift
    "$command" -q -o APT::Architecture="$debian" -o APT::Architectures="$debian" -o Dir::State="$folder" \
        -o Dir::State::status=/dev/null -o Dir::Cache="$folder" -o Dir::Etc::SourceList="$folder/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User= "$@"
}

# Fetch package $1 of release $2, and unpack it into $folder/unpacked.
fetch_package() {
    rm -rf "$folder/unpacked" "$folder/debs"
    mkdir "$folder/debs" && cd "$folder/debs" && apt_of_device apt-get download "$1/$2" >&2 &&
        dpkg-deb -x "$folder"/debs/*.deb "$folder/unpacked"
}

# The kernel that package $1 of release $2 asks for becomes $folder/$3.
fetch_kernel() {
    image=$(apt_of_device apt-cache depends "$1/$2" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
    [ -n "$image" ] && fetch_package "$image" "$2" && mv "$folder"/unpacked/boot/vmlinuz-* "$folder/$3"
}

apt_of_device apt-get update >&2 || skip "the lists of $mirror cannot be fetched"
fetch_package busybox-static bookworm || skip "no busybox"
mv "$folder/unpacked/bin/busybox" "$folder/busybox" || exit 1
fetch_kernel linux-image-arm64 bookworm plain || skip "no kernel"
fetch_kernel linux-image-arm64 bullseye oldest || say "kernels: no older one"
fetch_kernel linux-image-arm64-16k trixie pages_16k || say "kernels: none with pages of 16 KiB"
rm -rf "$folder/unpacked" "$folder/debs" "$folder/archives"
: >"$folder/complete"
