#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds a Debian package of tenure for this machine's release, and says where it is. Needs what the build needs,
# and dpkg-dev, which finds out what libraries the package depends on; both are installed when they are missing.
#
# usage: tools/package.sh [FOLDER]      FOLDER: where the package is put; default: build-package
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

case ${1:-} in
-h | --help)
    sed -n '3,6s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
-*) die "unknown option $1; usage: tools/package.sh [FOLDER]" ;;
esac
build=$root/build-package
destination=${1:-$build}
install_packages "$build_packages
dpkg-dev finds out what libraries the package depends on"

# As Debian has it: libraries by architecture, completions where each shell looks.
configure "$build" -Dtests=false -Db_ndebug=true --prefix=/usr --libexecdir=libexec \
    "--libdir=lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)" -Dzsh_completion_dir=share/zsh/vendor-completions
ninja -C "$build" >"$build/build.log" 2>&1 || {
    tail -n 40 "$build/build.log" >&2
    die "cannot build tenure: see above"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tenure
meson install -C "$build" --no-rebuild --strip --destdir "$tree" >"$build/install.log" 2>&1 || {
    tail -n 40 "$build/install.log" >&2
    die "cannot install tenure into a folder: see above"
}
mv "$tree/usr/share/doc/tenure/LICENSE" "$tree/usr/share/doc/tenure/copyright"
gzip -9n "$tree/usr/share/doc/tenure/NEWS.md" "$tree"/usr/share/man/man1/*.1

# The tool and the recorder name their libraries; the shim loads libunwind only when it runs.
mkdir "$scratch/debian"
printf 'Source: tenure\n\nPackage: tenure\nArchitecture: any\n' >"$scratch/debian/control"
libraries=$(cd "$scratch" && dpkg-shlibdeps -O tenure/usr/bin/tenure tenure/usr/libexec/tenure/tenure-recorder \
    tenure/usr/lib/*/tenure/tenure_sqlite.so tenure/usr/lib/*/tenure/libtenure.so \
    tenure/usr/lib/*/tenure/libtenure_inject.so tenure/usr/lib/*/tenure/libtenure_trial.so 2>"$build/libraries.log") || {
    cat "$build/libraries.log" >&2
    die "cannot find out what libraries the package depends on: see above"
}
version=$(sed -n "s/^ *version: '\(.*\)',$/\1/p" "$root/meson.build")
mkdir "$tree/DEBIAN"
cat >"$tree/DEBIAN/control" <<END
Package: tenure
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: the authors of tenure <tenure@localhost>
Installed-Size: $(du -k -s "$tree/usr" | cut -f 1)
Depends: ${libraries#shlibs:Depends=}, libunwind8
Suggests: libc6-dbg, sqlite3
Section: devel
Priority: optional
Description: record every allocation of a program, and get rid of heap fragmentation
 A library is preloaded into a program and records every allocation with its call
 stack and its lifetime. The report says what to change: which buffers can live on
 the stack, which structures belong together, which pools suffice. Models of small
 heaps tell what each change saves.
END
package=tenure_${version}_$(dpkg --print-architecture).deb
mkdir -p "$destination"
dpkg-deb --root-owner-group --build "$tree" "$destination/$package" >/dev/null
say "$destination/$package"
