/* Figures: three significant digits and one unit, joined by a no-break space. Names from the recorded program may
   hold anything: whatever would steer a reader's eye becomes visible, and markup is text. */

const NB = '\u00a0';
const digits = v => (Math.abs(v) >= 99.95 ? v.toFixed(0) : Math.abs(v) >= 9.995 ? v.toFixed(1) : v.toFixed(2));

function bytes(n) {
  if (n === null || n === undefined) return '–';
  let unit = 0;
  let value = n;
  for (; Math.abs(value) >= 1024 && unit < 4; unit++) value /= 1024;
  return (unit ? digits(value) : String(Math.round(value))) + NB + ['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit];
}

function duration(ns) {
  if (ns === null || ns === undefined) return '–';
  if (ns < 1e3) return Math.round(ns) + NB + 'ns';
  if (ns < 1e6) return digits(ns / 1e3) + NB + 'µs';
  if (ns < 1e9) return digits(ns / 1e6) + NB + 'ms';
  if (ns < 119.5e9) return digits(ns / 1e9) + NB + 's';
  if (ns < 7.2e12) return Math.floor(ns / 6e10) + NB + 'min' + NB + Math.round((ns % 6e10) / 1e9) + NB + 's';
  return digits(ns / 3.6e12) + NB + 'h';
}

const count = n => (n === null || n === undefined ? '–' : Math.round(n).toLocaleString('en-US'));
const short = n => (n < 1e5 ? count(n) : n < 999500 ? (n / 1e6).toFixed(3) + NB + 'M' : n < 1e9 ? digits(n / 1e6) + NB + 'M' : digits(n / 1e9) + NB + 'G');
const share = x =>
  !isFinite(x)
    ? '–'
    : x === 0
      ? '0' + NB + '%'
      : x < 0.001
        ? '<0.1' + NB + '%'
        : (x * 100).toFixed(x < 0.0995 ? 1 : 0) + NB + '%';
const signed = (format, n) => (n === 0 ? format(0) : (n < 0 ? '\u2212' : '+') + format(Math.abs(n)));
const plural = (n, word) => count(n) + ' ' + word + (n === 1 ? '' : word.endsWith('s') ? 'es' : 's');
const sizeRange = (min, max) => (min === max ? bytes(min) : bytes(min) + ' – ' + bytes(max));

/* Control characters, and those that turn the direction of text, as \x1b and \u202e. */
function visible(name) {
  // eslint-disable-next-line no-control-regex
  return String(name).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, c =>
    c.charCodeAt(0) < 256 ? '\\x' + c.charCodeAt(0).toString(16).padStart(2, '0') : '\\u' + c.charCodeAt(0).toString(16)
  );
}

const MARKUP = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const esc = name => visible(name).replace(/[&<>"']/g, c => MARKUP[c]);
/* A name within a sentence: its direction does not reach the words beside it. */
const nameHtml = name => `<bdi>${esc(name)}</bdi>`;

/* Times on an axis, since the log's start. */
function axisTime(ns) {
  const span = state.zoom[1] - state.zoom[0];
  if (span < 2e3) return Math.round(ns) + NB + 'ns';
  if (span < 2e6) return +(ns / 1e3).toFixed(2) + NB + 'µs';
  if (span < 2e9) return +(ns / 1e6).toFixed(3) + NB + 'ms';
  return +(ns / 1e9).toFixed(3) + NB + 's';
}

/* About how wide a text of an axis is, px: 12 px system fonts have 6 to 7 a digit or letter. */
const textRoom = words => words.length * 6.8;

/* Of the ticks of an axis those whose texts, in the middle below them, do not touch. */
function apart(ticks, x, format) {
  let end = -Infinity;
  return new Set(
    ticks.filter(tick => {
      const half = textRoom(format(tick)) / 2;
      if (x(tick) - half < end) return false;
      end = x(tick) + half + 6;
      return true;
    })
  );
}

/* Bytes on an axis: steps of 1, 2 or 5 times a power of 1024, never 976.6 KiB. */
function byteTicks(max, wanted) {
  const unit = Math.pow(1024, Math.max(0, Math.floor(Math.log(Math.max(1, max / wanted)) / Math.log(1024))));
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1024].map(k => k * unit).find(s => s >= max / wanted) || unit;
  return d3.range(0, max * 1.0001, step);
}
const plainBytes = n =>
  bytes(n)
    .replace(/\.0+(?=\D)/, '')
    .replace(/(\.\d)0(?=\D)/, '$1');
