// What a reader does with an HTML report, in headless Chromium: sort, search, select, zoom, switch, copy, print, at three
// widths, light and dark. Prints one line a check; the exit status says whether all held.
//
// usage: node browser.js PUPPETEER CHROMIUM PAGE FOLDER [NAME=VALUE ...]
'use strict';

const fs = require('fs');
const [, , puppeteerPath, chromium, page, folder, ...wanted] = process.argv;
const puppeteer = require(puppeteerPath);
const values = Object.fromEntries(wanted.map(text => text.split('=')));
let failures = 0;

function check(what, holds, found = '') {
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${what} ${found}`);
  failures += holds ? 0 : 1;
}

// Settle after a click: two frames are drawn.
const settle = tab => tab.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));

async function press(tab, selector) {
  await tab.$eval(selector, element => element.click());
  await settle(tab);
}

async function type(tab, selector, text) {
  await tab.$eval(selector, (element, value) => {
    element.value = value;
    element.dispatchEvent(new Event('input'));
    element.dispatchEvent(new Event('change'));
  }, text);
  await settle(tab);
}

const rows = tab => tab.$$eval('#sites tbody tr[data-id]', list => list.map(row => row.children[0].innerText));
const column = (tab, index) => tab.$$eval('#sites tbody tr[data-id]', (list, i) => list.map(row => +row.children[i].innerText.replace(/\D/g, '')), index);

async function checkTable(tab) {
  const all = await rows(tab);
  check('the table has lines', all.length > 3, all.length);
  await press(tab, '#sites thead th:nth-child(8) button');
  const blocks = await column(tab, 7);
  check('sorting by blocks is descending', blocks.every((value, i) => i === 0 || value <= blocks[i - 1]));
  check('the heading says so', await tab.$eval('#sites th:nth-child(8)', th => th.getAttribute('aria-sort')) === 'descending');
  await press(tab, '#sites thead th:nth-child(8) button');
  const ascending = await column(tab, 7);
  check('a second click turns it', ascending.every((value, i) => i === 0 || value >= ascending[i - 1]));
  await type(tab, '#site-find', values.find);
  const found = await rows(tab);
  check('searching leaves the lines that match', found.length > 0 && found.length < all.length && found.every(text => text.toLowerCase().includes(values.find)), found.length);
  await type(tab, '#site-find', 'no such line anywhere');
  check('no line matches', (await rows(tab)).length === 0 && (await tab.$eval('#sites tbody', body => body.innerText)).includes('No line'));
  await type(tab, '#site-find', '');
  await press(tab, '#sites thead th:nth-child(4) button');
  await press(tab, '#sites tbody tr');
  check('a row marks its dot', await tab.$$eval('#dots circle', list => list.filter(dot => dot.getAttribute('stroke-width') === '2.5').length) === 1);
  await press(tab, '#filters [data-clear=site]');
  check('and the filter is taken off', (await tab.$$('#filters span')).length === 0);
}

async function checkTime(tab) {
  await tab.$eval('#time-chart', element => element.scrollIntoView({ behavior: 'instant', block: 'center' }));
  await settle(tab);
  const box = await (await tab.$('#time-chart .overlay')).boundingBox();
  await tab.mouse.move(box.x + box.width * 0.2, box.y + 40);
  await tab.mouse.down();
  await tab.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 });
  await tab.mouse.up();
  await settle(tab);
  // The script's own names: a script that is no module has them in common with what the console runs.
  const state = await tab.evaluate('({ range: state.range, calls: sumOf(leavesIn(state.range), "calls") })');
  check('dragging selects', Boolean(state.range), JSON.stringify(state.range));
  const table = (await column(tab, 3)).reduce((a, b) => a + b, 0);
  check('the table follows', table === state.calls, `${table} of ${state.calls}`);
  const says = await tab.$eval('#stack-says', element => element.textContent);
  check('the stacks follow', says.startsWith(state.calls.toLocaleString('en-US') + ' allocations'), says);
  check('a filter says so', (await tab.$$('#filters span')).length === 1);
  fs.writeFileSync(`${folder}/selection`, state.range.join(' ') + ' ' + state.calls);
  await press(tab, '#time-in');
  check('zooming in', await tab.$eval('#time-all', button => !button.disabled));
  await tab.focus('#time-chart');
  await tab.keyboard.press('ArrowRight');
  await tab.keyboard.press('-');
  await press(tab, '#time-all');
  check('the whole run again', await tab.$eval('#time-all', button => button.disabled));
  await press(tab, '#time-clear');
  check('nothing is selected', (await tab.$$('#filters span')).length === 0);
}

async function checkStacks(tab) {
  for (const measure of ['bytes', 'peak', 'short', 'live', 'calls']) {
    await press(tab, `#measure [data-v=${measure}]`);
    check(`stacks by ${measure}`, (await tab.$$('#tree [data-frame], #tree p')).length > 0);
  }
  await press(tab, '#which [data-v=deaths]');
  check('stacks that release', (await tab.$$('#tree [data-frame]')).length > 2);
  await press(tab, '#which [data-v=births]');
  await type(tab, '#stack-find', values.frame);
  check('a function is found', (await tab.$$('#tree .hit')).length > 0, await tab.$eval('#stack-says', element => element.textContent));
  await type(tab, '#stack-find', '');
  await tab.$eval('#tree [data-frame="0"]', element => element.focus());
  await tab.keyboard.press('ArrowDown');
  const focused = await tab.evaluate(() => document.activeElement.getAttribute('aria-label'));
  await tab.keyboard.press('Enter');
  await settle(tab);
  check('Enter looks closer', await tab.$eval('#stack-all', button => !button.disabled), focused);
  await tab.keyboard.press('Backspace');
  await settle(tab);
  check('Backspace goes back', await tab.$eval('#stack-all', button => button.disabled));
}

async function checkSwitches(tab) {
  for (const clock of ['allocations', 'bytes', 'ns']) {
    await press(tab, `#clock [data-v=${clock}]`);
    check(`dots by ${clock}`, (await tab.$$('#dots circle')).length > 3);
  }
  await press(tab, '#height [data-v=bytes]');
  check('sizes by bytes', await tab.$eval('#height [data-v=bytes]', button => button.getAttribute('aria-pressed')) === 'true');
  await press(tab, '#map-paint [data-v=site]');
  await type(tab, '#map-slider', '3');
  const now = await tab.$eval('.now', line => line.style.left);
  await type(tab, '#map-slider', '0');
  check('the slider moves the map', now !== await tab.$eval('.now', line => line.style.left), now);
  await tab.evaluate(() => { location.hash = '#f2'; });
  await settle(tab);
  check('a link opens its card', await tab.$eval('#f2', card => card.open));
  await press(tab, '#sql [data-copy]');
  await tab.waitForFunction(() => /Copied|Selected/.test(document.querySelector('#sql [data-copy]').textContent));
  check('the button copies', true);
}

const unnamed = () => [...document.querySelectorAll('button,input,a,svg[role],canvas,[role=tree]')].filter(element => !(element.textContent.trim() ||
  element.getAttribute('aria-label') || element.closest('label') || document.querySelector(`label[for="${element.id}"]`))).map(element => element.outerHTML.slice(0, 90));

// Texts whose contrast with what is behind them is below 4.5.
const faint = () => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map(v => v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (!/, 0\)|transparent/.test(colour))
        return colour;
    }
    return 'rgb(255,255,255)';
  };
  return [...document.querySelectorAll('p,td,th button,dt,dd,h1,h2,h3,h4,span,code,li,summary,label,bdi')].filter(element => element.children.length === 0 &&
    element.textContent.trim() && element.offsetParent && !element.closest('.dim')).map(element => {
    const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.textContent.slice(0, 30)];
  }).filter(([contrast]) => contrast < 4.5).slice(0, 3);
};

// Texts along the edges of the charts over time that touch one another: marks above, times below.
const touching = () => {
  const found = [];
  document.querySelectorAll('#time svg, #processes svg').forEach(svg => {
    const boxes = [...svg.querySelectorAll('text:not(.halo)')].filter(text => text.textContent).map(text => [text.textContent, text.getBoundingClientRect()]);
    boxes.forEach(([a, one], i) => boxes.slice(i + 1).forEach(([b, other]) => {
      if (one.left < other.right + 2 && other.left < one.right + 2 && one.top < other.bottom - 2 && other.top < one.bottom - 2) found.push(`${a} / ${b}`);
    }));
  });
  return found;
};

// The links stand in a table, too, with the members that hold.
async function checkLinks(tab) {
  const [rows, links] = await tab.evaluate(() => [document.querySelectorAll('#owners table.links tbody tr').length, ownerEdges().length]);
  check('every link has its row', rows === Math.min(links, 200), `${rows} of ${links}`);
}

async function checkLooks(tab) {
  for (const scheme of ['light', 'dark'])
    for (const width of [400, 1000, 1600]) {
      await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      await tab.setViewport({ width, height: 900 });
      await settle(tab);
      const scroll = await tab.evaluate(() => document.documentElement.scrollWidth);
      check(`nothing sticks out at ${width} px, ${scheme}`, scroll <= width, scroll);
      const texts = await tab.evaluate(faint);
      check(`texts are legible at ${width} px, ${scheme}`, texts.length === 0, JSON.stringify(texts));
      const near = await tab.evaluate(touching);
      check(`no times touch at ${width} px, ${scheme}`, near.length === 0, JSON.stringify(near));
      await tab.screenshot({ path: `${folder}/page-${width}-${scheme}.png`, fullPage: true });
    }
  await tab.emulateMediaFeatures([]);
  await tab.setViewport({ width: 1000, height: 900 });
  const pdf = Buffer.from(await tab.pdf({ format: 'A4', printBackground: true }));
  const pages = (pdf.toString('latin1').match(/\/Type \/Page\b/g) || []).length;
  check('it can be printed', pages > 2 && pages <= 16, `${pages} pages`);
}

(async () => {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu'], headless: true });
  const tab = await browser.newPage();
  const said = [];
  const requests = [];
  tab.on('console', message => said.push(message.text()));
  tab.on('pageerror', error => said.push(error.message));
  tab.on('dialog', dialog => {
    said.push('a dialog: ' + dialog.message());
    dialog.dismiss();
  });
  tab.on('request', request => requests.push(request.url()));
  await tab.setViewport({ width: 1400, height: 900 });
  await tab.goto('file://' + page);
  await tab.waitForSelector('html[data-ready]');
  check('every control has a name', (await tab.evaluate(unnamed)).length === 0, (await tab.evaluate(unnamed)).join());
  if (values.find) {
    await checkTable(tab);
    await checkTime(tab);
    await checkStacks(tab);
    await checkSwitches(tab);
  }
  await checkLinks(tab);
  await checkLooks(tab);
  check('nothing but the page was asked for', requests.every(url => url === 'file://' + page), requests.join());
  check('the console is empty', said.length === 0, said.join('; '));
  await browser.close();
  process.exit(failures ? 1 : 0);
})();
