/* SPDX-License-Identifier: MIT */

/* The SQL text of every table, index and view of a log, with a comment for each column. The text is stored
 * with the log, and docs/log-format.md must agree with it (a test compares them). lib/log/write.c creates the
 * tables, allocation_rows.c those of `allocation`. */

#include "schema.h"

#include "allocation_columns.h"
#include "helper_views.h"

#include "tenure/log.h"
#include "tenure/log_write.h"

#include <stddef.h>

/* Logs that were made before there were findings get these tables when the first findings are saved. */
#define FINDING_TABLES                                                                                       \
    "CREATE TABLE IF NOT EXISTS finding (\n"                                                                 \
    "  id INTEGER PRIMARY KEY,\n"                                                                            \
    "  process_id INTEGER REFERENCES process(id), -- that it is about\n"                                     \
    "  kind TEXT,              -- stack-buffer, combine, pool, ...\n"                                        \
    "  rank INTEGER,           -- from 1: what saves most first\n"                                           \
    "  confidence TEXT,        -- proven, consistent, conditional, weak\n"                                   \
    "  title TEXT,             -- one line\n"                                                                \
    "  tactic TEXT,            -- what the change is called\n"                                               \
    "  advice TEXT,            -- what to change\n"                                                          \
    "  allocations_removed INTEGER, -- calls that no longer reach the heap, over the whole run\n"            \
    "  bytes_removed INTEGER,  -- header and rounding that the heap no longer spends, at the peak, bytes\n"  \
    "  peak_bytes_delta INTEGER, -- memory of the program at its peak, after minus before, bytes\n"          \
    "  heap_bytes_delta TEXT,  -- JSON object: policy -> bytes, after minus before; by a replay\n"           \
    "  evidence TEXT,          -- JSON object; keys by kind\n"                                               \
    "  query TEXT,             -- SQL that gives the evidence again, in one row\n"                           \
    "  code TEXT,              -- ready to paste; NULL: none\n"                                              \
    "  notes TEXT,             -- what to beware of; NULL: nothing\n"                                        \
    "  alternatives TEXT,      -- kinds that claimed the same sites and gave way; NULL: none\n"              \
    "  condition TEXT,         -- JSON object: what must hold in other runs; null: nothing\n"                \
    "  released_at TEXT,       -- JSON list: the lines that release its blocks\n"                            \
    "  key TEXT,               -- 8 hex digits: the same in other recordings, also of other builds\n"        \
    "  refuted_by TEXT         -- JSON object: what a trial has to say against it; NULL: nothing\n"          \
    ");\n"                                                                                                   \
    "CREATE TABLE IF NOT EXISTS finding_site (\n"                                                            \
    "  finding_id INTEGER REFERENCES finding(id),\n"                                                         \
    "  position INTEGER,       -- 0: the one to change first\n"                                              \
    "  site_id INTEGER REFERENCES site(id), -- NULL: a site that only the report knew (--wrapper)\n"         \
    "  allocations INTEGER,    -- that the site, or the role, made in the process\n"                         \
    "  role_id INTEGER REFERENCES role(id), -- the part of the site that it is about; NULL: all of it\n"     \
    "  PRIMARY KEY (finding_id, position)\n"                                                                 \
    ") WITHOUT ROWID;\n"                                                                                     \
    "CREATE TABLE IF NOT EXISTS role (\n"                                                                    \
    "  id INTEGER PRIMARY KEY,\n"                                                                            \
    "  site_id INTEGER REFERENCES site(id),\n"                                                               \
    "  thread_id INTEGER REFERENCES thread(id), -- whose births it has; NULL: those of all threads\n"        \
    "  label TEXT              -- when called from receive (roles.c:11)\n"                                   \
    ");\n"                                                                                                   \
    "CREATE TABLE IF NOT EXISTS role_stack (\n"                                                              \
    "  role_id INTEGER REFERENCES role(id),\n"                                                               \
    "  stack_id INTEGER REFERENCES stack(id),\n"                                                             \
    "  PRIMARY KEY (role_id, stack_id)\n"                                                                    \
    ") WITHOUT ROWID;\n"                                                                                     \
    "CREATE TABLE IF NOT EXISTS plan_step (\n"                                                               \
    "  process_id INTEGER REFERENCES process(id), -- that it is about\n"                                     \
    "  number INTEGER,         -- from 1: step A, the one that changes most\n"                               \
    "  mechanism TEXT,         -- static, pool, arena, stack, structure, capacity\n"                         \
    "  title TEXT,             -- one line, what to do\n"                                                    \
    "  finding_keys TEXT,      -- JSON list: keys of the findings that it is made of\n"                      \
    "  allocations_removed INTEGER, -- calls that it keeps from the heap, beside the steps before it\n"      \
    "  peak_bytes_moved INTEGER, -- of the peak that leave the heap, beside the steps before it, bytes\n"    \
    "  together_allocations_removed INTEGER, -- with all steps before it, by a replay; NULL: not measured\n" \
    "  together_heap_bytes_delta INTEGER, -- the same: median of the heap models, after minus before\n"      \
    "  together_outside_bytes INTEGER, -- the same: what the steps take elsewhere, bytes\n"                  \
    "  PRIMARY KEY (process_id, number)\n"                                                                   \
    ") WITHOUT ROWID;\n"

const char tn_log_finding_tables[] = FINDING_TABLES;

const char tn_log_site_keys[] =
    "UPDATE site SET key = k.key FROM (" TN_SITE_KEYS("main.") ") AS k WHERE k.id = site.id";

const char *const tn_schema_tables[] = {
    "CREATE TABLE meta (\n"
    "  key TEXT PRIMARY KEY,  -- format_version, complete, finished, allocations, ...\n"
    "  value TEXT             -- text, numbers in decimal; by the recorder and by the finishing step\n"
    ") WITHOUT ROWID;\n",

    "CREATE TABLE text_bytes (\n"
    "  text TEXT PRIMARY KEY, -- as it stands in other tables\n"
    "  bytes BLOB             -- what it was; by the recorder, for text that was no UTF-8\n"
    ") WITHOUT ROWID;\n",

    "CREATE TABLE process (\n"
    "  id INTEGER PRIMARY KEY, -- from 1, in the order of registration\n"
    "  pid INTEGER,            -- as the process sees itself\n"
    "  parent_id INTEGER REFERENCES process(id), -- who forked it, or whose image it replaced; NULL: a root\n"
    "  executable TEXT,        -- path; from /proc/PID/exe\n"
    "  command_line TEXT,      -- quoted as a shell would need; from /proc/PID/cmdline\n"
    "  start_ns INTEGER,       -- ns since the log's start; by the shim\n"
    "  end_ns INTEGER,         -- ns since the log's start; NULL while it runs\n"
    "  exit_kind TEXT,         -- exit, signal, exec, lost, running, not recorded, unknown\n"
    "  exit_code INTEGER,      -- status, or the signal's number; NULL where it cannot be known\n"
    "  name TEXT               -- as it was run: of a link or a script, its own\n"
    ");\n",

    "CREATE TABLE thread (\n"
    "  id INTEGER PRIMARY KEY, -- from 1, over all processes\n"
    "  process_id INTEGER REFERENCES process(id),\n"
    "  tid INTEGER,            -- the kernel's thread id\n"
    "  name TEXT,              -- as the kernel shows it\n"
    "  stack_size_bytes INTEGER, -- bytes; 0: not known\n"
    "  start_ns INTEGER,       -- ns since the log's start, at its first event\n"
    "  end_ns INTEGER,         -- ns since the log's start; NULL while it runs\n"
    "  events_lost INTEGER NOT NULL DEFAULT 0 -- events of this thread that are missing in the log\n"
    ");\n",

    "CREATE TABLE module (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  path TEXT,              -- as mapped\n"
    "  build_id TEXT,          -- lower-case hex, '' without one\n"
    "  UNIQUE (path, build_id)\n"
    ");\n",

    "CREATE TABLE mapping (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  process_id INTEGER REFERENCES process(id),\n"
    "  module_id INTEGER REFERENCES module(id),\n"
    "  base_address INTEGER,   -- load bias: address in memory minus address in the file, bytes\n"
    "  mapped_ns INTEGER,      -- ns since the log's start, when it was first seen\n"
    "  unmapped_ns INTEGER     -- ns since the log's start; NULL: never\n"
    ");\n",

    "CREATE TABLE frame (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  module_id INTEGER REFERENCES module(id), -- NULL: outside every module\n"
    "  offset_bytes INTEGER,   -- return address minus load bias (outside modules: the address), bytes\n"
    "  function TEXT,          -- demangled; NULL: not known. Names come with the finishing step\n"
    "  file TEXT,              -- source file; NULL: not known\n"
    "  line INTEGER,           -- source line of the call; NULL: not known\n"
    "  inlined_into INTEGER REFERENCES frame(id), -- the physical frame that holds it; NULL: it is one\n"
    "  inline_position INTEGER, -- 0: innermost of those inlined there; NULL for a physical frame\n"
    "  is_tail_call INTEGER DEFAULT 0, -- 1: a jump had removed it; added by the finishing step\n"
    "  column_number INTEGER   -- column of the call in its line, from 1; NULL: not known\n"
    ");\n"
    "CREATE INDEX frame_inlined_into ON frame(inlined_into, inline_position)"
    " WHERE inlined_into IS NOT NULL;\n",

    "CREATE TABLE stack (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  frame_id INTEGER REFERENCES frame(id),  -- the innermost frame of this stack\n"
    "  caller_id INTEGER REFERENCES stack(id), -- the stack of its caller; NULL at the root\n"
    "  frame_bytes INTEGER,    -- this frame's CFA minus its callee's, bytes\n"
    "  depth INTEGER,          -- frames, this one included\n"
    "  is_cut INTEGER,         -- 1: a root because the capture stopped at its depth limit\n"
    "  site_id INTEGER REFERENCES site(id), -- by the finishing step; NULL for inner nodes of the trie\n"
    "  container_id INTEGER REFERENCES container(id) -- likewise; NULL: no container makes its blocks\n"
    ");\n",

    "CREATE TABLE container (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  type TEXT,              -- of the innermost container: std::string. By the finishing step\n"
    "  operation TEXT,         -- what was asked of it: push_back, constructor; NULL: not known\n"
    "  element TEXT,           -- type of its elements; NULL: not known\n"
    "  outer_type TEXT,        -- the same three of the outermost one: the same where there is one only\n"
    "  outer_operation TEXT,\n"
    "  outer_element TEXT\n"
    ");\n"
    "CREATE INDEX container_type ON container(type, operation, element);\n",

    "CREATE TABLE site (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  function TEXT,          -- demangled; NULL: not known\n"
    "  file TEXT,              -- source file; NULL: not known\n"
    "  line INTEGER,           -- source line; NULL: not known\n"
    "  module TEXT,            -- path of the module; NULL: outside every module\n"
    "  offset_bytes INTEGER,   -- return address in the module, where there is no line; else NULL\n"
    "  via TEXT,               -- how the site reached the allocator: malloc, strdup, operator new, ...\n"
    "  key TEXT                -- 12 hex digits, equal in logs of different builds\n"
    ");\n",

    "CREATE TABLE function (\n"
    "  id INTEGER PRIMARY KEY, -- code of an allocation function in chunks and in allocation_row\n"
    "  name TEXT               -- malloc, operator new, free, ...\n"
    ");\n",

    "CREATE TABLE allocation_failure (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  process_id INTEGER REFERENCES process(id),\n"
    "  thread_id INTEGER REFERENCES thread(id),\n"
    "  stack_id INTEGER REFERENCES stack(id), -- NULL: none was taken\n"
    "  function TEXT,          -- malloc, realloc, ...\n"
    "  size_bytes INTEGER,     -- bytes asked for\n"
    "  time_ns INTEGER         -- ns since the log's start\n"
    ");\n",

    "CREATE TABLE mark (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  process_id INTEGER REFERENCES process(id),\n"
    "  time_ns INTEGER,        -- ns since the log's start\n"
    "  text TEXT               -- main entered, exit begun, the program's own; by the shim or derived\n"
    ");\n",

    "CREATE TABLE site_summary (\n"
    "  process_id INTEGER REFERENCES process(id),\n"
    "  site_id INTEGER REFERENCES site(id),\n"
    "  allocations INTEGER,          -- made here\n"
    "  total_bytes INTEGER,          -- bytes that they asked for\n"
    "  usable_bytes INTEGER,         -- bytes that they got (sum of usable sizes)\n"
    "  min_size_bytes INTEGER,\n"
    "  max_size_bytes INTEGER,\n"
    "  mean_size_bytes REAL,\n"
    "  distinct_sizes INTEGER,       -- different sizes asked for\n"
    "  peak_live_count INTEGER,      -- most of them live at once\n"
    "  peak_live_bytes INTEGER,      -- most bytes of them live at once\n"
    "  freed INTEGER,                -- of them, released\n"
    "  live_at_end INTEGER,          -- of them, never released (allocations = freed + live_at_end)\n"
    "  freed_by_other_thread INTEGER, -- released by another thread than the one that asked\n"
    "  short_lived INTEGER,          -- released before the process had asked for another 32 KiB\n"
    "  small_short_lived INTEGER,    -- of these, the ones of at most 1,024 bytes\n"
    "  lifetime_ns_p50 INTEGER,      -- of those that were released: quantiles, error at most 3 %\n"
    "  lifetime_ns_p90 INTEGER,\n"
    "  lifetime_ns_p99 INTEGER,\n"
    "  lifetime_ns_max INTEGER,      -- exact\n"
    "  lifetime_allocations_p50 INTEGER, -- allocations of the process made meanwhile\n"
    "  lifetime_allocations_p90 INTEGER,\n"
    "  lifetime_allocations_p99 INTEGER,\n"
    "  lifetime_allocations_max INTEGER,\n"
    "  lifetime_bytes_p50 INTEGER,   -- bytes that these asked for\n"
    "  lifetime_bytes_p90 INTEGER,\n"
    "  lifetime_bytes_p99 INTEGER,\n"
    "  lifetime_bytes_max INTEGER,\n"
    "  first_birth_ns INTEGER,       -- ns since the log's start\n"
    "  last_birth_ns INTEGER,        -- ns since the log's start\n"
    "  PRIMARY KEY (process_id, site_id)\n"
    ") WITHOUT ROWID;\n",

    "CREATE TABLE timeline (\n"
    "  process_id INTEGER REFERENCES process(id),\n"
    "  time_ns INTEGER,        -- ns since the log's start; values are those right after this instant's "
    "event\n"
    "  live_count INTEGER,     -- allocations live\n"
    "  live_bytes INTEGER,     -- bytes that they asked for\n"
    "  allocations INTEGER,    -- made so far\n"
    "  allocated_bytes INTEGER -- asked for so far\n"
    ");\n"
    "CREATE INDEX timeline_process ON timeline(process_id, time_ns);\n",

    "CREATE TABLE link (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  process_id INTEGER REFERENCES process(id),\n"
    "  moment TEXT,            -- when it was looked: holder death, event 1, ..., held death, output\n"
    "  holder_stack_id INTEGER REFERENCES stack(id), -- of the blocks that hold; NULL: a global holds\n"
    "  module_id INTEGER REFERENCES module(id), -- of the global; NULL: a block holds\n"
    "  offset_bytes INTEGER,   -- of the address in the holder; of a global: address minus load bias\n"
    "  held_stack_id INTEGER REFERENCES stack(id), -- of the blocks whose address it is\n"
    "  inner_offset_bytes INTEGER, -- of the address in the held block, 0: its start\n"
    "  looks INTEGER,          -- looks that found it\n"
    "  distinct_held_blocks INTEGER, -- blocks that were found, each once; 16: 16 or more\n"
    "  holder_id INTEGER,      -- id of the allocation that held at the first of these looks; NULL: a "
    "global\n"
    "  held_id INTEGER         -- id of the allocation that was held then\n"
    ");\n"
    "CREATE INDEX link_process ON link(process_id);\n",

    "CREATE TABLE struct_member (\n"
    "  site_id INTEGER REFERENCES site(id), -- whose blocks hold addresses\n"
    "  offset_bytes INTEGER,   -- where, as in link\n"
    "  type_name TEXT,         -- what such a block probably is: struct txn\n"
    "  member_name TEXT,       -- the member there: token; NULL: one of several in a union\n"
    "  PRIMARY KEY (site_id, offset_bytes)\n"
    ") WITHOUT ROWID;\n",

    "CREATE TABLE link_look (\n"
    "  process_id INTEGER REFERENCES process(id),\n"
    "  stack_id INTEGER REFERENCES stack(id), -- of the blocks looked into (holder death) or looked for\n"
    "  moment TEXT,            -- as in link\n"
    "  looks INTEGER,          -- made, with what was found and without\n"
    "  PRIMARY KEY (process_id, stack_id, moment)\n"
    ") WITHOUT ROWID;\n",

    "CREATE TABLE pool (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  process_id INTEGER REFERENCES process(id),\n"
    "  address INTEGER,        -- that the program named it by\n"
    "  name TEXT,              -- that the program gave it; NULL: none\n"
    "  first_ns INTEGER,       -- of the first call about it, ns since the log's start\n"
    "  allocations INTEGER,    -- blocks handed out\n"
    "  frees INTEGER,          -- of these, taken back, one by one or by a reset\n"
    "  resets INTEGER,         -- calls that took all of them back\n"
    "  total_bytes INTEGER,    -- bytes of all blocks handed out\n"
    "  live_count INTEGER,     -- blocks in use at the end, or when the log was written last\n"
    "  live_bytes INTEGER,     -- bytes of these\n"
    "  peak_live_count INTEGER, -- most blocks in use at once\n"
    "  peak_live_bytes INTEGER, -- most bytes in use at once\n"
    "  peak_ns INTEGER,        -- when bytes in use were most, ns since the log's start\n"
    "  unknown_frees INTEGER,  -- taken back, though not known: handed out before the fork or during a "
    "pause\n"
    "  unseen_frees INTEGER,   -- handed out again at an address that was in use: it was taken back unseen\n"
    "  blocks_left_out INTEGER -- of allocations: without a row in pool_block\n"
    ");\n"
    "CREATE INDEX pool_process ON pool(process_id);\n",

    "CREATE TABLE pool_size (\n"
    "  pool_id INTEGER REFERENCES pool(id),\n"
    "  size_bytes INTEGER,     -- of blocks\n"
    "  allocations INTEGER,    -- blocks of this size handed out\n"
    "  live_count INTEGER,     -- in use at the end, or when the log was written last\n"
    "  peak_live_count INTEGER, -- most in use at once\n"
    "  PRIMARY KEY (pool_id, size_bytes)\n"
    ") WITHOUT ROWID;\n",

    "CREATE TABLE pool_block (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  pool_id INTEGER REFERENCES pool(id),\n"
    "  thread_id INTEGER REFERENCES thread(id), -- that asked for it\n"
    "  stack_id INTEGER REFERENCES stack(id), -- innermost frame: the pool's function; NULL: none was taken\n"
    "  address INTEGER,\n"
    "  size_bytes INTEGER,\n"
    "  birth_ns INTEGER,       -- ns since the log's start\n"
    "  death_ns INTEGER,       -- NULL: in use at the end, or taken back unseen\n"
    "  free_thread_id INTEGER REFERENCES thread(id), -- NULL as death_ns\n"
    "  free_stack_id INTEGER REFERENCES stack(id) -- NULL: none was taken\n"
    ");\n",

    "CREATE TABLE chunk (\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  process_id INTEGER REFERENCES process(id),\n"
    "  first_id INTEGER,       -- id of its first birth; NULL: it has none\n"
    "  last_id INTEGER,        -- id of its last birth\n"
    "  first_ns INTEGER,       -- time of its first event, ns since the log's start\n"
    "  last_ns INTEGER,        -- time of its last event\n"
    "  births INTEGER,         -- events that are births\n"
    "  deaths INTEGER,         -- events that are deaths\n"
    "  reallocs INTEGER,       -- births that realloc made of an older block\n"
    "  birth_bytes INTEGER,    -- bytes that the births asked for\n"
    "  usable_bytes INTEGER,   -- bytes that they got\n"
    "  codec TEXT,             -- columns in the order of data: NAME:CODEC:BYTES:STORED_BYTES, ...\n"
    "  checksum INTEGER,       -- of data; docs/log-format.md says how\n"
    "  data BLOB\n"
    ");\n"
    "CREATE INDEX chunk_process ON chunk(process_id);\n",

    /* A recursive common table expression over all stacks would be evaluated whole for each query, because
       SQLite pushes no condition into it. A correlated scalar subquery walks only from the stack that is
       asked for. */
    "CREATE VIEW stack_frame AS\n"
    "SELECT s.id AS stack_id,\n"
    "       j.key AS position,     -- 0: innermost; inlined frames stand before the frame that holds them\n"
    "       f.function AS function,\n"
    "       f.file AS file,\n"
    "       f.line AS line,\n"
    "       m.path AS module,\n"
    "       f.offset_bytes AS offset_bytes,\n"
    "       f.id AS frame_id,\n"
    "       f.inlined_into IS NOT NULL AS is_inlined,\n"
    "       f.is_tail_call AS is_tail_call,\n"
    "       f.column_number AS column_number\n"
    "FROM stack AS s\n"
    "JOIN json_each((\n"
    "  WITH RECURSIVE node(level, depth, frame_id, caller_id) AS (\n"
    "    SELECT 0, s.depth, s.frame_id, s.caller_id\n"
    "    UNION ALL\n"
    "    SELECT node.level + 1, c.depth, c.frame_id, c.caller_id\n"
    "    FROM node JOIN stack AS c ON c.id = node.caller_id\n"
    "    WHERE c.depth < node.depth -- in a damaged log this ends the walk\n"
    "  )\n"
    "  SELECT json_group_array(frame_id) FROM (\n"
    "    SELECT g.id AS frame_id\n"
    "    FROM node JOIN frame AS g ON g.id = node.frame_id OR g.inlined_into = node.frame_id\n"
    "    ORDER BY node.level, g.inlined_into IS NULL, g.inline_position)\n"
    ")) AS j\n"
    "JOIN frame AS f ON f.id = j.value\n"
    "LEFT JOIN module AS m ON m.id = f.module_id;\n",

    TN_SITE_PLACE_VIEW("CREATE VIEW ", "site AS s", "s.key"),
    TN_STACK_TEXT_VIEW("CREATE VIEW ", ""),
    TN_PEAK_VIEW("CREATE VIEW ", ""),

    "CREATE VIEW site_link AS\n"
    "SELECT l.process_id AS process_id,\n"
    "       l.moment AS moment,\n"
    "       h.site_id AS holder_site_id, -- NULL: a global holds\n"
    "       l.module_id AS module_id,    -- of the global\n"
    "       l.offset_bytes AS offset_bytes,\n"
    "       d.site_id AS held_site_id,\n"
    "       l.inner_offset_bytes AS inner_offset_bytes,\n"
    "       sum(l.looks) AS looks,       -- looks that found it\n"
    "       ifnull(k.looks, 0) AS looks_made, -- into the holder's blocks (holder death), or for the held "
    "ones\n"
    "       sum(l.distinct_held_blocks) AS distinct_held_blocks, -- by pairs of stacks, added up\n"
    "       min(l.holder_id) AS holder_id, -- an example\n"
    "       min(l.held_id) AS held_id\n"
    "FROM link AS l\n"
    "JOIN stack AS d ON d.id = l.held_stack_id\n"
    "LEFT JOIN stack AS h ON h.id = l.holder_stack_id\n"
    "LEFT JOIN (SELECT k.process_id, k.moment, s.site_id, sum(k.looks) AS looks\n"
    "           FROM link_look AS k JOIN stack AS s ON s.id = k.stack_id\n"
    "           GROUP BY k.process_id, k.moment, s.site_id) AS k\n"
    "  ON k.process_id = l.process_id AND k.moment = l.moment\n"
    "  AND k.site_id = CASE WHEN l.moment = 'holder death' THEN h.site_id ELSE d.site_id END\n"
    "GROUP BY l.process_id, l.moment, h.site_id, l.module_id, l.offset_bytes, d.site_id,"
    " l.inner_offset_bytes;\n",

    FINDING_TABLES,
    NULL,
};

/* ---------------------------------------------------------------------------------------- allocation */

#define NUMBER(upper, name, member, rule, comment) "  " #name " INTEGER,\n"
#define KEPT_AS(upper, name, type, member, rule, upper_stored, stored, stored_comment, expression, comment)  \
    "  " #stored " INTEGER, -- " stored_comment "\n"
#define NOTHING(upper, name, type, member, rule, expression, comment)
#define KEY(upper, name, member, rule, comment)      "  " #name " INTEGER PRIMARY KEY,\n"
#define LAST_ONE(upper, name, member, rule, comment) "  " #name " INTEGER\n"

const char tn_schema_allocation_row[] =
    "CREATE TABLE allocation_row (\n" TN_ALLOCATION_COLUMNS(KEY, NUMBER, KEPT_AS, NOTHING, LAST_ONE) ");\n";

#undef NUMBER
#undef KEPT_AS
#undef NOTHING
#undef LAST_ONE

#define SAME(upper, name, member, rule, comment) "  r." #name " AS " #name ", -- " comment "\n"
#define KEPT_AS(upper, name, type, member, rule, upper_stored, stored, stored_comment, expression, comment)  \
    "  " expression " AS " #name ", -- " comment "\n"
#define MADE_OF(upper, name, type, member, rule, expression, comment)                                        \
    "  " expression " AS " #name ", -- " comment "\n"
#define LAST_ONE(upper, name, member, rule, comment) "  r." #name " AS " #name " -- " comment "\n"

const char tn_log_allocation_schema[] = "CREATE VIEW allocation AS\nSELECT\n" TN_ALLOCATION_COLUMNS(
    SAME, SAME, KEPT_AS, MADE_OF, LAST_ONE) "FROM allocation_row AS r;\n";

#undef SAME
#undef KEPT_AS
#undef MADE_OF
#undef LAST_ONE

#define NUMBER(upper, name, member, rule, comment) #name " INTEGER, "
#define TYPED_AS(upper, name, type, member, rule, upper_stored, stored, stored_comment, expression, comment) \
#name " " type ", "
#define TYPED(upper, name, type, member, rule, expression, comment) #name " " type ", "
#define LAST_ONE(upper, name, member, rule, comment)                #name " INTEGER"
#define NONE(...)
#define HIDDEN(upper, name, type, member, rule, upper_stored, stored, ...) ", " #stored " HIDDEN"

const char tn_schema_allocation_columns[] = "CREATE TABLE allocation (" TN_ALLOCATION_COLUMNS(
    NUMBER, NUMBER, TYPED_AS, TYPED, LAST_ONE) ", schema HIDDEN" TN_ALLOCATION_COLUMNS(NONE, NONE, HIDDEN,
                                                                                       NONE, NONE) ")";
