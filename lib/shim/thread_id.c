/* SPDX-License-Identifier: MIT */

/* libc keeps each thread's id and has no function that tells it. But a mutex that checks for errors notes its
 * owner, so one is locked that nobody else knows, and read. Not unlocked: it ends with its function. Called
 * by start.c and shim_thread.c. */

#include "thread_id.h"

#include "sys.h"

#include <pthread.h>
#include <stdbool.h>

#include "banned.h"

static bool is_known; /* libc has been compared with the kernel, and agreed */

static uint32_t ask_libc(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&mutex, &attributes);
    pthread_mutex_trylock(&mutex);
#ifdef __GLIBC__
    return (uint32_t)mutex.__data.__owner;
#else
    return ((const uint32_t *)&mutex)[1] & UINT32_C(0x3fffffff); /* musl: _m_lock */
#endif
}

void tn_thread_id_prepare(void)
{
    is_known = ask_libc() == (uint32_t)tn_sys0(SYS_gettid);
}

uint32_t tn_thread_id(void)
{
    return is_known ? ask_libc() : (uint32_t)tn_sys0(SYS_gettid);
}
