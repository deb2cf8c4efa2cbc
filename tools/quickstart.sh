#!/bin/sh
# SPDX-License-Identifier: MIT
# From a fresh clone to a report: installs what is missing (Debian, Ubuntu), builds tenure in build/, records
# PROGRAM and prints the report.
#
# usage: tools/quickstart.sh [PROGRAM [ARGS...]]
#
# Without a program it records a JSON workload in python3.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/tools/setup.sh"

case ${1:-} in
-h | --help)
    sed -n '3,9s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

packages=$build_packages
if [ $# -eq 0 ]; then
    packages="$packages
python3 runs the example
python3-dbg names the lines of Python's own sources in the example's report"
fi
install_packages "$packages"
configure "$root/build" -Dtests=false
say "Building tenure: a minute or two the first time."
ninja -C "$root/build" >"$root/build/quickstart.log" 2>&1 || {
    cat "$root/build/quickstart.log" >&2
    die "cannot build tenure: see above"
}

if [ $# -eq 0 ]; then
    # Python has an allocator of its own in front of malloc; this turns it off, so that each object is seen.
    PYTHONMALLOC=malloc PYTHONHASHSEED=0
    export PYTHONMALLOC PYTHONHASHSEED
    # The interpreter itself, where `python3` is a script that looks for one (pyenv).
    set -- "$(python3 -c 'import sys; print(sys.executable)')" "$root/tools/quickstart.py"
fi
log=$root/build/tenure.${1##*/}.$$.db
tenure=$root/build/tools/tenure
say "Recording: $*"
status=0
"$tenure" record --output "$log" -- "$@" || status=$?
[ -e "$log" ] || exit "$status"
[ "$status" -eq 0 ] || say "The program ended with status $status."

say ""
"$tenure" report "$log"
say ""
say "The log is $log"
say "Ask it more: $tenure sql $log"
command -v tenure >/dev/null || say "To type 'tenure' alone: PATH=$root/build/tools:\$PATH, or meson install -C $root/build"
