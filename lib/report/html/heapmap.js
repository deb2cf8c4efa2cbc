/* Where blocks lie in a first-fit heap: time to the right, addresses upwards. Each column is the moment of its interval
   at which most was free in pieces; the strip is the chosen one. On the right the same moments, with findings followed. */

const MAP_SITES = 6;
const UNTOUCHED = 0;
const FREE = 1;
const FIRST_SITE = 2;
Object.assign(state, { moment: 0, paint: 'life' });

const map = C.map;

/* Moments of lib/report/html_maps.c: time, live, free in pieces, then pairs of what fills and how many cells. */
const readMoments = rows =>
  rows.map(([ns, live, hole, ...runs]) => {
    const cells = new Uint32Array(map.cells);
    let at = 0;
    for (let i = 0; i < runs.length; i += 2) {
      cells.fill(runs[i], at, at + runs[i + 1]);
      at += runs[i + 1];
    }
    return { ns, live, hole, cells };
  });

/* The sites with the highest peaks have colours of their own. */
const mapSites = new Map(
  sites
    .slice()
    .sort((a, b) => b.peakBytes - a.peakBytes)
    .slice(0, MAP_SITES)
    .map((site, i) => [site.id, i])
);

/* Canvases take no tokens: the colours as they are now, by name. */
function palette() {
  const style = getComputedStyle(document.documentElement);
  const colours = {};
  ['hole', 'free', 'other']
    .concat(
      d3.range(4).map(i => 'life' + i),
      d3.range(MAP_SITES).map(i => 'site' + i)
    )
    .forEach(token => {
      const c = d3.rgb(style.getPropertyValue('--' + token).trim());
      colours[token] = [c.r, c.g, c.b, 255];
    });
  return colours;
}

function tokenOf(filled) {
  if (filled === UNTOUCHED) return 'hole';
  if (filled === FREE) return 'free';
  const site = siteById.get(filled - FIRST_SITE);
  if (state.paint === 'life') return site ? 'life' + site.life : 'other';
  return site && mapSites.has(site.id) ? 'site' + mapSites.get(site.id) : 'other';
}

/* A picture of moments: columns by time, or one moment as a row. */
function paintMoments(canvas, moments, colours, isRow) {
  const width = isRow ? map.cells : moments.length;
  const height = isRow ? 1 : map.cells;
  const image = new ImageData(width, height);
  moments.forEach((moment, column) =>
    moment.cells.forEach((filled, cell) => {
      const at = isRow ? cell : (map.cells - 1 - cell) * width + column;
      image.data.set(colours[tokenOf(filled)], at * 4);
    })
  );
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d').putImageData(image, 0, 0);
}

function cellTip(moment, cell) {
  const filled = moment.cells[cell];
  const site = siteById.get(filled - FIRST_SITE);
  let from = cell;
  let to = cell;
  while (from > 0 && moment.cells[from - 1] === filled) from--;
  while (to + 1 < map.cells && moment.cells[to + 1] === filled) to++;
  const words =
    filled === UNTOUCHED
      ? 'above the highest block'
      : filled === FREE
        ? 'free'
        : site
          ? nameHtml(site.label)
          : 'a line that the table leaves out';
  return (
    `<b>${words}</b>` +
    tipRows([
      ['address', bytes((cell / map.cells) * map.map_bytes)],
      ['about', bytes(((to - from + 1) / map.cells) * map.map_bytes)],
      ['at', duration(moment.ns)],
      ['live then', bytes(moment.live)],
      ['free in pieces', bytes(moment.hole)],
    ])
  );
}

/* The moment with most in pieces; what is left when most has been released, as when a program ends, counts last. */
function worstMoment(moments) {
  const most = d3.max(moments, moment => moment.live);
  const order = d3
    .range(moments.length)
    .sort((a, b) => (moments[b].live * 2 >= most) - (moments[a].live * 2 >= most) || moments[b].hole - moments[a].hole);
  return order[0];
}

function mapLegend() {
  const own =
    state.paint === 'life'
      ? LIVES.map((life, i) => ['life' + i, life.name])
      : [...mapSites].map(([id, i]) => ['site' + i, siteById.get(id).place]).concat([['other', 'other lines']]);
  return own
    .concat([
      ['free', 'free in pieces'],
      ['hole', 'above the highest block'],
    ])
    .map(
      ([token, words]) =>
        `<li><i style="background:var(--${token});outline:1px solid var(--line2)"></i>${nameHtml(words)}</li>`
    )
    .join('');
}

(function startMap() {
  const body = head(
    'map',
    'Heap map',
    map
      ? 'Where blocks lie in a first-fit heap: time to the right, addresses upwards. Each column is the moment of its ' +
          'interval at which most was free in pieces.'
      : ''
  );
  if (!map || !map.before.length) {
    body.innerHTML =
      '<p class="small">The events were not replayed: a log of more than a million allocations takes its time. ' +
      '<code>tenure report --format html --policy first-fit LOG</code> does it.</p>';
    return;
  }
  const pictures = { before: readMoments(map.before), after: readMoments(map.after) };
  const keys = map.applied ? ['before', 'after'] : ['before'];
  const titles = { before: 'As it is', after: 'After the plan' };
  state.moment = worstMoment(pictures.before);
  body.innerHTML =
    `<div class="controls"><div id="map-paint"></div></div><ul class="legend" id="map-legend"></ul>
    <div class="slider"><label for="map-slider">Moment</label><input type="range" id="map-slider" min="0" max="${pictures.before.length - 1}" value="${state.moment}">
    <output id="map-says" for="map-slider"></output></div>` +
    keys
      .map(
        key =>
          `<div class="strip"><h3>${titles[key]}<span data-says="${key}"></span></h3><canvas data-strip="${key}" role="img" aria-label="${titles[key]}: the heap at the chosen moment"></canvas></div>`
      )
      .join('') +
    `<div class="maps">${keys
      .map(
        key => `<div><h3>${titles[key]}<span>${bytes(map[key + '_bytes'])} needed</span></h3><div class="picture"><canvas data-map="${key}" role="img"
      aria-label="${titles[key]}: the heap over time, ${bytes(map[key + '_bytes'])} needed"></canvas><div class="now"></div></div></div>`
      )
      .join('')}</div>
    <p class="cap">First fit, without headers; intervals without events have no column. ${map.applied ? `After all steps of the plan, ${plural(map.applied, 'finding')}; what they move elsewhere, to static memory, pools, arenas or the stack, is not in the picture.` : ''}</p>`;
  const drawMoment = () => {
    const colours = palette();
    keys.forEach(key => {
      const moment = pictures[key][state.moment];
      paintMoments($(`[data-strip=${key}]`), [moment], colours, true);
      $(`[data-says=${key}]`).textContent = moment.live === 0
        ? 'nothing on the heap'
        : `${bytes(moment.live)} live, ${bytes(moment.hole)} free in pieces`;
    });
    $('#map-slider').value = state.moment;
    $('#map-says').textContent = duration(pictures.before[state.moment].ns);
    $$('.now', body).forEach(line => {
      line.style.left = (100 * (state.moment + 0.5)) / pictures.before.length + '%';
    });
  };
  const draw = () => {
    const colours = palette();
    keys.forEach(key => paintMoments($(`[data-map=${key}]`), pictures[key], colours, false));
    $('#map-legend').innerHTML = mapLegend();
    drawMoment();
  };
  const columnAt = (event, box) =>
    Math.max(
      0,
      Math.min(
        pictures.before.length - 1,
        Math.floor(((event.clientX - box.left) / box.width) * pictures.before.length)
      )
    );
  const cellOf = part => Math.max(0, Math.min(map.cells - 1, Math.floor(part * map.cells)));
  body.addEventListener('mousemove', event => {
    const canvas = event.target.closest('canvas');
    if (!canvas) return hideTip();
    const box = canvas.getBoundingClientRect();
    const isStrip = Boolean(canvas.dataset.strip);
    const moment = pictures[canvas.dataset.strip || canvas.dataset.map][isStrip ? state.moment : columnAt(event, box)];
    const cell = cellOf(isStrip ? (event.clientX - box.left) / box.width : 1 - (event.clientY - box.top) / box.height);
    return showTip(event.clientX, event.clientY, cellTip(moment, cell));
  });
  body.addEventListener('mouseleave', hideTip);
  body.addEventListener('click', event => {
    const canvas = event.target.closest('canvas[data-map]');
    if (canvas) set({ moment: columnAt(event, canvas.getBoundingClientRect()) });
  });
  $('#map-slider').addEventListener('input', event => set({ moment: +event.target.value }));
  segments(
    $('#map-paint'),
    'Colour by',
    [
      ['life', 'by lifetime'],
      ['site', 'by line'],
    ],
    'paint'
  );
  on('paint', draw);
  on('moment', drawMoment);
  charts.push(draw);
  draw();
})();
