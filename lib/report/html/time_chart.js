/* Draws live bytes, live blocks and the rate of allocations over time. Dragging selects intervals, which stacks and
   sites follow; time.js has the controls. */

const sumOf = (list, key) => d3.sum(list, item => item[key]);

/* Axis, grid and title of one panel. Returns its scale. */
function panel(svg, area, box, max, ticks, format, label) {
  const y = d3.scaleLinear([0, max || 1], [box.top + box.height, box.top]);
  const axis = svg.append('g').attr('class', 'axis');
  ticks.forEach(tick => {
    axis.append('line').attr('x1', area.left).attr('x2', area.right).attr('y1', y(tick)).attr('y2', y(tick));
    axis
      .append('text')
      .attr('x', area.left - 8)
      .attr('y', y(tick) + 4)
      .attr('text-anchor', 'end')
      .text(format(tick));
  });
  svg
    .append('text')
    .attr('x', 0)
    .attr('y', box.top - 12)
    .text(label);
  return y;
}

/* The words of a group of marks, and the room that they take: to the left of a mark that stands far right. */
function markWords(mark) {
  const words = mark.words.slice(0, 2).join(', ') + (mark.words.length > 2 ? ', …' : '');
  return words.length > 48 ? words.slice(0, 47) + '…' : words;
}
function markRoom(mark, area) {
  const wide = textRoom(markWords(mark)) + 8;
  return mark.x > area.right * 0.7 ? [mark.x - wide, mark.x] : [mark.x, mark.x + wide];
}

/* Marks whose words would touch are told together, at the first of them. */
function drawMarks(svg, x, area, top, bottom, isNarrow) {
  const near = [];
  C.marks
    .filter(([ns]) => ns >= state.zoom[0] && ns <= state.zoom[1])
    .forEach(([ns, words]) => {
      svg
        .append('line')
        .attr('class', 'rule')
        .attr('x1', x(ns))
        .attr('x2', x(ns))
        .attr('y1', top - 2)
        .attr('y2', bottom);
      const mark = { x: x(ns), words: [visible(words)] };
      const group = near.find(other => markRoom(other, area)[1] > markRoom(mark, area)[0] && other.x <= mark.x);
      if (group) group.words.push(visible(words));
      else near.push(mark);
    });
  near.slice(0, isNarrow ? 3 : 10).forEach(mark => {
    const isRight = mark.x > area.right * 0.7;
    svg
      .append('text')
      .attr('x', mark.x + (isRight ? -4 : 4))
      .attr('y', top - 10)
      .attr('text-anchor', isRight ? 'end' : 'start')
      .text(markWords(mark));
  });
}

function drawPeak(svg, x, y, area) {
  if (T.peak_ns < state.zoom[0] || T.peak_ns > state.zoom[1]) return;
  const px = x(T.peak_ns);
  const isRight = px > area.right * 0.7;
  svg
    .append('circle')
    .attr('cx', px)
    .attr('cy', y(T.peak_live_bytes))
    .attr('r', 4)
    .attr('fill', css('surface'))
    .attr('stroke', css('accent'))
    .attr('stroke-width', 2);
  svg
    .append('text')
    .attr('class', 'strong halo')
    .attr('x', px + (isRight ? -8 : 8))
    .attr('y', y(T.peak_live_bytes) + 16)
    .attr('text-anchor', isRight ? 'end' : 'start')
    .text('peak ' + bytes(T.peak_live_bytes));
}

function binTip(bin) {
  return (
    `<b>${duration(bin.from)} – ${duration(bin.to)}</b>` +
    tipRows(
      [['live', sizeRange(bin.liveMin, bin.liveMax)]].concat(
        C.map
          ? [
              ['free in pieces, at most', bytes(bin.hole)],
              ['top of a first-fit heap', bytes(bin.top)],
            ]
          : [],
        [
          ['blocks, at most', count(bin.count)],
          ['allocations', count(bin.calls)],
          ['asked for', bytes(bin.bytes)],
        ]
      )
    )
  );
}

/* The areas and lines, clipped to the panels. */
function drawSeries(svg, shown, x, yBytes, yCount, yRate, limit) {
  const g = svg.append('g').attr('clip-path', 'url(#time-clip)');
  const step = d3.curveStepAfter;
  const ends = shown.concat(Object.assign({}, shown[shown.length - 1], { from: shown[shown.length - 1].to }));
  const area = (low, high) =>
    d3
      .area()
      .curve(step)
      .x(b => x(b.from))
      .y0(b => yBytes(low(b)))
      .y1(b => yBytes(high(b)))(ends);
  const line = (y, key) =>
    d3
      .line()
      .curve(step)
      .x(b => x(b.from))
      .y(b => y(b[key]))(ends);
  if (C.map)
    g.append('path')
      .attr(
        'd',
        area(
          b => b.liveMax,
          b => Math.max(b.liveMax, b.top)
        )
      )
      .attr('fill', css('free'))
      .attr('opacity', 0.85);
  g.append('path')
    .attr(
      'd',
      area(
        () => 0,
        b => b.liveMax
      )
    )
    .attr('fill', css('soft'));
  g.append('path')
    .attr(
      'd',
      area(
        () => 0,
        b => b.liveMin
      )
    )
    .attr('fill', css('accent'))
    .attr('opacity', 0.28);
  g.append('path')
    .attr('d', line(yBytes, 'liveMax'))
    .attr('fill', 'none')
    .attr('stroke', css('accent'))
    .attr('stroke-width', 1.5);
  g.append('path')
    .attr('d', line(yBytes, 'liveMin'))
    .attr('fill', 'none')
    .attr('stroke', css('accent'))
    .attr('opacity', 0.7);
  g.append('path')
    .attr('d', line(yCount, 'count'))
    .attr('fill', 'none')
    .attr('stroke', css('ink2'))
    .attr('stroke-width', 1.25);
  g.selectAll('rect')
    .data(shown)
    .join('rect')
    .attr('x', b => x(b.from))
    .attr('fill', css('other'))
    .attr('width', b => Math.max(1, x(b.to) - x(b.from) - 0.5))
    .attr('y', b => yRate(Math.min(b.rate, limit)))
    .attr('height', b => yRate(0) - yRate(Math.min(b.rate, limit)));
}

function drawBrush(svg, x, area, top, bottom, host) {
  let isOwn = false; /* moving the brush by the program calls its listener, too */
  const brush = d3
    .brushX()
    .extent([
      [area.left, top],
      [area.right, bottom],
    ])
    .on('end', () => {
      const chosen = d3.event.selection;
      if (!d3.event.sourceEvent || isOwn) return;
      set({ range: chosen && chosen[1] - chosen[0] > 3 ? snap(chosen.map(x.invert)) : null });
    });
  const g = svg.append('g').attr('class', 'brush').call(brush);
  if (state.range) {
    isOwn = true;
    g.call(
      brush.move,
      state.range.map(ns => Math.max(area.left, Math.min(area.right, x(ns))))
    );
    isOwn = false;
  }
  const cursor = svg
    .append('line')
    .attr('y1', top)
    .attr('y2', bottom)
    .attr('stroke', css('ink2'))
    .style('display', 'none');
  g.on('mousemove', () => {
    const ns = x.invert(d3.mouse(host.firstChild)[0]);
    const bin = bins[Math.max(0, Math.min(bins.length - 1, Math.floor((ns - time.from) / C.bin_ns)))];
    cursor
      .style('display', null)
      .attr('x1', x((bin.from + bin.to) / 2))
      .attr('x2', x((bin.from + bin.to) / 2));
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
  const svg = svgIn(
    host,
    width,
    bottom + 26,
    `Live bytes over time: peak ${bytes(T.peak_live_bytes)} at ${duration(T.peak_ns)}`
  );
  const x = d3.scaleLinear(state.zoom, [area.left, area.right]);
  const shown = bins.filter(bin => bin.to > state.zoom[0] && bin.from < state.zoom[1]);
  bins.forEach(bin => {
    bin.rate = bin.calls / (C.bin_ns / 1e9);
  });
  svg
    .append('clipPath')
    .attr('id', 'time-clip')
    .append('rect')
    .attr('x', area.left)
    .attr('y', 0)
    .attr('width', area.right - area.left)
    .attr('height', bottom);
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
    svg
      .append('text')
      .attr('class', 'halo')
      .attr('x', x(spikes[0].from) + (isRight ? -4 : 8))
      .attr('y', yRate(usual) + 9)
      .attr('text-anchor', isRight ? 'end' : 'start')
      .text('▲ ' + short(d3.max(spikes, b => b.rate)));
  }
  const axis = svg.append('g').attr('class', 'axis');
  const ticks = x.ticks(isNarrow ? 4 : 8);
  const told = apart(ticks, x, axisTime);
  ticks.forEach(tick => {
    axis
      .append('line')
      .attr('x1', x(tick))
      .attr('x2', x(tick))
      .attr('y1', bottom)
      .attr('y2', bottom + 5);
    axis
      .append('text')
      .attr('x', x(tick))
      .attr('y', bottom + 19)
      .attr('text-anchor', 'middle')
      .text(told.has(tick) ? axisTime(tick) : '');
  });
  drawMarks(svg, x, area, 28, bottom, isNarrow);
  drawPeak(svg, x, yBytes, area);
  drawBrush(svg, x, area, 28, bottom, host);
}
