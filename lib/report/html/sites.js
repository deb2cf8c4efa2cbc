/* The table of lines that allocate: sorted, searched, and for the selected time where there is one. */

const ROWS_SHOWN = 200;
const unknownLast = value => (value === null ? -1 : value);
const COLUMNS = [
  { title: 'Line', value: site => site.place, isText: true },
  { title: 'Via', value: site => site.via, isText: true, name: 'wide left' },
  { title: 'Lifetime', value: site => site.life, name: 'left' },
  { title: 'Allocations', value: site => callsOf(site) },
  { title: 'Bytes', value: site => bytesOf(site) },
  { title: 'Size', value: site => site.max },
  { title: 'Peak', value: site => site.peakBytes },
  { title: 'Blocks', value: site => site.peakCount },
  { title: 'Short-lived', value: site => site.short / site.calls, name: 'wide' },
  { title: 'Median life', value: site => unknownLast(site.ns50) },
  { title: '90 % in', value: site => unknownLast(site.ns90), name: 'wide' },
  { title: 'At end', value: site => site.live },
  { title: 'By others', value: site => site.freedOther, name: 'wide' },
];
Object.assign(state, { sort: 3, isDown: true, siteSearch: '' });

let inRange = null; /* by site id what it did in the selected time; null: the whole run counts */
const callsOf = site => (inRange ? (inRange.get(site.id) || { calls: 0 }).calls : site.calls);
const bytesOf = site => (inRange ? (inRange.get(site.id) || { bytes: 0 }).bytes : site.bytes);

function sumSites() {
  const sums = leavesIn(state.range);
  inRange = sums ? new Map() : null;
  births.leaves.forEach((leaf, i) => {
    if (!sums) return;
    const sum = inRange.get(leaf.siteId) || { calls: 0, bytes: 0 };
    sum.calls += sums[i].calls;
    sum.bytes += sums[i].bytes;
    inRange.set(leaf.siteId, sum);
  });
  return sums ? sums[births.leaves.length].calls : 0;
}

function siteRow(site) {
  return `<tr data-id="${site.id}"${state.site === site ? ' class="selected"' : ''}><td title="${esc(site.label)}"><b class="mono">${nameHtml(site.place)}</b>
    <span>${nameHtml(site.fn) || '&nbsp;'}</span></td><td class="wide left mono">${nameHtml(site.via)}</td>
    <td class="left"><i style="background:var(--life${site.life})"></i>${LIVES[site.life].name}</td><td>${count(callsOf(site))}</td>
    <td>${bytes(bytesOf(site))}</td><td>${sizeRange(site.min, site.max)}</td><td>${bytes(site.peakBytes)}</td><td>${count(site.peakCount)}</td>
    <td class="wide">${share(site.short / site.calls)}</td><td>${duration(site.ns50)}</td><td class="wide">${duration(site.ns90)}</td>
    <td>${site.live ? count(site.live) : '–'}</td><td class="wide">${site.freedOther ? count(site.freedOther) : '–'}</td></tr>`;
}

function chosenSites() {
  const query = state.siteSearch.trim().toLowerCase();
  const column = COLUMNS[state.sort];
  const list = sites.filter(site => (!inRange || callsOf(site) > 0) && (!query || site.find.includes(query)));
  const compare = column.isText
    ? (a, b) => column.value(a).localeCompare(column.value(b))
    : (a, b) => column.value(a) - column.value(b);
  return list.sort((a, b) => (state.isDown ? -1 : 1) * compare(a, b) || b.calls - a.calls || a.id - b.id);
}

(function startSites() {
  const body = head(
    'sites',
    'Lines that allocate',
    'Select a heading to sort, a row to mark its dot. Durations are of blocks that were released.',
    `SELECT s.function, s.file, s.line, s.via, y.*\nFROM site_summary AS y JOIN site AS s ON s.id = y.site_id\nWHERE y.process_id = ${D.process_id} ORDER BY y.allocations DESC;`
  );
  body.innerHTML = `<div class="controls"><input type="search" id="site-find" placeholder="Filter: function, file, via" aria-label="Filter lines">
    <span class="small" id="site-says" role="status"></span></div><div class="tw" tabindex="0" role="region" aria-label="Lines that allocate"><table><thead><tr>${COLUMNS.map(
      (column, i) =>
        `<th scope="col" class="${column.name || ''}"><button type="button" data-column="${i}">${column.title}</button></th>`
    ).join(
      ''
    )}</tr></thead><tbody></tbody></table></div><p><button class="btn" type="button" id="site-more" hidden></button></p>`;
  let rows = ROWS_SHOWN;
  const draw = () => {
    const others = sumSites();
    const list = chosenSites();
    const shown = list.slice(0, rows);
    if (state.site && list.includes(state.site) && !shown.includes(state.site)) shown.unshift(state.site);
    $('tbody', body).innerHTML =
      shown.map(siteRow).join('') || `<tr><td colspan="${COLUMNS.length}" class="empty">No line matches.</td></tr>`;
    $$('th', body).forEach((th, i) => {
      if (i === state.sort) th.setAttribute('aria-sort', state.isDown ? 'descending' : 'ascending');
      else th.removeAttribute('aria-sort');
    });
    $('#site-more').hidden = list.length <= rows;
    $('#site-more').textContent =
      `Show ${count(Math.min(ROWS_SHOWN, list.length - rows))} more of ${count(list.length)}`;
    $('#site-says').textContent =
      `${count(list.length)} of ${plural(T.sites, 'line')}` +
      (D.sites_left_out ? `; ${count(D.sites_left_out)} smaller ones are only in the log` : '') +
      (inRange ? '; allocations and bytes of the selected time, the rest of the whole run' : '') +
      (others ? `; ${count(others)} allocations of small stacks are not told by time` : '');
  };
  $('thead', body).addEventListener('click', event => {
    const button = event.target.closest('button');
    if (button) {
      const sort = +button.dataset.column;
      set({ isDown: state.sort === sort ? !state.isDown : !COLUMNS[sort].isText, sort });
    }
  });
  $('tbody', body).addEventListener('click', event => {
    const row = event.target.closest('tr[data-id]');
    if (row) toggleSite(siteById.get(+row.dataset.id));
  });
  $('#site-more').onclick = () => {
    rows += ROWS_SHOWN;
    draw();
  };
  $('#site-find').addEventListener('input', event => set({ siteSearch: event.target.value }));
  on('sort isDown siteSearch range site', draw);
  on('site', () => {
    const row = $('tr.selected', body);
    if (row) $('.tw', body).scrollTop = row.offsetTop - $('.tw', body).clientHeight / 2;
  });
  draw();
})();
