/* Live bytes, live blocks and the rate of allocations over time. Dragging selects intervals, which stacks and sites
   follow; zoom and pan by buttons, keys, or the wheel with Ctrl. */

const sumOf = (list, key) => d3.sum(list, item => item[key]);

/* Axis, grid and title of one panel. Returns its scale. */
function panel(svg, area, box, max, ticks, format, label) {
  const y = d3.scaleLinear([0, max || 1], [box.top + box.height, box.top]);
  const axis = svg.append('g').attr('class', 'axis');
  ticks.forEach(tick => {
    axis.append('line').attr('x1', area.left).attr('x2', area.right).attr('y1', y(tick)).attr('y2', y(tick));
    axis.append('text').attr('x', area.left - 8).attr('y', y(tick) + 4).attr('text-anchor', 'end').text(format(tick));
  });
  svg.append('text').attr('x', 0).attr('y', box.top - 12).text(label);
  return y;
}

function drawMarks(svg, x, area, top, bottom, isNarrow) {
  const near = [];
  C.marks.filter(([ns]) => ns >= state.zoom[0] && ns <= state.zoom[1]).forEach(([ns, words]) => {
    svg.append('line').attr('class', 'rule').attr('x1', x(ns)).attr('x2', x(ns)).attr('y1', top - 2).attr('y2', bottom);
    const group = near.find(other => Math.abs(other.x - x(ns)) < 40);
    if (group)
      group.words.push(visible(words));
    else
      near.push({ x: x(ns), words: [visible(words)] });
  });
  near.slice(0, isNarrow ? 3 : 10).forEach(mark => {
    const isRight = mark.x > area.right * 0.7;
    const words = mark.words.slice(0, 2).join(', ') + (mark.words.length > 2 ? ', …' : '');
    svg.append('text').attr('x', mark.x + (isRight ? -4 : 4)).attr('y', top - 10)
      .attr('text-anchor', isRight ? 'end' : 'start').text(words.length > 48 ? words.slice(0, 47) + '…' : words);
  });
}

function drawPeak(svg, x, y, area) {
  if (T.peak_ns < state.zoom[0] || T.peak_ns > state.zoom[1])
    return;
  const px = x(T.peak_ns);
  const isRight = px > area.right * 0.7;
  svg.append('circle').attr('cx', px).attr('cy', y(T.peak_live_bytes)).attr('r', 4).attr('fill', css('surface'))
    .attr('stroke', css('accent')).attr('stroke-width', 2);
  svg.append('text').attr('class', 'strong halo').attr('x', px + (isRight ? -8 : 8)).attr('y', y(T.peak_live_bytes) + 16)
    .attr('text-anchor', isRight ? 'end' : 'start').text('peak ' + bytes(T.peak_live_bytes));
}

function binTip(bin) {
  return `<b>${duration(bin.from)} – ${duration(bin.to)}</b>` + tipRows([
    ['live', sizeRange(bin.liveMin, bin.liveMax)]].concat(C.map ? [['free in pieces, at most', bytes(bin.hole)],
    ['top of a first-fit heap', bytes(bin.top)]] : [], [['blocks, at most', count(bin.count)],
    ['allocations', count(bin.calls)], ['asked for', bytes(bin.bytes)]]));
}

/* The areas and lines, clipped to the panels. */
function drawSeries(svg, shown, x, yBytes, yCount, yRate, limit) {
  const g = svg.append('g').attr('clip-path', 'url(#time-clip)');
  const step = d3.curveStepAfter;
  const ends = shown.concat(Object.assign({}, shown[shown.length - 1], { from: shown[shown.length - 1].to }));
  const area = (low, high) => d3.area().curve(step).x(b => x(b.from)).y0(b => yBytes(low(b))).y1(b => yBytes(high(b)))(ends);
  const line = (y, key) => d3.line().curve(step).x(b => x(b.from)).y(b => y(b[key]))(ends);
  if (C.map)
    g.append('path').attr('d', area(b => b.liveMax, b => Math.max(b.liveMax, b.top))).attr('fill', css('free')).attr('opacity', 0.85);
  g.append('path').attr('d', area(() => 0, b => b.liveMax)).attr('fill', css('soft'));
  g.append('path').attr('d', area(() => 0, b => b.liveMin)).attr('fill', css('accent')).attr('opacity', 0.28);
  g.append('path').attr('d', line(yBytes, 'liveMax')).attr('fill', 'none').attr('stroke', css('accent')).attr('stroke-width', 1.5);
  g.append('path').attr('d', line(yBytes, 'liveMin')).attr('fill', 'none').attr('stroke', css('accent')).attr('opacity', 0.7);
  g.append('path').attr('d', line(yCount, 'count')).attr('fill', 'none').attr('stroke', css('ink2')).attr('stroke-width', 1.25);
  g.selectAll('rect').data(shown).join('rect').attr('x', b => x(b.from)).attr('fill', css('other'))
    .attr('width', b => Math.max(1, x(b.to) - x(b.from) - 0.5)).attr('y', b => yRate(Math.min(b.rate, limit)))
    .attr('height', b => yRate(0) - yRate(Math.min(b.rate, limit)));
}

function drawBrush(svg, x, area, top, bottom, host) {
  let isOwn = false; /* moving the brush by the program calls its listener, too */
  const brush = d3.brushX().extent([[area.left, top], [area.right, bottom]]).on('end', () => {
    const chosen = d3.event.selection;
    if (!d3.event.sourceEvent || isOwn)
      return;
    set({ range: chosen && chosen[1] - chosen[0] > 3 ? snap(chosen.map(x.invert)) : null });
  });
  const g = svg.append('g').attr('class', 'brush').call(brush);
  if (state.range) {
    isOwn = true;
    g.call(brush.move, state.range.map(ns => Math.max(area.left, Math.min(area.right, x(ns)))));
    isOwn = false;
  }
  const cursor = svg.append('line').attr('y1', top).attr('y2', bottom).attr('stroke', css('ink2')).style('display', 'none');
  g.on('mousemove', () => {
    const ns = x.invert(d3.mouse(host.firstChild)[0]);
    const bin = bins[Math.max(0, Math.min(bins.length - 1, Math.floor((ns - time.from) / C.bin_ns)))];
    cursor.style('display', null).attr('x1', x((bin.from + bin.to) / 2)).attr('x2', x((bin.from + bin.to) / 2));
    showTip(d3.event.clientX, d3.event.clientY, binTip(bin));
  }).on('mouseleave', () => {
    cursor.style('display', 'none');
    hideTip();
  });
}

function drawTime(host, width) {
  const isNarrow = width < 560;
  const area = { left: 64, right: width - 14 };
  const heights = [isNarrow ? 190 : 240, 62, 62];
  const boxes = heights.map((height, i) => ({ height, top: 28 + d3.sum(heights.slice(0, i)) + i * 38 }));
  const bottom = boxes[2].top + boxes[2].height;
  const svg = svgIn(host, width, bottom + 26,
    `Live bytes over time: peak ${bytes(T.peak_live_bytes)} at ${duration(T.peak_ns)}`);
  const x = d3.scaleLinear(state.zoom, [area.left, area.right]);
  const shown = bins.filter(bin => bin.to > state.zoom[0] && bin.from < state.zoom[1]);
  bins.forEach(bin => { bin.rate = bin.calls / (C.bin_ns / 1e9); });
  svg.append('clipPath').attr('id', 'time-clip').append('rect').attr('x', area.left).attr('y', 0)
    .attr('width', area.right - area.left).attr('height', bottom);
  const most = d3.max(bins, b => Math.max(b.liveMax, b.top));
  const mostBlocks = d3.max(bins, b => b.count);
  const usual = d3.quantile(bins.map(b => b.rate).sort(d3.ascending), 0.995) || 1;
  const yBytes = panel(svg, area, boxes[0], most * 1.02, byteTicks(most, 4), bytes, 'live bytes');
  const yCount = panel(svg, area, boxes[1], mostBlocks * 1.05, d3.ticks(0, mostBlocks, 2), short, 'live blocks');
  const yRate = panel(svg, area, boxes[2], usual * 1.05, d3.ticks(0, usual, 2), short, 'allocations a second');
  drawSeries(svg, shown, x, yBytes, yCount, yRate, usual * 1.05);
  const spikes = shown.filter(b => b.rate > usual * 1.05);
  if (spikes.length) {
    const isRight = x(spikes[0].from) > area.right * 0.8;
    svg.append('text').attr('class', 'halo').attr('x', x(spikes[0].from) + (isRight ? -4 : 8)).attr('y', yRate(usual) + 9)
      .attr('text-anchor', isRight ? 'end' : 'start').text('▲ ' + short(d3.max(spikes, b => b.rate)));
  }
  const axis = svg.append('g').attr('class', 'axis');
  x.ticks(isNarrow ? 4 : 8).forEach(tick => {
    axis.append('line').attr('x1', x(tick)).attr('x2', x(tick)).attr('y1', bottom).attr('y2', bottom + 5);
    axis.append('text').attr('x', x(tick)).attr('y', bottom + 19).attr('text-anchor', 'middle').text(axisTime(tick));
  });
  drawMarks(svg, x, area, 28, bottom, isNarrow);
  drawPeak(svg, x, yBytes, area);
  drawBrush(svg, x, area, 28, bottom, host);
}

/* ---- zoom and pan ---------------------------------------------------------------------------------------------- */
function zoomTo(from, to) {
  const span = Math.max(C.bin_ns * 4, Math.min(time.to - time.from, to - from));
  const start = Math.max(time.from, Math.min(time.to - span, from));
  set({ zoom: [start, start + span] });
}

/* factor: of the span, 0.5 to see twice as much detail; at: the moment that stays, 0 to 1 of what is shown. */
function zoomBy(factor, at) {
  const [from, to] = state.zoom;
  const fixed = from + (to - from) * at;
  zoomTo(fixed - (fixed - from) * factor, fixed + (to - fixed) * factor);
}
const panBy = part => zoomTo(state.zoom[0] + (state.zoom[1] - state.zoom[0]) * part,
  state.zoom[1] + (state.zoom[1] - state.zoom[0]) * part);

function tellTime() {
  const [from, to] = state.range || [time.from, time.to];
  const chosen = bins.filter(bin => bin.from >= from && bin.to <= to);
  $('#time-from').value = state.range ? +(from / 1e9).toFixed(6) : '';
  $('#time-to').value = state.range ? +(to / 1e9).toFixed(6) : '';
  $('#time-clear').disabled = !state.range;
  $('#time-all').disabled = state.zoom[0] <= time.from && state.zoom[1] >= time.to;
  $('#time-says').textContent = (state.range ? `${duration(from)} to ${duration(to)}: ` : 'Whole run: ') +
    `${plural(sumOf(chosen, 'calls'), 'allocation')}, ${bytes(sumOf(chosen, 'bytes'))} asked for; live ` +
    `${bytes(d3.min(chosen, b => b.liveMin))} to ${bytes(d3.max(chosen, b => b.liveMax))}.`;
}

function typedRange() {
  const from = parseFloat($('#time-from').value);
  const to = parseFloat($('#time-to').value);
  if (from >= 0 && to > from)
    set({ range: snap([from * 1e9, to * 1e9]) });
}

(function startTime() {
  const body = head('time', 'Heap over time', 'Drag across the chart to look at a part of the run: stacks and lines below ' +
    `follow. ${bins.length} intervals; of each the highest and the lowest state, so that short peaks are seen.`,
  `SELECT time_ns / 1e9 AS seconds, live_bytes, live_count, allocations\nFROM timeline WHERE process_id = ${D.process_id} ORDER BY time_ns;\n\n` +
    `-- one interval\nSELECT count(*), sum(size_bytes) FROM allocation\nWHERE process_id = ${D.process_id} AND birth_ns >= FROM_NS AND birth_ns < TO_NS;`);
  if (!bins.length || !T.allocations) {
    body.innerHTML = '<p class="small">There is no event to show.</p>';
    return;
  }
  body.innerHTML = `<div class="controls"><label class="small">from <input type="number" id="time-from" step="any" min="0"></label>
    <label class="small">to <input type="number" id="time-to" step="any" min="0"> s</label>
    <button class="btn" type="button" id="time-in">Zoom in</button><button class="btn" type="button" id="time-out">Zoom out</button>
    <button class="btn" type="button" id="time-earlier">Earlier</button><button class="btn" type="button" id="time-later">Later</button>
    <button class="btn" type="button" id="time-all">Whole run</button><button class="btn" type="button" id="time-clear">Clear selection</button></div>
    <ul class="legend"><li><i style="background:var(--accent)"></i>live bytes, highest in the interval</li>
    <li><i style="background:color-mix(in srgb,var(--accent) 35%,var(--bg))"></i>lowest in the interval</li>
    ${C.map ? '<li><i style="background:var(--free)"></i>up to the top of a first-fit heap: free in pieces</li>' : ''}</ul>
    <div id="time-chart" tabindex="0" role="group" aria-label="Heap over time; plus and minus zoom, arrows move"></div>
    <p class="cap" id="time-says" role="status"></p>`;
  const host = $('#time-chart');
  const run = chart(host, drawTime);
  const click = (id, call) => { $(id).onclick = call; };
  click('#time-in', () => state.range ? zoomTo(...state.range) : zoomBy(0.5, 0.5));
  click('#time-out', () => zoomBy(2, 0.5));
  click('#time-earlier', () => panBy(-0.5));
  click('#time-later', () => panBy(0.5));
  click('#time-all', () => zoomTo(time.from, time.to));
  click('#time-clear', () => set({ range: null }));
  $('#time-from').onchange = $('#time-to').onchange = typedRange;
  host.addEventListener('keydown', event => {
    const act = { '+': () => zoomBy(0.5, 0.5), '-': () => zoomBy(2, 0.5), ArrowLeft: () => panBy(-0.25), ArrowRight: () => panBy(0.25) }[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  host.addEventListener('wheel', event => {
    if (!event.ctrlKey)
      return;
    event.preventDefault();
    const box = host.getBoundingClientRect();
    zoomBy(event.deltaY > 0 ? 1.25 : 0.8, Math.max(0, Math.min(1, (event.clientX - box.left - 64) / (box.width - 78))));
  }, { passive: false });
  on('range zoom', () => {
    run();
    tellTime();
  });
  tellTime();
})();
