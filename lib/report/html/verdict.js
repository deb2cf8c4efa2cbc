/* What to know first, in the sentences of the text report: losses, the risk, what to do, and six figures. */

const said = key => D.said[key] || [];

/* A sentence in which a command stands between backquotes. */
const commandHtml = words => esc(words).replace(/`([^`]+)`/g, '<code>$1</code>');

/* One statement of the report in words, as HTML. */
function sayHtml(statement) {
  if (statement.paragraph) return `<p${statement.is_warning ? ' class="warning"' : ''}>${commandHtml(statement.paragraph)}</p>`;
  if (statement.item)
    return (
      '<p>' +
      statement.item.map(part => (part.command ? copyBox(part.command, true) : esc(part.words || ''))).join(' ') +
      '</p>'
    );
  return '';
}

function headline() {
  const heaps = D.heaps;
  const name = programName || 'The program';
  if (!T.allocations) return `${name} made no allocation in this process`;
  if (heaps.models && heaps.most_bytes)
    return (
      `${name} needs a heap of ${heaps.least_bytes === heaps.most_bytes ? '' : bytes(heaps.least_bytes) + ' to '}` +
      `${bytes(heaps.most_bytes)} for ${bytes(T.peak_live_bytes)} of data`
    );
  return `${name} has at most ${bytes(T.peak_live_bytes)} live at once, in ${plural(T.allocations, 'allocation')}`;
}

/* What a finding brings, in a few words. */
function effectWords(finding) {
  if (!finding) return '';
  const saving = finding.saving;
  const calls = signed(short, -(saving.replay_allocations_removed || saving.allocations_removed)) + ' calls';
  return saving.net_bytes === null
    ? calls
    : `${calls}, ${Math.abs(saving.net_bytes) < 64 ? 'memory as before' : 'memory ' + signed(bytes, saving.net_bytes)}`;
}

const findingByRank = new Map(D.findings.map(finding => [finding.rank, finding]));

/* The lifetimes of the plan: which part of the allocations, and of what was live at the peak, each has. */
const KINDS = [
  ['process', 'as long as the process', 'life3'],
  ['object', 'as long as an object', 'life2'],
  ['transaction', 'for a transaction', 'life1'],
  ['temporary', 'for one call', 'life0'],
];

function livesHtml() {
  if (!D.plan.lifetimes.length) return '';
  const bar = (part, token) =>
    `<div class="bar"><u style="width:${Math.max(0.6, 100 * part)}%;background:var(--${token})"></u><span>${share(part)}</span></div>`;
  const row = ([kind, words, token]) => {
    const own = D.plan.lifetimes.filter(lifetime => lifetime.kind === kind);
    const sum = key => own.reduce((all, lifetime) => all + lifetime[key], 0);
    return `<tr><td><i style="background:var(--${token})"></i>${words}</td><td>${bar(sum('allocations_share'), token)}</td><td>${bar(sum('peak_share'), token)}</td></tr>`;
  };
  return `<h3>What lives how long</h3><table class="lives"><thead><tr><th>Blocks that live</th><th>Share of allocations</th><th>Share of the peak</th></tr></thead>
    <tbody>${KINDS.map(row).join('')}</tbody></table>`;
}

(function drawVerdict() {
  const process = D.processes.find(p => p.id === D.process_id);
  const losses = said('losses').map(sayHtml).join('');
  const entries = said('overview').filter(s => s.entry);
  const words = said('overview').filter(s => s.paragraph);
  const firstLater = said('overview').findIndex(s => s.entry);
  const isBefore = s => firstLater < 0 || said('overview').indexOf(s) < firstLater;
  $('#program').textContent = visible(programName);
  document.title = 'tenure: ' + visible(programName);
  $('#verdict').setAttribute('aria-labelledby', 'h-verdict');
  $('#verdict').innerHTML = `${losses}
    <p class="eyebrow">${losses ? '' : 'Complete: no event was lost. '}<span class="mono">${nameHtml(D.recording.command_line)}</span>
      ${process ? `pid ${process.pid}, ` : ''}${duration(D.recording.duration_ns)}, ${esc(D.recording.started_at)}</p>
    <h1 id="h-verdict">${esc(headline())}</h1>
    <div class="verdict"><div><div class="say">${words.filter(isBefore).map(sayHtml).join('')}</div>
    ${
      entries.length
        ? `<ol class="first">${entries
            .map(
              entry => `<li${entry.letter ? ' class="step"' : ''}><b>${entry.letter || entry.entry}</b>
      <a href="#${entry.letter ? 'step-' + entry.letter : 'f' + entry.entry}">${nameHtml(entry.words)}</a><span>${entry.facts ? esc(entry.facts) : effectWords(findingByRank.get(entry.entry))}</span></li>`
            )
            .join('')}</ol>`
        : ''
    }
    <div class="say">${words
      .filter(s => !isBefore(s))
      .map(sayHtml)
      .join('')}</div></div><div>${livesHtml()}</div></div>
    <dl class="figures">${[
      ['Peak', bytes(T.peak_live_bytes), plural(T.peak_live_count, 'block') + ' at once'],
      ['Allocations', count(T.allocations), bytes(T.total_bytes) + ' asked for'],
      [
        'Small, short-lived',
        share(T.small_short_lived / T.allocations),
        count(T.small_short_lived) + ', gone within 32 KiB',
      ],
      ['Live at the end', bytes(T.live_bytes), plural(T.live_count, 'block') + '; by itself no leak'],
      [
        'Rounding',
        share((T.usable_bytes - T.total_bytes) / T.total_bytes),
        bytes(T.usable_bytes - T.total_bytes) + ' more than asked',
      ],
      ['Lines that allocate', count(T.sites), plural(T.threads, 'thread')],
    ]
      .map(([label, value, remark]) => `<div><dt>${label}</dt><dd><b>${value}</b><span>${remark}</span></dd></div>`)
      .join('')}</dl>
    ${said('nameless').map(sayHtml).join('')}`;
})();
