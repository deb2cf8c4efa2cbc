/* Zoom, pan and selection of the heap over time: by buttons, fields, keys, or the wheel with Ctrl. */

function zoomTo(from, to) {
  const span = Math.max(C.bin_ns * 4, Math.min(time.to - time.from, to - from));
  const start = Math.max(time.from, Math.min(time.to - span, from));
  set({ zoom: [start, start + span] });
}

/* factor: of the span, 0.5 to see twice as much detail; at: the moment that stays, 0 to 1 of what is shown. */
function zoomBy(factor, at) {
  const [from, to] = state.zoom;
  const fixed = from + (to - from) * at;
  zoomTo(fixed - (fixed - from) * factor, fixed + (to - fixed) * factor);
}
const panBy = part =>
  zoomTo(
    state.zoom[0] + (state.zoom[1] - state.zoom[0]) * part,
    state.zoom[1] + (state.zoom[1] - state.zoom[0]) * part
  );

function tellTime() {
  const [from, to] = state.range || [time.from, time.to];
  const chosen = bins.filter(bin => bin.from >= from && bin.to <= to);
  $('#time-from').value = state.range ? +(from / 1e9).toFixed(6) : '';
  $('#time-to').value = state.range ? +(to / 1e9).toFixed(6) : '';
  $('#time-clear').disabled = !state.range;
  $('#time-all').disabled = state.zoom[0] <= time.from && state.zoom[1] >= time.to;
  $('#time-says').textContent =
    (state.range ? `${duration(from)} to ${duration(to)}: ` : 'Whole run: ') +
    `${plural(sumOf(chosen, 'calls'), 'allocation')}, ${bytes(sumOf(chosen, 'bytes'))} asked for; live ` +
    `${bytes(d3.min(chosen, b => b.liveMin))} to ${bytes(d3.max(chosen, b => b.liveMax))}.`;
}

function typedRange() {
  const from = parseFloat($('#time-from').value);
  const to = parseFloat($('#time-to').value);
  if (from >= 0 && to > from) set({ range: snap([from * 1e9, to * 1e9]) });
}

(function startTime() {
  const body = head(
    'time',
    'Heap over time',
    'Drag across the chart to look at a part of the run: stacks and lines below ' +
      `follow. ${bins.length} intervals; of each the highest and the lowest state, so that short peaks are seen.`,
    `SELECT time_ns / 1e9 AS seconds, live_bytes, live_count, allocations\nFROM timeline WHERE process_id = ${D.process_id} ORDER BY time_ns;\n\n` +
      `-- one interval\nSELECT count(*), sum(size_bytes) FROM allocation\nWHERE process_id = ${D.process_id} AND birth_ns >= FROM_NS AND birth_ns < TO_NS;`
  );
  if (!bins.length || !T.allocations) {
    body.innerHTML = '<p class="small">There is no event to show.</p>';
    return;
  }
  body.innerHTML = `<div class="controls"><label class="small">from <input type="number" id="time-from" step="any" min="0"></label>
    <label class="small">to <input type="number" id="time-to" step="any" min="0"> s</label>
    <button class="btn" type="button" id="time-in">Zoom in</button><button class="btn" type="button" id="time-out">Zoom out</button>
    <button class="btn" type="button" id="time-earlier">Earlier</button><button class="btn" type="button" id="time-later">Later</button>
    <button class="btn" type="button" id="time-all">Whole run</button><button class="btn" type="button" id="time-clear">Clear selection</button></div>
    <ul class="legend"><li><i style="background:var(--accent)"></i>live bytes, highest in the interval</li>
    <li><i style="background:color-mix(in srgb,var(--accent) 35%,var(--bg))"></i>lowest in the interval</li>
    ${C.map ? '<li><i style="background:var(--free)"></i>up to the top of a first-fit heap: free in pieces</li>' : ''}</ul>
    <div id="time-chart" tabindex="0" role="group" aria-label="Heap over time; plus and minus zoom, arrows move"></div>
    <p class="cap" id="time-says" role="status"></p>`;
  const host = $('#time-chart');
  const run = chart(host, drawTime);
  const click = (id, call) => {
    $(id).onclick = call;
  };
  click('#time-in', () => (state.range ? zoomTo(...state.range) : zoomBy(0.5, 0.5)));
  click('#time-out', () => zoomBy(2, 0.5));
  click('#time-earlier', () => panBy(-0.5));
  click('#time-later', () => panBy(0.5));
  click('#time-all', () => zoomTo(time.from, time.to));
  click('#time-clear', () => set({ range: null }));
  $('#time-from').onchange = $('#time-to').onchange = typedRange;
  host.addEventListener('keydown', event => {
    const act = {
      '+': () => zoomBy(0.5, 0.5),
      '-': () => zoomBy(2, 0.5),
      ArrowLeft: () => panBy(-0.25),
      ArrowRight: () => panBy(0.25),
    }[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  host.addEventListener(
    'wheel',
    event => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const box = host.getBoundingClientRect();
      zoomBy(
        event.deltaY > 0 ? 1.25 : 0.8,
        Math.max(0, Math.min(1, (event.clientX - box.left - 64) / (box.width - 78)))
      );
    },
    { passive: false }
  );
  on('range zoom', () => {
    run();
    tellTime();
  });
  tellTime();
})();
