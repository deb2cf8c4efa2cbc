/* How to ask the log what this page does not show; the foot; and what the bar at the top and the filters do. */

const QUESTIONS = [
  [
    'What lived at the peak?',
    `WITH top AS (SELECT time_ns FROM timeline WHERE process_id = ${D.process_id}\n             ORDER BY live_bytes DESC, time_ns LIMIT 1)
SELECT s.function, s.file, s.line, count(*) AS blocks, sum(a.size_bytes) AS live_bytes
FROM allocation AS a JOIN top LEFT JOIN site AS s ON s.id = a.site_id
WHERE a.process_id = ${D.process_id} AND a.birth_ns <= top.time_ns
  AND (a.death_ns IS NULL OR a.death_ns > top.time_ns)
GROUP BY a.site_id ORDER BY live_bytes DESC LIMIT 20;`,
  ],
  [
    'Which lines make the most small, short-lived blocks?',
    `SELECT coalesce(s.function, s.module) AS place, s.file, s.line, y.small_short_lived, y.allocations
FROM site_summary AS y JOIN site AS s ON s.id = y.site_id
WHERE y.process_id = ${D.process_id} ORDER BY y.small_short_lived DESC LIMIT 10;`,
  ],
  [
    'What lives at the end?',
    `SELECT s.function, s.file, s.line, count(*) AS blocks, sum(a.size_bytes) AS live_bytes
FROM allocation AS a LEFT JOIN site AS s ON s.id = a.site_id
WHERE a.process_id = ${D.process_id} AND a.death_ns IS NULL
GROUP BY a.site_id ORDER BY live_bytes DESC LIMIT 20;`,
  ],
];

/* Totals as this page shows them, each with the query that gives it. */
const PROVED = [
  ['allocations', `SELECT sum(births) FROM chunk WHERE process_id = ${D.process_id};`],
  ['bytes asked for', `SELECT sum(birth_bytes) FROM chunk WHERE process_id = ${D.process_id};`],
  ['peak of live bytes', `SELECT max(live_bytes) FROM timeline WHERE process_id = ${D.process_id};`],
  ['live at the end', `SELECT count(*) FROM allocation WHERE process_id = ${D.process_id} AND death_ns IS NULL;`],
];

(function drawSql() {
  const body = head(
    'sql',
    'Ask the log yourself',
    `Every figure above comes from <span class="mono">${nameHtml(last(D.log))}</span>, an SQLite file of ${bytes(D.recording.log_bytes)}; ` +
      'each section tells its query. Tables and columns: docs/log-format.md.'
  );
  body.innerHTML =
    copyBox(`tenure sql ${D.log} "QUERY"`, true) +
    '<div>' +
    QUESTIONS.map(([question, query]) => `<div class="question"><h3>${question}</h3>${copyBox(query)}</div>`).join('') +
    `<div class="question"><h3>Totals</h3>${copyBox(PROVED.map(([words, query]) => `-- ${words}\n${query}`).join('\n'))}</div></div>`;
  $('#foot').innerHTML =
    `Recorded by tenure ${esc(D.recording.tool_version)}; made from <span class="mono">${nameHtml(D.log)}</span>. The whole report is this one file: ` +
    'it loads nothing. With <a href="https://d3js.org" rel="noreferrer">D3</a> (Mike Bostock, BSD-3-Clause).';
})();

(function drawFilters() {
  const host = $('#filters');
  const draw = () => {
    host.innerHTML =
      (state.range
        ? `<span>${duration(state.range[0])} – ${duration(state.range[1])}<button type="button" data-clear="range" aria-label="Clear the time selection">×</button></span>`
        : '') +
      (state.site
        ? `<span>${nameHtml(state.site.place)}<button type="button" data-clear="site" aria-label="Clear the selected line">×</button></span>`
        : '');
  };
  host.addEventListener('click', event => {
    const button = event.target.closest('[data-clear]');
    if (button) set({ [button.dataset.clear]: null });
  });
  on('range site', draw);
})();

(function drawNavigation() {
  const sections = $$('section[data-nav]');
  $('#nav').innerHTML = sections
    .map(section => `<li><a href="#${section.id}">${section.dataset.nav}</a></li>`)
    .join('');
  const watcher = new IntersectionObserver(
    () => {
      const current = sections.filter(section => section.getBoundingClientRect().top < innerHeight * 0.35).pop();
      $$('#nav a').forEach(link => {
        if (current && link.getAttribute('href') === '#' + current.id) link.setAttribute('aria-current', 'true');
        else link.removeAttribute('aria-current');
      });
    },
    { threshold: d3.range(0, 1.01, 0.1) }
  );
  sections.forEach(section => watcher.observe(section));
  document.documentElement.dataset.ready = '1';
})();
