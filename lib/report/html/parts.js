/* Parts that several sections have: headings, switches, boxes to copy from, the tip at the pointer, and charts that
   are drawn anew when their width changes. */

const $ = (selector, element) => (element || document).querySelector(selector);
const $$ = (selector, element) => [...(element || document).querySelectorAll(selector)];
const css = token => `var(--${token})`;

/* Fill a section: title, a sentence, and room for the rest. Returns that room. */
function head(id, title, lede, sql) {
  const section = $('#' + id);
  section.setAttribute('aria-labelledby', 'h-' + id);
  section.innerHTML =
    `<h2 id="h-${id}">${title}</h2>${lede ? `<p class="lede">${lede}</p>` : ''}<div class="body"></div>` +
    (sql ? `<details class="more noprint"><summary>These figures by SQL</summary>${copyBox(sql)}</details>` : '');
  return $('.body', section);
}

function copyBox(content, isLine) {
  return (
    `<div class="copy${isLine ? ' line' : ''}"><pre tabindex="0">${esc(content)}</pre>` +
    '<button class="btn" type="button" data-copy>Copy</button></div>'
  );
}

/* Files on a disk may be refused the clipboard: then the text is selected for the reader. */
async function copyFrom(button) {
  const source = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = 'Copied';
  } catch (refused) {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = document.execCommand('copy') ? 'Copied' : 'Selected';
  }
  setTimeout(() => {
    button.textContent = 'Copy';
  }, 1600);
}
document.addEventListener('click', event => {
  const button = event.target.closest('[data-copy]');
  if (button) copyFrom(button);
});

/* A switch: buttons of which one is pressed, for a key of state. items: [value, words]. */
function segments(element, label, items, key) {
  element.className = 'seg';
  element.setAttribute('role', 'group');
  element.setAttribute('aria-label', label);
  element.innerHTML = items
    .map(([value, words]) => `<button type="button" data-v="${value}">${words}</button>`)
    .join('');
  const draw = () =>
    $$('button', element).forEach(button =>
      button.setAttribute('aria-pressed', String(String(state[key]) === button.dataset.v))
    );
  element.addEventListener('click', event => {
    const button = event.target.closest('button');
    const chosen = button && items.find(([value]) => String(value) === button.dataset.v);
    if (chosen) set({ [key]: chosen[0] });
  });
  on(key, draw);
  draw();
}

/* ---- the tip at the pointer ------------------------------------------------------------------------------------ */
const tip = $('#tip');

function showTip(x, y, html) {
  tip.innerHTML = html;
  tip.hidden = false;
  const width = tip.offsetWidth;
  const height = tip.offsetHeight;
  tip.style.left = Math.max(6, Math.min(x + 14, innerWidth - width - 8)) + 'px';
  tip.style.top = (y + 16 + height > innerHeight ? Math.max(6, y - height - 10) : y + 16) + 'px';
}
const hideTip = () => {
  tip.hidden = true;
};
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') hideTip();
});
const tipRows = rows => '<table>' + rows.map(([a, b]) => `<tr><td>${a}</td><td>${b}</td></tr>`).join('') + '</table>';

function siteTip(site) {
  return (
    `<b>${nameHtml(site.fn || site.place)}</b><span class="mono">${nameHtml(site.place)}</span>` +
    tipRows([
      ['allocations', count(site.calls)],
      ['size', sizeRange(site.min, site.max)],
      ['peak', bytes(site.peakBytes) + ' in ' + count(site.peakCount)],
      ['half live up to', duration(site.ns50)],
      ['lifetime', LIVES[site.life].name],
    ])
  );
}

/* ---- charts ---------------------------------------------------------------------------------------------------- */
const charts = [];
let paper = 1; /* on paper a chart is drawn for 690 px, not scaled down */

/* Draw into an element whenever its width changes. Returns a function that draws it again. */
function chart(element, draw) {
  let drawn = 0;
  const run = () => {
    const width = Math.floor(element.clientWidth * paper);
    if (width <= 0) return;
    element.innerHTML = '';
    draw(element, width);
    const svg = $('svg', element);
    if (svg) svg.setAttribute('viewBox', `0 0 ${svg.getAttribute('width')} ${svg.getAttribute('height')}`);
  };
  new ResizeObserver(() => {
    if (Math.abs(element.clientWidth - drawn) > 1) {
      drawn = element.clientWidth;
      run();
    }
  }).observe(element);
  charts.push(run);
  drawn = element.clientWidth;
  run();
  return run;
}

function svgIn(element, width, height, label) {
  return d3
    .select(element)
    .append('svg')
    .attr('width', width)
    .attr('height', height)
    .attr('role', 'img')
    .attr('aria-label', label);
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.forEach(run => run()));
addEventListener('beforeprint', () => {
  document.documentElement.dataset.paper = '1';
  paper = Math.min(1, 690 / $('#main').clientWidth);
  charts.forEach(run => run());
});
addEventListener('afterprint', () => {
  delete document.documentElement.dataset.paper;
  paper = 1;
  charts.forEach(run => run());
});
