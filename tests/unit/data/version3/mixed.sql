PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
  key TEXT PRIMARY KEY,  -- format_version, complete, finished, allocations, ...
  value TEXT             -- text, numbers in decimal; by the recorder and by the finishing step
) WITHOUT ROWID;
INSERT INTO meta VALUES('allocated_bytes','5596556198');
INSERT INTO meta VALUES('allocations','155');
INSERT INTO meta VALUES('architecture','x86_64');
INSERT INTO meta VALUES('clock','tsc');
INSERT INTO meta VALUES('complete','1');
INSERT INTO meta VALUES('damaged_rings','0');
INSERT INTO meta VALUES('duration_ns','74758228');
INSERT INTO meta VALUES('events_lost','0');
INSERT INTO meta VALUES('events_lost_early','0');
INSERT INTO meta VALUES('events_lost_nested','0');
INSERT INTO meta VALUES('events_lost_no_slot','0');
INSERT INTO meta VALUES('events_lost_ring','0');
INSERT INTO meta VALUES('finish_step','3');
INSERT INTO meta VALUES('finished','1');
INSERT INTO meta VALUES('format_version','3');
INSERT INTO meta VALUES('frames_complex','0');
INSERT INTO meta VALUES('frames_named','41');
INSERT INTO meta VALUES('frames_unnamed','0');
INSERT INTO meta VALUES('frames_with_line','40');
INSERT INTO meta VALUES('frees','153');
INSERT INTO meta VALUES('inherited_frees','1');
INSERT INTO meta VALUES('modules_changed','0');
INSERT INTO meta VALUES('modules_with_lines','3');
INSERT INTO meta VALUES('modules_without_lines','0');
INSERT INTO meta VALUES('modules_without_names','0');
INSERT INTO meta VALUES('options','depth=1024 ring_size=1048576 free_stacks=yes children=yes rows=none check_stacks=no');
INSERT INTO meta VALUES('recorder_peak_bytes','5742592');
INSERT INTO meta VALUES('recorder_version','0.1.0');
INSERT INTO meta VALUES('repaired_orders','0');
INSERT INTO meta VALUES('rules_learned','44');
INSERT INTO meta VALUES('session','record');
INSERT INTO meta VALUES('stacks_checked','0');
INSERT INTO meta VALUES('stacks_different','0');
INSERT INTO meta VALUES('started_at','2026-01-01T00:00:00Z');
INSERT INTO meta VALUES('threads_peak','3');
INSERT INTO meta VALUES('tool_version','0.1.0');
INSERT INTO meta VALUES('unknown_stacks','0');
INSERT INTO meta VALUES('unmatched_births','0');
INSERT INTO meta VALUES('unmatched_frees','0');
CREATE TABLE process (
  id INTEGER PRIMARY KEY, -- from 1, in the order of registration
  pid INTEGER,            -- as the process sees itself
  parent_id INTEGER REFERENCES process(id), -- who forked it, or whose image it replaced; NULL: a root
  executable TEXT,        -- path; from /proc/PID/exe
  command_line TEXT,      -- quoted as a shell would need; from /proc/PID/cmdline
  start_ns INTEGER,       -- ns since the log's start; by the shim
  end_ns INTEGER,         -- ns since the log's start; NULL while it runs
  exit_kind TEXT,         -- exit, signal, exec, lost, running, unknown
  exit_code INTEGER       -- status, or the signal's number; NULL where it cannot be known
);
INSERT INTO process VALUES(1,28947,NULL,'/usr/local/bin/mixed','/usr/local/bin/mixed',0,62556467,'exit',0);
INSERT INTO process VALUES(2,28955,1,'/usr/local/bin/mixed','/usr/local/bin/mixed',19346214,46907070,'exit',3);
INSERT INTO process VALUES(3,28956,1,'/usr/local/bin/mixed','/usr/local/bin/mixed',49242061,62538475,'signal',9);
CREATE TABLE thread (
  id INTEGER PRIMARY KEY, -- from 1, over all processes
  process_id INTEGER REFERENCES process(id),
  tid INTEGER,            -- the kernel's thread id
  name TEXT,              -- as the kernel shows it
  stack_size_bytes INTEGER, -- bytes; 0: not known
  start_ns INTEGER,       -- ns since the log's start, at its first event
  end_ns INTEGER          -- ns since the log's start; NULL while it runs
);
INSERT INTO thread VALUES(1,1,28947,'mixed',8386144,10659549,62556467);
INSERT INTO thread VALUES(2,1,28953,'mixed',8388608,18556672,18636132);
INSERT INTO thread VALUES(3,1,28954,'mixed',8388608,18720009,18951746);
INSERT INTO thread VALUES(4,2,28955,'mixed',8386144,46630148,46907070);
INSERT INTO thread VALUES(5,3,28956,'mixed',8386144,58742032,62538475);
CREATE TABLE module (
  id INTEGER PRIMARY KEY,
  path TEXT,              -- as mapped
  build_id TEXT,          -- lower-case hex, '' without one
  UNIQUE (path, build_id)
);
INSERT INTO module VALUES(1,'/usr/local/bin/mixed','cafb6f6c16402395e9954fba64b98bc0fbe036b0');
INSERT INTO module VALUES(2,'linux-vdso.so.1','e95baaeaec8534edc5df3654182ddf12b19d9b23');
INSERT INTO module VALUES(3,'/usr/local/lib/libtenure.so','89514484be04832e15cd26e5a59dd6eefebbacd9');
INSERT INTO module VALUES(4,'/lib/x86_64-linux-gnu/libc.so.6','93ac61ec5a8eb1396f9fbd350e3169a558528a40');
INSERT INTO module VALUES(5,'/lib64/ld-linux-x86-64.so.2','7ebc65e52f2bbea498b4040fa92f7238377aaba9');
INSERT INTO module VALUES(6,'/lib/x86_64-linux-gnu/libunwind-x86_64.so.8','dd63351aefae2e712d6cfa11441a9195e961d0ab');
INSERT INTO module VALUES(7,'/lib/x86_64-linux-gnu/liblzma.so.5','72a44fc3edc93188d045e65d92d28d50e373dbcb');
INSERT INTO module VALUES(8,'/lib/x86_64-linux-gnu/libunwind.so.8','dbd50d23f0d2cec93bd2154478e352c8b9c32d34');
CREATE TABLE mapping (
  id INTEGER PRIMARY KEY,
  process_id INTEGER REFERENCES process(id),
  module_id INTEGER REFERENCES module(id),
  base_address INTEGER,   -- load bias: address in memory minus address in the file, bytes
  mapped_ns INTEGER,      -- ns since the log's start, when it was first seen
  unmapped_ns INTEGER     -- ns since the log's start; NULL: never
);
INSERT INTO mapping VALUES(1,1,1,94024197771264,10645453,NULL);
INSERT INTO mapping VALUES(2,1,2,140155662778368,10647463,NULL);
INSERT INTO mapping VALUES(3,1,3,140155662639104,10648005,NULL);
INSERT INTO mapping VALUES(4,1,4,140155660619776,10648591,NULL);
INSERT INTO mapping VALUES(5,1,5,140155662786560,10649030,NULL);
INSERT INTO mapping VALUES(6,1,6,140155660181504,10650825,NULL);
INSERT INTO mapping VALUES(7,1,7,140155659988992,10654336,NULL);
INSERT INTO mapping VALUES(8,1,8,140155659874304,10655828,NULL);
INSERT INTO mapping VALUES(9,2,1,94024197771264,19346214,NULL);
INSERT INTO mapping VALUES(10,2,8,140155659874304,19346214,NULL);
INSERT INTO mapping VALUES(11,2,7,140155659988992,19346214,NULL);
INSERT INTO mapping VALUES(12,2,6,140155660181504,19346214,NULL);
INSERT INTO mapping VALUES(13,2,4,140155660619776,19346214,NULL);
INSERT INTO mapping VALUES(14,2,3,140155662639104,19346214,NULL);
INSERT INTO mapping VALUES(15,2,2,140155662778368,19346214,NULL);
INSERT INTO mapping VALUES(16,2,5,140155662786560,19346214,NULL);
INSERT INTO mapping VALUES(17,3,1,94024197771264,49242061,NULL);
INSERT INTO mapping VALUES(18,3,8,140155659874304,49242061,NULL);
INSERT INTO mapping VALUES(19,3,7,140155659988992,49242061,NULL);
INSERT INTO mapping VALUES(20,3,6,140155660181504,49242061,NULL);
INSERT INTO mapping VALUES(21,3,4,140155660619776,49242061,NULL);
INSERT INTO mapping VALUES(22,3,3,140155662639104,49242061,NULL);
INSERT INTO mapping VALUES(23,3,2,140155662778368,49242061,NULL);
INSERT INTO mapping VALUES(24,3,5,140155662786560,49242061,NULL);
CREATE TABLE frame (
  id INTEGER PRIMARY KEY,
  module_id INTEGER REFERENCES module(id), -- NULL: outside every module
  offset_bytes INTEGER,   -- return address minus load bias (outside modules: the address), bytes
  function TEXT,          -- demangled; NULL: not known. Names come with the finishing step
  file TEXT,              -- source file; NULL: not known
  line INTEGER,           -- source line of the call; NULL: not known
  inlined_into INTEGER REFERENCES frame(id), -- the physical frame that holds it; NULL: it is one
  inline_position INTEGER -- 0: innermost of those inlined there; NULL for a physical frame
);
INSERT INTO frame VALUES(1,1,4449,'_start',NULL,NULL,NULL,NULL);
INSERT INTO frame VALUES(2,4,160517,'__libc_start_main_impl','csu/libc-start.c',360,NULL,NULL);
INSERT INTO frame VALUES(3,4,160330,'__libc_start_call_main','sysdeps/nptl/libc_start_call_main.h',58,NULL,NULL);
INSERT INTO frame VALUES(4,1,4865,'main','/usr/src/example/mixed.c',24,NULL,NULL);
INSERT INTO frame VALUES(5,1,4906,'main','/usr/src/example/mixed.c',26,NULL,NULL);
INSERT INTO frame VALUES(6,1,4824,'run','/usr/src/example/mixed.c',16,NULL,NULL);
INSERT INTO frame VALUES(7,4,564655,'__pthread_create_2_1','nptl/nptl/pthread_create.c',650,NULL,NULL);
INSERT INTO frame VALUES(8,5,71454,'_dl_allocate_tls','elf/dl-tls.c',670,NULL,NULL);
INSERT INTO frame VALUES(9,5,68787,'allocate_dtv','elf/dl-tls.c',401,NULL,NULL);
INSERT INTO frame VALUES(10,4,1087724,'clone3','sysdeps/unix/sysv/linux/x86_64/clone3.S',81,NULL,NULL);
INSERT INTO frame VALUES(11,4,561653,'start_thread','nptl/nptl/pthread_create.c',442,NULL,NULL);
INSERT INTO frame VALUES(12,1,4716,'produce','/usr/src/example/mixed.c',14,NULL,NULL);
INSERT INTO frame VALUES(13,1,4776,'consume','/usr/src/example/mixed.c',15,NULL,NULL);
INSERT INTO frame VALUES(14,1,4940,'main','/usr/src/example/mixed.c',27,NULL,NULL);
INSERT INTO frame VALUES(15,1,4960,'main','/usr/src/example/mixed.c',27,NULL,NULL);
INSERT INTO frame VALUES(16,1,4981,'main','/usr/src/example/mixed.c',27,NULL,NULL);
INSERT INTO frame VALUES(17,1,5002,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(18,1,5026,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(19,1,5040,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(20,1,5061,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(21,1,5073,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(22,1,5096,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(23,1,5109,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(24,1,5143,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(25,1,5156,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(26,1,5168,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(27,1,5180,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(28,1,5193,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(29,1,5205,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(30,1,5228,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(31,1,5236,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(32,1,5256,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(33,1,5264,'main','/usr/src/example/mixed.c',28,NULL,NULL);
INSERT INTO frame VALUES(34,1,5394,'main','/usr/src/example/mixed.c',29,NULL,NULL);
INSERT INTO frame VALUES(35,1,5414,'main','/usr/src/example/mixed.c',29,NULL,NULL);
INSERT INTO frame VALUES(36,4,649642,'__strdup','string/string/strdup.c',42,NULL,NULL);
INSERT INTO frame VALUES(37,1,5422,'main','/usr/src/example/mixed.c',29,NULL,NULL);
INSERT INTO frame VALUES(38,1,5437,'main','/usr/src/example/mixed.c',29,NULL,NULL);
INSERT INTO frame VALUES(39,1,5450,'main','/usr/src/example/mixed.c',29,NULL,NULL);
INSERT INTO frame VALUES(40,1,5472,'main','/usr/src/example/mixed.c',31,NULL,NULL);
INSERT INTO frame VALUES(41,1,5480,'main','/usr/src/example/mixed.c',31,NULL,NULL);
INSERT INTO frame VALUES(42,1,4940,'grow','/usr/src/example/mixed.c',17,14,0);
INSERT INTO frame VALUES(43,1,4960,'grow','/usr/src/example/mixed.c',17,15,0);
INSERT INTO frame VALUES(44,1,4981,'grow','/usr/src/example/mixed.c',17,16,0);
INSERT INTO frame VALUES(45,1,5002,'fail_','/usr/src/example/mixed.c',18,17,0);
INSERT INTO frame VALUES(46,1,5026,'fail_','/usr/src/example/mixed.c',18,18,0);
INSERT INTO frame VALUES(47,1,5040,'fail_','/usr/src/example/mixed.c',18,19,0);
INSERT INTO frame VALUES(48,1,5061,'fail_','/usr/src/example/mixed.c',18,20,0);
INSERT INTO frame VALUES(49,1,5073,'fail_','/usr/src/example/mixed.c',18,21,0);
INSERT INTO frame VALUES(50,1,5096,'wide','/usr/src/example/mixed.c',20,22,0);
INSERT INTO frame VALUES(51,1,5109,'wide','/usr/src/example/mixed.c',20,23,0);
INSERT INTO frame VALUES(52,1,5143,'aligned','/usr/src/example/mixed.c',21,24,0);
INSERT INTO frame VALUES(53,1,5156,'aligned','/usr/src/example/mixed.c',21,25,0);
INSERT INTO frame VALUES(54,1,5168,'aligned','/usr/src/example/mixed.c',21,26,0);
INSERT INTO frame VALUES(55,1,5180,'aligned','/usr/src/example/mixed.c',21,27,0);
INSERT INTO frame VALUES(56,1,5193,'aligned','/usr/src/example/mixed.c',21,28,0);
INSERT INTO frame VALUES(57,1,5205,'aligned','/usr/src/example/mixed.c',21,29,0);
INSERT INTO frame VALUES(58,1,5228,'aligned','/usr/src/example/mixed.c',21,30,0);
INSERT INTO frame VALUES(59,1,5236,'aligned','/usr/src/example/mixed.c',21,31,0);
INSERT INTO frame VALUES(60,1,5256,'aligned','/usr/src/example/mixed.c',21,32,0);
INSERT INTO frame VALUES(61,1,5264,'aligned','/usr/src/example/mixed.c',21,33,0);
INSERT INTO frame VALUES(62,1,5394,'child','/usr/src/example/mixed.c',22,34,0);
INSERT INTO frame VALUES(63,1,5414,'child','/usr/src/example/mixed.c',22,35,0);
INSERT INTO frame VALUES(64,1,5422,'child','/usr/src/example/mixed.c',22,37,0);
INSERT INTO frame VALUES(65,1,5437,'child','/usr/src/example/mixed.c',22,38,0);
INSERT INTO frame VALUES(66,1,5450,'child','/usr/src/example/mixed.c',22,39,0);
INSERT INTO frame VALUES(67,4,564655,'allocate_stack','nptl/nptl/allocatestack.c',423,7,0);
INSERT INTO frame VALUES(68,5,68787,'calloc','include/rtld-malloc.h',44,9,0);
CREATE TABLE stack (
  id INTEGER PRIMARY KEY,
  frame_id INTEGER REFERENCES frame(id),  -- the innermost frame of this stack
  caller_id INTEGER REFERENCES stack(id), -- the stack of its caller; NULL at the root
  frame_bytes INTEGER,    -- this frame's CFA minus its callee's, bytes
  depth INTEGER,          -- frames, this one included
  is_cut INTEGER,         -- 1: a root because the capture stopped at its depth limit
  site_id INTEGER REFERENCES site(id) -- by the finishing step; NULL for inner nodes of the trie
);
INSERT INTO stack VALUES(1,1,NULL,128,1,0,NULL);
INSERT INTO stack VALUES(2,2,1,80,2,0,NULL);
INSERT INTO stack VALUES(3,3,2,256,3,0,NULL);
INSERT INTO stack VALUES(4,4,3,80,4,0,1);
INSERT INTO stack VALUES(5,5,3,80,4,0,NULL);
INSERT INTO stack VALUES(6,6,5,32,5,0,NULL);
INSERT INTO stack VALUES(7,7,6,336,6,0,NULL);
INSERT INTO stack VALUES(8,8,7,16,7,0,NULL);
INSERT INTO stack VALUES(9,9,8,32,8,0,2);
INSERT INTO stack VALUES(10,10,NULL,0,1,0,NULL);
INSERT INTO stack VALUES(11,11,10,160,2,0,NULL);
INSERT INTO stack VALUES(12,12,11,48,3,0,3);
INSERT INTO stack VALUES(13,13,11,32,3,0,4);
INSERT INTO stack VALUES(14,14,3,80,4,0,5);
INSERT INTO stack VALUES(15,15,3,80,4,0,6);
INSERT INTO stack VALUES(16,16,3,80,4,0,7);
INSERT INTO stack VALUES(17,17,3,80,4,0,8);
INSERT INTO stack VALUES(18,18,3,80,4,0,9);
INSERT INTO stack VALUES(19,19,3,80,4,0,8);
INSERT INTO stack VALUES(20,20,3,80,4,0,10);
INSERT INTO stack VALUES(21,21,3,80,4,0,11);
INSERT INTO stack VALUES(22,22,3,80,4,0,12);
INSERT INTO stack VALUES(23,23,3,80,4,0,13);
INSERT INTO stack VALUES(24,24,3,80,4,0,14);
INSERT INTO stack VALUES(25,25,3,80,4,0,15);
INSERT INTO stack VALUES(26,26,3,80,4,0,16);
INSERT INTO stack VALUES(27,27,3,80,4,0,15);
INSERT INTO stack VALUES(28,28,3,80,4,0,17);
INSERT INTO stack VALUES(29,29,3,80,4,0,15);
INSERT INTO stack VALUES(30,30,3,80,4,0,18);
INSERT INTO stack VALUES(31,31,3,80,4,0,15);
INSERT INTO stack VALUES(32,32,3,80,4,0,19);
INSERT INTO stack VALUES(33,33,3,80,4,0,15);
INSERT INTO stack VALUES(34,34,3,80,4,0,NULL);
INSERT INTO stack VALUES(35,35,3,80,4,0,NULL);
INSERT INTO stack VALUES(36,36,35,32,5,0,20);
INSERT INTO stack VALUES(37,37,3,80,4,0,21);
INSERT INTO stack VALUES(38,38,3,80,4,0,22);
INSERT INTO stack VALUES(39,39,3,80,4,0,23);
INSERT INTO stack VALUES(40,40,3,80,4,0,NULL);
INSERT INTO stack VALUES(41,36,40,32,5,0,24);
INSERT INTO stack VALUES(42,41,3,80,4,0,25);
CREATE TABLE site (
  id INTEGER PRIMARY KEY,
  function TEXT,          -- demangled; NULL: not known
  file TEXT,              -- source file; NULL: not known
  line INTEGER,           -- source line; NULL: not known
  module TEXT,            -- path of the module; NULL: outside every module
  offset_bytes INTEGER,   -- return address in the module, where there is no line; else NULL
  via TEXT                -- how the site reached the allocator: malloc, strdup, operator new, ...
);
INSERT INTO site VALUES(1,'main','/usr/src/example/mixed.c',24,'/usr/local/bin/mixed',NULL,'malloc');
INSERT INTO site VALUES(2,'run','/usr/src/example/mixed.c',16,'/usr/local/bin/mixed',NULL,'pthread_create');
INSERT INTO site VALUES(3,'produce','/usr/src/example/mixed.c',14,'/usr/local/bin/mixed',NULL,'malloc');
INSERT INTO site VALUES(4,'consume','/usr/src/example/mixed.c',15,'/usr/local/bin/mixed',NULL,'free');
INSERT INTO site VALUES(5,'grow','/usr/src/example/mixed.c',17,'/usr/local/bin/mixed',NULL,'malloc');
INSERT INTO site VALUES(6,'grow','/usr/src/example/mixed.c',17,'/usr/local/bin/mixed',NULL,'realloc');
INSERT INTO site VALUES(7,'grow','/usr/src/example/mixed.c',17,'/usr/local/bin/mixed',NULL,'free');
INSERT INTO site VALUES(8,'fail_','/usr/src/example/mixed.c',18,'/usr/local/bin/mixed',NULL,'malloc');
INSERT INTO site VALUES(9,'fail_','/usr/src/example/mixed.c',18,'/usr/local/bin/mixed',NULL,'calloc');
INSERT INTO site VALUES(10,'fail_','/usr/src/example/mixed.c',18,'/usr/local/bin/mixed',NULL,'realloc');
INSERT INTO site VALUES(11,'fail_','/usr/src/example/mixed.c',18,'/usr/local/bin/mixed',NULL,'free');
INSERT INTO site VALUES(12,'wide','/usr/src/example/mixed.c',20,'/usr/local/bin/mixed',NULL,'malloc');
INSERT INTO site VALUES(13,'wide','/usr/src/example/mixed.c',20,'/usr/local/bin/mixed',NULL,'free');
INSERT INTO site VALUES(14,'aligned','/usr/src/example/mixed.c',21,'/usr/local/bin/mixed',NULL,'posix_memalign');
INSERT INTO site VALUES(15,'aligned','/usr/src/example/mixed.c',21,'/usr/local/bin/mixed',NULL,'free');
INSERT INTO site VALUES(16,'aligned','/usr/src/example/mixed.c',21,'/usr/local/bin/mixed',NULL,'aligned_alloc');
INSERT INTO site VALUES(17,'aligned','/usr/src/example/mixed.c',21,'/usr/local/bin/mixed',NULL,'memalign');
INSERT INTO site VALUES(18,'aligned','/usr/src/example/mixed.c',21,'/usr/local/bin/mixed',NULL,'valloc');
INSERT INTO site VALUES(19,'aligned','/usr/src/example/mixed.c',21,'/usr/local/bin/mixed',NULL,'reallocarray');
INSERT INTO site VALUES(20,'child','/usr/src/example/mixed.c',22,'/usr/local/bin/mixed',NULL,'strdup');
INSERT INTO site VALUES(21,'child','/usr/src/example/mixed.c',22,'/usr/local/bin/mixed',NULL,'free');
INSERT INTO site VALUES(22,'child','/usr/src/example/mixed.c',22,'/usr/local/bin/mixed',NULL,'malloc');
INSERT INTO site VALUES(23,'child','/usr/src/example/mixed.c',22,'/usr/local/bin/mixed',NULL,'realloc');
INSERT INTO site VALUES(24,'main','/usr/src/example/mixed.c',31,'/usr/local/bin/mixed',NULL,'strdup');
INSERT INTO site VALUES(25,'main','/usr/src/example/mixed.c',31,'/usr/local/bin/mixed',NULL,'free');
CREATE TABLE function (
  id INTEGER PRIMARY KEY, -- code of an allocation function in chunks and in allocation_row
  name TEXT               -- malloc, operator new, free, ...
);
INSERT INTO function VALUES(1,'malloc');
INSERT INTO function VALUES(2,'calloc');
INSERT INTO function VALUES(3,'realloc');
INSERT INTO function VALUES(4,'reallocarray');
INSERT INTO function VALUES(5,'posix_memalign');
INSERT INTO function VALUES(6,'aligned_alloc');
INSERT INTO function VALUES(7,'memalign');
INSERT INTO function VALUES(8,'valloc');
INSERT INTO function VALUES(9,'pvalloc');
INSERT INTO function VALUES(10,'operator new');
INSERT INTO function VALUES(11,'operator new[]');
INSERT INTO function VALUES(12,'free');
INSERT INTO function VALUES(13,'free_sized');
INSERT INTO function VALUES(14,'free_aligned_sized');
INSERT INTO function VALUES(15,'operator delete');
INSERT INTO function VALUES(16,'operator delete[]');
CREATE TABLE allocation_failure (
  id INTEGER PRIMARY KEY,
  process_id INTEGER REFERENCES process(id),
  thread_id INTEGER REFERENCES thread(id),
  stack_id INTEGER REFERENCES stack(id), -- NULL: none was taken
  function TEXT,          -- malloc, realloc, ...
  size_bytes INTEGER,     -- bytes asked for
  time_ns INTEGER         -- ns since the log's start
);
INSERT INTO allocation_failure VALUES(1,1,1,17,'malloc',9223372036854775807,19007306);
INSERT INTO allocation_failure VALUES(2,1,1,18,'calloc',9223372036854775807,19015005);
INSERT INTO allocation_failure VALUES(3,1,1,20,'realloc',9223372036854771711,19026604);
CREATE TABLE mark (
  id INTEGER PRIMARY KEY,
  process_id INTEGER REFERENCES process(id),
  time_ns INTEGER,        -- ns since the log's start
  text TEXT               -- main entered, exit begun, the program's own; by the shim or derived
);
INSERT INTO mark VALUES(1,1,10669773,'main entered');
INSERT INTO mark VALUES(2,1,10726881,'set up');
INSERT INTO mark VALUES(3,2,46636949,'child');
INSERT INTO mark VALUES(4,1,59008589,'done');
INSERT INTO mark VALUES(5,1,59009629,'exit begun');
INSERT INTO mark VALUES(6,1,10757353,'initialisation done');
CREATE TABLE site_summary (
  process_id INTEGER REFERENCES process(id),
  site_id INTEGER REFERENCES site(id),
  allocations INTEGER,          -- made here
  total_bytes INTEGER,          -- bytes that they asked for
  usable_bytes INTEGER,         -- bytes that they got (sum of usable sizes)
  min_size_bytes INTEGER,
  max_size_bytes INTEGER,
  mean_size_bytes REAL,
  distinct_sizes INTEGER,       -- different sizes asked for
  peak_live_count INTEGER,      -- most of them live at once
  peak_live_bytes INTEGER,      -- most bytes of them live at once
  freed INTEGER,                -- of them, released
  live_at_end INTEGER,          -- of them, never released (allocations = freed + live_at_end)
  freed_by_other_thread INTEGER, -- released by another thread than the one that asked
  short_lived INTEGER,          -- released before the process had asked for another 32 KiB
  small_short_lived INTEGER,    -- of these, the ones of at most 1,024 bytes
  lifetime_ns_p50 INTEGER,      -- of those that were released: quantiles, error at most 3 %
  lifetime_ns_p90 INTEGER,
  lifetime_ns_p99 INTEGER,
  lifetime_ns_max INTEGER,      -- exact
  lifetime_allocations_p50 INTEGER, -- allocations of the process made meanwhile
  lifetime_allocations_p90 INTEGER,
  lifetime_allocations_p99 INTEGER,
  lifetime_allocations_max INTEGER,
  lifetime_bytes_p50 INTEGER,   -- bytes that these asked for
  lifetime_bytes_p90 INTEGER,
  lifetime_bytes_p99 INTEGER,
  lifetime_bytes_max INTEGER,
  first_birth_ns INTEGER,       -- ns since the log's start
  last_birth_ns INTEGER,        -- ns since the log's start
  PRIMARY KEY (process_id, site_id)
) WITHOUT ROWID;
INSERT INTO site_summary VALUES(1,1,1,77,88,77,77,77.0,1,1,77,0,1,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,10726186,10726186);
INSERT INTO site_summary VALUES(1,2,1,320,328,320,320,320.0,1,1,320,0,1,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,10757353,10757353);
INSERT INTO site_summary VALUES(1,3,40,2560,2880,32,96,64.0,5,40,2560,40,0,40,40,40,315391,315391,315391,317794,19,35,39,39,1263,2271,2527,2528,18632038,18635557);
INSERT INTO site_summary VALUES(1,5,4,40,96,10,10,10.0,1,1,10,4,0,0,4,4,39,5099,5099,5099,0,0,0,0,0,0,0,0,18976836,18993392);
INSERT INTO site_summary VALUES(1,6,52,30504,30880,20,2553,586.61538461538464163,13,1,2553,52,0,0,52,40,28,46,6677,6677,0,0,0,0,0,0,0,0,18982225,18994152);
INSERT INTO site_summary VALUES(1,8,1,64,72,64,64,64.0,1,1,64,1,0,0,1,1,8249,8249,8249,8249,0,0,0,0,0,0,0,0,19024341,19024341);
INSERT INTO site_summary VALUES(1,12,10,5596381696,5596398096,0,5368709120,559638169.60000002382,10,1,5368709120,10,0,0,10,4,40,163,5807,5807,0,0,0,0,0,0,0,0,19036292,19076538);
INSERT INTO site_summary VALUES(1,14,4,400,416,100,100,100.0,1,1,100,4,0,0,4,4,69,8825,8825,8825,0,0,0,0,0,0,0,0,19081043,19107548);
INSERT INTO site_summary VALUES(1,16,4,139808,139840,32,131072,34952.0,4,1,131072,4,0,0,4,2,73,1386,1386,1386,0,0,0,0,0,0,0,0,19098471,19112598);
INSERT INTO site_summary VALUES(1,17,4,132,160,33,33,33.0,1,1,33,4,0,0,4,4,46,529,529,529,0,0,0,0,0,0,0,0,19101046,19114383);
INSERT INTO site_summary VALUES(1,18,1,9,24,9,9,9.0,1,1,9,1,0,0,1,1,3462,3462,3462,3462,0,0,0,0,0,0,0,0,19119585,19119585);
INSERT INTO site_summary VALUES(1,19,1,63,72,63,63,63.0,1,1,63,1,0,0,1,1,1080,1080,1080,1080,0,0,0,0,0,0,0,0,19131959,19131959);
INSERT INTO site_summary VALUES(2,20,30,510,720,17,17,17.0,1,1,17,30,0,0,30,30,27,43,9087,9130,0,0,0,0,0,0,0,0,46705459,46717275);
INSERT INTO site_summary VALUES(2,22,1,8,24,8,8,8.0,1,1,8,1,0,0,1,1,6460,6460,6460,6460,0,0,0,0,0,0,0,0,46727057,46727057);
INSERT INTO site_summary VALUES(3,24,1,7,24,7,7,7.0,1,1,7,1,0,0,1,1,9418,9418,9418,9418,0,0,0,0,0,0,0,0,58888138,58888138);
CREATE TABLE timeline (
  process_id INTEGER REFERENCES process(id),
  time_ns INTEGER,        -- ns since the log's start; values are those right after this instant's event
  live_count INTEGER,     -- allocations live
  live_bytes INTEGER,     -- bytes that they asked for
  allocations INTEGER,    -- made so far
  allocated_bytes INTEGER -- asked for so far
);
INSERT INTO timeline VALUES(1,10726186,1,77,1,77);
INSERT INTO timeline VALUES(1,10757353,2,397,2,397);
INSERT INTO timeline VALUES(1,18632038,3,429,3,429);
INSERT INTO timeline VALUES(1,18632349,4,477,4,477);
INSERT INTO timeline VALUES(1,18632405,5,541,5,541);
INSERT INTO timeline VALUES(1,18632450,6,621,6,621);
INSERT INTO timeline VALUES(1,18632495,7,717,7,717);
INSERT INTO timeline VALUES(1,18632562,8,749,8,749);
INSERT INTO timeline VALUES(1,18632599,9,797,9,797);
INSERT INTO timeline VALUES(1,18632638,10,861,10,861);
INSERT INTO timeline VALUES(1,18632676,11,941,11,941);
INSERT INTO timeline VALUES(1,18632714,12,1037,12,1037);
INSERT INTO timeline VALUES(1,18632752,13,1069,13,1069);
INSERT INTO timeline VALUES(1,18632792,14,1117,14,1117);
INSERT INTO timeline VALUES(1,18632831,15,1181,15,1181);
INSERT INTO timeline VALUES(1,18632889,16,1261,16,1261);
INSERT INTO timeline VALUES(1,18634519,17,1357,17,1357);
INSERT INTO timeline VALUES(1,18634559,18,1389,18,1389);
INSERT INTO timeline VALUES(1,18634598,19,1437,19,1437);
INSERT INTO timeline VALUES(1,18634636,20,1501,20,1501);
INSERT INTO timeline VALUES(1,18634675,21,1581,21,1581);
INSERT INTO timeline VALUES(1,18634712,22,1677,22,1677);
INSERT INTO timeline VALUES(1,18634752,23,1709,23,1709);
INSERT INTO timeline VALUES(1,18634818,24,1757,24,1757);
INSERT INTO timeline VALUES(1,18634856,25,1821,25,1821);
INSERT INTO timeline VALUES(1,18634895,26,1901,26,1901);
INSERT INTO timeline VALUES(1,18634932,27,1997,27,1997);
INSERT INTO timeline VALUES(1,18634970,28,2029,28,2029);
INSERT INTO timeline VALUES(1,18635009,29,2077,29,2077);
INSERT INTO timeline VALUES(1,18635047,30,2141,30,2141);
INSERT INTO timeline VALUES(1,18635085,31,2221,31,2221);
INSERT INTO timeline VALUES(1,18635146,32,2317,32,2317);
INSERT INTO timeline VALUES(1,18635186,33,2349,33,2349);
INSERT INTO timeline VALUES(1,18635223,34,2397,34,2397);
INSERT INTO timeline VALUES(1,18635262,35,2461,35,2461);
INSERT INTO timeline VALUES(1,18635299,36,2541,36,2541);
INSERT INTO timeline VALUES(1,18635338,37,2637,37,2637);
INSERT INTO timeline VALUES(1,18635376,38,2669,38,2669);
INSERT INTO timeline VALUES(1,18635414,39,2717,39,2717);
INSERT INTO timeline VALUES(1,18635479,40,2781,40,2781);
INSERT INTO timeline VALUES(1,18635518,41,2861,41,2861);
INSERT INTO timeline VALUES(1,18635557,42,2957,42,2957);
INSERT INTO timeline VALUES(1,18949712,41,2925,42,2957);
INSERT INTO timeline VALUES(1,18950143,40,2877,42,2957);
INSERT INTO timeline VALUES(1,18950196,39,2813,42,2957);
INSERT INTO timeline VALUES(1,18950226,38,2733,42,2957);
INSERT INTO timeline VALUES(1,18950256,37,2637,42,2957);
INSERT INTO timeline VALUES(1,18950285,36,2605,42,2957);
INSERT INTO timeline VALUES(1,18950314,35,2557,42,2957);
INSERT INTO timeline VALUES(1,18950343,34,2493,42,2957);
INSERT INTO timeline VALUES(1,18950372,33,2413,42,2957);
INSERT INTO timeline VALUES(1,18950436,32,2317,42,2957);
INSERT INTO timeline VALUES(1,18950465,31,2285,42,2957);
INSERT INTO timeline VALUES(1,18950494,30,2237,42,2957);
INSERT INTO timeline VALUES(1,18950522,29,2173,42,2957);
INSERT INTO timeline VALUES(1,18950549,28,2093,42,2957);
INSERT INTO timeline VALUES(1,18950578,27,1997,42,2957);
INSERT INTO timeline VALUES(1,18950606,26,1965,42,2957);
INSERT INTO timeline VALUES(1,18950635,25,1917,42,2957);
INSERT INTO timeline VALUES(1,18950662,24,1853,42,2957);
INSERT INTO timeline VALUES(1,18950692,23,1773,42,2957);
INSERT INTO timeline VALUES(1,18950721,22,1677,42,2957);
INSERT INTO timeline VALUES(1,18950749,21,1645,42,2957);
INSERT INTO timeline VALUES(1,18950777,20,1597,42,2957);
INSERT INTO timeline VALUES(1,18950805,19,1533,42,2957);
INSERT INTO timeline VALUES(1,18950833,18,1453,42,2957);
INSERT INTO timeline VALUES(1,18950861,17,1357,42,2957);
INSERT INTO timeline VALUES(1,18950890,16,1325,42,2957);
INSERT INTO timeline VALUES(1,18950919,15,1277,42,2957);
INSERT INTO timeline VALUES(1,18950947,14,1213,42,2957);
INSERT INTO timeline VALUES(1,18950976,13,1133,42,2957);
INSERT INTO timeline VALUES(1,18951008,12,1037,42,2957);
INSERT INTO timeline VALUES(1,18951036,11,1005,42,2957);
INSERT INTO timeline VALUES(1,18951065,10,957,42,2957);
INSERT INTO timeline VALUES(1,18951109,9,893,42,2957);
INSERT INTO timeline VALUES(1,18951136,8,813,42,2957);
INSERT INTO timeline VALUES(1,18951164,7,717,42,2957);
INSERT INTO timeline VALUES(1,18951193,6,685,42,2957);
INSERT INTO timeline VALUES(1,18951282,5,637,42,2957);
INSERT INTO timeline VALUES(1,18951326,4,573,42,2957);
INSERT INTO timeline VALUES(1,18951356,3,493,42,2957);
INSERT INTO timeline VALUES(1,18951386,2,397,42,2957);
INSERT INTO timeline VALUES(1,18976836,3,407,43,2967);
INSERT INTO timeline VALUES(1,18981935,2,397,43,2967);
INSERT INTO timeline VALUES(1,18982225,3,417,44,2987);
INSERT INTO timeline VALUES(1,18982372,2,397,44,2987);
INSERT INTO timeline VALUES(1,18982436,3,427,45,3017);
INSERT INTO timeline VALUES(1,18982464,2,397,45,3017);
INSERT INTO timeline VALUES(1,18982634,3,442,46,3062);
INSERT INTO timeline VALUES(1,18982662,2,397,46,3062);
INSERT INTO timeline VALUES(1,18982827,3,464,47,3129);
INSERT INTO timeline VALUES(1,18982855,2,397,47,3129);
INSERT INTO timeline VALUES(1,18982889,3,497,48,3229);
INSERT INTO timeline VALUES(1,18982917,2,397,48,3229);
INSERT INTO timeline VALUES(1,18982958,3,547,49,3379);
INSERT INTO timeline VALUES(1,18982987,2,397,49,3379);
INSERT INTO timeline VALUES(1,18983037,3,622,50,3604);
INSERT INTO timeline VALUES(1,18983066,2,397,50,3604);
INSERT INTO timeline VALUES(1,18983176,3,734,51,3941);
INSERT INTO timeline VALUES(1,18983205,2,397,51,3941);
INSERT INTO timeline VALUES(1,18983386,3,902,52,4446);
INSERT INTO timeline VALUES(1,18983416,2,397,52,4446);
INSERT INTO timeline VALUES(1,18983622,3,1154,53,5203);
INSERT INTO timeline VALUES(1,18983652,2,397,53,5203);
INSERT INTO timeline VALUES(1,18983700,3,1532,54,6338);
INSERT INTO timeline VALUES(1,18983729,2,397,54,6338);
INSERT INTO timeline VALUES(1,18983786,3,2099,55,8040);
INSERT INTO timeline VALUES(1,18983816,2,397,55,8040);
INSERT INTO timeline VALUES(1,18984055,3,2950,56,10593);
INSERT INTO timeline VALUES(1,18990732,2,397,56,10593);
INSERT INTO timeline VALUES(1,18991314,3,407,57,10603);
INSERT INTO timeline VALUES(1,18991442,2,397,57,10603);
INSERT INTO timeline VALUES(1,18991480,3,417,58,10623);
INSERT INTO timeline VALUES(1,18991534,2,397,58,10623);
INSERT INTO timeline VALUES(1,18991572,3,427,59,10653);
INSERT INTO timeline VALUES(1,18991626,2,397,59,10653);
INSERT INTO timeline VALUES(1,18991658,3,442,60,10698);
INSERT INTO timeline VALUES(1,18991699,2,397,60,10698);
INSERT INTO timeline VALUES(1,18991730,3,464,61,10765);
INSERT INTO timeline VALUES(1,18991759,2,397,61,10765);
INSERT INTO timeline VALUES(1,18991791,3,497,62,10865);
INSERT INTO timeline VALUES(1,18991819,2,397,62,10865);
INSERT INTO timeline VALUES(1,18991852,3,547,63,11015);
INSERT INTO timeline VALUES(1,18991881,2,397,63,11015);
INSERT INTO timeline VALUES(1,18991912,3,622,64,11240);
INSERT INTO timeline VALUES(1,18991942,2,397,64,11240);
INSERT INTO timeline VALUES(1,18991974,3,734,65,11577);
INSERT INTO timeline VALUES(1,18992002,2,397,65,11577);
INSERT INTO timeline VALUES(1,18992035,3,902,66,12082);
INSERT INTO timeline VALUES(1,18992063,2,397,66,12082);
INSERT INTO timeline VALUES(1,18992096,3,1154,67,12839);
INSERT INTO timeline VALUES(1,18992125,2,397,67,12839);
INSERT INTO timeline VALUES(1,18992156,3,1532,68,13974);
INSERT INTO timeline VALUES(1,18992186,2,397,68,13974);
INSERT INTO timeline VALUES(1,18992218,3,2099,69,15676);
INSERT INTO timeline VALUES(1,18992247,2,397,69,15676);
INSERT INTO timeline VALUES(1,18992280,3,2950,70,18229);
INSERT INTO timeline VALUES(1,18992346,2,397,70,18229);
INSERT INTO timeline VALUES(1,18992462,3,407,71,18239);
INSERT INTO timeline VALUES(1,18992501,2,397,71,18239);
INSERT INTO timeline VALUES(1,18992536,3,417,72,18259);
INSERT INTO timeline VALUES(1,18992575,2,397,72,18259);
INSERT INTO timeline VALUES(1,18992607,3,427,73,18289);
INSERT INTO timeline VALUES(1,18992636,2,397,73,18289);
INSERT INTO timeline VALUES(1,18992668,3,442,74,18334);
INSERT INTO timeline VALUES(1,18992696,2,397,74,18334);
INSERT INTO timeline VALUES(1,18992728,3,464,75,18401);
INSERT INTO timeline VALUES(1,18992756,2,397,75,18401);
INSERT INTO timeline VALUES(1,18992789,3,497,76,18501);
INSERT INTO timeline VALUES(1,18992816,2,397,76,18501);
INSERT INTO timeline VALUES(1,18992847,3,547,77,18651);
INSERT INTO timeline VALUES(1,18992876,2,397,77,18651);
INSERT INTO timeline VALUES(1,18992909,3,622,78,18876);
INSERT INTO timeline VALUES(1,18992945,2,397,78,18876);
INSERT INTO timeline VALUES(1,18992976,3,734,79,19213);
INSERT INTO timeline VALUES(1,18993004,2,397,79,19213);
INSERT INTO timeline VALUES(1,18993036,3,902,80,19718);
INSERT INTO timeline VALUES(1,18993064,2,397,80,19718);
INSERT INTO timeline VALUES(1,18993096,3,1154,81,20475);
INSERT INTO timeline VALUES(1,18993123,2,397,81,20475);
INSERT INTO timeline VALUES(1,18993155,3,1532,82,21610);
INSERT INTO timeline VALUES(1,18993182,2,397,82,21610);
INSERT INTO timeline VALUES(1,18993215,3,2099,83,23312);
INSERT INTO timeline VALUES(1,18993244,2,397,83,23312);
INSERT INTO timeline VALUES(1,18993276,3,2950,84,25865);
INSERT INTO timeline VALUES(1,18993322,2,397,84,25865);
INSERT INTO timeline VALUES(1,18993392,3,407,85,25875);
INSERT INTO timeline VALUES(1,18993419,2,397,85,25875);
INSERT INTO timeline VALUES(1,18993450,3,417,86,25895);
INSERT INTO timeline VALUES(1,18993478,2,397,86,25895);
INSERT INTO timeline VALUES(1,18993509,3,427,87,25925);
INSERT INTO timeline VALUES(1,18993536,2,397,87,25925);
INSERT INTO timeline VALUES(1,18993569,3,442,88,25970);
INSERT INTO timeline VALUES(1,18993596,2,397,88,25970);
INSERT INTO timeline VALUES(1,18993628,3,464,89,26037);
INSERT INTO timeline VALUES(1,18993656,2,397,89,26037);
INSERT INTO timeline VALUES(1,18993686,3,497,90,26137);
INSERT INTO timeline VALUES(1,18993713,2,397,90,26137);
INSERT INTO timeline VALUES(1,18993744,3,547,91,26287);
INSERT INTO timeline VALUES(1,18993772,2,397,91,26287);
INSERT INTO timeline VALUES(1,18993803,3,622,92,26512);
INSERT INTO timeline VALUES(1,18993830,2,397,92,26512);
INSERT INTO timeline VALUES(1,18993861,3,734,93,26849);
INSERT INTO timeline VALUES(1,18993889,2,397,93,26849);
INSERT INTO timeline VALUES(1,18993919,3,902,94,27354);
INSERT INTO timeline VALUES(1,18993947,2,397,94,27354);
INSERT INTO timeline VALUES(1,18993978,3,1154,95,28111);
INSERT INTO timeline VALUES(1,18994005,2,397,95,28111);
INSERT INTO timeline VALUES(1,18994036,3,1532,96,29246);
INSERT INTO timeline VALUES(1,18994063,2,397,96,29246);
INSERT INTO timeline VALUES(1,18994094,3,2099,97,30948);
INSERT INTO timeline VALUES(1,18994122,2,397,97,30948);
INSERT INTO timeline VALUES(1,18994152,3,2950,98,33501);
INSERT INTO timeline VALUES(1,18994189,2,397,98,33501);
INSERT INTO timeline VALUES(1,19024341,3,461,99,33565);
INSERT INTO timeline VALUES(1,19032590,2,397,99,33565);
INSERT INTO timeline VALUES(1,19036292,3,397,100,33565);
INSERT INTO timeline VALUES(1,19042099,2,397,100,33565);
INSERT INTO timeline VALUES(1,19042412,3,398,101,33566);
INSERT INTO timeline VALUES(1,19042452,2,397,101,33566);
INSERT INTO timeline VALUES(1,19042586,3,652,102,33821);
INSERT INTO timeline VALUES(1,19042625,2,397,102,33821);
INSERT INTO timeline VALUES(1,19045522,3,653,103,34077);
INSERT INTO timeline VALUES(1,19045549,2,397,103,34077);
INSERT INTO timeline VALUES(1,19047063,3,65932,104,99612);
INSERT INTO timeline VALUES(1,19047116,2,397,104,99612);
INSERT INTO timeline VALUES(1,19047283,3,65933,105,165148);
INSERT INTO timeline VALUES(1,19047319,2,397,105,165148);
INSERT INTO timeline VALUES(1,19053879,3,1048973,106,1213724);
INSERT INTO timeline VALUES(1,19054042,2,397,106,1213724);
INSERT INTO timeline VALUES(1,19060449,3,16777614,107,17990941);
INSERT INTO timeline VALUES(1,19060518,2,397,107,17990941);
INSERT INTO timeline VALUES(1,19066970,3,209715597,108,227706141);
INSERT INTO timeline VALUES(1,19067010,2,397,108,227706141);
INSERT INTO timeline VALUES(1,19076538,3,5368709517,109,5596415261);
INSERT INTO timeline VALUES(1,19076630,2,397,109,5596415261);
INSERT INTO timeline VALUES(1,19081043,3,497,110,5596415361);
INSERT INTO timeline VALUES(1,19089868,2,397,110,5596415361);
INSERT INTO timeline VALUES(1,19098471,3,429,111,5596415393);
INSERT INTO timeline VALUES(1,19099857,2,397,111,5596415393);
INSERT INTO timeline VALUES(1,19101046,3,430,112,5596415426);
INSERT INTO timeline VALUES(1,19101575,2,397,112,5596415426);
INSERT INTO timeline VALUES(1,19101902,3,497,113,5596415526);
INSERT INTO timeline VALUES(1,19102032,2,397,113,5596415526);
INSERT INTO timeline VALUES(1,19102262,3,909,114,5596416038);
INSERT INTO timeline VALUES(1,19102349,2,397,114,5596416038);
INSERT INTO timeline VALUES(1,19102530,3,430,115,5596416071);
INSERT INTO timeline VALUES(1,19102581,2,397,115,5596416071);
INSERT INTO timeline VALUES(1,19103932,3,497,116,5596416171);
INSERT INTO timeline VALUES(1,19104001,2,397,116,5596416171);
INSERT INTO timeline VALUES(1,19104863,3,8589,117,5596424363);
INSERT INTO timeline VALUES(1,19104936,2,397,117,5596424363);
INSERT INTO timeline VALUES(1,19105973,3,430,118,5596424396);
INSERT INTO timeline VALUES(1,19106005,2,397,118,5596424396);
INSERT INTO timeline VALUES(1,19107548,3,497,119,5596424496);
INSERT INTO timeline VALUES(1,19107596,2,397,119,5596424496);
INSERT INTO timeline VALUES(1,19112598,3,131469,120,5596555568);
INSERT INTO timeline VALUES(1,19112632,2,397,120,5596555568);
INSERT INTO timeline VALUES(1,19114383,3,430,121,5596555601);
INSERT INTO timeline VALUES(1,19114429,2,397,121,5596555601);
INSERT INTO timeline VALUES(1,19119585,3,406,122,5596555610);
INSERT INTO timeline VALUES(1,19123047,2,397,122,5596555610);
INSERT INTO timeline VALUES(1,19131959,3,460,123,5596555673);
INSERT INTO timeline VALUES(1,19133039,2,397,123,5596555673);
INSERT INTO timeline VALUES(2,46705459,1,17,1,17);
INSERT INTO timeline VALUES(2,46714589,0,0,1,17);
INSERT INTO timeline VALUES(2,46715363,1,17,2,34);
INSERT INTO timeline VALUES(2,46715447,0,0,2,34);
INSERT INTO timeline VALUES(2,46715533,1,17,3,51);
INSERT INTO timeline VALUES(2,46715587,0,0,3,51);
INSERT INTO timeline VALUES(2,46715635,1,17,4,68);
INSERT INTO timeline VALUES(2,46715678,0,0,4,68);
INSERT INTO timeline VALUES(2,46715723,1,17,5,85);
INSERT INTO timeline VALUES(2,46715751,0,0,5,85);
INSERT INTO timeline VALUES(2,46715798,1,17,6,102);
INSERT INTO timeline VALUES(2,46715825,0,0,6,102);
INSERT INTO timeline VALUES(2,46715860,1,17,7,119);
INSERT INTO timeline VALUES(2,46715887,0,0,7,119);
INSERT INTO timeline VALUES(2,46715922,1,17,8,136);
INSERT INTO timeline VALUES(2,46715948,0,0,8,136);
INSERT INTO timeline VALUES(2,46715982,1,17,9,153);
INSERT INTO timeline VALUES(2,46716008,0,0,9,153);
INSERT INTO timeline VALUES(2,46716045,1,17,10,170);
INSERT INTO timeline VALUES(2,46716070,0,0,10,170);
INSERT INTO timeline VALUES(2,46716106,1,17,11,187);
INSERT INTO timeline VALUES(2,46716134,0,0,11,187);
INSERT INTO timeline VALUES(2,46716167,1,17,12,204);
INSERT INTO timeline VALUES(2,46716194,0,0,12,204);
INSERT INTO timeline VALUES(2,46716228,1,17,13,221);
INSERT INTO timeline VALUES(2,46716255,0,0,13,221);
INSERT INTO timeline VALUES(2,46716289,1,17,14,238);
INSERT INTO timeline VALUES(2,46716317,0,0,14,238);
INSERT INTO timeline VALUES(2,46716352,1,17,15,255);
INSERT INTO timeline VALUES(2,46716378,0,0,15,255);
INSERT INTO timeline VALUES(2,46716413,1,17,16,272);
INSERT INTO timeline VALUES(2,46716439,0,0,16,272);
INSERT INTO timeline VALUES(2,46716476,1,17,17,289);
INSERT INTO timeline VALUES(2,46716502,0,0,17,289);
INSERT INTO timeline VALUES(2,46716537,1,17,18,306);
INSERT INTO timeline VALUES(2,46716565,0,0,18,306);
INSERT INTO timeline VALUES(2,46716599,1,17,19,323);
INSERT INTO timeline VALUES(2,46716626,0,0,19,323);
INSERT INTO timeline VALUES(2,46716661,1,17,20,340);
INSERT INTO timeline VALUES(2,46716687,0,0,20,340);
INSERT INTO timeline VALUES(2,46716723,1,17,21,357);
INSERT INTO timeline VALUES(2,46716751,0,0,21,357);
INSERT INTO timeline VALUES(2,46716785,1,17,22,374);
INSERT INTO timeline VALUES(2,46716812,0,0,22,374);
INSERT INTO timeline VALUES(2,46716846,1,17,23,391);
INSERT INTO timeline VALUES(2,46716873,0,0,23,391);
INSERT INTO timeline VALUES(2,46716908,1,17,24,408);
INSERT INTO timeline VALUES(2,46716934,0,0,24,408);
INSERT INTO timeline VALUES(2,46716968,1,17,25,425);
INSERT INTO timeline VALUES(2,46716995,0,0,25,425);
INSERT INTO timeline VALUES(2,46717030,1,17,26,442);
INSERT INTO timeline VALUES(2,46717056,0,0,26,442);
INSERT INTO timeline VALUES(2,46717091,1,17,27,459);
INSERT INTO timeline VALUES(2,46717118,0,0,27,459);
INSERT INTO timeline VALUES(2,46717152,1,17,28,476);
INSERT INTO timeline VALUES(2,46717178,0,0,28,476);
INSERT INTO timeline VALUES(2,46717214,1,17,29,493);
INSERT INTO timeline VALUES(2,46717240,0,0,29,493);
INSERT INTO timeline VALUES(2,46717275,1,17,30,510);
INSERT INTO timeline VALUES(2,46717301,0,0,30,510);
INSERT INTO timeline VALUES(2,46727057,1,8,31,518);
INSERT INTO timeline VALUES(2,46733517,0,0,31,518);
INSERT INTO timeline VALUES(3,58888138,1,7,1,7);
INSERT INTO timeline VALUES(3,58897556,0,0,1,7);
CREATE TABLE chunk (
  id INTEGER PRIMARY KEY,
  process_id INTEGER REFERENCES process(id),
  first_id INTEGER,       -- id of its first birth; NULL: it has none
  last_id INTEGER,        -- id of its last birth
  first_ns INTEGER,       -- time of its first event, ns since the log's start
  last_ns INTEGER,        -- time of its last event
  births INTEGER,         -- events that are births
  deaths INTEGER,         -- events that are deaths
  reallocs INTEGER,       -- births that realloc made of an older block
  birth_bytes INTEGER,    -- bytes that the births asked for
  usable_bytes INTEGER,   -- bytes that they got
  codec TEXT,             -- columns in the order of data: NAME:CODEC:BYTES:STORED_BYTES, ...
  checksum INTEGER,       -- of data; docs/log-format.md says how
  data BLOB
);
INSERT INTO chunk VALUES(1,2,124,154,46705459,46733517,31,31,0,518,744,'base:raw:1:1 place:zstd:63:21 thread:raw:1:1 thread_id:raw:1:1 place_op:raw:4:4 place_stack:raw:4:4 place_depth:raw:4:4 time0:raw:23:23 time1:raw:2:2 time2:raw:1:1 time3:raw:1:1 time5:raw:1:1 time6:raw:1:1 time7:raw:2:2 time7+:raw:3:3 time8:raw:2:2 time8+:raw:1:1 time9:raw:27:27 time15:raw:2:2 time15+:raw:2:2 birth:raw:31:31 size:raw:2:2 address:raw:1:1 address+:raw:6:6 death:raw:31:31 address_sum:raw:1:1 address_sum+:raw:10:10',3328191388528073341,X'7b28b52ffd203f6500003001030300030301003e011100080318030648020202940600001a1a191c1b1b1c1a1a1a1c1b1a1c1b1b1a1b1a1b1a1a1a1b1b1c2b3654b7b5aae309a95606302d2f23232225242122222323252322232422222322232322242300b71c06050000000000000000000000000000000000000000000000000000000000011108ea00080008ef0701010101010101010101010101010101010101010101010101010101010101ff81fe94ea92f1b8ebc401');
INSERT INTO chunk VALUES(2,1,1,123,10726186,19133039,123,121,52,5596555673,5596572952,'base:raw:1:1 place:zstd:248:62 thread:raw:4:4 thread_id:raw:3:3 place_op:raw:22:22 place_stack:raw:22:22 place_depth:raw:22:22 place_depth+:raw:4:4 time0:raw:65:65 time1:raw:21:21 time1+:raw:1:1 time2:raw:5:5 time3:raw:5:5 time4:raw:3:3 time5:raw:4:4 time6:raw:8:8 time6+:raw:1:1 time7:raw:10:10 time7+:raw:13:13 time8:raw:32:32 time9:raw:38:38 time9+:raw:1:1 time10:raw:10:10 time10+:raw:2:2 time11:raw:5:5 time11+:raw:2:2 time12:raw:5:5 time12+:raw:4:4 time13:raw:4:4 time13+:raw:2:2 time14:raw:17:17 time14+:raw:13:13 time15:raw:12:12 time15+:raw:16:16 birth:zstd:123:54 size:zstd:113:53 size+:zstd:76:59 excess:raw:3:3 excess+:raw:4:4 address:zstd:74:51 address+:raw:39:39 previous:raw:1:1 alignment:raw:13:13 alignment+:raw:20:20 death:zstd:122:22 source:raw:1:1 address_sum:raw:1:1 address_sum+:raw:9:9',-5009994548051078944,X'0028b52ffd20f8ad0100f801030301030400030305030700000604000303030303030309000003030303080068744687eff2e789a0074068500f4c99c0038c000102000202020305031803060718031803180b180d180f1811180918080a06020202000206040202020202020202020202028c68ff02ff0000000000000000000000000000000000a10583061d401c1b1d1c1d1b1e1d1c1c1c1c1c1d1d1c1d201c1d2c1c1d591d1d1e1e1d1e801d1e1c1c1d1e1d27271c1c1b1d241c1c1b1b1d1b1c1b1b1c1b1c1b1c1c1b1b1c1d1d1d1d1b2c1e1e1c1c1d3636291d1c1d3524a05c031d1b45282e1e1c2520222749301e1c2e33a5359342288257452fcbb3b5b7b4b7aca7b1ab2bcbeb57988357f3a416318c032021211f202123202020211f211f20202021201f1f21201e1f1f1f1e1f1f1f1e2726262628273aad2627252842262725262726263d28252725272626412727326e201f20211f5e43252729a0a139a22626d53d28a0a02230aa002d40b0b5ab51416b004686acadead7a3382da774a3a0b5b5b7a4a2a0aca9adb3b7313f07d184d3c3d423ef81e200bed5bda3beb2b3b7abb4b7bfd98782ab8d885c767ada4c2909d00228b52ffd207b6d010034020505210500010001000105040105010501070f0d0d4d45414445444447404445444501055002001cc70d5028b52ffd207165010004024dff20304050600a141e2d436496e1ffffffffffff4001ff642021ffffff093f0300b86c00b35440162328b52ffd204c950100b4024152fa01f603f006a70bfa11000180fe0381fe0381fe3f82feff0781feff6381feffff138102813e81fe0701001e4b12ffff08f11df01d28b52ffd204a5501003402ea00ea00030507090d131d2b415f8fa1e9000000d6d8dce0b40000321ea6a6b5b6bbba01004a400454860978b0720b0040787f85cab37ff48916affafe01e0fd3bcfbc7f0000824597f5933f000a0001101010ffffffffffffffffffff010101811e811e811e81fe0381fe0381fe03811e28b52ffd207a6d00002800022a020102000d50e1014401ff81fedba2b0ebcfd60b');
INSERT INTO chunk VALUES(3,3,155,155,58888138,58897556,1,1,0,7,24,'base:raw:1:1 place:raw:3:3 thread:raw:1:1 thread_id:raw:1:1 place_op:raw:2:2 place_stack:raw:2:2 place_depth:raw:2:2 time7:raw:1:1 time7+:raw:2:2 time15:raw:1:1 birth:raw:1:1 size:raw:1:1 address:raw:1:1 address+:raw:6:6 death:raw:1:1 address_sum:raw:1:1 address_sum+:raw:7:7',1670627374884839855,X'9a010303000a031852029406b7ca04000507ea00080008ef0701ff81fe808084ef1f');
CREATE TABLE finding (
  id INTEGER PRIMARY KEY,
  process_id INTEGER REFERENCES process(id), -- that it is about
  kind TEXT,              -- stack-buffer, combine, pool, ...
  rank INTEGER,           -- from 1: what saves most first
  confidence TEXT,        -- proven, consistent, weak
  title TEXT,             -- one line
  tactic TEXT,            -- what the change is called
  advice TEXT,            -- what to change
  allocations_removed INTEGER, -- calls that no longer reach the heap, over the whole run
  bytes_removed INTEGER,  -- header and rounding that the heap no longer spends, at the peak, bytes
  peak_bytes_delta INTEGER, -- memory of the program at its peak, after minus before, bytes
  heap_bytes_delta TEXT,  -- JSON object: policy -> bytes, after minus before; by a replay
  evidence TEXT,          -- JSON object; keys by kind
  query TEXT,             -- SQL that gives the evidence again, in one row
  code TEXT,              -- ready to paste; NULL: none
  notes TEXT,             -- what to beware of; NULL: nothing
  alternatives TEXT       -- kinds that claimed the same sites and gave way; NULL: none
);
CREATE TABLE finding_site (
  finding_id INTEGER REFERENCES finding(id),
  position INTEGER,       -- 0: the one to change first
  site_id INTEGER REFERENCES site(id), -- NULL: a site that only the report knew (--wrapper)
  allocations INTEGER,    -- that the site made in the process
  PRIMARY KEY (finding_id, position)
) WITHOUT ROWID;
CREATE INDEX frame_inlined_into ON frame(inlined_into, inline_position) WHERE inlined_into IS NOT NULL;
CREATE INDEX timeline_process ON timeline(process_id, time_ns);
CREATE INDEX chunk_process ON chunk(process_id);
CREATE VIEW stack_frame AS
SELECT s.id AS stack_id,
       j.key AS position,     -- 0: innermost; inlined frames stand before the frame that holds them
       f.function AS function,
       f.file AS file,
       f.line AS line,
       m.path AS module,
       f.offset_bytes AS offset_bytes,
       f.id AS frame_id,
       f.inlined_into IS NOT NULL AS is_inlined
FROM stack AS s
JOIN json_each((
  WITH RECURSIVE node(level, stack_id, frame_id, caller_id) AS (
    SELECT 0, s.id, s.frame_id, s.caller_id
    UNION ALL
    SELECT node.level + 1, c.id, c.frame_id, c.caller_id
    FROM node JOIN stack AS c ON c.id = node.caller_id
    WHERE c.id < node.stack_id -- callers come first; in a damaged log this ends the walk
  )
  SELECT json_group_array(frame_id) FROM (
    SELECT g.id AS frame_id
    FROM node JOIN frame AS g ON g.id = node.frame_id OR g.inlined_into = node.frame_id
    ORDER BY node.level, g.inlined_into IS NULL, g.inline_position)
)) AS j
JOIN frame AS f ON f.id = j.value
LEFT JOIN module AS m ON m.id = f.module_id
;

PRAGMA application_id = 1413828181;
PRAGMA user_version = 3;
COMMIT;
