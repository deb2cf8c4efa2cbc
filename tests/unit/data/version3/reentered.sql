PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
  key TEXT PRIMARY KEY,  -- format_version, complete, finished, allocations, ...
  value TEXT             -- text, numbers in decimal; by the recorder and by the finishing step
) WITHOUT ROWID;
INSERT INTO meta VALUES('allocated_bytes','4800');
INSERT INTO meta VALUES('allocations','150');
INSERT INTO meta VALUES('architecture','x86_64');
INSERT INTO meta VALUES('clock','tsc');
INSERT INTO meta VALUES('complete','1');
INSERT INTO meta VALUES('damaged_rings','0');
INSERT INTO meta VALUES('duration_ns','5847334');
INSERT INTO meta VALUES('events_lost','0');
INSERT INTO meta VALUES('events_lost_early','0');
INSERT INTO meta VALUES('events_lost_nested','0');
INSERT INTO meta VALUES('events_lost_no_slot','0');
INSERT INTO meta VALUES('events_lost_ring','0');
INSERT INTO meta VALUES('finish_step','3');
INSERT INTO meta VALUES('finished','1');
INSERT INTO meta VALUES('format_version','3');
INSERT INTO meta VALUES('frames_complex','0');
INSERT INTO meta VALUES('frames_named','7');
INSERT INTO meta VALUES('frames_unnamed','0');
INSERT INTO meta VALUES('frames_with_line','6');
INSERT INTO meta VALUES('frees','150');
INSERT INTO meta VALUES('inherited_frees','0');
INSERT INTO meta VALUES('modules_changed','0');
INSERT INTO meta VALUES('modules_with_lines','2');
INSERT INTO meta VALUES('modules_without_lines','0');
INSERT INTO meta VALUES('modules_without_names','0');
INSERT INTO meta VALUES('options','depth=1024 ring_size=1048576 free_stacks=yes children=yes rows=none check_stacks=no');
INSERT INTO meta VALUES('recorder_peak_bytes','5345280');
INSERT INTO meta VALUES('recorder_version','0.1.0');
INSERT INTO meta VALUES('repaired_orders','0');
INSERT INTO meta VALUES('rules_learned','15');
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
INSERT INTO process VALUES(1,28985,NULL,'/usr/local/bin/reentered','/usr/local/bin/reentered',0,586862,'exit',0);
CREATE TABLE thread (
  id INTEGER PRIMARY KEY, -- from 1, over all processes
  process_id INTEGER REFERENCES process(id),
  tid INTEGER,            -- the kernel's thread id
  name TEXT,              -- as the kernel shows it
  stack_size_bytes INTEGER, -- bytes; 0: not known
  start_ns INTEGER,       -- ns since the log's start, at its first event
  end_ns INTEGER          -- ns since the log's start; NULL while it runs
);
INSERT INTO thread VALUES(1,1,28985,'reentered',8387376,279366,586862);
CREATE TABLE module (
  id INTEGER PRIMARY KEY,
  path TEXT,              -- as mapped
  build_id TEXT,          -- lower-case hex, '' without one
  UNIQUE (path, build_id)
);
INSERT INTO module VALUES(1,'/usr/local/bin/reentered','be77ab740f80db166b049f9faee10af6b33c9be9');
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
INSERT INTO mapping VALUES(1,1,1,94259087142912,272450,NULL);
INSERT INTO mapping VALUES(2,1,2,140334266896384,274259,NULL);
INSERT INTO mapping VALUES(3,1,3,140334266757120,274751,NULL);
INSERT INTO mapping VALUES(4,1,4,140334264737792,275069,NULL);
INSERT INTO mapping VALUES(5,1,5,140334266904576,275446,NULL);
INSERT INTO mapping VALUES(6,1,6,140334264299520,276646,NULL);
INSERT INTO mapping VALUES(7,1,7,140334264107008,276928,NULL);
INSERT INTO mapping VALUES(8,1,8,140334263992320,277443,NULL);
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
INSERT INTO frame VALUES(1,1,4257,'_start',NULL,NULL,NULL,NULL);
INSERT INTO frame VALUES(2,4,160517,'__libc_start_main_impl','csu/libc-start.c',360,NULL,NULL);
INSERT INTO frame VALUES(3,4,160330,'__libc_start_call_main','sysdeps/nptl/libc_start_call_main.h',58,NULL,NULL);
INSERT INTO frame VALUES(4,1,4688,'main','/usr/src/example/reentered.c',35,NULL,NULL);
INSERT INTO frame VALUES(5,1,4608,'round_trip','/usr/src/example/reentered.c',29,NULL,NULL);
INSERT INTO frame VALUES(6,1,4505,'step','/usr/src/example/reentered.c',19,NULL,NULL);
INSERT INTO frame VALUES(7,1,4529,'step','/usr/src/example/reentered.c',22,NULL,NULL);
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
INSERT INTO stack VALUES(4,4,3,48,4,0,NULL);
INSERT INTO stack VALUES(5,5,4,32,5,0,NULL);
INSERT INTO stack VALUES(6,6,5,16,6,0,1);
INSERT INTO stack VALUES(7,7,5,16,6,0,2);
CREATE TABLE site (
  id INTEGER PRIMARY KEY,
  function TEXT,          -- demangled; NULL: not known
  file TEXT,              -- source file; NULL: not known
  line INTEGER,           -- source line; NULL: not known
  module TEXT,            -- path of the module; NULL: outside every module
  offset_bytes INTEGER,   -- return address in the module, where there is no line; else NULL
  via TEXT                -- how the site reached the allocator: malloc, strdup, operator new, ...
);
INSERT INTO site VALUES(1,'step','/usr/src/example/reentered.c',19,'/usr/local/bin/reentered',NULL,'malloc');
INSERT INTO site VALUES(2,'step','/usr/src/example/reentered.c',22,'/usr/local/bin/reentered',NULL,'free');
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
INSERT INTO mark VALUES(1,1,292707,'main entered');
INSERT INTO mark VALUES(2,1,411528,'exit begun');
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
INSERT INTO site_summary VALUES(1,1,150,4800,6000,32,32,32.0,1,1,32,150,0,0,150,150,72,76,3231,7395,0,0,0,0,0,0,0,0,355976,408883);
CREATE TABLE timeline (
  process_id INTEGER REFERENCES process(id),
  time_ns INTEGER,        -- ns since the log's start; values are those right after this instant's event
  live_count INTEGER,     -- allocations live
  live_bytes INTEGER,     -- bytes that they asked for
  allocations INTEGER,    -- made so far
  allocated_bytes INTEGER -- asked for so far
);
INSERT INTO timeline VALUES(1,355976,1,32,1,32);
INSERT INTO timeline VALUES(1,363371,0,0,1,32);
INSERT INTO timeline VALUES(1,365196,1,32,2,64);
INSERT INTO timeline VALUES(1,365376,0,0,2,64);
INSERT INTO timeline VALUES(1,365579,1,32,3,96);
INSERT INTO timeline VALUES(1,365689,0,0,3,96);
INSERT INTO timeline VALUES(1,365846,1,32,4,128);
INSERT INTO timeline VALUES(1,365933,0,0,4,128);
INSERT INTO timeline VALUES(1,366086,1,32,5,160);
INSERT INTO timeline VALUES(1,366165,0,0,5,160);
INSERT INTO timeline VALUES(1,366310,1,32,6,192);
INSERT INTO timeline VALUES(1,366386,0,0,6,192);
INSERT INTO timeline VALUES(1,366518,1,32,7,224);
INSERT INTO timeline VALUES(1,366593,0,0,7,224);
INSERT INTO timeline VALUES(1,366725,1,32,8,256);
INSERT INTO timeline VALUES(1,366798,0,0,8,256);
INSERT INTO timeline VALUES(1,366929,1,32,9,288);
INSERT INTO timeline VALUES(1,367002,0,0,9,288);
INSERT INTO timeline VALUES(1,367131,1,32,10,320);
INSERT INTO timeline VALUES(1,367205,0,0,10,320);
INSERT INTO timeline VALUES(1,367335,1,32,11,352);
INSERT INTO timeline VALUES(1,367407,0,0,11,352);
INSERT INTO timeline VALUES(1,367536,1,32,12,384);
INSERT INTO timeline VALUES(1,367610,0,0,12,384);
INSERT INTO timeline VALUES(1,367740,1,32,13,416);
INSERT INTO timeline VALUES(1,367815,0,0,13,416);
INSERT INTO timeline VALUES(1,367943,1,32,14,448);
INSERT INTO timeline VALUES(1,368019,0,0,14,448);
INSERT INTO timeline VALUES(1,368148,1,32,15,480);
INSERT INTO timeline VALUES(1,368223,0,0,15,480);
INSERT INTO timeline VALUES(1,368350,1,32,16,512);
INSERT INTO timeline VALUES(1,368422,0,0,16,512);
INSERT INTO timeline VALUES(1,368553,1,32,17,544);
INSERT INTO timeline VALUES(1,368625,0,0,17,544);
INSERT INTO timeline VALUES(1,368754,1,32,18,576);
INSERT INTO timeline VALUES(1,368827,0,0,18,576);
INSERT INTO timeline VALUES(1,368956,1,32,19,608);
INSERT INTO timeline VALUES(1,369027,0,0,19,608);
INSERT INTO timeline VALUES(1,369156,1,32,20,640);
INSERT INTO timeline VALUES(1,369229,0,0,20,640);
INSERT INTO timeline VALUES(1,369359,1,32,21,672);
INSERT INTO timeline VALUES(1,369442,0,0,21,672);
INSERT INTO timeline VALUES(1,369572,1,32,22,704);
INSERT INTO timeline VALUES(1,369646,0,0,22,704);
INSERT INTO timeline VALUES(1,369777,1,32,23,736);
INSERT INTO timeline VALUES(1,369850,0,0,23,736);
INSERT INTO timeline VALUES(1,369981,1,32,24,768);
INSERT INTO timeline VALUES(1,370053,0,0,24,768);
INSERT INTO timeline VALUES(1,370185,1,32,25,800);
INSERT INTO timeline VALUES(1,370256,0,0,25,800);
INSERT INTO timeline VALUES(1,370386,1,32,26,832);
INSERT INTO timeline VALUES(1,370458,0,0,26,832);
INSERT INTO timeline VALUES(1,370587,1,32,27,864);
INSERT INTO timeline VALUES(1,370659,0,0,27,864);
INSERT INTO timeline VALUES(1,370789,1,32,28,896);
INSERT INTO timeline VALUES(1,370863,0,0,28,896);
INSERT INTO timeline VALUES(1,370993,1,32,29,928);
INSERT INTO timeline VALUES(1,371066,0,0,29,928);
INSERT INTO timeline VALUES(1,371198,1,32,30,960);
INSERT INTO timeline VALUES(1,371272,0,0,30,960);
INSERT INTO timeline VALUES(1,373617,1,32,31,992);
INSERT INTO timeline VALUES(1,373714,0,0,31,992);
INSERT INTO timeline VALUES(1,373844,1,32,32,1024);
INSERT INTO timeline VALUES(1,373916,0,0,32,1024);
INSERT INTO timeline VALUES(1,374050,1,32,33,1056);
INSERT INTO timeline VALUES(1,374122,0,0,33,1056);
INSERT INTO timeline VALUES(1,374253,1,32,34,1088);
INSERT INTO timeline VALUES(1,374326,0,0,34,1088);
INSERT INTO timeline VALUES(1,374458,1,32,35,1120);
INSERT INTO timeline VALUES(1,374530,0,0,35,1120);
INSERT INTO timeline VALUES(1,374659,1,32,36,1152);
INSERT INTO timeline VALUES(1,374731,0,0,36,1152);
INSERT INTO timeline VALUES(1,374862,1,32,37,1184);
INSERT INTO timeline VALUES(1,374934,0,0,37,1184);
INSERT INTO timeline VALUES(1,375063,1,32,38,1216);
INSERT INTO timeline VALUES(1,375136,0,0,38,1216);
INSERT INTO timeline VALUES(1,375266,1,32,39,1248);
INSERT INTO timeline VALUES(1,375339,0,0,39,1248);
INSERT INTO timeline VALUES(1,375467,1,32,40,1280);
INSERT INTO timeline VALUES(1,375539,0,0,40,1280);
INSERT INTO timeline VALUES(1,375669,1,32,41,1312);
INSERT INTO timeline VALUES(1,375741,0,0,41,1312);
INSERT INTO timeline VALUES(1,375870,1,32,42,1344);
INSERT INTO timeline VALUES(1,375942,0,0,42,1344);
INSERT INTO timeline VALUES(1,376071,1,32,43,1376);
INSERT INTO timeline VALUES(1,376143,0,0,43,1376);
INSERT INTO timeline VALUES(1,376272,1,32,44,1408);
INSERT INTO timeline VALUES(1,376343,0,0,44,1408);
INSERT INTO timeline VALUES(1,376473,1,32,45,1440);
INSERT INTO timeline VALUES(1,376546,0,0,45,1440);
INSERT INTO timeline VALUES(1,376674,1,32,46,1472);
INSERT INTO timeline VALUES(1,376746,0,0,46,1472);
INSERT INTO timeline VALUES(1,376874,1,32,47,1504);
INSERT INTO timeline VALUES(1,376946,0,0,47,1504);
INSERT INTO timeline VALUES(1,377073,1,32,48,1536);
INSERT INTO timeline VALUES(1,377146,0,0,48,1536);
INSERT INTO timeline VALUES(1,377274,1,32,49,1568);
INSERT INTO timeline VALUES(1,377356,0,0,49,1568);
INSERT INTO timeline VALUES(1,377484,1,32,50,1600);
INSERT INTO timeline VALUES(1,377556,0,0,50,1600);
INSERT INTO timeline VALUES(1,377686,1,32,51,1632);
INSERT INTO timeline VALUES(1,377759,0,0,51,1632);
INSERT INTO timeline VALUES(1,377886,1,32,52,1664);
INSERT INTO timeline VALUES(1,377958,0,0,52,1664);
INSERT INTO timeline VALUES(1,378087,1,32,53,1696);
INSERT INTO timeline VALUES(1,378159,0,0,53,1696);
INSERT INTO timeline VALUES(1,378289,1,32,54,1728);
INSERT INTO timeline VALUES(1,381533,0,0,54,1728);
INSERT INTO timeline VALUES(1,381802,1,32,55,1760);
INSERT INTO timeline VALUES(1,381879,0,0,55,1760);
INSERT INTO timeline VALUES(1,382011,1,32,56,1792);
INSERT INTO timeline VALUES(1,382084,0,0,56,1792);
INSERT INTO timeline VALUES(1,382214,1,32,57,1824);
INSERT INTO timeline VALUES(1,382286,0,0,57,1824);
INSERT INTO timeline VALUES(1,382416,1,32,58,1856);
INSERT INTO timeline VALUES(1,382488,0,0,58,1856);
INSERT INTO timeline VALUES(1,382619,1,32,59,1888);
INSERT INTO timeline VALUES(1,382692,0,0,59,1888);
INSERT INTO timeline VALUES(1,382822,1,32,60,1920);
INSERT INTO timeline VALUES(1,382894,0,0,60,1920);
INSERT INTO timeline VALUES(1,387654,1,32,61,1952);
INSERT INTO timeline VALUES(1,387733,0,0,61,1952);
INSERT INTO timeline VALUES(1,387866,1,32,62,1984);
INSERT INTO timeline VALUES(1,387939,0,0,62,1984);
INSERT INTO timeline VALUES(1,388069,1,32,63,2016);
INSERT INTO timeline VALUES(1,388141,0,0,63,2016);
INSERT INTO timeline VALUES(1,388270,1,32,64,2048);
INSERT INTO timeline VALUES(1,388343,0,0,64,2048);
INSERT INTO timeline VALUES(1,388473,1,32,65,2080);
INSERT INTO timeline VALUES(1,388545,0,0,65,2080);
INSERT INTO timeline VALUES(1,388676,1,32,66,2112);
INSERT INTO timeline VALUES(1,388749,0,0,66,2112);
INSERT INTO timeline VALUES(1,388879,1,32,67,2144);
INSERT INTO timeline VALUES(1,388952,0,0,67,2144);
INSERT INTO timeline VALUES(1,389083,1,32,68,2176);
INSERT INTO timeline VALUES(1,389154,0,0,68,2176);
INSERT INTO timeline VALUES(1,389284,1,32,69,2208);
INSERT INTO timeline VALUES(1,389356,0,0,69,2208);
INSERT INTO timeline VALUES(1,389488,1,32,70,2240);
INSERT INTO timeline VALUES(1,389560,0,0,70,2240);
INSERT INTO timeline VALUES(1,389692,1,32,71,2272);
INSERT INTO timeline VALUES(1,389774,0,0,71,2272);
INSERT INTO timeline VALUES(1,389905,1,32,72,2304);
INSERT INTO timeline VALUES(1,389977,0,0,72,2304);
INSERT INTO timeline VALUES(1,390108,1,32,73,2336);
INSERT INTO timeline VALUES(1,390180,0,0,73,2336);
INSERT INTO timeline VALUES(1,390310,1,32,74,2368);
INSERT INTO timeline VALUES(1,390382,0,0,74,2368);
INSERT INTO timeline VALUES(1,390514,1,32,75,2400);
INSERT INTO timeline VALUES(1,390586,0,0,75,2400);
INSERT INTO timeline VALUES(1,390714,1,32,76,2432);
INSERT INTO timeline VALUES(1,390787,0,0,76,2432);
INSERT INTO timeline VALUES(1,390916,1,32,77,2464);
INSERT INTO timeline VALUES(1,390989,0,0,77,2464);
INSERT INTO timeline VALUES(1,391118,1,32,78,2496);
INSERT INTO timeline VALUES(1,391190,0,0,78,2496);
INSERT INTO timeline VALUES(1,391320,1,32,79,2528);
INSERT INTO timeline VALUES(1,391392,0,0,79,2528);
INSERT INTO timeline VALUES(1,391521,1,32,80,2560);
INSERT INTO timeline VALUES(1,391593,0,0,80,2560);
INSERT INTO timeline VALUES(1,391723,1,32,81,2592);
INSERT INTO timeline VALUES(1,391794,0,0,81,2592);
INSERT INTO timeline VALUES(1,391923,1,32,82,2624);
INSERT INTO timeline VALUES(1,391996,0,0,82,2624);
INSERT INTO timeline VALUES(1,392126,1,32,83,2656);
INSERT INTO timeline VALUES(1,392198,0,0,83,2656);
INSERT INTO timeline VALUES(1,392326,1,32,84,2688);
INSERT INTO timeline VALUES(1,392399,0,0,84,2688);
INSERT INTO timeline VALUES(1,392527,1,32,85,2720);
INSERT INTO timeline VALUES(1,392599,0,0,85,2720);
INSERT INTO timeline VALUES(1,392729,1,32,86,2752);
INSERT INTO timeline VALUES(1,392802,0,0,86,2752);
INSERT INTO timeline VALUES(1,392932,1,32,87,2784);
INSERT INTO timeline VALUES(1,393004,0,0,87,2784);
INSERT INTO timeline VALUES(1,393134,1,32,88,2816);
INSERT INTO timeline VALUES(1,393206,0,0,88,2816);
INSERT INTO timeline VALUES(1,393338,1,32,89,2848);
INSERT INTO timeline VALUES(1,393410,0,0,89,2848);
INSERT INTO timeline VALUES(1,393539,1,32,90,2880);
INSERT INTO timeline VALUES(1,393612,0,0,90,2880);
INSERT INTO timeline VALUES(1,395298,1,32,91,2912);
INSERT INTO timeline VALUES(1,395373,0,0,91,2912);
INSERT INTO timeline VALUES(1,395506,1,32,92,2944);
INSERT INTO timeline VALUES(1,395594,0,0,92,2944);
INSERT INTO timeline VALUES(1,395724,1,32,93,2976);
INSERT INTO timeline VALUES(1,395797,0,0,93,2976);
INSERT INTO timeline VALUES(1,395929,1,32,94,3008);
INSERT INTO timeline VALUES(1,396004,0,0,94,3008);
INSERT INTO timeline VALUES(1,396134,1,32,95,3040);
INSERT INTO timeline VALUES(1,396207,0,0,95,3040);
INSERT INTO timeline VALUES(1,396337,1,32,96,3072);
INSERT INTO timeline VALUES(1,396412,0,0,96,3072);
INSERT INTO timeline VALUES(1,396540,1,32,97,3104);
INSERT INTO timeline VALUES(1,396614,0,0,97,3104);
INSERT INTO timeline VALUES(1,396745,1,32,98,3136);
INSERT INTO timeline VALUES(1,396819,0,0,98,3136);
INSERT INTO timeline VALUES(1,396952,1,32,99,3168);
INSERT INTO timeline VALUES(1,397025,0,0,99,3168);
INSERT INTO timeline VALUES(1,397154,1,32,100,3200);
INSERT INTO timeline VALUES(1,397228,0,0,100,3200);
INSERT INTO timeline VALUES(1,397358,1,32,101,3232);
INSERT INTO timeline VALUES(1,397432,0,0,101,3232);
INSERT INTO timeline VALUES(1,397563,1,32,102,3264);
INSERT INTO timeline VALUES(1,397636,0,0,102,3264);
INSERT INTO timeline VALUES(1,397767,1,32,103,3296);
INSERT INTO timeline VALUES(1,397840,0,0,103,3296);
INSERT INTO timeline VALUES(1,397970,1,32,104,3328);
INSERT INTO timeline VALUES(1,398043,0,0,104,3328);
INSERT INTO timeline VALUES(1,398174,1,32,105,3360);
INSERT INTO timeline VALUES(1,398248,0,0,105,3360);
INSERT INTO timeline VALUES(1,398377,1,32,106,3392);
INSERT INTO timeline VALUES(1,398451,0,0,106,3392);
INSERT INTO timeline VALUES(1,398579,1,32,107,3424);
INSERT INTO timeline VALUES(1,398653,0,0,107,3424);
INSERT INTO timeline VALUES(1,398784,1,32,108,3456);
INSERT INTO timeline VALUES(1,398856,0,0,108,3456);
INSERT INTO timeline VALUES(1,398986,1,32,109,3488);
INSERT INTO timeline VALUES(1,399059,0,0,109,3488);
INSERT INTO timeline VALUES(1,399189,1,32,110,3520);
INSERT INTO timeline VALUES(1,399272,0,0,110,3520);
INSERT INTO timeline VALUES(1,399401,1,32,111,3552);
INSERT INTO timeline VALUES(1,399473,0,0,111,3552);
INSERT INTO timeline VALUES(1,399602,1,32,112,3584);
INSERT INTO timeline VALUES(1,399673,0,0,112,3584);
INSERT INTO timeline VALUES(1,399803,1,32,113,3616);
INSERT INTO timeline VALUES(1,399875,0,0,113,3616);
INSERT INTO timeline VALUES(1,400003,1,32,114,3648);
INSERT INTO timeline VALUES(1,400076,0,0,114,3648);
INSERT INTO timeline VALUES(1,400203,1,32,115,3680);
INSERT INTO timeline VALUES(1,400275,0,0,115,3680);
INSERT INTO timeline VALUES(1,400403,1,32,116,3712);
INSERT INTO timeline VALUES(1,400475,0,0,116,3712);
INSERT INTO timeline VALUES(1,400606,1,32,117,3744);
INSERT INTO timeline VALUES(1,400678,0,0,117,3744);
INSERT INTO timeline VALUES(1,400809,1,32,118,3776);
INSERT INTO timeline VALUES(1,400881,0,0,118,3776);
INSERT INTO timeline VALUES(1,401010,1,32,119,3808);
INSERT INTO timeline VALUES(1,401083,0,0,119,3808);
INSERT INTO timeline VALUES(1,401212,1,32,120,3840);
INSERT INTO timeline VALUES(1,401284,0,0,120,3840);
INSERT INTO timeline VALUES(1,403040,1,32,121,3872);
INSERT INTO timeline VALUES(1,403113,0,0,121,3872);
INSERT INTO timeline VALUES(1,403243,1,32,122,3904);
INSERT INTO timeline VALUES(1,403316,0,0,122,3904);
INSERT INTO timeline VALUES(1,403444,1,32,123,3936);
INSERT INTO timeline VALUES(1,403516,0,0,123,3936);
INSERT INTO timeline VALUES(1,403646,1,32,124,3968);
INSERT INTO timeline VALUES(1,403719,0,0,124,3968);
INSERT INTO timeline VALUES(1,403849,1,32,125,4000);
INSERT INTO timeline VALUES(1,403923,0,0,125,4000);
INSERT INTO timeline VALUES(1,404052,1,32,126,4032);
INSERT INTO timeline VALUES(1,404124,0,0,126,4032);
INSERT INTO timeline VALUES(1,404254,1,32,127,4064);
INSERT INTO timeline VALUES(1,404326,0,0,127,4064);
INSERT INTO timeline VALUES(1,404456,1,32,128,4096);
INSERT INTO timeline VALUES(1,404527,0,0,128,4096);
INSERT INTO timeline VALUES(1,404656,1,32,129,4128);
INSERT INTO timeline VALUES(1,404728,0,0,129,4128);
INSERT INTO timeline VALUES(1,404856,1,32,130,4160);
INSERT INTO timeline VALUES(1,404927,0,0,130,4160);
INSERT INTO timeline VALUES(1,405058,1,32,131,4192);
INSERT INTO timeline VALUES(1,405129,0,0,131,4192);
INSERT INTO timeline VALUES(1,405257,1,32,132,4224);
INSERT INTO timeline VALUES(1,405329,0,0,132,4224);
INSERT INTO timeline VALUES(1,405459,1,32,133,4256);
INSERT INTO timeline VALUES(1,405530,0,0,133,4256);
INSERT INTO timeline VALUES(1,405659,1,32,134,4288);
INSERT INTO timeline VALUES(1,405731,0,0,134,4288);
INSERT INTO timeline VALUES(1,405859,1,32,135,4320);
INSERT INTO timeline VALUES(1,405931,0,0,135,4320);
INSERT INTO timeline VALUES(1,406061,1,32,136,4352);
INSERT INTO timeline VALUES(1,406133,0,0,136,4352);
INSERT INTO timeline VALUES(1,406265,1,32,137,4384);
INSERT INTO timeline VALUES(1,406337,0,0,137,4384);
INSERT INTO timeline VALUES(1,406466,1,32,138,4416);
INSERT INTO timeline VALUES(1,406549,0,0,138,4416);
INSERT INTO timeline VALUES(1,406677,1,32,139,4448);
INSERT INTO timeline VALUES(1,406749,0,0,139,4448);
INSERT INTO timeline VALUES(1,406877,1,32,140,4480);
INSERT INTO timeline VALUES(1,406949,0,0,140,4480);
INSERT INTO timeline VALUES(1,407078,1,32,141,4512);
INSERT INTO timeline VALUES(1,407150,0,0,141,4512);
INSERT INTO timeline VALUES(1,407279,1,32,142,4544);
INSERT INTO timeline VALUES(1,407350,0,0,142,4544);
INSERT INTO timeline VALUES(1,407479,1,32,143,4576);
INSERT INTO timeline VALUES(1,407552,0,0,143,4576);
INSERT INTO timeline VALUES(1,407680,1,32,144,4608);
INSERT INTO timeline VALUES(1,407752,0,0,144,4608);
INSERT INTO timeline VALUES(1,407879,1,32,145,4640);
INSERT INTO timeline VALUES(1,407953,0,0,145,4640);
INSERT INTO timeline VALUES(1,408080,1,32,146,4672);
INSERT INTO timeline VALUES(1,408152,0,0,146,4672);
INSERT INTO timeline VALUES(1,408281,1,32,147,4704);
INSERT INTO timeline VALUES(1,408354,0,0,147,4704);
INSERT INTO timeline VALUES(1,408482,1,32,148,4736);
INSERT INTO timeline VALUES(1,408554,0,0,148,4736);
INSERT INTO timeline VALUES(1,408683,1,32,149,4768);
INSERT INTO timeline VALUES(1,408755,0,0,149,4768);
INSERT INTO timeline VALUES(1,408883,1,32,150,4800);
INSERT INTO timeline VALUES(1,408956,0,0,150,4800);
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
INSERT INTO chunk VALUES(1,1,1,150,355976,408956,150,150,0,4800,6000,'base:raw:1:1 place:zstd:301:21 thread:raw:1:1 thread_id:raw:1:1 place_op:raw:2:2 place_stack:raw:2:2 place_depth:raw:2:2 time2:zstd:143:79 time2+:raw:2:2 time3:raw:2:2 time4:raw:2:2 time6:raw:2:2 time6+:raw:1:1 time7:raw:1:1 time7+:raw:2:2 time8:raw:1:1 time8+:raw:1:1 time9:raw:1:1 time9+:raw:1:1 time10:raw:36:36 time10+:raw:3:3 time11:zstd:105:64 time11+:raw:3:3 time12:raw:4:4 time13:raw:2:2 time15:raw:1:1 birth:zstd:150:18 size:raw:1:1 address:raw:1:1 address+:raw:6:6 death:zstd:150:18 left:zstd:300:20 address_sum:raw:1:1 address_sum+:raw:9:9',-2455164862213369493,X'0028b52ffd602d005d000020010303000100262a2002000243580c02900028b52ffd208f35020072480f13b025190e0cc3b082e710438446b63c93248f08dd997cbc14294f6b5f393a33d54c33225140f436392cb501f6e00e9d7cbd05d32c9b91b410c49c12420100c1215414ac004f49574da06e14b6e300ae21a10b9d99918381818182828383848281828284af8080827f8182a38083838181ad7f81808180291b6e28b52ffd2069bd010092c60c10b025e98725156c5ba6b493244992001721b58cf392ef175a3f99930dd2c700e3afddb53889386703e723d4ea6d8c04db4d4400985a028682858282850028b52ffd20964d00001005000100110a600120ea54ccd04fb70228b52ffd20964d00001001010100110a600128b52ffd602c005500001818040c010026a96e08ff81fdd49d95c28ea963');
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
