PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
  key TEXT PRIMARY KEY,  -- format_version, complete, finished, allocations, ...
  value TEXT             -- text, numbers in decimal; by the recorder and by the finishing step
) WITHOUT ROWID;
INSERT INTO meta VALUES('allocated_bytes','27040');
INSERT INTO meta VALUES('allocations','124');
INSERT INTO meta VALUES('architecture','x86_64');
INSERT INTO meta VALUES('clock','tsc');
INSERT INTO meta VALUES('complete','1');
INSERT INTO meta VALUES('damaged_rings','0');
INSERT INTO meta VALUES('duration_ns','7985629');
INSERT INTO meta VALUES('events_lost','0');
INSERT INTO meta VALUES('events_lost_early','0');
INSERT INTO meta VALUES('events_lost_nested','0');
INSERT INTO meta VALUES('events_lost_no_slot','0');
INSERT INTO meta VALUES('events_lost_ring','0');
INSERT INTO meta VALUES('finish_step','3');
INSERT INTO meta VALUES('finished','1');
INSERT INTO meta VALUES('format_version','3');
INSERT INTO meta VALUES('frames_complex','0');
INSERT INTO meta VALUES('frames_named','9');
INSERT INTO meta VALUES('frames_unnamed','0');
INSERT INTO meta VALUES('frames_with_line','8');
INSERT INTO meta VALUES('frees','116');
INSERT INTO meta VALUES('inherited_frees','0');
INSERT INTO meta VALUES('modules_changed','0');
INSERT INTO meta VALUES('modules_with_lines','2');
INSERT INTO meta VALUES('modules_without_lines','0');
INSERT INTO meta VALUES('modules_without_names','0');
INSERT INTO meta VALUES('options','depth=1024 ring_size=1048576 free_stacks=yes children=yes rows=all check_stacks=no');
INSERT INTO meta VALUES('recorder_peak_bytes','5439488');
INSERT INTO meta VALUES('recorder_version','0.1.0');
INSERT INTO meta VALUES('repaired_orders','0');
INSERT INTO meta VALUES('rules_learned','11');
INSERT INTO meta VALUES('session','record');
INSERT INTO meta VALUES('stacks_checked','0');
INSERT INTO meta VALUES('stacks_different','0');
INSERT INTO meta VALUES('started_at','2026-01-01T00:00:00Z');
INSERT INTO meta VALUES('threads_peak','1');
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
INSERT INTO process VALUES(1,28902,NULL,'/usr/local/bin/rows','/usr/local/bin/rows',0,2890102,'exit',0);
CREATE TABLE thread (
  id INTEGER PRIMARY KEY, -- from 1, over all processes
  process_id INTEGER REFERENCES process(id),
  tid INTEGER,            -- the kernel's thread id
  name TEXT,              -- as the kernel shows it
  stack_size_bytes INTEGER, -- bytes; 0: not known
  start_ns INTEGER,       -- ns since the log's start, at its first event
  end_ns INTEGER          -- ns since the log's start; NULL while it runs
);
INSERT INTO thread VALUES(1,1,28902,'rows',8387760,2641055,2890102);
CREATE TABLE module (
  id INTEGER PRIMARY KEY,
  path TEXT,              -- as mapped
  build_id TEXT,          -- lower-case hex, '' without one
  UNIQUE (path, build_id)
);
INSERT INTO module VALUES(1,'/usr/local/bin/rows','0e7199da59fa08bb28d62851b72ffc43f03dc181');
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
INSERT INTO mapping VALUES(1,1,1,94691545972736,2632036,NULL);
INSERT INTO mapping VALUES(2,1,2,140433092841472,2633802,NULL);
INSERT INTO mapping VALUES(3,1,3,140433092702208,2634549,NULL);
INSERT INTO mapping VALUES(4,1,4,140433090682880,2635032,NULL);
INSERT INTO mapping VALUES(5,1,5,140433092849664,2635401,NULL);
INSERT INTO mapping VALUES(6,1,6,140433090244608,2636118,NULL);
INSERT INTO mapping VALUES(7,1,7,140433090052096,2636726,NULL);
INSERT INTO mapping VALUES(8,1,8,140433089937408,2637362,NULL);
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
INSERT INTO frame VALUES(1,1,4273,'_start',NULL,NULL,NULL,NULL);
INSERT INTO frame VALUES(2,4,160517,'__libc_start_main_impl','csu/libc-start.c',360,NULL,NULL);
INSERT INTO frame VALUES(3,4,160330,'__libc_start_call_main','sysdeps/nptl/libc_start_call_main.h',58,NULL,NULL);
INSERT INTO frame VALUES(4,1,4517,'main','/usr/src/example/rows.c',7,NULL,NULL);
INSERT INTO frame VALUES(5,1,4586,'main','/usr/src/example/rows.c',9,NULL,NULL);
INSERT INTO frame VALUES(6,1,4617,'main','/usr/src/example/rows.c',9,NULL,NULL);
INSERT INTO frame VALUES(7,1,4662,'main','/usr/src/example/rows.c',10,NULL,NULL);
INSERT INTO frame VALUES(8,1,4679,'main','/usr/src/example/rows.c',10,NULL,NULL);
INSERT INTO frame VALUES(9,1,4710,'main','/usr/src/example/rows.c',11,NULL,NULL);
INSERT INTO frame VALUES(10,1,4586,'handle','/usr/src/example/rows.c',4,5,0);
INSERT INTO frame VALUES(11,1,4617,'handle','/usr/src/example/rows.c',4,6,0);
INSERT INTO frame VALUES(12,1,4662,'grow','/usr/src/example/rows.c',5,7,0);
INSERT INTO frame VALUES(13,1,4679,'grow','/usr/src/example/rows.c',5,8,0);
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
INSERT INTO stack VALUES(4,4,3,64,4,0,1);
INSERT INTO stack VALUES(5,5,3,64,4,0,2);
INSERT INTO stack VALUES(6,6,3,64,4,0,3);
INSERT INTO stack VALUES(7,7,3,64,4,0,4);
INSERT INTO stack VALUES(8,8,3,64,4,0,5);
INSERT INTO stack VALUES(9,9,3,64,4,0,6);
CREATE TABLE site (
  id INTEGER PRIMARY KEY,
  function TEXT,          -- demangled; NULL: not known
  file TEXT,              -- source file; NULL: not known
  line INTEGER,           -- source line; NULL: not known
  module TEXT,            -- path of the module; NULL: outside every module
  offset_bytes INTEGER,   -- return address in the module, where there is no line; else NULL
  via TEXT                -- how the site reached the allocator: malloc, strdup, operator new, ...
);
INSERT INTO site VALUES(1,'main','/usr/src/example/rows.c',7,'/usr/local/bin/rows',NULL,'calloc');
INSERT INTO site VALUES(2,'handle','/usr/src/example/rows.c',4,'/usr/local/bin/rows',NULL,'malloc');
INSERT INTO site VALUES(3,'handle','/usr/src/example/rows.c',4,'/usr/local/bin/rows',NULL,'free');
INSERT INTO site VALUES(4,'grow','/usr/src/example/rows.c',5,'/usr/local/bin/rows',NULL,'realloc');
INSERT INTO site VALUES(5,'grow','/usr/src/example/rows.c',5,'/usr/local/bin/rows',NULL,'free');
INSERT INTO site VALUES(6,'main','/usr/src/example/rows.c',11,'/usr/local/bin/rows',NULL,'free');
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
CREATE TABLE mark (
  id INTEGER PRIMARY KEY,
  process_id INTEGER REFERENCES process(id),
  time_ns INTEGER,        -- ns since the log's start
  text TEXT               -- main entered, exit begun, the program's own; by the shim or derived
);
INSERT INTO mark VALUES(1,1,2653128,'main entered');
INSERT INTO mark VALUES(2,1,2771323,'exit begun');
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
INSERT INTO site_summary VALUES(1,1,16,640,640,40,40,40.0,1,16,640,8,8,0,8,8,60674,61023,61023,61023,119,123,123,123,26840,27000,27000,27000,2709654,2710966);
INSERT INTO site_summary VALUES(1,2,60,1920,2080,24,40,32.0,3,1,40,60,0,0,60,60,28,41,11135,11252,0,0,0,0,0,0,0,0,2715244,2733236);
INSERT INTO site_summary VALUES(1,4,48,24480,24864,16,2048,510.0,8,1,2048,48,0,0,48,42,29,50,9240,9240,0,0,0,0,0,0,0,0,2749580,2762575);
CREATE TABLE timeline (
  process_id INTEGER REFERENCES process(id),
  time_ns INTEGER,        -- ns since the log's start; values are those right after this instant's event
  live_count INTEGER,     -- allocations live
  live_bytes INTEGER,     -- bytes that they asked for
  allocations INTEGER,    -- made so far
  allocated_bytes INTEGER -- asked for so far
);
INSERT INTO timeline VALUES(1,2709654,1,40,1,40);
INSERT INTO timeline VALUES(1,2710165,2,80,2,80);
INSERT INTO timeline VALUES(1,2710200,3,120,3,120);
INSERT INTO timeline VALUES(1,2710236,4,160,4,160);
INSERT INTO timeline VALUES(1,2710271,5,200,5,200);
INSERT INTO timeline VALUES(1,2710308,6,240,6,240);
INSERT INTO timeline VALUES(1,2710343,7,280,7,280);
INSERT INTO timeline VALUES(1,2710678,8,320,8,320);
INSERT INTO timeline VALUES(1,2710715,9,360,9,360);
INSERT INTO timeline VALUES(1,2710751,10,400,10,400);
INSERT INTO timeline VALUES(1,2710786,11,440,11,440);
INSERT INTO timeline VALUES(1,2710823,12,480,12,480);
INSERT INTO timeline VALUES(1,2710858,13,520,13,520);
INSERT INTO timeline VALUES(1,2710893,14,560,14,560);
INSERT INTO timeline VALUES(1,2710932,15,600,15,600);
INSERT INTO timeline VALUES(1,2710966,16,640,16,640);
INSERT INTO timeline VALUES(1,2715244,17,664,17,664);
INSERT INTO timeline VALUES(1,2726496,16,640,17,664);
INSERT INTO timeline VALUES(1,2726993,17,672,18,696);
INSERT INTO timeline VALUES(1,2727068,16,640,18,696);
INSERT INTO timeline VALUES(1,2727151,17,680,19,736);
INSERT INTO timeline VALUES(1,2727199,16,640,19,736);
INSERT INTO timeline VALUES(1,2727246,17,664,20,760);
INSERT INTO timeline VALUES(1,2727284,16,640,20,760);
INSERT INTO timeline VALUES(1,2727327,17,672,21,792);
INSERT INTO timeline VALUES(1,2727373,16,640,21,792);
INSERT INTO timeline VALUES(1,2727408,17,680,22,832);
INSERT INTO timeline VALUES(1,2727449,16,640,22,832);
INSERT INTO timeline VALUES(1,2727484,17,664,23,856);
INSERT INTO timeline VALUES(1,2727513,16,640,23,856);
INSERT INTO timeline VALUES(1,2727549,17,672,24,888);
INSERT INTO timeline VALUES(1,2727576,16,640,24,888);
INSERT INTO timeline VALUES(1,2727609,17,680,25,928);
INSERT INTO timeline VALUES(1,2727644,16,640,25,928);
INSERT INTO timeline VALUES(1,2727676,17,664,26,952);
INSERT INTO timeline VALUES(1,2727704,16,640,26,952);
INSERT INTO timeline VALUES(1,2727736,17,672,27,984);
INSERT INTO timeline VALUES(1,2727764,16,640,27,984);
INSERT INTO timeline VALUES(1,2727798,17,680,28,1024);
INSERT INTO timeline VALUES(1,2727825,16,640,28,1024);
INSERT INTO timeline VALUES(1,2727856,17,664,29,1048);
INSERT INTO timeline VALUES(1,2727884,16,640,29,1048);
INSERT INTO timeline VALUES(1,2727916,17,672,30,1080);
INSERT INTO timeline VALUES(1,2727944,16,640,30,1080);
INSERT INTO timeline VALUES(1,2727978,17,680,31,1120);
INSERT INTO timeline VALUES(1,2728006,16,640,31,1120);
INSERT INTO timeline VALUES(1,2728038,17,664,32,1144);
INSERT INTO timeline VALUES(1,2728066,16,640,32,1144);
INSERT INTO timeline VALUES(1,2728098,17,672,33,1176);
INSERT INTO timeline VALUES(1,2728126,16,640,33,1176);
INSERT INTO timeline VALUES(1,2728158,17,680,34,1216);
INSERT INTO timeline VALUES(1,2728186,16,640,34,1216);
INSERT INTO timeline VALUES(1,2728218,17,664,35,1240);
INSERT INTO timeline VALUES(1,2728246,16,640,35,1240);
INSERT INTO timeline VALUES(1,2728278,17,672,36,1272);
INSERT INTO timeline VALUES(1,2728306,16,640,36,1272);
INSERT INTO timeline VALUES(1,2728338,17,680,37,1312);
INSERT INTO timeline VALUES(1,2728366,16,640,37,1312);
INSERT INTO timeline VALUES(1,2728398,17,664,38,1336);
INSERT INTO timeline VALUES(1,2728426,16,640,38,1336);
INSERT INTO timeline VALUES(1,2728458,17,672,39,1368);
INSERT INTO timeline VALUES(1,2728485,16,640,39,1368);
INSERT INTO timeline VALUES(1,2728518,17,680,40,1408);
INSERT INTO timeline VALUES(1,2728546,16,640,40,1408);
INSERT INTO timeline VALUES(1,2728579,17,664,41,1432);
INSERT INTO timeline VALUES(1,2728607,16,640,41,1432);
INSERT INTO timeline VALUES(1,2728639,17,672,42,1464);
INSERT INTO timeline VALUES(1,2728666,16,640,42,1464);
INSERT INTO timeline VALUES(1,2728699,17,680,43,1504);
INSERT INTO timeline VALUES(1,2728727,16,640,43,1504);
INSERT INTO timeline VALUES(1,2728760,17,664,44,1528);
INSERT INTO timeline VALUES(1,2728788,16,640,44,1528);
INSERT INTO timeline VALUES(1,2728819,17,672,45,1560);
INSERT INTO timeline VALUES(1,2728847,16,640,45,1560);
INSERT INTO timeline VALUES(1,2728879,17,680,46,1600);
INSERT INTO timeline VALUES(1,2728907,16,640,46,1600);
INSERT INTO timeline VALUES(1,2728940,17,664,47,1624);
INSERT INTO timeline VALUES(1,2728968,16,640,47,1624);
INSERT INTO timeline VALUES(1,2729000,17,672,48,1656);
INSERT INTO timeline VALUES(1,2729028,16,640,48,1656);
INSERT INTO timeline VALUES(1,2729061,17,680,49,1696);
INSERT INTO timeline VALUES(1,2729089,16,640,49,1696);
INSERT INTO timeline VALUES(1,2729121,17,664,50,1720);
INSERT INTO timeline VALUES(1,2729149,16,640,50,1720);
INSERT INTO timeline VALUES(1,2729182,17,672,51,1752);
INSERT INTO timeline VALUES(1,2729209,16,640,51,1752);
INSERT INTO timeline VALUES(1,2729242,17,680,52,1792);
INSERT INTO timeline VALUES(1,2729269,16,640,52,1792);
INSERT INTO timeline VALUES(1,2729302,17,664,53,1816);
INSERT INTO timeline VALUES(1,2729329,16,640,53,1816);
INSERT INTO timeline VALUES(1,2729362,17,672,54,1848);
INSERT INTO timeline VALUES(1,2729390,16,640,54,1848);
INSERT INTO timeline VALUES(1,2729422,17,680,55,1888);
INSERT INTO timeline VALUES(1,2729449,16,640,55,1888);
INSERT INTO timeline VALUES(1,2729482,17,664,56,1912);
INSERT INTO timeline VALUES(1,2729509,16,640,56,1912);
INSERT INTO timeline VALUES(1,2729542,17,672,57,1944);
INSERT INTO timeline VALUES(1,2729569,16,640,57,1944);
INSERT INTO timeline VALUES(1,2729601,17,680,58,1984);
INSERT INTO timeline VALUES(1,2729629,16,640,58,1984);
INSERT INTO timeline VALUES(1,2729663,17,664,59,2008);
INSERT INTO timeline VALUES(1,2729690,16,640,59,2008);
INSERT INTO timeline VALUES(1,2729722,17,672,60,2040);
INSERT INTO timeline VALUES(1,2729749,16,640,60,2040);
INSERT INTO timeline VALUES(1,2729783,17,680,61,2080);
INSERT INTO timeline VALUES(1,2729810,16,640,61,2080);
INSERT INTO timeline VALUES(1,2729843,17,664,62,2104);
INSERT INTO timeline VALUES(1,2729870,16,640,62,2104);
INSERT INTO timeline VALUES(1,2729903,17,672,63,2136);
INSERT INTO timeline VALUES(1,2729931,16,640,63,2136);
INSERT INTO timeline VALUES(1,2729963,17,680,64,2176);
INSERT INTO timeline VALUES(1,2729991,16,640,64,2176);
INSERT INTO timeline VALUES(1,2730023,17,664,65,2200);
INSERT INTO timeline VALUES(1,2730064,16,640,65,2200);
INSERT INTO timeline VALUES(1,2730096,17,672,66,2232);
INSERT INTO timeline VALUES(1,2730123,16,640,66,2232);
INSERT INTO timeline VALUES(1,2730156,17,680,67,2272);
INSERT INTO timeline VALUES(1,2730183,16,640,67,2272);
INSERT INTO timeline VALUES(1,2730215,17,664,68,2296);
INSERT INTO timeline VALUES(1,2730243,16,640,68,2296);
INSERT INTO timeline VALUES(1,2730275,17,672,69,2328);
INSERT INTO timeline VALUES(1,2730303,16,640,69,2328);
INSERT INTO timeline VALUES(1,2730335,17,680,70,2368);
INSERT INTO timeline VALUES(1,2730363,16,640,70,2368);
INSERT INTO timeline VALUES(1,2730396,17,664,71,2392);
INSERT INTO timeline VALUES(1,2730423,16,640,71,2392);
INSERT INTO timeline VALUES(1,2730456,17,672,72,2424);
INSERT INTO timeline VALUES(1,2733005,16,640,72,2424);
INSERT INTO timeline VALUES(1,2733039,17,680,73,2464);
INSERT INTO timeline VALUES(1,2733075,16,640,73,2464);
INSERT INTO timeline VALUES(1,2733110,17,664,74,2488);
INSERT INTO timeline VALUES(1,2733138,16,640,74,2488);
INSERT INTO timeline VALUES(1,2733174,17,672,75,2520);
INSERT INTO timeline VALUES(1,2733201,16,640,75,2520);
INSERT INTO timeline VALUES(1,2733236,17,680,76,2560);
INSERT INTO timeline VALUES(1,2733263,16,640,76,2560);
INSERT INTO timeline VALUES(1,2749580,17,656,77,2576);
INSERT INTO timeline VALUES(1,2749848,16,640,77,2576);
INSERT INTO timeline VALUES(1,2750093,17,672,78,2608);
INSERT INTO timeline VALUES(1,2750143,16,640,78,2608);
INSERT INTO timeline VALUES(1,2750183,17,704,79,2672);
INSERT INTO timeline VALUES(1,2750213,16,640,79,2672);
INSERT INTO timeline VALUES(1,2750236,17,768,80,2800);
INSERT INTO timeline VALUES(1,2750266,16,640,80,2800);
INSERT INTO timeline VALUES(1,2750289,17,896,81,3056);
INSERT INTO timeline VALUES(1,2750319,16,640,81,3056);
INSERT INTO timeline VALUES(1,2750343,17,1152,82,3568);
INSERT INTO timeline VALUES(1,2750373,16,640,82,3568);
INSERT INTO timeline VALUES(1,2750398,17,1664,83,4592);
INSERT INTO timeline VALUES(1,2750427,16,640,83,4592);
INSERT INTO timeline VALUES(1,2750453,17,2688,84,6640);
INSERT INTO timeline VALUES(1,2759693,16,640,84,6640);
INSERT INTO timeline VALUES(1,2760160,17,656,85,6656);
INSERT INTO timeline VALUES(1,2760222,16,640,85,6656);
INSERT INTO timeline VALUES(1,2760311,17,672,86,6688);
INSERT INTO timeline VALUES(1,2760364,16,640,86,6688);
INSERT INTO timeline VALUES(1,2760400,17,704,87,6752);
INSERT INTO timeline VALUES(1,2760428,16,640,87,6752);
INSERT INTO timeline VALUES(1,2760453,17,768,88,6880);
INSERT INTO timeline VALUES(1,2760482,16,640,88,6880);
INSERT INTO timeline VALUES(1,2760506,17,896,89,7136);
INSERT INTO timeline VALUES(1,2760546,16,640,89,7136);
INSERT INTO timeline VALUES(1,2760570,17,1152,90,7648);
INSERT INTO timeline VALUES(1,2760600,16,640,90,7648);
INSERT INTO timeline VALUES(1,2760626,17,1664,91,8672);
INSERT INTO timeline VALUES(1,2760656,16,640,91,8672);
INSERT INTO timeline VALUES(1,2760681,17,2688,92,10720);
INSERT INTO timeline VALUES(1,2760728,16,640,92,10720);
INSERT INTO timeline VALUES(1,2760793,17,656,93,10736);
INSERT INTO timeline VALUES(1,2760820,16,640,93,10736);
INSERT INTO timeline VALUES(1,2760870,17,672,94,10768);
INSERT INTO timeline VALUES(1,2760899,16,640,94,10768);
INSERT INTO timeline VALUES(1,2760923,17,704,95,10832);
INSERT INTO timeline VALUES(1,2760959,16,640,95,10832);
INSERT INTO timeline VALUES(1,2760984,17,768,96,10960);
INSERT INTO timeline VALUES(1,2761014,16,640,96,10960);
INSERT INTO timeline VALUES(1,2761039,17,896,97,11216);
INSERT INTO timeline VALUES(1,2761069,16,640,97,11216);
INSERT INTO timeline VALUES(1,2761093,17,1152,98,11728);
INSERT INTO timeline VALUES(1,2761124,16,640,98,11728);
INSERT INTO timeline VALUES(1,2761149,17,1664,99,12752);
INSERT INTO timeline VALUES(1,2761179,16,640,99,12752);
INSERT INTO timeline VALUES(1,2761203,17,2688,100,14800);
INSERT INTO timeline VALUES(1,2761240,16,640,100,14800);
INSERT INTO timeline VALUES(1,2761279,17,656,101,14816);
INSERT INTO timeline VALUES(1,2761307,16,640,101,14816);
INSERT INTO timeline VALUES(1,2761341,17,672,102,14848);
INSERT INTO timeline VALUES(1,2761370,16,640,102,14848);
INSERT INTO timeline VALUES(1,2761395,17,704,103,14912);
INSERT INTO timeline VALUES(1,2761423,16,640,103,14912);
INSERT INTO timeline VALUES(1,2761447,17,768,104,15040);
INSERT INTO timeline VALUES(1,2761483,16,640,104,15040);
INSERT INTO timeline VALUES(1,2761507,17,896,105,15296);
INSERT INTO timeline VALUES(1,2761536,16,640,105,15296);
INSERT INTO timeline VALUES(1,2761560,17,1152,106,15808);
INSERT INTO timeline VALUES(1,2761589,16,640,106,15808);
INSERT INTO timeline VALUES(1,2761614,17,1664,107,16832);
INSERT INTO timeline VALUES(1,2761643,16,640,107,16832);
INSERT INTO timeline VALUES(1,2761667,17,2688,108,18880);
INSERT INTO timeline VALUES(1,2761702,16,640,108,18880);
INSERT INTO timeline VALUES(1,2761743,17,656,109,18896);
INSERT INTO timeline VALUES(1,2761769,16,640,109,18896);
INSERT INTO timeline VALUES(1,2761803,17,672,110,18928);
INSERT INTO timeline VALUES(1,2761832,16,640,110,18928);
INSERT INTO timeline VALUES(1,2761856,17,704,111,18992);
INSERT INTO timeline VALUES(1,2761884,16,640,111,18992);
INSERT INTO timeline VALUES(1,2761909,17,768,112,19120);
INSERT INTO timeline VALUES(1,2761937,16,640,112,19120);
INSERT INTO timeline VALUES(1,2761962,17,896,113,19376);
INSERT INTO timeline VALUES(1,2761990,16,640,113,19376);
INSERT INTO timeline VALUES(1,2762014,17,1152,114,19888);
INSERT INTO timeline VALUES(1,2762043,16,640,114,19888);
INSERT INTO timeline VALUES(1,2762068,17,1664,115,20912);
INSERT INTO timeline VALUES(1,2762096,16,640,115,20912);
INSERT INTO timeline VALUES(1,2762122,17,2688,116,22960);
INSERT INTO timeline VALUES(1,2762156,16,640,116,22960);
INSERT INTO timeline VALUES(1,2762196,17,656,117,22976);
INSERT INTO timeline VALUES(1,2762223,16,640,117,22976);
INSERT INTO timeline VALUES(1,2762256,17,672,118,23008);
INSERT INTO timeline VALUES(1,2762285,16,640,118,23008);
INSERT INTO timeline VALUES(1,2762309,17,704,119,23072);
INSERT INTO timeline VALUES(1,2762338,16,640,119,23072);
INSERT INTO timeline VALUES(1,2762363,17,768,120,23200);
INSERT INTO timeline VALUES(1,2762392,16,640,120,23200);
INSERT INTO timeline VALUES(1,2762416,17,896,121,23456);
INSERT INTO timeline VALUES(1,2762444,16,640,121,23456);
INSERT INTO timeline VALUES(1,2762468,17,1152,122,23968);
INSERT INTO timeline VALUES(1,2762496,16,640,122,23968);
INSERT INTO timeline VALUES(1,2762523,17,1664,123,24992);
INSERT INTO timeline VALUES(1,2762551,16,640,123,24992);
INSERT INTO timeline VALUES(1,2762575,17,2688,124,27040);
INSERT INTO timeline VALUES(1,2762609,16,640,124,27040);
INSERT INTO timeline VALUES(1,2770677,15,600,124,27040);
INSERT INTO timeline VALUES(1,2770839,14,560,124,27040);
INSERT INTO timeline VALUES(1,2770889,13,520,124,27040);
INSERT INTO timeline VALUES(1,2770919,12,480,124,27040);
INSERT INTO timeline VALUES(1,2770949,11,440,124,27040);
INSERT INTO timeline VALUES(1,2770979,10,400,124,27040);
INSERT INTO timeline VALUES(1,2771009,9,360,124,27040);
INSERT INTO timeline VALUES(1,2771064,8,320,124,27040);
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
INSERT INTO chunk VALUES(1,1,1,124,2709654,2771064,124,116,42,27040,27584,'base:raw:1:1 place:zstd:241:48 thread:raw:1:1 thread_id:raw:1:1 place_op:raw:7:7 place_stack:raw:7:7 place_depth:raw:7:7 time0:zstd:80:72 time0+:raw:2:2 time1:raw:16:16 time2:raw:5:5 time3:raw:4:4 time4:raw:1:1 time5:raw:2:2 time6:raw:4:4 time6+:raw:1:1 time7:raw:4:4 time7+:raw:5:5 time8:zstd:87:71 time8+:raw:2:2 time9:raw:22:22 time9+:raw:1:1 time10:raw:6:6 time12:raw:2:2 time14:raw:4:4 time14+:raw:2:2 time15:raw:3:3 time15+:raw:3:3 birth:zstd:124:33 size:zstd:109:29 size+:raw:42:42 address:raw:25:25 address+:raw:6:6 previous:raw:11:11 death:zstd:116:25 near:raw:1:1 address_sum:raw:1:1 address_sum+:raw:10:10',-5543415444018729405,X'0028b52ffd20f13d0100b8010300030305000306050002040000030400000000000005009b290718ba872e449012190c01000205031807061818080202020002028800000000000028b52ffd2050fd01004403231c1c1b1c1b1b1b1b1b1c1c291b1b1c1c1c1baf1d3e281e1b1d241e1e1f1e1c1d1c241d1d1d1a1d1c1c1c1d1c1b1d1d1d1c1c1c03003b3231cd2d8016f501291d1b1b1b1e1e1e351c1d1e221e1e372e1c1e221e2624231e3230254b2fa03202b8a3b7b6f46330483828b52ffd2057f5010002850d14b025e90cc3304c71c0b16cb084ec24fc46604a091aa4e98198360d4193b41168da0a132a6264ccabab3f8eefbfbb80f71d03838c12010019e002ff0423a4242325232327222324212020221f2318191832180f252b231759242f17a653a228710500b3bab6f41e28b52ffd207cc50000500504050501250521210105002b180019e0c207e790011628b52ffd206da500005828182010204080ffffffff0200574a7e4f37040181028106810e0181028106810e0181028106810e0181028106810e0181028106810e0181028106810eea00000000000000000000000000000000000605091121418154605feac302010001000100010001000128b52ffd20748500005001010203020202020202010027055802ffe1bdd3eede9ff9cf8401');
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
CREATE TABLE allocation_row (
  id INTEGER PRIMARY KEY,
  process_id INTEGER,
  thread_id INTEGER,
  stack_id INTEGER,
  function_id INTEGER,       -- code, see function
  size_bytes INTEGER,
  excess_bytes INTEGER,      -- usable size minus size, bytes
  alignment_bytes INTEGER,
  address INTEGER,
  birth_ns INTEGER,
  lifetime_ns INTEGER,
  lifetime_allocations INTEGER,
  lifetime_bytes INTEGER,
  stack_depth_bytes INTEGER,
  free_thread_id INTEGER,
  free_stack_id INTEGER,
  free_stack_depth_bytes INTEGER,
  free_function_id INTEGER,  -- code, see function
  previous_id INTEGER
);
INSERT INTO allocation_row VALUES(1,1,1,4,2,40,0,0,94692536156832,2709654,61023,123,27000,544,1,9,544,12,NULL);
INSERT INTO allocation_row VALUES(2,1,1,4,2,40,0,0,94692536156880,2710165,60674,122,26960,544,1,9,544,12,NULL);
INSERT INTO allocation_row VALUES(3,1,1,4,2,40,0,0,94692536156928,2710200,60689,121,26920,544,1,9,544,12,NULL);
INSERT INTO allocation_row VALUES(4,1,1,4,2,40,0,0,94692536156976,2710236,60683,120,26880,544,1,9,544,12,NULL);
INSERT INTO allocation_row VALUES(5,1,1,4,2,40,0,0,94692536157024,2710271,60678,119,26840,544,1,9,544,12,NULL);
INSERT INTO allocation_row VALUES(6,1,1,4,2,40,0,0,94692536157072,2710308,60671,118,26800,544,1,9,544,12,NULL);
INSERT INTO allocation_row VALUES(7,1,1,4,2,40,0,0,94692536157120,2710343,60666,117,26760,544,1,9,544,12,NULL);
INSERT INTO allocation_row VALUES(8,1,1,4,2,40,0,0,94692536157168,2710678,60386,116,26720,544,1,9,544,12,NULL);
INSERT INTO allocation_row VALUES(9,1,1,4,2,40,0,0,94692536157216,2710715,NULL,NULL,NULL,544,NULL,NULL,NULL,NULL,NULL);
INSERT INTO allocation_row VALUES(10,1,1,4,2,40,0,0,94692536157264,2710751,NULL,NULL,NULL,544,NULL,NULL,NULL,NULL,NULL);
INSERT INTO allocation_row VALUES(11,1,1,4,2,40,0,0,94692536157312,2710786,NULL,NULL,NULL,544,NULL,NULL,NULL,NULL,NULL);
INSERT INTO allocation_row VALUES(12,1,1,4,2,40,0,0,94692536157360,2710823,NULL,NULL,NULL,544,NULL,NULL,NULL,NULL,NULL);
INSERT INTO allocation_row VALUES(13,1,1,4,2,40,0,0,94692536157408,2710858,NULL,NULL,NULL,544,NULL,NULL,NULL,NULL,NULL);
INSERT INTO allocation_row VALUES(14,1,1,4,2,40,0,0,94692536157456,2710893,NULL,NULL,NULL,544,NULL,NULL,NULL,NULL,NULL);
INSERT INTO allocation_row VALUES(15,1,1,4,2,40,0,0,94692536157504,2710932,NULL,NULL,NULL,544,NULL,NULL,NULL,NULL,NULL);
INSERT INTO allocation_row VALUES(16,1,1,4,2,40,0,0,94692536157552,2710966,NULL,NULL,NULL,544,NULL,NULL,NULL,NULL,NULL);
INSERT INTO allocation_row VALUES(17,1,1,5,1,24,0,0,94692536157600,2715244,11252,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(18,1,1,5,1,32,8,0,94692536157632,2726993,75,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(19,1,1,5,1,40,0,0,94692536157632,2727151,48,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(20,1,1,5,1,24,0,0,94692536157600,2727246,38,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(21,1,1,5,1,32,8,0,94692536157632,2727327,46,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(22,1,1,5,1,40,0,0,94692536157632,2727408,41,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(23,1,1,5,1,24,0,0,94692536157600,2727484,29,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(24,1,1,5,1,32,8,0,94692536157632,2727549,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(25,1,1,5,1,40,0,0,94692536157632,2727609,35,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(26,1,1,5,1,24,0,0,94692536157600,2727676,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(27,1,1,5,1,32,8,0,94692536157632,2727736,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(28,1,1,5,1,40,0,0,94692536157632,2727798,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(29,1,1,5,1,24,0,0,94692536157600,2727856,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(30,1,1,5,1,32,8,0,94692536157632,2727916,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(31,1,1,5,1,40,0,0,94692536157632,2727978,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(32,1,1,5,1,24,0,0,94692536157600,2728038,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(33,1,1,5,1,32,8,0,94692536157632,2728098,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(34,1,1,5,1,40,0,0,94692536157632,2728158,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(35,1,1,5,1,24,0,0,94692536157600,2728218,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(36,1,1,5,1,32,8,0,94692536157632,2728278,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(37,1,1,5,1,40,0,0,94692536157632,2728338,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(38,1,1,5,1,24,0,0,94692536157600,2728398,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(39,1,1,5,1,32,8,0,94692536157632,2728458,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(40,1,1,5,1,40,0,0,94692536157632,2728518,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(41,1,1,5,1,24,0,0,94692536157600,2728579,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(42,1,1,5,1,32,8,0,94692536157632,2728639,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(43,1,1,5,1,40,0,0,94692536157632,2728699,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(44,1,1,5,1,24,0,0,94692536157600,2728760,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(45,1,1,5,1,32,8,0,94692536157632,2728819,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(46,1,1,5,1,40,0,0,94692536157632,2728879,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(47,1,1,5,1,24,0,0,94692536157600,2728940,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(48,1,1,5,1,32,8,0,94692536157632,2729000,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(49,1,1,5,1,40,0,0,94692536157632,2729061,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(50,1,1,5,1,24,0,0,94692536157600,2729121,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(51,1,1,5,1,32,8,0,94692536157632,2729182,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(52,1,1,5,1,40,0,0,94692536157632,2729242,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(53,1,1,5,1,24,0,0,94692536157600,2729302,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(54,1,1,5,1,32,8,0,94692536157632,2729362,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(55,1,1,5,1,40,0,0,94692536157632,2729422,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(56,1,1,5,1,24,0,0,94692536157600,2729482,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(57,1,1,5,1,32,8,0,94692536157632,2729542,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(58,1,1,5,1,40,0,0,94692536157632,2729601,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(59,1,1,5,1,24,0,0,94692536157600,2729663,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(60,1,1,5,1,32,8,0,94692536157632,2729722,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(61,1,1,5,1,40,0,0,94692536157632,2729783,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(62,1,1,5,1,24,0,0,94692536157600,2729843,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(63,1,1,5,1,32,8,0,94692536157632,2729903,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(64,1,1,5,1,40,0,0,94692536157632,2729963,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(65,1,1,5,1,24,0,0,94692536157600,2730023,41,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(66,1,1,5,1,32,8,0,94692536157632,2730096,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(67,1,1,5,1,40,0,0,94692536157632,2730156,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(68,1,1,5,1,24,0,0,94692536157600,2730215,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(69,1,1,5,1,32,8,0,94692536157632,2730275,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(70,1,1,5,1,40,0,0,94692536157632,2730335,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(71,1,1,5,1,24,0,0,94692536157600,2730396,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(72,1,1,5,1,32,8,0,94692536157632,2730456,2549,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(73,1,1,5,1,40,0,0,94692536157632,2733039,36,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(74,1,1,5,1,24,0,0,94692536157600,2733110,28,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(75,1,1,5,1,32,8,0,94692536157632,2733174,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(76,1,1,5,1,40,0,0,94692536157632,2733236,27,0,0,544,1,6,544,12,NULL);
INSERT INTO allocation_row VALUES(77,1,1,7,3,16,8,0,94692536157600,2749580,268,0,0,544,1,7,544,3,NULL);
INSERT INTO allocation_row VALUES(78,1,1,7,3,32,8,0,94692536157680,2750093,50,0,0,544,1,7,544,3,77);
INSERT INTO allocation_row VALUES(79,1,1,7,3,64,8,0,94692536157680,2750183,30,0,0,544,1,7,544,3,78);
INSERT INTO allocation_row VALUES(80,1,1,7,3,128,8,0,94692536157680,2750236,30,0,0,544,1,7,544,3,79);
INSERT INTO allocation_row VALUES(81,1,1,7,3,256,8,0,94692536157680,2750289,30,0,0,544,1,7,544,3,80);
INSERT INTO allocation_row VALUES(82,1,1,7,3,512,8,0,94692536157680,2750343,30,0,0,544,1,7,544,3,81);
INSERT INTO allocation_row VALUES(83,1,1,7,3,1024,8,0,94692536157680,2750398,29,0,0,544,1,7,544,3,82);
INSERT INTO allocation_row VALUES(84,1,1,7,3,2048,8,0,94692536157680,2750453,9240,0,0,544,1,8,544,12,83);
INSERT INTO allocation_row VALUES(85,1,1,7,3,16,8,0,94692536157600,2760160,62,0,0,544,1,7,544,3,NULL);
INSERT INTO allocation_row VALUES(86,1,1,7,3,32,8,0,94692536157680,2760311,53,0,0,544,1,7,544,3,85);
INSERT INTO allocation_row VALUES(87,1,1,7,3,64,8,0,94692536157680,2760400,28,0,0,544,1,7,544,3,86);
INSERT INTO allocation_row VALUES(88,1,1,7,3,128,8,0,94692536157680,2760453,29,0,0,544,1,7,544,3,87);
INSERT INTO allocation_row VALUES(89,1,1,7,3,256,8,0,94692536157680,2760506,40,0,0,544,1,7,544,3,88);
INSERT INTO allocation_row VALUES(90,1,1,7,3,512,8,0,94692536157680,2760570,30,0,0,544,1,7,544,3,89);
INSERT INTO allocation_row VALUES(91,1,1,7,3,1024,8,0,94692536157680,2760626,30,0,0,544,1,7,544,3,90);
INSERT INTO allocation_row VALUES(92,1,1,7,3,2048,8,0,94692536157680,2760681,47,0,0,544,1,8,544,12,91);
INSERT INTO allocation_row VALUES(93,1,1,7,3,16,8,0,94692536157600,2760793,27,0,0,544,1,7,544,3,NULL);
INSERT INTO allocation_row VALUES(94,1,1,7,3,32,8,0,94692536157680,2760870,29,0,0,544,1,7,544,3,93);
INSERT INTO allocation_row VALUES(95,1,1,7,3,64,8,0,94692536157680,2760923,36,0,0,544,1,7,544,3,94);
INSERT INTO allocation_row VALUES(96,1,1,7,3,128,8,0,94692536157680,2760984,30,0,0,544,1,7,544,3,95);
INSERT INTO allocation_row VALUES(97,1,1,7,3,256,8,0,94692536157680,2761039,30,0,0,544,1,7,544,3,96);
INSERT INTO allocation_row VALUES(98,1,1,7,3,512,8,0,94692536157680,2761093,31,0,0,544,1,7,544,3,97);
INSERT INTO allocation_row VALUES(99,1,1,7,3,1024,8,0,94692536157680,2761149,30,0,0,544,1,7,544,3,98);
INSERT INTO allocation_row VALUES(100,1,1,7,3,2048,8,0,94692536157680,2761203,37,0,0,544,1,8,544,12,99);
INSERT INTO allocation_row VALUES(101,1,1,7,3,16,8,0,94692536157600,2761279,28,0,0,544,1,7,544,3,NULL);
INSERT INTO allocation_row VALUES(102,1,1,7,3,32,8,0,94692536157680,2761341,29,0,0,544,1,7,544,3,101);
INSERT INTO allocation_row VALUES(103,1,1,7,3,64,8,0,94692536157680,2761395,28,0,0,544,1,7,544,3,102);
INSERT INTO allocation_row VALUES(104,1,1,7,3,128,8,0,94692536157680,2761447,36,0,0,544,1,7,544,3,103);
INSERT INTO allocation_row VALUES(105,1,1,7,3,256,8,0,94692536157680,2761507,29,0,0,544,1,7,544,3,104);
INSERT INTO allocation_row VALUES(106,1,1,7,3,512,8,0,94692536157680,2761560,29,0,0,544,1,7,544,3,105);
INSERT INTO allocation_row VALUES(107,1,1,7,3,1024,8,0,94692536157680,2761614,29,0,0,544,1,7,544,3,106);
INSERT INTO allocation_row VALUES(108,1,1,7,3,2048,8,0,94692536157680,2761667,35,0,0,544,1,8,544,12,107);
INSERT INTO allocation_row VALUES(109,1,1,7,3,16,8,0,94692536157600,2761743,26,0,0,544,1,7,544,3,NULL);
INSERT INTO allocation_row VALUES(110,1,1,7,3,32,8,0,94692536157680,2761803,29,0,0,544,1,7,544,3,109);
INSERT INTO allocation_row VALUES(111,1,1,7,3,64,8,0,94692536157680,2761856,28,0,0,544,1,7,544,3,110);
INSERT INTO allocation_row VALUES(112,1,1,7,3,128,8,0,94692536157680,2761909,28,0,0,544,1,7,544,3,111);
INSERT INTO allocation_row VALUES(113,1,1,7,3,256,8,0,94692536157680,2761962,28,0,0,544,1,7,544,3,112);
INSERT INTO allocation_row VALUES(114,1,1,7,3,512,8,0,94692536157680,2762014,29,0,0,544,1,7,544,3,113);
INSERT INTO allocation_row VALUES(115,1,1,7,3,1024,8,0,94692536157680,2762068,28,0,0,544,1,7,544,3,114);
INSERT INTO allocation_row VALUES(116,1,1,7,3,2048,8,0,94692536157680,2762122,34,0,0,544,1,8,544,12,115);
INSERT INTO allocation_row VALUES(117,1,1,7,3,16,8,0,94692536157600,2762196,27,0,0,544,1,7,544,3,NULL);
INSERT INTO allocation_row VALUES(118,1,1,7,3,32,8,0,94692536157680,2762256,29,0,0,544,1,7,544,3,117);
INSERT INTO allocation_row VALUES(119,1,1,7,3,64,8,0,94692536157680,2762309,29,0,0,544,1,7,544,3,118);
INSERT INTO allocation_row VALUES(120,1,1,7,3,128,8,0,94692536157680,2762363,29,0,0,544,1,7,544,3,119);
INSERT INTO allocation_row VALUES(121,1,1,7,3,256,8,0,94692536157680,2762416,28,0,0,544,1,7,544,3,120);
INSERT INTO allocation_row VALUES(122,1,1,7,3,512,8,0,94692536157680,2762468,28,0,0,544,1,7,544,3,121);
INSERT INTO allocation_row VALUES(123,1,1,7,3,1024,8,0,94692536157680,2762523,28,0,0,544,1,7,544,3,122);
INSERT INTO allocation_row VALUES(124,1,1,7,3,2048,8,0,94692536157680,2762575,34,0,0,544,1,8,544,12,123);
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
CREATE VIEW allocation AS
SELECT r.id AS id,                     -- birth order over all processes, from 1
       r.process_id AS process_id,
       r.thread_id AS thread_id,
       r.stack_id AS stack_id,         -- NULL: none was taken
       (SELECT s.site_id FROM stack AS s WHERE s.id = r.stack_id) AS site_id,
       (SELECT n.name FROM function AS n WHERE n.id = r.function_id) AS function,
       r.size_bytes AS size_bytes,     -- bytes asked for
       r.size_bytes + r.excess_bytes AS usable_size_bytes, -- bytes that the block has
       r.alignment_bytes AS alignment_bytes, -- bytes, as asked for; 0: no wish
       r.address AS address,
       r.birth_ns AS birth_ns,         -- ns since the log's start
       r.birth_ns + r.lifetime_ns AS death_ns, -- this and all that follows of its end: NULL while live
       r.lifetime_ns AS lifetime_ns,
       r.lifetime_allocations AS lifetime_allocations, -- allocations of the process made meanwhile
       r.lifetime_bytes AS lifetime_bytes,             -- bytes that these asked for
       r.stack_depth_bytes AS stack_depth_bytes, -- base of the thread's stack minus the caller's CFA
       r.free_thread_id AS free_thread_id,
       r.free_stack_id AS free_stack_id,
       r.free_stack_depth_bytes AS free_stack_depth_bytes,
       (SELECT n.name FROM function AS n WHERE n.id = r.free_function_id) AS free_function,
       r.previous_id AS previous_id    -- the block that realloc turned into this one; NULL: none
FROM allocation_row AS r
;

PRAGMA application_id = 1413828181;
PRAGMA user_version = 3;
COMMIT;
