/* SPDX-License-Identifier: MIT */
/* Finds the shim and the recorder next to the running tool: first in the build tree, then where they were
 * installed. Called by cmd_record.c. */
#include "install_paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder of the running executable, without a slash at its end. */
static int own_folder(char *ret_folder, size_t folder_bytes)
{
    ssize_t n = readlink("/proc/self/exe", ret_folder, folder_bytes - 1);
    if (n < 0)
        return -errno;
    ret_folder[n] = '\0';
    char *slash = strrchr(ret_folder, '/');
    if (slash == NULL)
        return -ENOENT;
    *slash = '\0';
    return 0;
}

/* The first of the candidates, relative to folder, that can be accessed so, as an absolute path. */
static int find_file(const char *folder, const char *const candidates[2], int mode, char ret_path[PATH_MAX])
{
    for (unsigned i = 0; i < 2; i++) {
        char path[PATH_MAX];
        int n = snprintf(path, sizeof(path), "%s/%s", folder, candidates[i]);
        if (n < 0 || (size_t)n >= sizeof(path) || access(path, mode) < 0)
            continue;
        return realpath(path, ret_path) != NULL ? 0 : -errno;
    }
    return -ENOENT;
}

/* LD_PRELOAD takes both for the end of a name. */
static int check_preloadable(const char *path, struct tn_error *error)
{
    if (path[strcspn(path, " \t:")] == '\0')
        return 0;
    return tn_error_set(error, -EINVAL,
                        "cannot record: '%s' has a space or a colon in its path, which LD_PRELOAD cannot "
                        "hold; move tenure to another folder",
                        path);
}

static const struct {
    const char *name, *purpose;
    const char *paths[2];
} libraries[] = {
    [TN_LIBRARY_INJECT] = {"libtenure_inject.so",
                           "make allocations fail",
                           {"../lib/inject/libtenure_inject.so", TN_INJECT_FROM_TOOL}},
    [TN_LIBRARY_TRIAL] = {"libtenure_trial.so",
                          "try a plan",
                          {"../lib/trial/libtenure_trial.so", TN_TRIAL_FROM_TOOL}},
};

int tn_install_paths_find_library(enum tn_library library, char ret_path[PATH_MAX], struct tn_error *error)
{
    char folder[PATH_MAX];
    const char *const *paths = libraries[library].paths;
    int r = own_folder(folder, sizeof(folder));
    if (r < 0)
        return tn_error_set(error, r, "cannot find the parts of tenure: /proc/self/exe: %s", strerror(-r));
    if (find_file(folder, paths, R_OK, ret_path) < 0)
        return tn_error_set(error, -ENOENT,
                            "cannot %s: %s is missing: it is neither in '%s/%s' nor in '%s/%s'; build or "
                            "install tenure again",
                            libraries[library].purpose, libraries[library].name, folder, paths[0], folder,
                            paths[1]);
    return check_preloadable(ret_path, error);
}

int tn_install_paths_find(struct tn_install_paths *ret_paths, struct tn_error *error)
{
    static const char *const shims[2] = {"../lib/shim/libtenure.so", TN_SHIM_FROM_TOOL};
    static const char *const recorders[2] = {"tenure-recorder", TN_RECORDER_FROM_TOOL};
    char folder[PATH_MAX];
    int r = own_folder(folder, sizeof(folder));
    if (r < 0)
        return tn_error_set(error, r, "cannot find the parts of tenure: /proc/self/exe: %s", strerror(-r));
    if (find_file(folder, shims, R_OK, ret_paths->shim) < 0)
        return tn_error_set(
            error, -ENOENT,
            "cannot record: libtenure.so is missing: it is neither in '%s/%s' nor in '%s/%s'; "
            "build or install tenure again",
            folder, shims[0], folder, shims[1]);
    r = check_preloadable(ret_paths->shim, error);
    if (r < 0)
        return r;
    const char *recorder = getenv("TENURE_RECORDER");
    if (recorder != NULL && recorder[0] != '\0') {
        if (access(recorder, X_OK) < 0 || realpath(recorder, ret_paths->recorder) == NULL)
            return tn_error_set(error, -errno, "cannot record: TENURE_RECORDER names '%s': %s", recorder,
                                strerror(errno));
        return 0;
    }
    if (find_file(folder, recorders, X_OK, ret_paths->recorder) < 0)
        return tn_error_set(
            error, -ENOENT,
            "cannot record: the recorder is missing: it is neither '%s/%s' nor '%s/%s'; build "
            "or install tenure again",
            folder, recorders[0], folder, recorders[1]);
    return 0;
}
