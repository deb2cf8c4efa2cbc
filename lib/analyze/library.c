/* SPDX-License-Identifier: MIT */
/* Functions of the C library whose blocks are part of what they hand out, or are the library's own. The pass
 * marks the sites that reached the heap through them: a program can only use less of these, so advice about
 * their blocks is useless. Functions that return a block of their own (strdup, asprintf, getline, realpath)
 * are not here. */
#include "pass.h"

#include <string.h>

/* Names between blanks: a line for each would fill pages. */
static const char library_objects[] =
    "__cxa_atexit __tls_get_addr aio_read aio_write atexit backtrace backtrace_symbols bindtextdomain "
    "dcgettext dlerror dlopen dlsym duplocale exit fdopen fdopendir fgetc fgets fmemopen fopen fopen64 "
    "fopencookie fork fprintf fputs fread freopen fts_open ftw fwrite getaddrinfo getc getchar getgrgid "
    "getgrnam getgrouplist gethostbyname getnameinfo getpwnam getpwuid getservbyname gettext glob "
    "iconv_open initgroups localtime localtime_r mktime newlocale nftw on_exit opendir openlog popen "
    "printf pthread_create putchar putenv puts qsort qsort_r regcomp regexec res_init scandir sem_open "
    "setenv setlocale setvbuf std::locale stdio buffer strftime syslog textdomain throw timer_create "
    "tmpfile tzset ungetc unsetenv vfprintf";

bool tn_is_library_object(const char *via)
{
    size_t length = via != NULL ? strlen(via) : 0;
    for (const char *at = library_objects; length != 0 && (at = strstr(at, via)) != NULL; at += length) {
        bool begins = at == library_objects || at[-1] == ' ';
        if (begins && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}
