/* How often each size is asked for, in quarters of a power of two; below the axis, the pools of fixed blocks that
   could serve the whole program. */

const PER_OCTAVE = 4;
state.height = 'calls';

const general = D.findings.map(finding => finding.evidence).find(evidence => evidence && evidence.pools);
const pools = general ? general.pools : [];

/* Position of a size on the axis, in quarters. */
const quarter = size => Math.log2(Math.max(1, size)) * PER_OCTAVE;

function sizeBars() {
  const bars = new Map();
  C.sizes.forEach(([size, calls, total]) => {
    const k = Math.floor(quarter(size) + 1e-9);
    const bar = bars.get(k) || { k, calls: 0, bytes: 0, sizes: [] };
    bar.calls += calls;
    bar.bytes += total;
    bar.sizes.push([size, calls]);
    bars.set(k, bar);
  });
  return [...bars.values()];
}

function sizeTip(bar) {
  const often = bar.sizes
    .slice()
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3);
  return (
    `<b>${sizeRange(bar.sizes[0][0], bar.sizes[bar.sizes.length - 1][0])}</b>` +
    tipRows([
      ['allocations', count(bar.calls)],
      ['bytes', bytes(bar.bytes)],
      ['most frequent', often.map(([size, calls]) => `${count(size)}${NB}B (${short(calls)})`).join(', ')],
    ])
  );
}

function drawPools(svg, x, most, top, bottom, width) {
  const at = size => x(Math.min(most, quarter(size)));
  pools.forEach((pool, i) => {
    const left = at(pool.from_bytes);
    const right = Math.max(left + 2, at(pool.block_bytes + 1));
    const y = bottom + 30 + i * 21;
    const words = `${count(pool.block_count)} × ${count(pool.block_bytes)} B`;
    const isRight = right + words.length * 6.6 + 8 < width;
    svg.append('line').attr('class', 'rule').attr('x1', right).attr('x2', right).attr('y1', top).attr('y2', y);
    svg
      .append('rect')
      .attr('x', left)
      .attr('y', y)
      .attr('width', right - left)
      .attr('height', 11)
      .attr('fill', css('ink3'))
      .attr('rx', 1);
    svg
      .append('text')
      .attr('x', isRight ? right + 6 : left - 6)
      .attr('text-anchor', isRight ? 'start' : 'end')
      .attr('y', y + 10)
      .text(words);
  });
}

function drawSizes(host, width) {
  const bars = sizeBars();
  const height = 324 + pools.length * 21;
  const area = { left: 64, right: width - 14, top: 22, bottom: 290 };
  const most = (d3.max(bars, bar => bar.k) || 0) + 1;
  const value = bar => bar[state.height];
  const highest = d3.max(bars, value) || 1;
  const x = d3.scaleLinear([0, most], [area.left, area.right]);
  const svg = svgIn(host, width, height, `Histogram of sizes: ${plural(C.distinct_sizes, 'different size')}`);
  const isBytes = state.height === 'bytes';
  const y = panel(
    svg,
    area,
    { top: area.top, height: area.bottom - area.top },
    highest,
    isBytes ? byteTicks(highest, 4) : d3.ticks(0, highest, 4),
    isBytes ? bytes : short,
    isBytes ? 'bytes asked for' : 'allocations'
  );
  const every = Math.max(2, Math.ceil(most / PER_OCTAVE / ((area.right - area.left) / 62)));
  for (let power = 0; power <= most / PER_OCTAVE; power += every)
    svg
      .append('text')
      .attr('x', x(power * PER_OCTAVE))
      .attr('y', area.bottom + 17)
      .attr('text-anchor', 'middle')
      .text(plainBytes(2 ** power));
  svg
    .append('g')
    .selectAll('rect')
    .data(bars)
    .join('rect')
    .attr('x', bar => x(bar.k) + 0.5)
    .attr('width', Math.max(1, x(1) - x(0) - 1))
    .attr('y', bar => Math.min(y(value(bar)), area.bottom - 1))
    .attr('height', bar => Math.max(1, area.bottom - y(value(bar))))
    .attr('fill', css('accent'))
    .on('mousemove', bar => showTip(d3.event.clientX, d3.event.clientY, sizeTip(bar)))
    .on('mouseleave', hideTip);
  drawPools(svg, x, most, area.top, area.bottom, width);
}

(function startSizes() {
  const body = head(
    'sizes',
    'Sizes, and pools that would fit',
    pools.length
      ? `${plural(pools.length, 'pool')} of fixed blocks could serve the ` +
          'whole program: below the axis, each covers the sizes that it would serve.'
      : 'How often each size is asked for.',
    `SELECT size_bytes, count(*) AS blocks FROM allocation\nWHERE process_id = ${D.process_id} GROUP BY size_bytes ORDER BY size_bytes;`
  );
  const prices =
    general && general.pricing
      ? general.pricing.filter(price => price.scheme !== 'best' || Math.abs(price.pools - pools.length) <= 2)
      : [];
  body.innerHTML =
    `<div class="controls"><div id="height"></div></div><div id="size-chart"></div>` +
    (C.distinct_sizes > C.sizes.length
      ? `<p class="cap">${count(C.distinct_sizes)} different sizes, told in ${count(C.sizes.length)} classes.</p>`
      : '') +
    (general
      ? `<p class="cap">All pools: ${bytes(general.pool_bytes)} for ${count(general.covered_allocations)} of ${count(T.allocations)} allocations. ` +
        `Other sets: ${prices
          .map(
            price =>
              `${price.pools ? plural(price.pools, 'pool') : esc(price.scheme.replace(/-/g, ' '))}${
                price.pools && price.scheme !== 'best' ? ` (${esc(price.scheme.replace(/-/g, ' '))})` : ''
              } ${bytes(price.bytes)}`
          )
          .join('; ')}.</p>`
      : '');
  segments(
    $('#height'),
    'Height',
    [
      ['calls', 'allocations'],
      ['bytes', 'bytes asked for'],
    ],
    'height'
  );
  on('height', chart($('#size-chart'), drawSizes));
})();
