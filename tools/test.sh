#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing, builds in every way that matters, runs all tests, and says how many passed:
# the last line is `N passed, M failed` (and `, K skipped` where something could not be run). Status 1 when
# anything failed.
#
# usage: tools/test.sh [--long]
#   --long        also what takes long: the suite `long`, which fetches, builds and records real daemons,
#                 kills 50 recorders, records a thousand processes and 100,000 threads, and boots kernels of
#                 64-bit Arm
#
#   build-test    gcc, warnings are errors: all suites
#   build-asan    AddressSanitizer and UndefinedBehaviorSanitizer: unit tests, some end-to-end tests
#   build-tsan    ThreadSanitizer: unit tests
#   build-clang   clang, warnings are errors: unit tests and rules
#   build-aarch64 for 64-bit Arm: unit tests, and programs that are recorded, under an emulator
#   build-old-*   what is loaded into programs, with glibc 2.31: programs of that library are recorded
#   build         what tools/quickstart.sh makes of it
set -u

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/setup.sh
. "$root/tools/setup.sh"

test_packages='libcmocka-dev unit tests
g++ test programs in C++
clang the second compiler
libc++1 the other library of C++
libc++abi1 is a part of it
clang-format checks white space
binutils nm and objcopy
xz-utils packs a symbol table, as some distributions do
python3 runs the tests
sqlite3 reads logs without tenure
valgrind counts allocations independently
gdb starts a recorded program
musl-tools another C library
libc6-dbg has the symbols of the loader, which valgrind asks for
heaptrack is what the benchmark compares with
jq is recorded
perl is recorded
git is recorded
redis-server is recorded
redis-tools puts load on it
bash is recorded
libjemalloc2 another allocator behind the shim
util-linux small disks, namespaces, and root without its rights
bubblewrap another way into namespaces
groff-base reads the manual pages
nodejs runs the viewer of DHAT
protobuf-compiler reads exports for pprof and Perfetto
golang-github-google-pprof-dev describes the format of pprof
zsh completes command lines
fish completes command lines
dpkg-dev builds the package; unpacks sources'

long_packages='make builds the recorded daemons
postgresql is asked about many recordings
chromium opens HTML reports
npm fetches what steers chromium, and a linter for scripts
mmdebstrap makes a Debian to install the package in
zlib1g-dev compresses what dropbear sends
libcrypt-dev checks passwords in dropbear'

# End-to-end tests that run most of the code of tool and recorder.
sanitized_tests='damaged_logs mutate_chunks truth_chains truth_operators truth_fork_tree truth_fork_exec truth_plugins truth_short_threads
    same_gcc same_stl same_python3 info_and_report sql_formats rows_limit while_running shared_log default_name
    interrupt bad_info_truncated bad_info_text_file bad_info_newer bad_sql_syntax bad_report_truncated
    report_of_damaged_chunk export_massif export_heaptrack export_pprof export_perfetto export_speedscope
    recorder_terminated disk_full findings odd fail_planted fail_formats fail_changed'

is_long=no
case ${1:-} in
'') ;;
--long) is_long=yes ;;
*) die "unknown option $1; usage: tools/test.sh [--long]" ;;
esac
if [ "$is_long" = yes ]; then
    test_packages="$test_packages
$long_packages"
fi

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
counts=$scratch/counts
failures=$scratch/failures # what the tests that failed said last
: >"$counts"
: >"$failures"

# Every test starts in a world without caches and settings of the tester's. It is a wrapper around each test, since
# Meson itself may be installed below the tester's home.
mkdir "$scratch/home" "$scratch/tmp" && mkdir -m 700 "$scratch/run" || exit 1
# One test becomes another user, who must reach its folder.
chmod 711 "$scratch" && chmod 755 "$scratch/tmp" || exit 1
clean_world="env -u XDG_CACHE_HOME -u XDG_CONFIG_HOME -u XDG_DATA_HOME -u XDG_STATE_HOME HOME=$scratch/home
    TMPDIR=$scratch/tmp XDG_RUNTIME_DIR=$scratch/run LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1"

# Count one result: pass, fail or skip; a failure with its name.
count() {
    printf '%s %s\n' "$1" "$2" >>"$counts"
}

# Configure and build folder $1 (named $2) with the options that follow; the build itself is a test.
build() {
    folder=$root/$1 name=$2
    shift 2
    say "== $name"
    mkdir -p "$folder"
    if configure "$folder" "$@" >"$folder/build.log" 2>&1 && ninja -C "$folder" >>"$folder/build.log" 2>&1; then
        count pass "$name"
        return 0
    fi
    tail -n 60 "$folder/build.log"
    count fail "$name"
    return 1
}

# Run `meson test` in folder $1 with the options that follow, and count each test by itself.
run() {
    folder=$root/$1 kind=$1
    shift
    # Meson adds the wrapper's name to that of its log.
    results=$folder/meson-logs/testlog-env.json
    rm -f "$results"
    meson test -C "$folder" --print-errorlogs --wrapper "$clean_world" "$@" || true
    [ -f "$results" ] || {
        count fail "$kind: no test ran"
        return
    }
    python3 - "$results" "$kind" "$failures" >>"$counts" <<'END'
import json, sys

with open(sys.argv[1]) as results, open(sys.argv[3], "a") as failures:
    for line in results:
        test = json.loads(line)
        kind = {"OK": "pass", "SKIP": "skip"}.get(test["result"], "fail")
        print(kind, sys.argv[2], test["name"])
        if kind == "fail":
            said = f"{test.get('stdout') or ''}\n{test.get('stderr') or ''}".strip().splitlines()
            print("", f"== {sys.argv[2]} {test['name']}", *said[-30:], sep="\n", file=failures)
END
}

# The unit tests that an emulator can run: all but those that not_emulated.txt gives a reason for.
emulated_units() {
    meson test -C "$root/build-aarch64" --list --suite unit 2>/dev/null | sed -n 's/^.* \/ //p' |
        grep -vxF "$(grep -v '^#' "$root/tests/cross/not_emulated.txt" | cut -d ' ' -f 1)"
}

# Programs of 64-bit Arm that tell what they allocate, recorded.
run_emulated() {
    python3 "$root/tests/cross/emulated.py" "$root/build-aarch64" "$root/build-test" "$root/build-sysroot-aarch64" \
        >"$scratch/emulated.log" 2>&1
    grep -E '^(pass|fail) ' "$scratch/emulated.log" | sed 's/ / emulated: /' >>"$counts"
    grep -q '^pass ' "$scratch/emulated.log" || count fail 'emulated: nothing ran'
    grep -q '^fail ' "$scratch/emulated.log" && cat "$scratch/emulated.log" >>"$failures"
}

# The same and others, on kernels of their own in an emulated machine.
run_booted() {
    "$root/tools/kernels.sh" aarch64 >"$scratch/kernels.log" 2>&1
    case $? in
    0) ;;
    77)
        tail -n 1 "$scratch/kernels.log"
        count skip 'kernels for aarch64'
        return
        ;;
    *)
        tail -n 60 "$scratch/kernels.log"
        count fail 'kernels for aarch64'
        return
        ;;
    esac
    for kernel in oldest plain pages_16k; do
        if [ ! -e "$root/build-kernels-aarch64/$kernel" ]; then
            grep '^kernels: no' "$scratch/kernels.log"
            count skip "kernel $kernel"
            continue
        fi
        python3 "$root/tests/cross/booted.py" "$root/build-aarch64" "$root/build-test" "$root/build-sysroot-aarch64" \
            "$root/build-kernels-aarch64" "$kernel" >"$scratch/booted.log" 2>&1
        grep '^MACHINE' "$scratch/booted.log"
        grep -E '^(pass|fail) ' "$scratch/booted.log" | sed "s/ / kernel $kernel: /" >>"$counts"
        grep -q '^pass ' "$scratch/booted.log" || count fail "kernel $kernel: nothing ran"
        if grep -q '^fail ' "$scratch/booted.log" || ! grep -q '^pass ' "$scratch/booted.log"; then
            cat "$scratch/booted.log" >>"$failures"
        fi
    done
}

# What is loaded into programs, with the oldest C library; on this processor with programs of that library, too.
run_old_libc() {
    for processor in x86_64 aarch64; do
        "$root/tools/old_libc.sh" "$processor" >"$scratch/old_libc.log" 2>&1
        case $? in
        0) count pass "build for glibc 2.31, $processor" ;;
        77)
            tail -n 1 "$scratch/old_libc.log"
            count skip "build for glibc 2.31, $processor"
            continue
            ;;
        *)
            tail -n 60 "$scratch/old_libc.log"
            count fail "build for glibc 2.31, $processor"
            continue
            ;;
        esac
        [ "$processor" = "$(uname -m)" ] || continue
        python3 "$root/tests/cross/old_libc.py" "$root/build-old-$processor" "$root/build-test" \
            "$root/build-sysroot-old-$processor" >"$scratch/old_libc.log" 2>&1
        grep -E '^(pass|fail) ' "$scratch/old_libc.log" | sed 's/ / glibc 2.31: /' >>"$counts"
        grep -q '^pass ' "$scratch/old_libc.log" || count fail 'glibc 2.31: nothing ran'
        grep -q '^fail ' "$scratch/old_libc.log" && cat "$scratch/old_libc.log" >>"$failures"
    done
}

say "== packages"
install_packages "$build_packages
$test_packages"

# libc++-dev cannot be installed beside libunwind-dev, so its headers are unpacked, for the test `containers`.
unpack_libcxx() {
    mkdir "$scratch/libcxx" && cd "$scratch/libcxx" || return 1
    package=$(apt-cache depends libc++-dev | sed -n 's/.*Depends: \(libc++-[0-9]*-dev\)$/\1/p' | head -n 1)
    [ -n "$package" ] && apt-get -q download "$package" && dpkg-deb -x ./*.deb . || return 1
    LIBCXX_HEADERS=$(find "$PWD" -path '*/include/c++/v1' -type d | head -n 1)
    [ -n "$LIBCXX_HEADERS" ] && export LIBCXX_HEADERS
}
here=$PWD
unpack_libcxx >"$scratch/libcxx.log" 2>&1 || cat "$scratch/libcxx.log"
cd "$here" || exit 1

if build build-test 'build with gcc, warnings are errors' --native-file "$root/tests/dev.ini"; then
    suites='unit rules truth e2e fault survive install'
    [ "$is_long" = no ] || suites="$suites long"
    # shellcheck disable=SC2046 # one option a suite
    run build-test $(printf -- '--suite %s ' $suites)
fi

# A sanitizer ends a test where it finds something, so that the exit status shows it.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1
if build build-asan 'build with AddressSanitizer' -Db_sanitize=address,undefined -Dbuildtype=debugoptimized; then
    run build-asan --suite unit
    # Tool and recorder under the sanitizer, too (never the shim, which runs inside other programs). The recorder
    # has no terminal, so reports go to files.
    rm -f "$root"/build-asan/sanitizer.*
    ASAN_OPTIONS=$ASAN_OPTIONS:log_path=$root/build-asan/sanitizer
    # shellcheck disable=SC2086 # one argument a test
    run build-asan $sanitized_tests
    if cat "$root"/build-asan/sanitizer.* 2>/dev/null; then
        count fail 'build-asan: the sanitizer found something'
    else
        count pass 'build-asan: the sanitizer found nothing'
    fi
    ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
fi
if build build-tsan 'build with ThreadSanitizer' -Db_sanitize=thread -Dbuildtype=debugoptimized; then
    run build-tsan --suite unit
fi
if CC=clang CXX=clang++ build build-clang 'build with clang, warnings are errors' --native-file "$root/tests/dev.ini"; then
    run build-clang --suite unit --suite rules
fi
if [ "$is_long" = yes ]; then
    # Only the fuzzers and what they call: the shim cannot be compiled so.
    say '== build-fuzz'
    if CC=clang CXX=clang++ configure "$root/build-fuzz" -Db_sanitize=address,undefined -Db_lundef=false \
        -Dbuildtype=debugoptimized -Dc_args=-fsanitize=fuzzer-no-link >"$scratch/build-fuzz.log" 2>&1 &&
        ninja -C "$root/build-fuzz" fuzzers tests/fuzz/corpus >>"$scratch/build-fuzz.log" 2>&1; then
        run build-fuzz --no-rebuild --suite fuzz
    else
        tail -n 40 "$scratch/build-fuzz.log"
        count fail 'build of the fuzzers'
    fi
fi

# Another processor: the shim emulated like the programs, tool and recorder native.
say "== build for aarch64"
"$root/tools/cross.sh" aarch64 >"$scratch/cross.log" 2>&1
case $? in
0)
    count pass 'build for aarch64'
    # shellcheck disable=SC2046 # one argument a test
    run build-aarch64 $(emulated_units)
    run_emulated
    [ "$is_long" = no ] || run_booted
    ;;
77)
    tail -n 1 "$scratch/cross.log"
    count skip 'build for aarch64'
    ;;
*)
    tail -n 60 "$scratch/cross.log"
    count fail 'build for aarch64'
    ;;
esac

say "== build for glibc 2.31"
run_old_libc

# The first thing that a newcomer does: record a program and read the report.
say "== quickstart"
if "$root/tools/quickstart.sh" perl -e 'my %h = map { $_ => "x" x $_ } 1 .. 300; print scalar(keys %h), "\n"' \
    >"$root/build-test/quickstart.log" 2>&1 &&
    grep -q '^300$' "$root/build-test/quickstart.log" && grep -q '^Totals' "$root/build-test/quickstart.log"; then
    count pass 'quickstart'
else
    tail -n 40 "$root/build-test/quickstart.log"
    count fail 'quickstart'
fi

failed=$(grep -c '^fail' "$counts")
skipped=$(grep -c '^skip' "$counts")
passed=$(grep -c '^pass' "$counts")
cat "$failures"
say ''
sed -n 's/^fail /failed: /p; s/^skip /skipped: /p' "$counts"
if [ "$skipped" -gt 0 ]; then
    say "$passed passed, $failed failed, $skipped skipped"
else
    say "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
