/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static char folder[] = "/tmp/test_program.XXXXXX";
static const char *dynamic_program, *static_program;
static struct tn_program_abi abi;

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || tn_program_read_abi(dynamic_program, &abi, NULL) < 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    return system(command);
}

/* A file in the folder; returns its path, valid until the next but three calls. */
static const char *make_file(const char *name, const void *data, size_t size_bytes, mode_t mode)
{
    static char paths[4][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size_bytes), size_bytes);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static const char *make_script(const char *name, const char *text)
{
    return make_file(name, text, strlen(text), 0755);
}

/* A copy of the dynamic program with one byte changed; cut after size_bytes. */
static const char *make_variant(const char *name, size_t offset, unsigned char byte, size_t size_bytes)
{
    static unsigned char image[64 * 1024];
    int fd = open(dynamic_program, O_RDONLY);
    ssize_t n = read(fd, image, sizeof(image));
    close(fd);
    assert_true(n > 0);
    image[offset] = byte;
    return make_file(name, image, size_bytes < (size_t)n ? size_bytes : (size_t)n, 0755);
}

static void assert_check(const char *path, int result, const char *words)
{
    struct tn_error error = {0};
    assert_int_equal(tn_program_check(path, &abi, &error), result);
    if (words != NULL && strstr(error.text, words) == NULL)
        fail_msg("'%s' does not say '%s'", error.text, words);
    assert_null(strchr(error.text, '\n'));
}

static void names_are_looked_up_as_a_shell_does(void **state)
{
    (void)state;
    char path[PATH_MAX], search[PATH_MAX * 2], expected[PATH_MAX];
    struct tn_error error;
    make_script("tool", "#!/bin/sh\n");
    make_file("data", "x", 1, 0644);
    snprintf(search, sizeof(search), "/nonexistent:%s:/bin", folder);
    snprintf(expected, sizeof(expected), "%s/tool", folder);
    assert_int_equal(tn_program_find("tool", search, path, sizeof(path), &error), 0);
    assert_string_equal(path, expected);
    assert_int_equal(tn_program_find(expected, "", path, sizeof(path), &error), 0);
    assert_int_equal(tn_program_find("sh", search, path, sizeof(path), &error), 0);
    assert_string_equal(path, "/bin/sh");
    assert_int_equal(tn_program_find("data", search, path, sizeof(path), &error), -EACCES);
    assert_int_equal(tn_program_find("no-such-tool", search, path, sizeof(path), &error), -ENOENT);
    assert_int_equal(tn_program_find("./no-such-tool", search, path, sizeof(path), &error), -ENOENT);
    assert_int_equal(tn_program_find(folder, search, path, sizeof(path), &error), -EACCES);
    assert_int_equal(tn_program_find("", search, path, sizeof(path), &error), -ENOENT);
}

static void dynamic_programs_and_their_scripts_are_fine(void **state)
{
    (void)state;
    char text[PATH_MAX + 32];
    assert_check(dynamic_program, 0, NULL);
    snprintf(text, sizeof(text), "#! %s -x\n", dynamic_program);
    const char *script = make_script("script", text);
    assert_check(script, 0, NULL);
    snprintf(text, sizeof(text), "#!%s", script);
    assert_check(make_script("outer", text), 0, NULL);
}

static void static_programs_are_refused(void **state)
{
    (void)state;
    char text[PATH_MAX + 32];
    assert_check(static_program, -ENOTSUP, "statically linked");
    snprintf(text, sizeof(text), "#!%s\n", static_program);
    assert_check(make_script("static-script", text), -ENOTSUP, "statically linked");
}

static void other_machines_are_refused(void **state)
{
    (void)state;
    assert_check(
        make_variant("class", EI_CLASS, abi.elf_class == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64, SIZE_MAX),
        -ENOTSUP, "is a ");
    assert_check(make_variant("machine", offsetof(Elf64_Ehdr, e_machine), EM_S390, SIZE_MAX), -ENOTSUP,
                 "machine 22 program");
}

static void another_c_library_is_refused(void **state)
{
    (void)state;
    struct tn_program_abi other = abi;
    struct tn_error error;
    strcpy(other.interpreter, "/lib/ld-other.so.1");
    assert_int_equal(tn_program_check(dynamic_program, &other, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "another C library"));
}

static void what_is_no_program_cannot_be_run(void **state)
{
    (void)state;
    assert_check(make_script("text", "hello\n"), -ENOEXEC, "neither an ELF program nor a script");
    assert_check(make_script("empty", ""), -ENOEXEC, "neither");
    assert_check(make_variant("type", offsetof(Elf64_Ehdr, e_type), ET_REL, SIZE_MAX), -ENOEXEC, "damaged");
    assert_check(make_variant("cut", 0, 0x7f, 40), -ENOEXEC, "damaged");
    assert_check(make_variant("cut-later", 0, 0x7f, 80), -ENOEXEC, "damaged");
    assert_check(make_script("lost", "#!/no/such/interpreter\n"), -ENOENT, "/no/such/interpreter");
}

static void scripts_do_not_go_round(void **state)
{
    (void)state;
    char text[PATH_MAX + 32];
    snprintf(text, sizeof(text), "#!%s/round\n", folder);
    assert_check(make_script("round", text), -ELOOP, "too deep");
}

static void changed_rights_are_refused(void **state)
{
    (void)state;
    const char *path = make_variant("rights", 0, 0x7f, SIZE_MAX);
    struct statvfs system;
    assert_int_equal(statvfs(path, &system), 0);
    if ((system.f_flag & ST_NOSUID) != 0)
        skip();
    assert_int_equal(chmod(path, 04755), 0);
    assert_check(path, -ENOTSUP, "setuid");
    assert_int_equal(chmod(path, 02755), 0);
    assert_check(path, -ENOTSUP, "setgid");
    /* Without the group's x, the bit means another thing. */
    assert_int_equal(chmod(path, 02745), 0);
    assert_check(path, 0, NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_looked_up_as_a_shell_does),
        cmocka_unit_test(dynamic_programs_and_their_scripts_are_fine),
        cmocka_unit_test(static_programs_are_refused),
        cmocka_unit_test(other_machines_are_refused),
        cmocka_unit_test(another_c_library_is_refused),
        cmocka_unit_test(what_is_no_program_cannot_be_run),
        cmocka_unit_test(scripts_do_not_go_round),
        cmocka_unit_test(changed_rights_are_refused),
    };
    if (argc != 3)
        return 2;
    dynamic_program = argv[1];
    static_program = argv[2];
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
