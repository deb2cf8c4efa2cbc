/* Trees of call stacks, outermost function on top; width is the share of a measure. Frames that all stacks pass are
   folded into one. Stacks that release are a tree of their own, weighed by blocks or bytes. */

const MEASURES = {
  calls: { words: 'allocations', format: count },
  bytes: { words: 'bytes', format: bytes },
  peak: { words: 'peak', format: bytes },
  short: { words: 'short-lived', format: count },
  live: { words: 'live at end', format: bytes },
};
const ROW = 21;
const THIN_PX = 1.2;
const WORDS_PX = 26;
Object.assign(state, { measure: 'calls', tree: 'births', root: 0, frameSearch: '' });

const byTime = { calls: true, bytes: true, short: true };

/* The weight of each node with all that it calls. */
function weigh(tree, measure, sums) {
  const weights = new Float64Array(tree.nodes.length);
  tree.leaves.forEach((leaf, i) => {
    weights[leaf.node] += sums ? sums[i][measure] : leaf[measure];
  });
  if (sums) weights[0] += sums[tree.leaves.length][measure];
  for (let i = tree.nodes.length - 1; i > 0; i--) weights[tree.nodes[i].parent] += weights[i];
  return weights;
}

function childrenOf(tree, weights) {
  const children = tree.nodes.map(() => []);
  for (let i = 1; i < tree.nodes.length; i++) if (weights[i] > 0) children[tree.nodes[i].parent].push(i);
  children.forEach(list => list.sort((a, b) => weights[b] - weights[a]));
  return children;
}

/* Frames above the one that is shown widest: the way to a chosen frame, or what all stacks share. */
function trunkOf(tree, weights, children, root) {
  const trunk = [];
  for (let node = root ? tree.nodes[root].parent : 0; node > 0; node = tree.nodes[node].parent) trunk.unshift(node);
  let top = root;
  while (!root && children[top].length === 1 && weights[children[top][0]] >= weights[top] * 0.995 && weights[top] > 0) {
    top = children[top][0];
    trunk.push(top);
  }
  if (!root && trunk.length < 3) return { trunk: [], starts: children[0] };
  return { trunk, starts: root ? [root] : children[top] };
}

/* Where each frame lies: x and width as shares of the whole, depth from the top. */
function layOut(view, width) {
  const { weights, children, starts, total } = view;
  const frames = [];
  const todo = [];
  const push = (list, left, depth) =>
    list.reduce((x, node) => {
      todo.push({ node, x, w: weights[node] / total, depth });
      return x + weights[node] / total;
    }, left);
  push(starts, 0, view.trunk.length ? 1 : 0);
  while (todo.length) {
    const frame = todo.pop();
    if (frame.w * width < THIN_PX) continue;
    frames.push(frame);
    push(children[frame.node], frame.x, frame.depth + 1);
  }
  return frames.sort((a, b) => a.depth - b.depth || a.x - b.x);
}

/* How much of the whole is below frames that match, each block once. */
function matchedWeight(view, isHit) {
  let sum = 0;
  const todo = view.starts.slice();
  while (todo.length) {
    const node = todo.pop();
    if (isHit(node)) sum += view.weights[node];
    else todo.push(...view.children[node]);
  }
  return sum;
}

function makeView() {
  const tree = state.tree === 'births' ? births : deaths;
  const measure =
    state.tree === 'births' || (byTime[state.measure] && state.measure !== 'short') ? state.measure : 'calls';
  const sums = state.tree === 'births' && byTime[measure] ? leavesIn(state.range) : null;
  const weights = weigh(tree, measure, sums);
  const children = childrenOf(tree, weights);
  const root = state.root < tree.nodes.length ? state.root : 0;
  const view = { tree, measure, weights, children, root, isPart: Boolean(sums), total: weights[root] || 1 };
  return Object.assign(view, trunkOf(tree, weights, children, root));
}

const nameOf = (view, node) => names[view.tree.nodes[node].name];

function frameHtml(view, frame, index, width, isHit) {
  const name = nameOf(view, frame.node);
  const isWide = frame.w * width >= WORDS_PX;
  const found = state.frameSearch ? (isHit(frame.node) ? ' hit' : ' dim') : '';
  const spot = `left:${(frame.x * 100).toFixed(3)}%;width:${(frame.w * 100).toFixed(3)}%;top:${frame.depth * ROW}px`;
  return `<div role="treeitem" aria-level="${frame.depth + 1}" data-frame="${index}" tabindex="${index ? -1 : 0}" style="${spot}"
    class="code${name.code}${isWide ? '' : ' thin'}${found}" aria-label="${esc(name.fn)}, ${MEASURES[view.measure].format(view.weights[frame.node])}, ${share(view.weights[frame.node] / view.total)}">${isWide ? esc(name.fn) : ''}</div>`;
}

function frameTip(view, frame) {
  const name = nameOf(view, frame.node);
  return (
    `<b>${nameHtml(name.fn)}</b><span class="mono">${nameHtml(name.where)}</span>` +
    tipRows([
      [MEASURES[view.measure].words, MEASURES[view.measure].format(view.weights[frame.node])],
      ['of what is shown', share(view.weights[frame.node] / view.total)],
      ['of all', share(view.weights[frame.node] / (view.weights[0] || 1))],
    ])
  );
}

function tellStacks(view, isHit) {
  const measure = MEASURES[view.measure];
  const total = view.weights[view.root];
  const parts = [
    state.frameSearch
      ? `${share(matchedWeight(view, isHit) / view.total)} of ${measure.format(total)} match`
      : `${measure.format(total)}${measure.format === count ? (state.tree === 'births' ? ' ' + measure.words : ' blocks released') : ''}`,
  ];
  if (state.range) parts.push(view.isPart ? 'in the selected time' : 'of the whole run: this measure has no intervals');
  if (state.tree === 'deaths' && view.measure !== state.measure) parts.push('releases are weighed by blocks or bytes');
  if (view.tree.leftOut) parts.push(`${plural(view.tree.leftOut, 'small frame')} left out`);
  $('#stack-says').textContent = parts.join('; ');
}

/* From frame to frame by arrows; Enter looks closer, Backspace goes back. */
function keyInTree(event, view, frames) {
  const element = event.target.closest('[data-frame]');
  const own = element && frames[+element.dataset.frame];
  if (!own) return;
  const go = test => {
    const index = frames.findIndex(test);
    if (index >= 0) $(`[data-frame="${index}"]`, event.currentTarget).focus();
    event.preventDefault();
  };
  const before = frames.filter(f => f.depth === own.depth && f.x < own.x).pop();
  if (event.key === 'ArrowDown') go(f => f.depth === own.depth + 1 && f.x >= own.x - 1e-9 && f.x < own.x + own.w);
  else if (event.key === 'ArrowUp') go(f => f.depth === own.depth - 1 && f.x <= own.x + 1e-9 && f.x + f.w > own.x);
  else if (event.key === 'ArrowRight') go(f => f.depth === own.depth && f.x > own.x);
  else if (event.key === 'ArrowLeft') go(f => f === before);
  else if (event.key === 'Enter' || event.key === 'Backspace') {
    event.preventDefault();
    set({ root: event.key === 'Enter' ? own.node : 0 });
    $('[data-frame]', event.currentTarget).focus();
  }
}

(function startStacks() {
  const body = head(
    'stacks',
    'Call stacks',
    'From the outermost function down; width is the share. Select a frame to look closer, “All” to go back.',
    `SELECT n || ' ' || text FROM (SELECT stack_id, count(*) AS n FROM allocation\n  WHERE process_id = ${D.process_id} GROUP BY 1)\nJOIN stack_text USING (stack_id) ORDER BY n DESC LIMIT 20;`
  );
  body.innerHTML = `<div class="controls"><div id="measure"></div><div id="which"></div>
    <input type="search" id="stack-find" placeholder="Find a function or file" aria-label="Find a function or file in the stacks">
    <button class="btn" id="stack-all" type="button">All</button><span class="small" id="stack-says" role="status"></span></div>
    <ul class="legend"><li><i style="background:var(--code0)"></i>the program</li><li><i style="background:var(--code1)"></i>libraries</li>
    <li><i style="background:var(--code2)"></i>C library</li></ul><div class="trees"><div class="tree" id="tree" role="tree" aria-label="Call stacks"></div></div>`;
  const host = $('#tree');
  let view = null;
  let frames = [];
  const draw = () => {
    const width = host.clientWidth * paper || 900;
    const query = state.frameSearch.trim().toLowerCase();
    const isHit = node => query !== '' && nameOf(view, node).find.includes(query);
    view = makeView();
    frames = layOut(view, width);
    const trunk = view.trunk.length
      ? `<div class="trunk" data-trunk style="left:0;width:100%;top:0" title="${esc(view.trunk.map(n => nameOf(view, n).fn).join(' › '))}">${esc(
          view.trunk.map(n => nameOf(view, n).fn).join(' › ')
        )}</div>`
      : '';
    host.style.height = frames.length ? (d3.max(frames, f => f.depth) + 1) * ROW + 2 + 'px' : 'auto';
    host.innerHTML =
      trunk +
      (frames.map((frame, i) => frameHtml(view, frame, i, width, isHit)).join('') ||
        '<p>There is nothing of this kind here.</p>');
    $('#stack-all').disabled = !view.root;
    tellStacks(view, isHit);
  };
  segments(
    $('#measure'),
    'Width',
    Object.keys(MEASURES).map(key => [key, MEASURES[key].words]),
    'measure'
  );
  segments(
    $('#which'),
    'Stacks of',
    [
      ['births', 'allocation'],
      ['deaths', 'release'],
    ],
    'tree'
  );
  const frameAt = event => {
    const element = event.target.closest('[data-frame]');
    return element ? frames[+element.dataset.frame] : null;
  };
  host.addEventListener('mousemove', event => {
    const frame = frameAt(event);
    if (frame) showTip(event.clientX, event.clientY, frameTip(view, frame));
    else hideTip();
  });
  host.addEventListener('mouseleave', hideTip);
  host.addEventListener('focusout', hideTip);
  host.addEventListener('focusin', event => {
    const box = event.target.getBoundingClientRect();
    if (frameAt(event) && event.target.matches(':focus-visible'))
      showTip(box.left, box.bottom - 8, frameTip(view, frameAt(event)));
  });
  host.addEventListener('click', event => {
    const frame = frameAt(event);
    hideTip();
    if (frame || event.target.closest('[data-trunk]')) set({ root: frame ? frame.node : 0 });
  });
  host.addEventListener('keydown', event => keyInTree(event, view, frames));
  $('#stack-all').onclick = () => set({ root: 0 });
  $('#stack-find').addEventListener('input', event => set({ frameSearch: event.target.value }));
  on('tree', () => {
    state.root = 0;
  });
  on('measure tree root range frameSearch', draw);
  let drawn = host.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(host.clientWidth - drawn) > 1) {
      drawn = host.clientWidth;
      draw();
    }
  }).observe(host);
  charts.push(draw);
  draw();
})();
