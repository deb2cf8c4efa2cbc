/* Processes and threads as bars in time, and blocks that one thread handed to another. Processes that look alike are
   one row. */

const PROCESS_ROWS_MAX = 20;
const THREAD_ROWS_MAX = 40;

const endWords = process =>
  process.exit_kind === 'exit' || process.exit_kind === 'signal'
    ? `${process.exit_kind} ${process.exit_code === null ? '' : process.exit_code}`.trim()
    : process.exit_kind;

function processRows() {
  const own = D.processes.filter(process => process.id === D.process_id);
  const rows = own.map(process => ({
    label: last(process.executable),
    remark: `pid ${process.pid}, ${endWords(process)}`,
    calls: process.allocations,
    bars: [[process.start_ns, process.end_ns]],
  }));
  C.threads
    .slice(0, THREAD_ROWS_MAX)
    .forEach(([, tid, name, start, end, , calls]) =>
      rows.push({ label: text(name), remark: 'thread ' + tid, isThread: true, calls, bars: [[start, end]] })
    );
  const alike = new Map();
  D.processes
    .filter(process => process.id !== D.process_id)
    .forEach(process => {
      const key = process.executable + '\n' + endWords(process);
      const group = alike.get(key) || {
        label: last(process.executable),
        remark: endWords(process),
        calls: 0,
        bars: [],
      };
      group.calls += process.allocations;
      group.bars.push([process.start_ns, process.end_ns]);
      alike.set(key, group);
    });
  const groups = [...alike.values()].sort((a, b) => b.calls - a.calls);
  groups.forEach(group => {
    group.label += group.bars.length > 1 ? ' × ' + count(group.bars.length) : '';
  });
  return rows.concat(groups.slice(0, PROCESS_ROWS_MAX));
}

function drawProcesses(host, width) {
  const rows = processRows();
  const isNarrow = width < 560;
  const area = { left: isNarrow ? 150 : 260, right: width - 92 };
  const height = rows.length * 28 + 26;
  const x = d3.scaleLinear([0, D.recording.duration_ns || 1], [area.left, area.right]);
  const svg = svgIn(host, width, height, `${plural(D.process_count, 'process')}, ${plural(T.threads, 'thread')}`);
  const ticks = x.ticks(isNarrow ? 2 : 6);
  const told = apart(ticks, x, duration);
  ticks.forEach(tick => {
    svg
      .append('line')
      .attr('x1', x(tick))
      .attr('x2', x(tick))
      .attr('y1', 4)
      .attr('y2', height - 22)
      .attr('stroke', css('line'));
    svg
      .append('text')
      .attr('x', x(tick))
      .attr('y', height - 6)
      .attr('text-anchor', 'middle')
      .text(told.has(tick) ? duration(tick) : '');
  });
  rows.forEach((row, i) => {
    const y = i * 28 + 4;
    const label = svg
      .append('text')
      .attr('x', row.isThread ? 16 : 0)
      .attr('y', y + 16);
    const words = visible(row.label);
    label
      .append('tspan')
      .attr('class', row.isThread ? '' : 'strong')
      .attr('fill', css('ink'))
      .text(words.length > 22 ? words.slice(0, 21) + '…' : words);
    if (!isNarrow) label.append('tspan').attr('dx', 6).text(row.remark);
    row.bars.forEach(([from, to]) =>
      svg
        .append('rect')
        .attr('x', x(from))
        .attr('y', y + (row.isThread ? 9 : 6))
        .attr('height', row.isThread ? 6 : 12)
        .attr('width', Math.max(2, x(to) - x(from)))
        .attr('fill', css(row.isThread ? 'other' : 'accent'))
        .attr('opacity', row.bars.length > 1 ? 0.45 : 1)
    );
    svg
      .append('text')
      .attr('x', width)
      .attr('y', y + 16)
      .attr('text-anchor', 'end')
      .text(count(row.calls));
  });
}

function handoverWords() {
  if (!C.handed_over) return 'No block was released by another thread than the one that asked for it.';
  const name = new Map(C.threads.map(([id, tid, number]) => [id, `${esc(text(number))} (thread ${tid})`]));
  const told = C.handovers
    .slice(0, 8)
    .map(
      ([from, to, blocks]) =>
        `${count(blocks)} from ${name.get(from) || 'thread row ' + from} to ${name.get(to) || 'thread row ' + to}`
    );
  return `${plural(C.handed_over, 'block')} of ${count(T.allocations)} were released by another thread than the one that asked: ${told.join('; ')}.`;
}

(function startProcesses() {
  const body = head(
    'processes',
    'Processes and threads',
    'Number of allocations at the right.',
    'SELECT id, pid, executable, exit_kind, exit_code,\n       (SELECT sum(births) FROM chunk WHERE process_id = p.id) AS allocations\nFROM process AS p ORDER BY id;\n\n' +
      'SELECT b.name AS born_in, d.name AS freed_in, count(*) AS blocks\nFROM allocation AS a JOIN thread AS b ON b.id = a.thread_id JOIN thread AS d ON d.id = a.free_thread_id\n' +
      `WHERE a.process_id = ${D.process_id} AND a.free_thread_id <> a.thread_id GROUP BY a.thread_id, a.free_thread_id ORDER BY blocks DESC;`
  );
  const hidden = T.threads - Math.min(C.threads.length, THREAD_ROWS_MAX);
  body.innerHTML = `<div id="process-chart"></div><p class="cap">${
    D.process_count > 1
      ? `${count(D.process_count)} processes; all figures above are of row ` +
        `${D.process_id} of <code>process</code>, which <code>--process</code> chooses. `
      : ''
  }${hidden > 0 ? `${plural(hidden, 'thread')} with fewer allocations ${hidden === 1 ? 'is' : 'are'} not drawn. ` : ''}${handoverWords()}</p>`;
  chart($('#process-chart'), drawProcesses);
})();
