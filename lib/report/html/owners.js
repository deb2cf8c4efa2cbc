/* Who holds whose address: blocks of one line in columns, those that hold to the left of those that they hold. */

const OWNERS_MAX = 24;
const OWNER_ROWS_MAX = 200;
const BOX = { width: 196, height: 42, row: 56 };
const COLUMN_MIN = 250;
const MARGIN = 34; /* for arrows within the first column */
const HALF_LETTER = 3.6;

/* One edge for each pair of lines and offset; nothing about lines that the table does not have. */
function ownerEdges() {
  const edges = [];
  D.links.forEach(([holder, module, offset, held, inner, moment, looks, made, blocks, type, member]) => {
    const from = holder ? siteById.get(holder) : { global: last(text(module)) };
    const to = siteById.get(held);
    if (from && to && from !== to)
      edges.push({
        from: holder || 'global ' + last(text(module)),
        to: held,
        offset,
        inner,
        moment,
        share: looks / made,
        looks,
        made,
        blocks,
        type: text(type),
        member: text(member),
      });
  });
  return edges;
}

/* Whether arrows lead from one line to another. */
function leads(edges, from, to) {
  const seen = new Set([from]);
  const todo = [from];
  while (todo.length) {
    const at = todo.pop();
    if (at === to) return true;
    edges
      .filter(edge => edge.from === at && !seen.has(edge.to))
      .forEach(edge => {
        seen.add(edge.to);
        todo.push(edge.to);
      });
  }
  return false;
}

/* The lines with most links, each in the column behind its first holder. */
function ownerColumns(edges) {
  const degree = new Map();
  edges.forEach(edge => [edge.from, edge.to].forEach(key => degree.set(key, (degree.get(key) || 0) + edge.blocks)));
  const kept = [...degree.keys()].sort((a, b) => degree.get(b) - degree.get(a)).slice(0, OWNERS_MAX);
  const isKept = new Set(kept);
  const drawn = edges.filter(edge => isKept.has(edge.from) && isKept.has(edge.to));
  const column = new Map(drawn.flatMap(edge => [edge.from, edge.to]).map(key => [key, 0]));
  /* Arrows that go round in a circle say nothing of who comes first. */
  const forward = drawn.filter(edge => !leads(drawn, edge.to, edge.from));
  for (let round = 0; round < OWNERS_MAX; round++)
    forward.forEach(edge => column.set(edge.to, Math.max(column.get(edge.to), column.get(edge.from) + 1)));
  const used = [...new Set(column.values())].sort(d3.ascending);
  column.forEach((c, key) => column.set(key, used.indexOf(c)));
  return { column, leftOut: degree.size - column.size };
}

/* The order within each column that leaves few lines crossing: each line near the mean of those that it is tied to. */
function orderOwners(column, edges) {
  const columns = d3
    .range(d3.max([...column.values()]) + 1)
    .map(c => [...column.keys()].filter(key => column.get(key) === c));
  const rank = new Map();
  const number = () => columns.forEach(keys => keys.forEach((key, i) => rank.set(key, i - keys.length / 2)));
  const wanted = key => {
    const tied = edges
      .filter(edge => edge.from === key || edge.to === key)
      .map(edge => rank.get(edge.from === key ? edge.to : edge.from));
    return tied.length ? d3.mean(tied) : rank.get(key);
  };
  number();
  for (let round = 0; round < 8; round++) {
    columns.forEach(keys => {
      const target = new Map(keys.map(key => [key, wanted(key)]));
      keys.sort((a, b) => target.get(a) - target.get(b));
    });
    number();
  }
  return columns;
}

function ownerPlaces(column, edges, room) {
  const columns = orderOwners(column, edges);
  const rows = d3.max(columns, keys => keys.length);
  const spots = new Map();
  const step = columns.length > 1 ? Math.max(COLUMN_MIN, (room - BOX.width - MARGIN - 2) / (columns.length - 1)) : 0;
  columns.forEach((keys, c) =>
    keys.forEach((key, i) =>
      spots.set(key, { x: c * Math.min(step, 340) + MARGIN, y: (i + (rows - keys.length) / 2) * BOX.row + 4 })
    )
  );
  return {
    spots,
    width: (columns.length - 1) * Math.min(step, 340) + BOX.width + MARGIN + 2,
    height: rows * BOX.row + 8,
  };
}

/* The member that holds, as the debug information calls it, or where it lies. */
const memberName = edge => (edge.member ? edge.member : '+' + edge.offset);

/* One arrow for each pair of lines, which tells the strongest of its links, and how many there are. */
function arrowsOf(edges) {
  const pairs = d3.nest().key(edge => edge.from + ' ' + edge.to).entries(edges);
  return pairs.map(({ values }) => {
    const sorted = values.slice().sort((a, b) => b.share - a.share || a.offset - b.offset);
    const name = memberName(sorted[0]);
    return Object.assign({}, sorted[0], {
      words: (name.length < 24 ? name : '+' + sorted[0].offset) + (sorted.length > 1 ? ` ×${sorted.length}` : ''),
      all: sorted,
    });
  });
}

function drawArrow(svg, arrow, spots) {
  const from = spots.get(arrow.from);
  const to = spots.get(arrow.to);
  const isBack = to.x <= from.x;
  const x0 = isBack ? from.x : from.x + BOX.width;
  const x1 = isBack ? to.x + BOX.width : to.x;
  const y0 = from.y + BOX.height / 2;
  const y1 = to.y + BOX.height / 2;
  const middle = isBack ? Math.min(x0, x1) - 30 : (x0 + x1) / 2;
  svg
    .append('path')
    .attr('d', `M${x0},${y0}C${middle},${y0} ${middle},${y1} ${x1},${y1}`)
    .attr('fill', 'none')
    .attr('stroke', css('ink3'))
    .attr('stroke-width', 1.2)
    .attr('stroke-dasharray', arrow.share < 0.995 ? '4 3' : null)
    .attr('marker-end', 'url(#arrow)');
  svg
    .append('text')
    .attr('class', 'halo')
    .attr('x', Math.max(middle, arrow.words.length * HALF_LETTER))
    .attr('y', (y0 + y1) / 2 - 4)
    .attr('text-anchor', 'middle')
    .text(visible(arrow.words))
    .append('title')
    .text(
      visible(
        arrow.all
          .slice(0, 12)
          .map(edge => `${edge.type ? edge.type + ' ' : ''}${memberName(edge)}: ${edge.moment}, ${count(edge.looks)} of ${count(edge.made)} looks`)
          .join('\n')
      )
    );
}

/* The same as a table: whose member holds whose blocks. */
function ownerTable(edges) {
  const lineOf = key => (siteById.has(key) ? siteById.get(key).place : String(key));
  const rows = edges
    .slice(0, OWNER_ROWS_MAX)
    .map(
      edge =>
        `<tr><td>${esc(lineOf(edge.from))}</td><td>${esc(edge.type || '')}</td><td>${esc(memberName(edge))}</td>` +
        `<td class="n">${count(edge.offset)}</td><td>${esc(lineOf(edge.to))}</td><td class="n">${count(edge.looks)} of ${count(edge.made)}</td></tr>`
    )
    .join('');
  return (
    '<details class="more"><summary>As a table, with types and members</summary><div class="tw scroll" tabindex="0" role="region" ' +
    'aria-label="Links as a table"><table class="links"><thead><tr><th>line that holds</th><th>type</th><th>member</th><th class="n">offset, bytes</th>' +
    `<th>line that is held</th><th class="n">looks</th></tr></thead><tbody>${rows}</tbody></table></div>` +
    `${edges.length > OWNER_ROWS_MAX ? `<p class="small">${count(edges.length - OWNER_ROWS_MAX)} more are in the JSON report.</p>` : ''}</details>`
  );
}

function drawOwner(svg, key, spot) {
  const site = siteById.get(key);
  const g = svg.append('g').attr('transform', `translate(${spot.x},${spot.y})`);
  const words = site ? visible(site.place) : visible(String(key));
  g.append('rect')
    .attr('width', BOX.width)
    .attr('height', BOX.height)
    .attr('rx', 4)
    .attr('fill', css('surface'))
    .attr('stroke', css('line2'));
  g.append('rect')
    .attr('width', 4)
    .attr('height', BOX.height)
    .attr('fill', css(site ? 'life' + site.life : 'other'));
  g.append('text')
    .attr('x', 12)
    .attr('y', 17)
    .attr('class', 'strong')
    .text(words.length > 23 ? words.slice(0, 22) + '…' : words);
  if (!site) return;
  g.append('text')
    .attr('x', 12)
    .attr('y', 33)
    .text(`${sizeRange(site.min, site.max)}, ${short(site.peakCount)} at once`);
  g.style('cursor', 'pointer')
    .attr('tabindex', 0)
    .attr('role', 'button')
    .attr('aria-label', visible(site.label))
    .on('mousemove', () => showTip(d3.event.clientX, d3.event.clientY, siteTip(site)))
    .on('mouseleave', hideTip)
    .on('click', () => toggleSite(site))
    .on('keydown', () => {
      if (d3.event.key === 'Enter') toggleSite(site);
    });
}

function leftOutWords(lines) {
  const words = [lines && plural(lines, 'line'), D.links_left_out && plural(D.links_left_out, 'link')].filter(Boolean);
  return words.length ? ` Left out: ${words.join(' and ')}; tenure report --format json has them under "ownership".` : '';
}

(function startOwners() {
  const edges = ownerEdges();
  const body = head(
    'owners',
    'Who holds whom',
    edges.length
      ? 'An arrow leads from the block that holds an address to the block that it is of, with the ' +
          'member that holds it, or the offset in the holder in bytes (×3: one of three). Dashed: not in every look.'
      : '',
    edges.length ? 'SELECT * FROM site_link ORDER BY looks DESC LIMIT 20;' : ''
  );
  if (!edges.length) {
    body.innerHTML = `<p class="small">${
      D.links.length
        ? 'The links that were found are of lines that this page leaves out.'
        : 'No link between blocks was found, or none was looked for (tenure record --links).'
    }</p>`;
    return;
  }
  const { column, leftOut } = ownerColumns(edges);
  const drawn = edges.filter(edge => column.has(edge.from) && column.has(edge.to));
  body.innerHTML =
    '<div class="scroll" tabindex="0" role="region" aria-label="Who holds whom"><div id="owner-chart"></div></div>' +
    `<p class="cap">${plural(drawn.length, 'link')} between ${plural(column.size, 'line')}.` +
    `${leftOutWords(leftOut)}</p>` +
    ownerTable(edges);
  chart($('#owner-chart'), (host, room) => {
    const { spots, width, height } = ownerPlaces(column, drawn, room);
    const svg = svgIn(
      host,
      width,
      height,
      `${plural(drawn.length, 'link')} between ${plural(column.size, 'line')}`
    ).attr('role', 'group');
    svg
      .append('defs')
      .append('marker')
      .attr('id', 'arrow')
      .attr('viewBox', '0 0 8 8')
      .attr('refX', 7)
      .attr('refY', 4)
      .attr('markerWidth', 7)
      .attr('markerHeight', 7)
      .attr('orient', 'auto')
      .append('path')
      .attr('d', 'M0,0L8,4L0,8z')
      .attr('fill', css('ink3'));
    arrowsOf(drawn).forEach(arrow => drawArrow(svg, arrow, spots));
    spots.forEach((spot, key) => drawOwner(svg, key, spot));
  });
})();
