/* SPDX-License-Identifier: MIT */
/* A server at a socket in the file system, and its client: serve PATH, ask PATH, stop PATH. The server has a
 * block for each client, which it can do without, and one that is made for the first client and that no later
 * one is served without. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static volatile sig_atomic_t is_over;

static void end(int number)
{
    is_over = number;
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    return address;
}

/* The answer, made once; a failure is never forgotten. */
static const char *find_answer(void)
{
    static char *answer;
    static bool is_tried;
    if (!is_tried) {
        is_tried = true;
        answer = malloc(64); /* @kept */
        if (answer != NULL)
            strcpy(answer, "an answer\n");
    }
    return answer;
}

/* Whether the client wants the server to go on. */
static bool serve_client(int client)
{
    char *request = malloc(100); /* @per_client */
    ssize_t n = request != NULL ? read(client, request, 100) : 0;
    const char *answer = n > 0 ? find_answer() : NULL;
    bool goes_on = n <= 0 || request[0] != 's';
    if (answer != NULL && write(client, answer, strlen(answer)) < 0)
        goes_on = false;
    free(request);
    close(client);
    return goes_on;
}

static int serve(const char *path)
{
    struct sigaction action = {.sa_handler = end};
    struct sockaddr_un address = address_of(path);
    char *table = malloc(500); /* @at_start */
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (table == NULL)
        return 3;
    sigaction(SIGTERM, &action, NULL);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0)
        return 4;
    static const char said[] = "listening\n";
    if (write(STDOUT_FILENO, said, sizeof(said) - 1) < 0)
        return 4;
    bool goes_on = true;
    while (goes_on && !is_over) {
        int client = accept(fd, NULL, NULL);
        if (client >= 0)
            goes_on = serve_client(client);
    }
    free(table);
    unlink(path);
    return 0;
}

static int ask(const char *path, const char *request)
{
    struct sockaddr_un address = address_of(path);
    char text[100];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return 5;
    if (write(fd, request, strlen(request)) < 0)
        return 6;
    ssize_t n = read(fd, text, sizeof(text));
    if (n > 0 && write(STDOUT_FILENO, text, (size_t)n) < 0)
        return 7;
    return 0;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "serve") == 0)
        return serve(argv[2]);
    return ask(argv[2], argv[1]);
}
