/* The plan: how long the program's blocks live, what belongs where, and at most five steps; what each step with all
   before it leaves of the allocations and the memory, measured by a replay where there is one. */

const MECHANISMS = {
  static: 'static memory',
  pool: 'a pool',
  arena: 'an arena',
  stack: 'the stack',
  structure: 'one structure',
  capacity: 'a larger capacity',
};
const LIFETIMES = {
  process: { words: 'The process', token: 'life3' },
  object: { words: 'An object', token: 'life2' },
  transaction: { words: 'A transaction', token: 'life1' },
  temporary: { words: 'A call', token: 'life0' },
};

const lineWords = line => place(line.file, line.line, line.module, line.offset_bytes);

/* Who has this lifetime: the function or line that begins it, and how many there were. */
function whoHtml(lifetime) {
  const often = lifetime.at_once ? `, at most ${count(lifetime.at_once)} at once` : '';
  const named = lifetime.begin
    ? `<span class="mono">${nameHtml((lifetime.begin.function ? lifetime.begin.function + ', ' : '') + lineWords(lifetime.begin))}</span><br>`
    : '';
  const things = { process: 'block', object: 'object', transaction: 'call', temporary: 'block' }[lifetime.kind];
  const lines = lifetime.sites.slice(0, 3).map(site => `<span class="mono">${nameHtml(lineWords(site))}</span>`);
  const rest = lifetime.lines - lines.length;
  return `${named}<span class="small">${plural(lifetime.count, things)}${often}; ${lines.join(', ')}${rest > 0 ? ` and ${plural(rest, 'more line')}` : ''}</span>`;
}

function lifetimeRow(lifetime) {
  const { words, token } = LIFETIMES[lifetime.kind];
  const bar = part =>
    `<div class="bar"><u style="width:${Math.max(0.6, 100 * part)}%;background:var(--${token})"></u><span>${share(part)}</span></div>`;
  return `<tr><td><i style="background:var(--${token})"></i><b>${words}</b></td><td>${whoHtml(lifetime)}</td>
    <td data-label="allocations">${bar(lifetime.allocations_share)}</td><td data-label="peak">${bar(lifetime.peak_share)}</td>
    <td data-label="belongs in">${MECHANISMS[lifetime.mechanism] || esc(lifetime.mechanism)}</td></tr>`;
}

/* Allocations that reach the heap after each step: by the replay, else by what was counted. */
function callsAfter(steps) {
  let left = T.allocations;
  return steps.map(step => {
    left = step.together ? T.allocations - step.together.replay_allocations_removed : left - step.allocations_removed;
    return Math.max(0, left);
  });
}

const netWords = sum =>
  Math.abs(sum.net_bytes) <= Math.max(64, sum.heap_noise_bytes)
    ? 'memory as before'
    : 'memory ' + signed(bytes, sum.net_bytes);

function stepHtml(step, before, after) {
  const parts = step.findings
    .map(part => `<a href="#f${part.rank}">${part.rank}</a>${part.conditional ? '*' : ''}`)
    .join(', ');
  const left = (100 * after) / T.allocations;
  const gone = (100 * (before - after)) / T.allocations;
  return `<li id="step-${step.letter}"><b>${step.letter}</b><div><h3>${nameHtml(step.title)}</h3>
    <p class="small"><span class="tag">${MECHANISMS[step.mechanism] || esc(step.mechanism)}</span>${step.findings.length === 1 ? 'finding' : 'findings'} ${parts}</p></div>
    <div><div class="fall" role="img" aria-label="${count(before)} allocations before, ${count(after)} after"><u style="width:${left}%"></u><s style="left:${left}%;width:${gone}%"></s></div>
    <p class="small">${count(before)} → <b>${count(after)}</b> allocations (${share(after / T.allocations)} left)<br>${bytes(step.peak_bytes_moved)} of the peak leave the heap${
      step.together ? '; so far ' + netWords(step.together) : ''
    }</p></div></li>`;
}

function sumHtml(steps, calls) {
  const whole = steps[steps.length - 1].together;
  const sure = D.plan.steps_without_conditional;
  const rest = whole ? null : D.plan.rest; /* counted; what a replay leaves is told above */
  return `<p class="sum">All steps: ${count(T.allocations)} → <b>${count(calls[calls.length - 1])}</b> allocations${
    whole
      ? `; heap ${signed(bytes, whole.heap_median_bytes)} (median of the models), ${bytes(whole.outside_bytes)} elsewhere instead: <b>${netWords(whole)}</b>`
      : ''
  }.${
    sure
      ? ` Without what a condition decides: ${signed(count, -sure.replay_allocations_removed)} allocations, ${netWords(sure)}.`
      : ''
  }${
    rest ? ` On the heap stay ${plural(rest.allocations, 'allocation')}, ${bytes(rest.peak_bytes)} at the peak.` : ''
  }</p>`;
}

(function drawPlan() {
  const plan = D.plan;
  const body = head(
    'plan',
    'The plan',
    plan.lifetimes.length ? 'What lives how long, and the few steps that change most. * a condition decides it.' : ''
  );
  if (!plan.lifetimes.length) {
    body.innerHTML = '<p class="small">There is no plan: no allocation, or no finding was looked for.</p>';
    return;
  }
  const calls = callsAfter(plan.steps);
  body.innerHTML = `<table class="plan"><thead><tr><th>As long as</th><th>Who</th><th>Share of allocations</th><th>Share of the peak</th><th>Belongs in</th></tr></thead>
    <tbody>${plan.lifetimes.map(lifetimeRow).join('')}</tbody></table>${
      plan.steps.length
        ? `<ol class="steps">${plan.steps.map((step, i) => stepHtml(step, i ? calls[i - 1] : T.allocations, calls[i])).join('')}</ol>${sumHtml(plan.steps, calls)}`
        : '<p class="small">No step changes much: the findings below stand alone.</p>'
    }`;
})();
