/* SPDX-License-Identifier: MIT */
/* Starts children that share its memory until they execute an image.
 *
 * usage: spawner WAYS [IMAGE]     one letter a step:
 *          s  posix_spawn          n  the same, without asking for the PID      e  posix_spawnp
 *          y  system               p  popen and pclose                          q  popen only
 *          v  vfork and execv      w  vfork and execvp along a PATH that has it last
 *          r  posix_spawn of this program, without further steps
 *          u  from here on LD_PRELOAD is not set, so that no image can be recorded
 *        children that execute nothing:
 *          f  posix_spawn of a file that is missing      x  vfork and execs that fail
 *          k  vfork, killed before its exec              c  system under an ignored SIGCHLD, of a missing command
 *
 * Makes a block of 41 bytes last. */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char *path;    /* IMAGE */
static char *list[2]; /* its arguments */
static const char *myself;

static void reap(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0 && pid > 0)
        ;
}

static void spawn(char way)
{
    pid_t pid = -1;
    char *alone[] = {(char *)(size_t)myself, (char[]){"-"}, NULL};
    int error = 0;
    if (way == 's' || way == 'n')
        error = posix_spawn(way == 's' ? &pid : NULL, path, NULL, NULL, list, environ);
    else if (way == 'e')
        error = posix_spawnp(&pid, path, NULL, NULL, list, environ);
    else if (way == 'r')
        error = posix_spawn(&pid, myself, NULL, NULL, alone, environ);
    else if (posix_spawn(&pid, "/nothing", NULL, NULL, list, environ) == 0)
        exit(3);
    if (error != 0)
        exit(4);
    if (way != 'f')
        reap(pid);
}

static void execute(char way)
{
    pid_t pid = vfork();
    if (pid == 0) {
        if (way == 'v')
            execv(path, list);
        if (way == 'w')
            execvp(strrchr(path, '/') + 1, list);
        if (way == 'x') {
            execv("/nothing", list);
            execvp("no-thing", list);
            execl("/nothing", "nothing", (char *)0);
        }
        if (way == 'k')
            kill(getpid(), SIGKILL);
        _exit(9);
    }
    reap(pid);
}

static void command(char way)
{
    if (way == 'c')
        signal(SIGCHLD, SIG_IGN);
    if (way == 'y' || way == 'c')
        (void)!system(way == 'y' ? path : "no-such-command 2>/dev/null");
    if (way == 'c')
        signal(SIGCHLD, SIG_DFL);
    FILE *stream = way == 'p' || way == 'q' ? popen(path, "r") : NULL;
    if (way == 'p' && stream != NULL)
        pclose(stream);
}

int main(int argc, char **argv)
{
    myself = argv[0];
    path = argc > 2 ? argv[2] : argv[0];
    list[0] = path;
    for (const char *way = argc > 1 ? argv[1] : ""; *way != '\0'; way++) {
        if (*way == 'u')
            unsetenv("LD_PRELOAD");
        else if (strchr("snefr", *way) != NULL)
            spawn(*way);
        else if (strchr("vxkw", *way) != NULL)
            execute(*way);
        else
            command(*way);
    }
    free(malloc(41));
    return 0;
}
