/* SPDX-License-Identifier: MIT */
/* Included last in the shim's sources: names that must not be used inside somebody else's process. They
 * allocate, take locks that the program may hold, or write where it would be seen. (No include guard: it only
 * forbids.) */

#pragma GCC poison malloc calloc realloc free strdup asprintf
#pragma GCC poison printf fprintf snprintf sprintf puts perror fopen fwrite getline
#pragma GCC poison pthread_mutex_lock pthread_mutex_unlock pthread_create pthread_once sem_wait
#pragma GCC poison abort assert exit atexit fork vfork system popen strerror
