// SPDX-License-Identifier: MIT
// Linked into the audited dropbear (with the linker's --wrap=getpwnam), so that nobody's real home folder
// takes part: the user's home is the one that TENURE_AUDIT_HOME names, and the shell is plain sh.
#include <pwd.h>
#include <stdlib.h>

struct passwd *__real_getpwnam(const char *name);
struct passwd *__wrap_getpwnam(const char *name);

struct passwd *__wrap_getpwnam(const char *name)
{
    struct passwd *user = __real_getpwnam(name);
    char *home = getenv("TENURE_AUDIT_HOME");
    if (!user || !home)
        return user;
    user->pw_dir = home;
    user->pw_shell = "/bin/sh";
    return user;
}
