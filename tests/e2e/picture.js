// Takes the picture of an HTML report that README and docs show: its top, in light colours, at 1,280 pixels.
//
// usage: node picture.js PUPPETEER CHROMIUM PAGE OUTPUT.png [HEIGHT]
'use strict';

const [, , puppeteerPath, chromium, page, output, height] = process.argv;
const puppeteer = require(puppeteerPath);

(async () => {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ['--no-sandbox', '--disable-gpu'], headless: true });
  const tab = await browser.newPage();
  await tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
  await tab.setViewport({ width: 1280, height: +height || 1500 });
  await tab.goto('file://' + page);
  await tab.waitForSelector('html[data-ready]');
  await tab.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
  await tab.screenshot({ path: output });
  await browser.close();
})();
