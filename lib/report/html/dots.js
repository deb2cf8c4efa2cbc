/* Lifetime against size: a dot a line of the source, its area the number of allocations. */

const DOTS_MAX = 1000;
const CLOCKS = {
  ns: {
    words: 'time',
    title: 'median lifetime',
    least: 10,
    format: duration,
    ticks: d3.range(1, 14).map(k => 10 ** k),
  },
  allocations: {
    words: 'allocations meanwhile',
    title: 'median lifetime, in allocations of the process',
    least: 0.5,
    format: short,
    ticks: d3.range(0, 10).map(k => 10 ** k),
  },
  bytes: {
    words: 'bytes meanwhile',
    title: 'median lifetime, in bytes that the process asked for',
    least: 1,
    format: plainBytes,
    ticks: d3.range(0, 40, 5).map(k => 2 ** k),
  },
};
state.clock = 'ns';

const toggleSite = site => set({ site: state.site === site ? null : site });

function dotTicks(svg, area, x, y, clock) {
  const axis = svg.append('g').attr('class', 'axis');
  const within = clock.ticks.filter(tick => tick >= x.domain()[0] && tick <= x.domain()[1]);
  const every = Math.max(1, Math.ceil(within.length / ((area.right - area.left) / 80)));
  within.forEach((tick, i) => {
    axis.append('line').attr('x1', x(tick)).attr('x2', x(tick)).attr('y1', area.top).attr('y2', area.bottom);
    if (i % every === 0)
      axis
        .append('text')
        .attr('x', x(tick))
        .attr('y', area.bottom + 17)
        .attr('text-anchor', 'middle')
        .text(clock.format(tick).replace(/\.0+(?=\D)/, ''));
  });
  d3.range(0, 44, 4)
    .map(k => 2 ** k)
    .filter(tick => tick <= y.domain()[1])
    .forEach(tick => {
      axis.append('line').attr('x1', area.left).attr('x2', area.right).attr('y1', y(tick)).attr('y2', y(tick));
      axis
        .append('text')
        .attr('x', area.left - 8)
        .attr('y', y(tick) + 4)
        .attr('text-anchor', 'end')
        .text(plainBytes(tick));
    });
}

/* Names for the busiest dots, where nothing is in the way. */
function dotLabels(svg, area, dots) {
  const used = [];
  const isFree = (left, top, width) =>
    left > area.left &&
    left + width < area.right &&
    !used.some(u => Math.abs(u.top - top) < 14 && left < u.left + u.width && u.left < left + width) &&
    !dots.some(d => Math.abs(d.y - top) < d.r + 6 && d.x + d.r + 1 > left && d.x - d.r - 1 < left + width);
  dots.slice(0, 30).forEach(dot => {
    const words = visible(dot.site.place);
    const width = words.length * 6.3;
    const spots = [
      [dot.x + dot.r + 4, dot.y],
      [dot.x - dot.r - 4 - width, dot.y],
      [dot.x - width / 2, dot.y - dot.r - 8],
      [dot.x - width / 2, dot.y + dot.r + 8],
    ];
    const spot = used.length < 9 && words.length < 32 && spots.find(([left, top]) => isFree(left, top, width));
    if (!spot) return;
    used.push({ left: spot[0], top: spot[1], width });
    svg
      .append('text')
      .attr('class', 'halo')
      .attr('x', spot[0])
      .attr('y', spot[1] + 4)
      .text(words);
  });
}

function moveFocus(nodes, index) {
  const key = d3.event.key;
  const step = key === 'ArrowRight' || key === 'ArrowDown' ? 1 : key === 'ArrowLeft' || key === 'ArrowUp' ? -1 : 0;
  if (step && nodes[index + step]) {
    d3.event.preventDefault();
    nodes[index].setAttribute('tabindex', '-1');
    nodes[index + step].setAttribute('tabindex', '0');
    nodes[index + step].focus();
  }
}

function drawDots(host, width) {
  const clock = CLOCKS[state.clock];
  const height = 380;
  const area = { left: 64, right: width - 22, top: 22, bottom: height - 40 };
  const key = state.clock + '50';
  const known = sites
    .filter(site => site[key] !== null)
    .sort((a, b) => b.calls - a.calls)
    .slice(0, DOTS_MAX);
  const svg = d3
    .select(host)
    .append('svg')
    .attr('width', width)
    .attr('height', height)
    .attr('role', 'group')
    .attr('aria-label', 'Lifetime against size, one dot a line; arrows go from dot to dot');
  if (!known.length)
    return svg.append('text').attr('x', 0).attr('y', 40).text('No block was released, or lifetimes are not known.');
  const at = site => Math.max(clock.least, site[key]);
  const x = d3.scaleLog(d3.extent(known, at), [area.left + 8, area.right]).nice();
  const y = d3.scaleLog([1, Math.max(16, d3.max(known, site => site.mean) * 2)], [area.bottom, area.top]);
  const r = d3.scaleSqrt([1, Math.max(2, known[0].calls)], [3.2, width < 500 ? 15 : 21]);
  const dots = known.map(site => ({ site, x: x(at(site)), y: y(Math.max(1, site.mean)), r: r(site.calls) }));
  dotTicks(svg, area, x, y, clock);
  svg.append('text').attr('x', 0).attr('y', 12).text('mean size');
  svg
    .append('text')
    .attr('x', area.right)
    .attr('y', height - 4)
    .attr('text-anchor', 'end')
    .text(clock.title);
  const nodes = svg
    .append('g')
    .selectAll('circle')
    .data(dots)
    .join('circle')
    .attr('cx', d => d.x)
    .attr('cy', d => d.y)
    .attr('r', d => d.r)
    .attr('fill', d => css('life' + d.site.life))
    .attr('fill-opacity', 0.85)
    .attr('stroke', d => (state.site === d.site ? css('ink') : css('bg')))
    .attr('stroke-width', d => (state.site === d.site ? 2.5 : 1))
    .attr('tabindex', (d, i) => (i ? -1 : 0))
    .attr('role', 'button')
    .style('cursor', 'pointer')
    .attr('aria-label', d => `${visible(d.site.label)}: ${plural(d.site.calls, 'allocation')}, ${bytes(d.site.mean)}`)
    .on('mousemove', d => showTip(d3.event.clientX, d3.event.clientY, siteTip(d.site)))
    .on('mouseleave blur', hideTip)
    .on('click', d => toggleSite(d.site));
  nodes
    .on('focus', function tell(d) {
      const box = this.getBoundingClientRect();
      showTip(box.right, box.bottom, siteTip(d.site));
    })
    .on('keydown', (d, i) => {
      if (d3.event.key === 'Enter' || d3.event.key === ' ') {
        d3.event.preventDefault();
        toggleSite(d.site);
      } else {
        moveFocus(nodes.nodes(), i);
      }
    });
  return dotLabels(svg, area, dots);
}

const lifeLegend = () =>
  `<ul class="legend">${LIVES.map(
    (life, i) => `<li title="${life.says}"><i style="background:var(--life${i})"></i>${life.name}</li>`
  ).join('')}</ul>`;

(function startDots() {
  const body = head(
    'lifetimes',
    'Lifetime against size',
    'A dot is a line of the source, its area the number of allocations; half of its ' +
      'blocks live no longer than shown. Select a dot to find it in the table.' +
      (sites.length > DOTS_MAX ? ` The ${count(DOTS_MAX)} busiest of ${count(T.sites)} lines.` : ''),
    'SELECT s.function, s.file, s.line, y.allocations, y.mean_size_bytes,\n       y.lifetime_ns_p50, y.lifetime_allocations_p50, y.lifetime_bytes_p50\n' +
      `FROM site_summary AS y JOIN site AS s ON s.id = y.site_id\nWHERE y.process_id = ${D.process_id} ORDER BY y.allocations DESC;`
  );
  body.innerHTML = `<div class="controls"><div id="clock"></div></div>${lifeLegend()}<div id="dots"></div>
    <p class="cap">${LIVES.map(life => `${life.name}: ${life.says}`).join('; ')}.</p>`;
  segments(
    $('#clock'),
    'Clock',
    Object.keys(CLOCKS).map(key => [key, CLOCKS[key].words]),
    'clock'
  );
  on('clock site', chart($('#dots'), drawDots));
})();
