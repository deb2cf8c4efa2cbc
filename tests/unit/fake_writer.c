/* SPDX-License-Identifier: MIT */
#include "fake_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tn_log_writer *fake_writer_of(struct fake_writer *fake)
{
    return (struct tn_log_writer *)fake;
}

static struct fake_writer *fake_of(struct tn_log_writer *writer)
{
    return (struct fake_writer *)writer;
}

static void keep(struct fake_writer *fake, struct fake_event event)
{
    if (event.time_ns < fake->last_ns)
        fake->is_broken = true;
    fake->last_ns = event.time_ns;
    if (!fake->keeps_events)
        return;
    if (fake->count == fake->capacity) {
        fake->capacity = fake->capacity != 0 ? fake->capacity * 2 : 64;
        fake->events = realloc(fake->events, fake->capacity * sizeof(fake->events[0]));
    }
    fake->events[fake->count++] = event;
}

int tn_log_add_birth(struct tn_log_writer *writer, const struct tn_birth *birth, uint64_t *ret_id)
{
    struct fake_writer *fake = fake_of(writer);
    uint64_t id = ++fake->births;
    if (id >= fake->id_capacity) {
        size_t capacity = fake->id_capacity != 0 ? fake->id_capacity * 2 : 1024;
        fake->is_dead = realloc(fake->is_dead, capacity);
        memset(fake->is_dead + fake->id_capacity, 0, capacity - fake->id_capacity);
        fake->id_capacity = capacity;
    }
    if (birth->usable_size_bytes < birth->size_bytes || birth->previous_id >= id)
        fake->is_broken = true;
    keep(fake,
         (struct fake_event){true, id, birth->time_ns, birth->address, birth->size_bytes, birth->thread_id,
                             birth->stack_id, birth->previous_id, birth->left_depth_bytes, birth->function});
    *ret_id = id;
    return 0;
}

int tn_log_add_death(struct tn_log_writer *writer, const struct tn_death *death)
{
    struct fake_writer *fake = fake_of(writer);
    uint64_t id = death->allocation_id;
    if (id == 0 || id > fake->births || fake->is_dead[id] != 0)
        fake->is_broken = true;
    else
        fake->is_dead[id] = 1;
    fake->deaths++;
    keep(fake, (struct fake_event){false, id, death->time_ns, 0, 0, death->thread_id, death->stack_id, 0,
                                   death->left_depth_bytes, death->function});
    return 0;
}

uint64_t tn_log_last_id(const struct tn_log_writer *writer)
{
    return ((const struct fake_writer *)writer)->births;
}

static void add_plain(struct tn_log_writer *writer, uint64_t process_id, const struct tn_plain_event *event)
{
    if (!event->is_birth) {
        tn_log_add_death(writer, &(struct tn_death){
                                     .process_id = process_id,
                                     .allocation_id = event->allocation_id,
                                     .thread_id = event->thread_id,
                                     .stack_id = event->stack_id,
                                     .time_ns = event->time_ns,
                                     .depth_bytes = event->depth_bytes,
                                     .function = (enum tn_function)event->function,
                                     .address = event->address,
                                     .size_class = event->size_class,
                                 });
        return;
    }
    uint64_t id;
    tn_log_add_birth(writer,
                     &(struct tn_birth){
                         .process_id = process_id,
                         .thread_id = event->thread_id,
                         .stack_id = event->stack_id,
                         .time_ns = event->time_ns,
                         .size_bytes = event->size_bytes,
                         .usable_size_bytes = (uint64_t)event->size_bytes + event->excess_bytes,
                         .address = event->address,
                         .depth_bytes = event->depth_bytes,
                         .function = (enum tn_function)event->function,
                     },
                     &id);
    if (id != event->allocation_id)
        fake_of(writer)->is_broken = true;
}

int tn_log_add_plain(struct tn_log_writer *writer, uint64_t process_id, const struct tn_plain_event *events,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        add_plain(writer, process_id, &events[i]);
    return 0;
}

int tn_log_add_failure(struct tn_log_writer *writer, uint64_t process_id, uint64_t thread_id,
                       uint64_t stack_id, enum tn_function function, uint64_t size_bytes, uint64_t time_ns)
{
    (void)process_id, (void)thread_id, (void)stack_id, (void)function, (void)size_bytes, (void)time_ns;
    fake_of(writer)->failures++;
    return 0;
}

int tn_log_add_thread(struct tn_log_writer *writer, const struct tn_log_thread *thread, uint64_t *ret_id)
{
    (void)thread;
    *ret_id = ++fake_of(writer)->threads;
    return 0;
}

int tn_log_end_thread(struct tn_log_writer *writer, uint64_t thread_id, uint64_t end_ns)
{
    (void)thread_id, (void)end_ns;
    fake_of(writer)->ended_threads++;
    return 0;
}

int tn_log_lose_events(struct tn_log_writer *writer, uint64_t thread_id, uint64_t count)
{
    (void)thread_id;
    fake_of(writer)->lost_events += count;
    return 0;
}

int tn_log_set_link(struct tn_log_writer *writer, const struct tn_log_link *link, uint64_t *id)
{
    struct fake_writer *fake = fake_of(writer);
    fake->link_calls++;
    if (*id == 0)
        *id = ++fake->link_count;
    if (*id <= FAKE_LINKS_MAX)
        fake->links[*id - 1] = *link;
    return 0;
}

int tn_log_set_look(struct tn_log_writer *writer, const struct tn_log_look *look)
{
    struct fake_writer *fake = fake_of(writer);
    uint32_t i = 0;
    fake->link_calls++;
    while (i < fake->look_count &&
           (fake->looks[i].stack_id != look->stack_id || fake->looks[i].moment != look->moment))
        i++;
    if (i == FAKE_LINKS_MAX)
        return 0;
    fake->looks[i] = *look;
    fake->look_count += i == fake->look_count;
    return 0;
}

int tn_log_set_pool(struct tn_log_writer *writer, const struct tn_log_pool *pool, uint64_t *id)
{
    struct fake_writer *fake = fake_of(writer);
    if (*id == 0)
        *id = ++fake->pool_count;
    if (*id > FAKE_POOLS_MAX)
        return 0;
    fake->pools[*id - 1] = *pool;
    snprintf(fake->pool_names[*id - 1], sizeof(fake->pool_names[0]), "%s",
             pool->name != NULL ? pool->name : "");
    return 0;
}

int tn_log_set_pool_size(struct tn_log_writer *writer, const struct tn_log_pool_size *size)
{
    struct fake_writer *fake = fake_of(writer);
    uint32_t i = 0;
    while (i < fake->pool_size_count && (fake->pool_sizes[i].pool_id != size->pool_id ||
                                         fake->pool_sizes[i].size_bytes != size->size_bytes))
        i++;
    if (i == FAKE_POOLS_MAX)
        return 0;
    fake->pool_sizes[i] = *size;
    fake->pool_size_count += i == fake->pool_size_count;
    return 0;
}

int tn_log_add_pool_block(struct tn_log_writer *writer, const struct tn_log_pool_block *block,
                          uint64_t *ret_id)
{
    struct fake_writer *fake = fake_of(writer);
    *ret_id = ++fake->pool_block_count;
    if (*ret_id <= FAKE_POOLS_MAX)
        fake->pool_blocks[*ret_id - 1] = *block;
    return 0;
}

int tn_log_end_pool_block(struct tn_log_writer *writer, uint64_t id, uint64_t thread_id, uint64_t stack_id,
                          uint64_t death_ns)
{
    struct fake_writer *fake = fake_of(writer);
    (void)thread_id;
    (void)stack_id;
    fake->is_broken |= id == 0 || id > fake->pool_block_count;
    if (id != 0 && id <= FAKE_POOLS_MAX) {
        fake->is_broken |= fake->pool_deaths[id - 1] != 0;
        fake->pool_deaths[id - 1] = death_ns;
    }
    return 0;
}

void tn_log_note_gaps(struct tn_log_writer *writer)
{
    fake_of(writer)->has_gaps = true;
}

int tn_log_add_mark(struct tn_log_writer *writer, uint64_t process_id, uint64_t time_ns, const char *text)
{
    (void)process_id, (void)time_ns;
    struct fake_writer *fake = fake_of(writer);
    fake->marks++;
    snprintf(fake->last_mark, sizeof(fake->last_mark), "%s", text);
    return 0;
}

int tn_log_add_process(struct tn_log_writer *writer, const struct tn_log_process *process, uint64_t *ret_id)
{
    (void)process;
    *ret_id = ++fake_of(writer)->processes;
    return 0;
}

int tn_log_end_process(struct tn_log_writer *writer, uint64_t process_id, uint64_t end_ns,
                       enum tn_exit_kind kind, int exit_code)
{
    (void)writer, (void)process_id, (void)end_ns, (void)kind, (void)exit_code;
    return 0;
}

int tn_log_add_module(struct tn_log_writer *writer, const char *path, const char *build_id, uint64_t *ret_id)
{
    (void)path, (void)build_id;
    *ret_id = ++fake_of(writer)->modules;
    return 0;
}

int tn_log_add_mapping(struct tn_log_writer *writer, uint64_t process_id, uint64_t module_id,
                       uint64_t base_address, uint64_t mapped_ns, uint64_t *ret_mapping_id)
{
    (void)process_id, (void)module_id, (void)base_address, (void)mapped_ns;
    *ret_mapping_id = ++fake_of(writer)->mappings;
    return 0;
}

int tn_log_end_mapping(struct tn_log_writer *writer, uint64_t mapping_id, uint64_t unmapped_ns)
{
    (void)mapping_id, (void)unmapped_ns;
    fake_of(writer)->mappings--;
    return 0;
}

/* Ids that show where they come from: module and offset, frame and caller. */
int tn_log_intern_frame(struct tn_log_writer *writer, uint64_t module_id, uint64_t offset_bytes,
                        uint64_t *ret_id)
{
    fake_of(writer)->frames++;
    *ret_id = module_id * 100000 + offset_bytes;
    return 0;
}

int tn_log_intern_stack(struct tn_log_writer *writer, uint64_t frame_id, uint64_t caller_id,
                        uint64_t frame_bytes, bool is_cut, uint64_t *ret_id)
{
    fake_of(writer)->stacks++;
    *ret_id = (caller_id * 31 + frame_id * 7 + frame_bytes + (is_cut ? 1000003 : 0)) % 4000000007u;
    return 0;
}

void fake_writer_finish(struct fake_writer *fake)
{
    free(fake->events);
    free(fake->is_dead);
}
