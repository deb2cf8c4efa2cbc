'use strict';
/* The data as lib/report/html_charts.c and html_tables.c write them: rows are lists, names are numbers of texts.
   Here they become objects with names. What the reader has chosen is `state`; who depends on it calls `on`. */

const D = JSON.parse(document.getElementById('data').textContent);
const T = D.totals;
const C = D.charts;

const text = number => D.texts[number];
const last = path => path.slice(path.lastIndexOf('/') + 1);
const place = (file, line, module, offset) =>
  line ? last(file) + ':' + line : (last(module) || 'address ') + (module ? '+' : '') + '0x' + offset.toString(16);

/* A program that was run by another name has that name, and its file in brackets. */
const programName = last(D.program.replace(/ \(.*\)$/, ''));

/* Rows of lib/report/html_tables.c, in its order. */
const sites = D.sites.map(row => {
  const [
    id,
    fn,
    file,
    line,
    module,
    offset,
    via,
    calls,
    total,
    min,
    max,
    sizes,
    peakCount,
    peakBytes,
    live,
    freed,
    freedOther,
    short,
    smallShort,
    ns50,
    ns90,
    allocations50,
    allocations90,
    bytes50,
  ] = row;
  const site = {
    id,
    fn: text(fn),
    file: text(file),
    line,
    module: text(module),
    offset,
    via: text(via),
    calls,
    bytes: total,
    min,
    max,
    sizes,
    peakCount,
    peakBytes,
    live,
    freed,
    freedOther,
    short,
    smallShort,
    ns50,
    ns90,
    allocations50,
    allocations90,
    bytes50,
    mean: total / calls,
  };
  site.place = place(site.file, line, site.module, offset);
  site.label = site.fn ? site.fn + ' (' + site.place + ')' : site.place;
  site.find = (site.fn + ' ' + site.file + ':' + line + ' ' + site.module + ' ' + site.via).toLowerCase();
  return site;
});
const siteById = new Map(sites.map(site => [site.id, site]));

/* Intervals of time: all equally long, whole numbers of nanoseconds, so that a sum over some of them is what SQL
   gives for the same times. */
const bins = (C.bins || []).map(([liveMin, liveMax, blocks, calls, total], i) => ({
  from: C.from_ns + i * C.bin_ns,
  to: C.from_ns + (i + 1) * C.bin_ns,
  liveMin,
  liveMax,
  count: blocks,
  calls,
  bytes: total,
}));
/* How far a first-fit heap reached in each interval, and how much of that was free in pieces. */
bins.forEach((bin, i) => {
  bin.top = C.map ? C.map.reaches[2 * i] : 0;
  bin.hole = C.map ? C.map.reaches[2 * i + 1] : 0;
});
const time = { from: C.from_ns, to: bins.length ? bins[bins.length - 1].to : C.from_ns + 1 };

/* How long the blocks of a site live, told in one word. The limits are those of the text report where it has
   them: 32 KiB of later requests are "short". */
const LIVES = [
  { name: 'short', says: 'half are released before the process asks for 32 KiB more' },
  { name: 'medium', says: 'half are released within a tenth of the run' },
  { name: 'long', says: 'half live longer than a tenth of the run' },
  { name: 'stays', says: 'most are never released' },
];
for (const site of sites) {
  if (site.freed * 2 < site.calls || site.ns50 === null) site.life = 3;
  else if (site.short * 2 >= site.freed) site.life = 0;
  else site.life = site.ns50 * 10 > time.to - time.from ? 2 : 1;
}

const LEAF = ['node', 'siteId', 'calls', 'bytes', 'peak', 'short', 'live'];

/* A tree of stacks: nodes with parents before children, and leaves with what the stacks that end there did. */
function readTree(tree) {
  const nodes = [{ parent: -1, name: null }];
  for (let i = 0; i < tree.nodes.length; i += 2) nodes.push({ parent: tree.nodes[i], name: tree.nodes[i + 1] });
  const leaves = [];
  for (let i = 0; i < tree.leaves.length; i += LEAF.length) {
    const leaf = {};
    LEAF.forEach((key, k) => {
      leaf[key] = tree.leaves[i + k];
    });
    leaves.push(leaf);
  }
  return { nodes, leaves, leftOut: tree.left_out };
}
const births = readTree(C.births);
const deaths = readTree(C.deaths);

/* A function of a tree, with the kind of code that it is. */
const names = C.names.map(([fn, file, line, module]) => {
  const base = last(text(module));
  const isC = /^(libc|ld)[-.]/.test(base) || /^_*libc_/.test(text(fn));
  return {
    fn: text(fn),
    where: line ? last(text(file)) + ':' + line : base,
    code: isC ? 2 : /\.so(\.|$)/.test(base) ? 1 : 0,
    find: (text(fn) + ' ' + text(file) + ' ' + base).toLowerCase(),
  };
});

/* What each leaf did in a range of times: null for the whole run. The last one are the stacks that are not told
   by time. */
function leavesIn(range) {
  if (!range) return null;
  const sums = births.leaves.map(() => ({ calls: 0, bytes: 0, short: 0 })).concat({ calls: 0, bytes: 0, short: 0 });
  C.shares.forEach((row, bin) => {
    const from = C.from_ns + bin * C.stack_bin_ns;
    if (from < range[0] || from >= range[1]) return;
    for (let i = 0; i < row.length; i += 4) {
      const sum = sums[row[i]];
      sum.calls += row[i + 1];
      sum.bytes += row[i + 2];
      sum.short += row[i + 3];
    }
  });
  return sums;
}

/* The nearest range that begins and ends with intervals of the stacks. */
function snap(range) {
  const count = C.shares.length;
  const edge = ns => Math.round((ns - C.from_ns) / C.stack_bin_ns);
  const from = Math.max(0, Math.min(count - 1, edge(range[0])));
  const to = Math.max(from + 1, Math.min(count, edge(range[1])));
  return [C.from_ns + from * C.stack_bin_ns, C.from_ns + to * C.stack_bin_ns];
}

/* ---- what the reader has chosen -------------------------------------------------------------------------------- */
const state = { range: null, zoom: [time.from, time.to], site: null, marked: null };
const watchers = {};

function on(keys, call) {
  keys.split(' ').forEach(key => {
    (watchers[key] = watchers[key] || []).push(call);
  });
}

function set(change) {
  const calls = new Set();
  for (const key in change) {
    state[key] = change[key];
    (watchers[key] || []).forEach(call => calls.add(call));
  }
  calls.forEach(call => call());
}
