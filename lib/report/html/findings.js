/* Findings as cards, in the words of the text report: what to change, the condition, evidence, effect, and code to
   copy; what was measured by model of a heap as bars. */

const siteWords = site =>
  (site.function ? site.function + ' (' : '') +
  place(site.file, site.line, site.module, site.offset_bytes) +
  (site.function ? ')' : '');

/* A line that the card names; where the table has it, a button that shows it there. */
function cardSite(site, finding, i) {
  const known = finding && siteById.get(finding.site_ids[i]);
  const words = `<span class="mono">${nameHtml(siteWords(site))}</span> <span class="small">via ${nameHtml(site.via)}</span>`;
  return `<li>${words}${known ? ` <button class="btn quiet noprint" type="button" data-site="${known.id}">show</button>` : ''}</li>`;
}

function cardNumbers(finding) {
  if (!finding) return '';
  const saving = finding.saving;
  const calls = saving.replay_allocations_removed || saving.allocations_removed;
  const net = saving.net_bytes;
  return `<div class="nums"><div class="num">${signed(short, -calls)}<span>calls, ${share(calls / T.allocations)}</span></div>
    <div class="num">${net === null ? '–' : Math.abs(net) <= saving.heap_noise_bytes || Math.abs(net) < 64 ? 'none' : signed(bytes, net)}
    <span>${net === null ? 'not replayed' : 'memory in all'}</span></div></div>`;
}

const textHtml = ([label, words]) => `<h4>${esc(label)}</h4><p>${nameHtml(words)}</p>`;

/* Lines of the source, the one that is meant marked. */
function excerptHtml(excerpt) {
  const lines = excerpt.text
    .replace(/\n$/, '')
    .split('\n')
    .map((line, i) => {
      const number = excerpt.first_line + i;
      return `<span${number === excerpt.line ? ' class="meant"' : ''}><i>${number}</i>${esc(line) || ' '}</span>`;
    });
  return `<figure class="source"><figcaption>${nameHtml(excerpt.file)}, ${esc(excerpt.role)}</figcaption><pre tabindex="0">${lines.join('')}</pre></figure>`;
}

function cardHtml(card, isOpen) {
  const finding = findingByRank.get(card.card);
  const deltas = finding ? Object.keys(finding.saving.heap_bytes_delta) : [];
  const rest = card.site_count - card.sites.length;
  return `<details class="card" id="f${card.card}"${isOpen ? ' open' : ''}><summary><span class="rank">${card.card}</span>
    <div><h3>${nameHtml(card.title)}</h3>${card.condition ? `<p class="condition small">${nameHtml(card.condition)}</p>` : ''}
    <span class="tag ${card.confidence}">${card.confidence}</span><span class="tag">${esc(card.kind)}</span></div>${cardNumbers(finding)}</summary>
    <div class="inside"><div>
    ${card.sites.length ? `<h4>where</h4><ul>${card.sites.map((site, i) => cardSite(site, finding, i)).join('')}</ul>` : ''}
    ${rest > 0 ? `<p class="small">and ${plural(rest, 'more line')}</p>` : ''}
    ${card.texts
      .filter(([, , isMain]) => isMain)
      .map(textHtml)
      .join('')}</div><div>
    ${
      deltas.length
        ? `<h4>smallest heap, after the change minus before</h4><div class="bars" data-rank="${card.card}"></div>
      <p class="small">${finding.saving.outside_bytes ? `${bytes(finding.saving.outside_bytes)} of ${esc(finding.saving.outside)} instead.` : ''}</p>`
        : ''
    }
    ${finding ? finding.excerpts.map(excerptHtml).join('') : ''}
    ${card.code ? `<h4>code to paste</h4>${copyBox(card.code)}${card.code_remark ? `<p class="small">${esc(card.code_remark)}</p>` : ''}` : ''}
    ${card.texts
      .filter(([, , isMain]) => !isMain)
      .map(textHtml)
      .join('')}
    <details class="more noprint"><summary>Get this again</summary>${copyBox(`tenure report --finding ${card.card} ${D.log}`, true)}
    ${finding && finding.query ? copyBox(finding.query) : ''}</details></div></div></details>`;
}

/* Bars to the left of zero are savings. */
function drawBars(host, width) {
  const deltas = findingByRank.get(+host.dataset.rank).saving.heap_bytes_delta;
  const models = Object.keys(deltas);
  const most = d3.max(models, model => Math.abs(deltas[model])) || 1;
  const full = Math.min(width, 460);
  const zero = 110 + (full - 110) / 2;
  const room = (full - 110) / 2 - 76;
  const svg = svgIn(
    host,
    full,
    models.length * 20,
    models.map(model => `${model} ${signed(bytes, deltas[model])}`).join(', ')
  );
  models.forEach((model, i) => {
    const value = deltas[model];
    const length = (Math.abs(value) / most) * room;
    const isLess = value < 0;
    svg
      .append('text')
      .attr('y', i * 20 + 14)
      .text(model);
    svg
      .append('rect')
      .attr('x', isLess ? zero - length : zero)
      .attr('y', i * 20 + 4)
      .attr('height', 11)
      .attr('width', value ? Math.max(1, length) : 0)
      .attr('fill', css(isLess ? 'accent' : 'other'));
    svg
      .append('text')
      .attr('x', isLess ? zero - length - 6 : zero + length + 6)
      .attr('y', i * 20 + 14)
      .attr('text-anchor', isLess ? 'end' : 'start')
      .text(value ? signed(bytes, value) : 'no change');
  });
  svg
    .append('line')
    .attr('x1', zero)
    .attr('x2', zero)
    .attr('y1', 0)
    .attr('y2', models.length * 20)
    .attr('stroke', css('line2'));
}

function openCardOfHash() {
  const card = /^#f\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
  if (card) card.open = true;
}

(function drawFindings() {
  const cards = said('findings').filter(s => s.card);
  const body = head(
    'findings',
    'Findings',
    cards.length ? 'What to change, the largest saving first. The condition that decides stands in amber.' : ''
  );
  body.innerHTML =
    cards.map((card, i) => cardHtml(card, i === 0)).join('') +
    said('findings')
      .filter(s => s.paragraph)
      .map(s => `<p class="cap">${nameHtml(s.paragraph)}</p>`)
      .join('');
  $$('.bars', body).forEach(host => chart(host, drawBars));
  body.addEventListener('click', event => {
    const button = event.target.closest('[data-site]');
    if (button) {
      set({ site: siteById.get(+button.dataset.site) });
      $('#sites').scrollIntoView();
    }
  });
  addEventListener('hashchange', openCardOfHash);
  openCardOfHash();
  addEventListener('beforeprint', () =>
    $$('details.card').forEach((card, i) => {
      card.dataset.wasOpen = card.open ? '1' : '';
      card.open = card.open || i < 3;
    })
  );
  addEventListener('afterprint', () =>
    $$('details.card').forEach(card => {
      card.open = Boolean(card.dataset.wasOpen);
    })
  );
})();
