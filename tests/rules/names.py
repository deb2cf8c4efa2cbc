# SPDX-License-Identifier: MIT
"""One name, one thing: no struct, union or enum tag is defined twice, no two .c and no two .h files have the same
base name, and no header of ours is called like one of the system."""

import collections
import re

from tree import finish, relative, sources, without_comments

TAG = re.compile(r"\b(?:struct|union|enum)\s+(\w+)\s*\{")
# Headers of ISO C, POSIX and the C library: with -I on their folder, one of ours would be found instead.
SYSTEM = set("""
    aio alloca ar argp argz assert byteswap complex cpio crypt ctype dirent dlfcn elf endian envz err errno error execinfo
    fcntl features fenv float fmtmsg fnmatch fstab fts ftw gconv getopt glob grp gshadow iconv ifaddrs inttypes iso646
    langinfo lastlog libgen libintl limits link locale malloc math mcheck memory mntent monetary mqueue netdb nss obstack
    paths poll printf proc_service pthread pty pwd regex regexp resolv sched search semaphore setjmp sgtty shadow signal
    spawn stab stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings stropts syscall
    sysexits syslog tar termio termios tgmath thread_db threads time uchar ucontext ulimit unistd utime utmp utmpx values
    wait wchar wctype wordexp""".split())


def repeated(pairs):
    """(name, where) pairs -> a line for each name that stands in more than one place."""
    where = collections.defaultdict(list)
    for name, place in pairs:
        where[name].append(place)
    return [f"{name} stands in {', '.join(places)}" for name, places in sorted(where.items()) if len(places) > 1]


def tags(text):
    return TAG.findall(without_comments(text))


def check_itself():
    assert tags("struct a {\n/* struct b { */\nenum c { X };\nstruct d *e;\nunion f\n{") == ["a", "c", "f"]
    assert repeated([("a", "1"), ("b", "1"), ("a", "2")]) == ["a stands in 1, 2"]


def main():
    check_itself()
    files = sources("include", "lib", "tools")
    broken = repeated((f"the tag {tag}", relative(path)) for path in files for tag in tags(path.read_text()))
    broken += repeated((f"the name {path.name}", relative(path)) for path in files)
    # tenure/log.h is no <log.h>; what is beside its .c files is found by its bare name.
    broken += [f"{relative(path)}: the system has a header of this name" for path in sources("lib", "tools", suffixes=(".h",))
               if path.stem in SYSTEM]
    finish(broken, len(files), "files")


main()
