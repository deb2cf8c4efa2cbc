/* SPDX-License-Identifier: MIT */
/* Checks a program before it is recorded: what the kernel and the dynamic loader would do with it, read
 * from its ELF header or from the first line of a script. Called by cmd_record.c. */
#include "program.h"

#include "program_needs.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Bytes of a script's first line that the kernel reads (BINPRM_BUF_SIZE), and how deep scripts may be
 * nested. */
#define SCRIPT_LINE_BYTES 256
#define SCRIPT_DEPTH_MAX  4
#define DEFAULT_PATH      "/bin:/usr/bin"

/* Whether a path may be executed. Returns 0; -EISDIR, -EACCES, -ENOENT... if not. */
static int probe(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return -errno;
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    if (!S_ISREG(status.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
        return -EACCES;
    return 0;
}

static int complain_probe(struct tn_error *error, const char *name, int code)
{
    switch (code) {
    case -ENOENT:
        return tn_error_set(error, -ENOENT, "cannot run '%s': no such file", name);
    case -EISDIR:
        return tn_error_set(error, -EACCES, "cannot run '%s': it is a directory", name);
    case -EACCES:
        return tn_error_set(error, -EACCES,
                            "cannot run '%s': it is not executable; 'chmod +x' it if it is a program", name);
    default:
        return tn_error_set(error, code == -ENOTDIR ? -ENOENT : -EACCES, "cannot run '%s': %s", name,
                            strerror(-code));
    }
}

static int find_by_path(const char *name, char *ret_path, size_t path_bytes, struct tn_error *error)
{
    int r = probe(name);
    if (r < 0)
        return complain_probe(error, name, r);
    if ((size_t)snprintf(ret_path, path_bytes, "%s", name) >= path_bytes)
        return tn_error_set(error, -ENAMETOOLONG, "cannot run '%s': its path is too long", name);
    return 0;
}

int tn_program_find(const char *name, const char *search_path, char *ret_path, size_t path_bytes,
                    struct tn_error *error)
{
    if (strchr(name, '/') != NULL)
        return find_by_path(name, ret_path, path_bytes, error);
    int worst = -ENOENT;
    const char *folder = search_path != NULL ? search_path : DEFAULT_PATH;
    while (*name != '\0') {
        int length = (int)strcspn(folder, ":");
        /* An empty entry of PATH is the working directory. */
        int n = length == 0 ? snprintf(ret_path, path_bytes, "./%s", name)
                            : snprintf(ret_path, path_bytes, "%.*s/%s", length, folder, name);
        int r = (size_t)n < path_bytes ? probe(ret_path) : -ENAMETOOLONG;
        if (r == 0)
            return 0;
        if (r == -EACCES)
            worst = r;
        if (folder[length] == '\0')
            break;
        folder += length + 1;
    }
    if (worst == -EACCES)
        return complain_probe(error, name, worst);
    return tn_error_set(error, -ENOENT, "cannot run '%s': not found in PATH; give its path, as in './%s'",
                        name, name);
}

/* Read exactly size_bytes at offset. Returns 0; -ENOEXEC: the file is shorter; or another negative errno. */
static int read_at(int fd, void *data, size_t size_bytes, uint64_t offset)
{
    ssize_t n = pread(fd, data, size_bytes, (off_t)offset);
    if (n < 0)
        return -errno;
    return (size_t)n == size_bytes ? 0 : -ENOEXEC;
}

/* Read the path in PT_INTERP; "": there is none. header is of the class that this tool is built for. */
static int read_interpreter(int fd, const ElfW(Ehdr) * header, char *ret_path, size_t path_bytes)
{
    ret_path[0] = '\0';
    for (unsigned i = 0; i < header->e_phnum; i++) {
        ElfW(Phdr) segment;
        int r = read_at(fd, &segment, sizeof(segment), header->e_phoff + (uint64_t)i * header->e_phentsize);
        if (r < 0)
            return r;
        if (segment.p_type != PT_INTERP)
            continue;
        if (segment.p_filesz == 0 || segment.p_filesz > path_bytes)
            return -ENOEXEC;
        r = read_at(fd, ret_path, segment.p_filesz, segment.p_offset);
        if (r < 0 || ret_path[segment.p_filesz - 1] != '\0')
            return -ENOEXEC;
        return 0;
    }
    return 0;
}

/* Read the ABI of an ELF file. Of another class than the tool's, only class, data and machine are read
 * (their offsets are the same in both classes), and the interpreter is "". */
static int read_abi(int fd, struct tn_program_abi *ret_abi)
{
    ElfW(Ehdr) header;
    memset(&header, 0, sizeof(header));
    ssize_t n = pread(fd, &header, sizeof(header), 0);
    if (n < 0)
        return -errno;
    if ((size_t)n < sizeof(Elf32_Ehdr) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return -ENOEXEC;
    struct tn_program_abi abi = {
        .elf_class = header.e_ident[EI_CLASS],
        .elf_data = header.e_ident[EI_DATA],
        .machine = header.e_machine,
    };
    if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
        return -ENOEXEC;
    bool is_native = abi.elf_class == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32);
    if (is_native) {
        int r = (size_t)n == sizeof(header)
                    ? read_interpreter(fd, &header, abi.interpreter, sizeof(abi.interpreter))
                    : -ENOEXEC;
        if (r < 0)
            return r;
    }
    *ret_abi = abi;
    return 0;
}

int tn_program_read_abi(const char *path, struct tn_program_abi *ret_abi, struct tn_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tn_error_set(error, -errno, "cannot read '%s': %s", path, strerror(errno));
    struct tn_program_abi abi;
    int r = read_abi(fd, &abi);
    close(fd);
    if (r == 0 && abi.interpreter[0] == '\0')
        r = -ENOEXEC;
    if (r < 0)
        return tn_error_set(error, r, "cannot read '%s': it is no ELF program with a dynamic loader", path);
    *ret_abi = abi;
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Refuse a program whose rights change when it is executed, because the loader ignores LD_PRELOAD then.
 * Whether they really change depends on who executes it; the answer here is the same for everybody. On a
 * file system mounted nosuid nothing changes. */
static int check_rights(const char *path, int fd, struct tn_error *error)
{
    struct stat status;
    struct statvfs system;
    if (fstat(fd, &status) < 0 || fstatvfs(fd, &system) < 0 || (system.f_flag & ST_NOSUID) != 0)
        return 0;
    const char *what = NULL;
    bool is_group_executable = (status.st_mode & S_IXGRP) != 0;
    if ((status.st_mode & S_ISUID) != 0)
        what = "setuid";
    else if ((status.st_mode & S_ISGID) != 0 && is_group_executable)
        what = "setgid";
    else if (fgetxattr(fd, "security.capability", NULL, 0) > 0)
        what = "given capabilities of its own";
    if (what == NULL)
        return 0;
    return tn_error_set(
        error, -ENOTSUP,
        "cannot record '%s': it is %s, and the loader ignores LD_PRELOAD when a program's rights "
        "change; record a copy of it without them",
        path, what);
}

static const char *machine_name(const struct tn_program_abi *abi, char text[32])
{
    static const struct {
        unsigned short machine;
        unsigned char elf_class;
        const char *name;
    } names[] = {
        {EM_X86_64, ELFCLASS64, "64-bit x86"}, {EM_X86_64, ELFCLASS32, "x32"},
        {EM_386, ELFCLASS32, "32-bit x86"},    {EM_AARCH64, ELFCLASS64, "64-bit Arm"},
        {EM_ARM, ELFCLASS32, "32-bit Arm"},    {EM_RISCV, ELFCLASS64, "64-bit RISC-V"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].machine == abi->machine && names[i].elf_class == abi->elf_class)
            return names[i].name;
    snprintf(text, 32, "%s, machine %u", abi->elf_class == ELFCLASS64 ? "64-bit" : "32-bit",
             (unsigned)abi->machine);
    return text;
}

/* Their runtimes insist on being the first to see a call of malloc, and end the program if they are not. */
static int check_sanitizer(const char *path, int fd, struct tn_error *error)
{
    static const char *const names[][2] = {
        {"libasan.so", "AddressSanitizer"},
        {"libhwasan.so", "HWAddressSanitizer"},
        {"libtsan.so", "ThreadSanitizer"},
        {"liblsan.so", "LeakSanitizer"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (tn_program_needs(fd, names[i][0]))
            return tn_error_set(
                error, -ENOTSUP,
                "cannot record '%s': it is built with %s, which watches allocations itself; build it "
                "without -fsanitize to record it",
                path, names[i][1]);
    return 0;
}

static int check_elf(const char *path, int fd, const struct tn_program_abi *abi, struct tn_error *error)
{
    struct tn_program_abi its;
    int r = read_abi(fd, &its);
    if (r < 0)
        return tn_error_set(error, -ENOEXEC, "cannot run '%s': it is a damaged ELF file", path);
    if (its.elf_class != abi->elf_class || its.elf_data != abi->elf_data || its.machine != abi->machine) {
        char its_text[32], our_text[32];
        return tn_error_set(error, -ENOTSUP,
                            "cannot record '%s': it is a %s program, and this tenure records %s programs; "
                            "build tenure for that architecture",
                            path, machine_name(&its, its_text), machine_name(abi, our_text));
    }
    /* The loader itself, which is given a program to load, is no static program. */
    if (its.interpreter[0] == '\0' && strcmp(base_name(path), base_name(abi->interpreter)) == 0)
        return 0;
    if (its.interpreter[0] == '\0')
        return tn_error_set(error, -ENOTSUP,
                            "cannot record '%s': it is statically linked, so nothing can be preloaded into "
                            "it; link it dynamically to record it",
                            path);
    if (access(its.interpreter, F_OK) < 0)
        return tn_error_set(error, -ENOENT, "cannot run '%s': its loader '%s' is not on this machine", path,
                            its.interpreter);
    if (strcmp(base_name(its.interpreter), base_name(abi->interpreter)) != 0)
        return tn_error_set(error, -ENOTSUP,
                            "cannot record '%s': it uses another C library (loader '%s') than this tenure "
                            "(loader '%s'); build tenure with that library",
                            path, its.interpreter, abi->interpreter);
    return check_sanitizer(path, fd, error);
}

/* The interpreter in a script's first line, which is cut; NULL: it is no script. */
static char *script_interpreter(char *line)
{
    if (line[0] != '#' || line[1] != '!')
        return NULL;
    char *start = line + 2 + strspn(line + 2, " \t");
    start[strcspn(start, " \t\r\n")] = '\0';
    return *start != '\0' ? start : NULL;
}

/* Check one file of a chain of scripts. Returns 1: it is a script, its interpreter is in ret_next; 0: it
 * is a program that can be recorded; negative errno. */
static int check_file(const char *path, const struct tn_program_abi *abi, char ret_next[SCRIPT_LINE_BYTES],
                      struct tn_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tn_error_set(error, errno == ENOENT ? -ENOENT : -ENOTSUP,
                            "cannot record '%s': it cannot be read, so its names would be missing: %s; give "
                            "yourself the right to read it",
                            path, strerror(errno));
    char line[SCRIPT_LINE_BYTES] = {0};
    ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
    const char *next = n > 0 ? script_interpreter(line) : NULL;
    int r = 0;
    if (next != NULL) {
        memmove(ret_next, next, strlen(next) + 1);
        r = 1;
    } else if (n >= SELFMAG && memcmp(line, ELFMAG, SELFMAG) == 0) {
        r = check_rights(path, fd, error);
        if (r == 0)
            r = check_elf(path, fd, abi, error);
    } else {
        r = tn_error_set(error, -ENOEXEC,
                         "cannot run '%s': it is neither an ELF program nor a script that begins with #!; "
                         "run a shell script as 'sh %s'",
                         path, path);
    }
    close(fd);
    return r;
}

int tn_program_check(const char *path, const struct tn_program_abi *abi, struct tn_error *error)
{
    char current[SCRIPT_LINE_BYTES];
    int r = check_file(path, abi, current, error);
    for (unsigned depth = 0; r == 1; depth++) {
        if (depth == SCRIPT_DEPTH_MAX)
            return tn_error_set(error, -ELOOP,
                                "cannot run '%s': scripts that name scripts as interpreters, too deep", path);
        int found = probe(current);
        if (found < 0)
            return tn_error_set(error, found == -ENOENT ? -ENOENT : -EACCES,
                                "cannot run '%s': its interpreter '%s' cannot be executed: %s", path, current,
                                strerror(-found));
        char next[SCRIPT_LINE_BYTES];
        r = check_file(current, abi, next, error);
        if (r == 1)
            memcpy(current, next, sizeof(current));
    }
    return r;
}
