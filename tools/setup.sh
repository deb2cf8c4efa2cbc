# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# Shared by quickstart.sh and test.sh, which source it with `root` set to the source tree: finds out which
# packages are missing, says so, installs them, and builds. POSIX sh.

# package, and why it is needed; one a line.
build_packages='gcc compiles tenure
libc6-dev the headers of the C library
meson describes the build
ninja-build runs the build
pkgconf finds the libraries
libsqlite3-dev the log is an SQLite database
libzstd-dev packs the events in the log
libunwind-dev teaches the shim how to walk call stacks
libdw-dev reads debug information (function, file, line)
libiberty-dev demangles C++ and Rust names
node-d3 draws the charts of HTML reports'

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The lines of $1 whose package is not installed.
missing_packages() {
    printf '%s\n' "$1" | while read -r package why; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) printf '%s %s\n' "$package" "$why" ;;
        esac
    done
}

# Run a command as root, directly or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        env "$@"
    else
        sudo env "$@"
    fi
}

apt_install() {
    # A fresh container has no package lists at all.
    if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
        as_root apt-get -q update || return 1
    fi
    as_root DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@" && return 0
    # Old lists name versions that the mirror has dropped.
    as_root apt-get -q update &&
        as_root DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@"
}

# Whether what the build needs is there, whoever installed it.
libraries_are_there() {
    for tool in cc meson ninja pkg-config; do
        command -v "$tool" >/dev/null 2>&1 || return 1
    done
    pkg-config --exists 'sqlite3 >= 3.40' libzstd libunwind libdw libelf || return 1
    printf '#include <libiberty/demangle.h>\nint main(void) { return cplus_demangle("", 0) != 0; }\n' |
        cc -x c - -liberty -o /dev/null 2>/dev/null
}

other_distribution() {
    libraries_are_there && return 0
    cat >&2 <<END
${0##*/}: this is no Debian or Ubuntu, so nothing is installed for you. Please install, then run this again:

  a C compiler, Meson 1.0 or newer, Ninja, pkg-config, python3
  SQLite 3.40 or newer, zstd, libunwind, elfutils libdw, libiberty, all with their headers; cmocka for the tests

  Fedora:  gcc meson ninja-build pkgconf sqlite-devel libzstd-devel libunwind-devel elfutils-devel
           binutils-devel libcmocka-devel python3
  Arch:    gcc meson ninja pkgconf sqlite zstd libunwind libelf binutils cmocka python
END
    exit 1
}

# Older releases lack SQLite 3.40 and Meson 1.0.
check_release() {
    id='' version=''
    if [ -r /etc/os-release ]; then
        id=$(. /etc/os-release && printf '%s' "${ID:-}")
        version=$(. /etc/os-release && printf '%s' "${VERSION_ID:-}")
    fi
    case $id in
    debian) oldest=12 ;;
    ubuntu) oldest=24 ;;
    *) return 0 ;;
    esac
    [ -z "$version" ] || [ "${version%%.*}" -ge "$oldest" ] ||
        die "$id $version is too old (SQLite 3.40 and Meson 1.0 are needed): use Debian 12, Ubuntu 24.04 or newer"
}

# Install what is missing of the packages in $1 (lines as in build_packages).
install_packages() {
    if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
        other_distribution
        return 0
    fi
    check_release
    missing=$(missing_packages "$1")
    [ -n "$missing" ] || return 0
    say "These packages are missing and will be installed with apt-get:"
    printf '%s\n' "$missing" | while read -r package why; do
        printf '  %-16s %s\n' "$package" "$why"
    done
    names=$(printf '%s\n' "$missing" | cut -d ' ' -f 1 | tr '\n' ' ')
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "you are not root and there is no sudo: as root, run: apt-get install $names"
        say "sudo may ask for your password."
    fi
    # shellcheck disable=SC2086 # one argument a package
    apt_install $names || die "apt-get could not install them: see above; then run this again"
}

# Configure build folder $1 with the options that follow, unless it is there already.
configure() {
    folder=$1
    shift
    [ -f "$folder/build.ninja" ] && return 0
    meson setup "$@" "$folder" "$root" || die "cannot configure the build in $folder: see above"
}
