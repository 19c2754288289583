// The live part of the page: a threshold to slide. It reads #live-data, builds itself into #live and hides #still.
// No name of the data ever becomes HTML: texts are set as text. Nothing is fetched. Lines that are comments are left
// out of the page (forecast/report/live/script.py).
(function () {
  "use strict";
  const NS = "http://www.w3.org/2000/svg";
  const host = document.getElementById("live");
  const source = document.getElementById("live-data");
  if (!host || !source) return;
  const data = JSON.parse(source.textContent);
  const { abs, floor, max, pow } = Math, { isFinite } = Number;

  // Numbers in words, as forecast/words.py, forecast/scales.py and models/dates.py write them.

  /** Decimals as Python rounds them: exact ties go to the even digit, where toFixed goes up. */
  function fixed(value, digits) {
    const text = value.toFixed(digits);
    const twice = digits === 0 ? value * 2 : value * 4;
    const tie = digits < 2 && Number.isInteger(twice) && abs(twice % 2) === 1;
    if (!tie) return text;
    const unit = pow(10, -digits);
    const low = floor(value / unit + 1e-9), even = low % 2 === 0 ? low : low + 1;
    return (even * unit).toFixed(digits);
  }

  function percent(p) {
    return p < 0.01 ? "<1%" : p > 0.99 ? ">99%" : fixed(100 * p, 0) + "%";
  }

  function scientific(x) {
    const exponent = floor(x), mantissa = fixed(pow(10, x - exponent), 1);
    return mantissa === "10.0" ? ["1.0", exponent + 1] : [mantissa, exponent];
  }

  function formatFlop(x, reach) {
    if (Number.isNaN(x)) return "unknown";
    if (!isFinite(x)) return x > 0 ? "never" : "below any compute";
    if (reach && x > reach[1]) return "beyond 1e" + reach[1];
    if (reach && x < reach[0]) return "below 1e" + reach[0];
    return scientific(x).join("e");
  }

  function isoDate(year) {
    if (!isFinite(year)) return year > 0 ? "inf" : "-inf";
    if (year >= 10000) return "after 9999";
    if (year < 1) return "before 0001";
    const days = Number(fixed((year - 2000) * 365.25, 0));
    return new Date(Date.UTC(2000, 0, 1) + days * 864e5).toISOString().slice(0, 10);
  }

  function spoken(date) {
    const words = { inf: "never", "-inf": "always", "after 9999": "after 2100", "before 0001": "before 1900" };
    if (words[date]) return words[date];
    const year = Number(date.slice(0, 4));
    return year > 2100 ? "after 2100" : year < 1900 ? "before 1900" : date;
  }

  const yearOf = (place) => 2000 + place / data.decades_a_year;
  const nameOf = (place, reach) => (data.dated ? spoken(isoDate(yearOf(place))) : formatFlop(place, reach));
  const named = (place, reach) => nameOf(place, reach) + (isFinite(place) && !data.dated ? " FLOP" : "");

  function interval(low, high, reach) {
    if (nameOf(low, reach) === nameOf(high, reach)) return named(high, reach);
    return (isFinite(high) ? nameOf(low, reach) : named(low, reach)) + " to " + named(high, reach);
  }

  const digits = (value, most) => String(Number(value.toPrecision(most)));

  function formatMinutes(m) {
    if (m < 59.5) return m < 59.5 / 60 ? digits(60 * m, 2) + " s" : digits(m, 2) + " min";
    const whole = Math.round(m);
    if (m < 600) return floor(whole / 60) + " h" + (whole % 60 ? ` ${whole % 60} min` : "");
    if (m < 120000) return digits(m / 60, m < 6000 ? 3 : 4) + " h";
    const years = digits(m / 120000, 2);
    return years.replace("e+", "e") + " working years";
  }

  /** A threshold: 50%, of a horizon a length of time, or of what is neither the number itself. */
  const scoreText = (task, score) => (task.rate ? Number((100 * score).toFixed(2)) + "%" : task.time ? formatMinutes(score) : digits(score, 4));
  const plain = (score) => (current().task.time ? formatMinutes(score) : digits(score, 3));

  // Data as packed by forecast/report/live/views.py.

  function unpacked(text, Kind) {
    return new Kind(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  }

  const PRINTED = [0.05, 0.5, 0.95];
  const LEVELS = data.shape.concat(PRINTED).sort((a, b) => a - b);

  /** A view with its arrays, made once. */
  function opened(task, view) {
    if (view.open) return view.open;
    const [first, last, count] = view.grid, bands = unpacked(view.bands, Float32Array);
    const grid = Array.from({ length: count }, (_, i) => first + ((last - first) * i) / (count - 1));
    const curve = [0, 1, 2, 3, 4].map((q) => Array.from(bands.subarray(q * count, (q + 1) * count)));
    const ends = unpacked(view.interval, Int32Array), shape = unpacked(view.shape, Int16Array);
    const never = unpacked(view.never, Int32Array);
    const exact = (v) => (v === 2147483647 ? Infinity : v === -2147483648 ? -Infinity : v * 1e-7);
    const coarse = (v) => (v === 32767 ? Infinity : v === -32768 ? -Infinity : v * 1e-3 + view.origin);
    const rows = view.scores.map((score, i) => {
      const printed = PRINTED.map((_, j) => exact(ends[3 * i + j]));
      const all = {};
      PRINTED.forEach((p, j) => { all[p] = printed[j]; });
      data.shape.forEach((p, j) => { all[p] = coarse(shape[data.shape.length * i + j]); });
      return {
        score, printed, quantiles: LEVELS.map((p) => all[p]), q25: all[0.25], q75: all[0.75],
        never: never[i] / data.draws, dates: view.dates ? view.dates[i] : null,
      };
    });
    view.open = { grid, curve, rows, ends: [first, last] };
    return view.open;
  }

  /** Density of the threshold at places: a smooth sum over the draws that the quantiles stand for. */
  function density(row, places) {
    const draws = [], count = 300, possible = 1 - row.never;
    for (let i = 0; i < count; i++) {
      const u = (i + 0.5) / count;
      if (u >= possible) break;
      let k = LEVELS.findIndex((p) => p >= u);
      if (k < 0) k = LEVELS.length - 1;
      const high = row.quantiles[k], low = row.quantiles[max(k - 1, 0)];
      const share = k > 0 ? Math.min((u - LEVELS[k - 1]) / (LEVELS[k] - LEVELS[k - 1]), 1) : 1;
      const x = isFinite(high) && isFinite(low) ? low + share * (high - low) : isFinite(low) ? low : high;
      if (isFinite(x)) draws.push(x);
    }
    if (!draws.length) return { values: places.map(() => 0), draws };
    const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
    const sd = Math.sqrt(draws.reduce((a, b) => a + (b - mean) * (b - mean), 0) / draws.length);
    const middle = draws[floor(0.75 * draws.length)] - draws[floor(0.25 * draws.length)];
    const width = max(1.1 * Math.min(sd, middle / 1.34 || sd) * pow(draws.length, -0.2), 0.015);
    const scale = 1 / (count * width * Math.sqrt(2 * Math.PI));
    const values = places.map((x) => scale * draws.reduce((a, d) => a + Math.exp(-0.5 * ((x - d) / width) ** 2), 0));
    return { values, draws };
  }

  // Elements.

  function filled(node, attributes, children) {
    for (const name in attributes) if (attributes[name] !== null) node.setAttribute(name, attributes[name]);
    for (const child of children) node.append(child); // a string becomes text
    return node;
  }
  const html = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) => filled(document.createElementNS(NS, tag), attributes, children);
  const text = (x, y, words, attributes) => svg("text", Object.assign({ x, y, fill: SOFT }, attributes), words);
  const line = (x1, y1, x2, y2, attributes) => svg("line", Object.assign({ x1, y1, x2, y2, stroke: SOFT }, attributes));
  const short = (name, most) => {
    const flat = Array.from(name.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " "));
    return flat.length <= most ? flat.join("") : flat.slice(0, most - 9).join("") + "… " + flat.slice(-7).join("");
  };
  const [INK, SOFT, LINE, PAPER] = ["var(--ink, #222)", "var(--soft, #5f6368)", "var(--line, #dcdfe3)", "var(--paper, #fff)"];
  const [BLUE, ORANGE, VERMILLION] = ["var(--blue, #0072b2)", "var(--orange, #e69f00)", "var(--vermillion, #d55e00)"];
  const COLOURS = { "#d55e00": "vermillion", "#009e73": "green", "#cc79a7": "purple", "#e69f00": "orange", "#56b4e9": "sky", "#f0e442": "yellow", "#767676": "grey" };
  const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';
  const SUPER = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const raised = (n) => String(n).replace(/-/, "⁻").replace(/\d/g, (d) => SUPER[d]);

  // State and controls.

  const state = { task: data.start, view: 0, curve: -1, row: 0, log: false, at: null };
  const taskSelect = html("select", { id: "live-task" });
  data.tasks.forEach((task, i) => taskSelect.append(html("option", { value: i }, short(task.name, 80))));
  const familySelect = html("select", { id: "live-family" });
  const slider = html("input", { type: "range", id: "live-threshold", min: 0, step: 1, list: "live-asked" });
  const marks = html("datalist", { id: "live-asked" });
  const shown = html("span", { class: "live-shown", "aria-hidden": "true" }); // the slider says it itself
  const answer = html("p", { class: "live-answer", "aria-live": "polite", "aria-atomic": "true" });
  const chart = html("div", { class: "live-chart" });
  const legend = html("ul", { class: "live-legend" });
  const axisButton = html("button", { type: "button", "aria-pressed": "false" }, "Logarithmic score");
  const svgButton = html("button", { type: "button" }, "Download figure (SVG)");
  const csvButton = html("button", { type: "button" }, "Download numbers (CSV)");
  const field = (control, label, ...more) =>
    html("div", { class: "live-field" }, html("label", { for: control.id }, label), ...more, control);
  const taskField = field(taskSelect, "Task"), familyField = field(familySelect, "Family");
  const sliderField = field(slider, "Threshold", shown, marks);
  sliderField.classList.add("live-slider");

  const current = () => {
    const task = data.tasks[state.task], view = task.views[state.view], open = opened(task, view);
    return { task, view, open, row: open.rows[state.row] };
  };

  function chooseTask(number) {
    state.task = number;
    const task = data.tasks[number], same = task.views.findIndex((view) => view.curve === state.curve);
    familySelect.replaceChildren(...task.views.map((view, i) => html("option", { value: i }, short(data.curves[view.curve] || "all runs", 60))));
    familyField.hidden = task.views.length < 2;
    axisButton.hidden = Boolean(task.time);
    chooseView(max(same, 0));
  }

  function chooseView(number) {
    Object.assign(state, { view: number, row: 0 });
    const { task, view, open } = current();
    state.curve = view.curve;
    familySelect.value = String(number);
    const wanted = state.at === null || !task.rate ? task.at[0] : state.at;
    const gaps = open.rows.map((row) => abs(row.score - wanted));
    state.row = gaps.indexOf(Math.min(...gaps));
    slider.max = String(open.rows.length - 1);
    slider.value = String(state.row);
    marks.replaceChildren(...open.rows.flatMap((row, i) => (task.at.includes(row.score) ? [html("option", { value: i })] : [])));
    sliderField.hidden = open.rows.length < 2;
    const several = data.families.length > 0 && task.points.length > 0;
    legend.replaceChildren(...(several ? familyKeys(task) : []), ...hiddenKey(task, several));
    redraw();
  }

  function colourOf(family) {
    const pair = data.families.find((each) => each[0] === family), colour = pair ? pair[1].toLowerCase() : "";
    return COLOURS[colour] ? `var(--${COLOURS[colour]}, ${colour})` : INK;
  }

  function familyKeys(task) {
    const present = new Set(task.points.map((point) => data.runs[point[0]][1]));
    const own = data.families.filter((each) => present.has(each[0]));
    const coloured = own.filter((each) => each[1].toLowerCase() !== "#767676");
    const keys = coloured.map((each) => key("live-dot", colourOf(each[0]), short(each[0], 40)));
    const others = own.length - coloured.length;
    return others ? keys.concat(key("live-dot", "var(--grey, #767676)", others + (others > 1 ? " other families" : " other family"))) : keys;
  }

  const isShifted = (point) => point[5] !== null && abs(point[5] - data.runs[point[0]][2]) > 0.005;
  const isFamily = () => data.families.some((each) => each[0] === data.curves[state.curve]);

  function hiddenKey(task, several) {
    const keys = [];
    if (task.points.some((point) => point[4])) keys.push(key("live-diamond", several ? SOFT : VERMILLION, "not seen by the fit"));
    if (isFamily()) keys.push(key("live-dot live-pale", SOFT, "pale: other families"));
    else if (task.points.some(isShifted)) keys.push(key("live-dot live-pale", SOFT, "pale: as measured; in colour: with the recipe of the curve"));
    return keys;
  }

  function key(kind, colour, words) {
    const mark = html("i", { class: kind, "aria-hidden": "true" });
    mark.style.setProperty("--mark", colour);
    return html("li", {}, mark, html("bdi", {}, words));
  }

  // The answer.

  /** Words with their powers of ten as readers write them: 3.1e23 as 3.1 × 10 with a raised 23. */
  function powers(words) {
    return words.split(/([\d.]+e-?\d+)/).map((part, i) => {
      if (i % 2 === 0) return part;
      const [mantissa, exponent] = part.split("e"), front = mantissa === "1" ? "10" : mantissa + " × 10";
      return html("span", { class: "nowrap" }, front, html("sup", {}, exponent.replace("-", "−")));
    });
  }
  const flat = (words) => words.replace(/([\d.]+)e(-?\d+)/g, (_, m, e) => (m === "1" ? "" : m + " × ") + "10" + raised(e));

  function sentence() {
    const { task, view, row } = current(), [low, middle, high] = row.printed;
    const at = scoreText(task, row.score), strong = (words) => Object.assign(html("strong", {}, ...powers(words)), { plain: words });
    const whose = data.curves[view.curve], parts = [];
    if (middle === Infinity) parts.push(strong("Not expected"), " to reach " + at + " " + (data.dated ? "at any date" : "at any compute"));
    else if (middle === -Infinity) parts.push(strong("Reached at any compute"), ": guessing is at " + at);
    else {
      const said = named(middle, task.reach), digit = /^\d/.test(said);
      parts.push("Reaches " + at + " " + (digit ? (data.dated ? "by " : "at ") : ""), strong(said));
    }
    if (whose && data.curves.length > 1) parts.push(" (", html("bdi", {}, short(whose, 60)), ")");
    parts.push("; 90% interval ", strong(interval(low, high, task.reach)));
    parts.push("; chance that it never does ", strong(percent(row.never)), ".");
    if (row.dates) {
      const [first, likely, last] = row.dates.map(spoken);
      parts.push(" Date (", html("bdi", {}, data.scenario), "): ", strong(likely), first === last ? "." : `; 90% interval ${first} to ${last}.`);
    }
    return parts;
  }

  // The chart: curve above, density of the threshold below, on one axis.

  let drawn = null, told = ""; // what the pointer needs, and the answer in plain words
  const wide = () => max(floor(chart.clientWidth), 280);

  function redraw() {
    const { task, row } = current();
    shown.textContent = scoreText(task, row.score);
    slider.setAttribute("aria-valuetext", scoreText(task, row.score));
    const parts = sentence();
    told = parts.map((part) => part.plain || part.textContent || part).join("");
    answer.replaceChildren(...parts);
    chart.replaceChildren(chartOf(wide()));
  }

  function chartOf(W) {
    const { task, view, open, row } = current(), small = W < 560;
    const xs = [...open.ends, ...task.points.flatMap((p) => [data.runs[p[0]][2], p[5] === null ? open.ends[0] : p[5]])];
    const x0 = Math.min(...xs), x1 = max(...xs);
    const box = { left: task.time ? 62 : 44, right: W - (small ? 52 : 62), top: data.known.length ? 26 : 12 };
    box.bottom = box.top + Math.round(Math.min(max(0.44 * W, 210), 400));
    box.under = box.bottom + 14;
    box.floor = box.under + (small ? 64 : 84);
    const H = box.floor + 40;
    const X = (v) => box.left + ((Math.min(max(v, x0 - 9), x1 + 9) - x0) / (x1 - x0)) * (box.right - box.left);
    const inside = (v) => v >= x0 && v <= x1;
    const Y = scoreAxis(task, open, box, row);
    const g = svg("svg", {
      xmlns: NS, viewBox: `0 0 ${W} ${H}`, width: W, height: H, role: "img", "font-family": FONT, "font-size": small ? 11 : 12,
      "aria-label": "Score over " + (data.dated ? "date" : "training compute") + ", and the density of the threshold. " + flat(told),
    });
    g.append(svg("clipPath", { id: "live-clip" }, svg("rect", { x: box.left, y: box.top - 5, width: box.right - box.left, height: box.bottom - box.top + 10 })));
    const stage = svg("g", { "clip-path": "url(#live-clip)" });
    // Beyond the data
    const edge = X(task.data[1]);
    if (edge < box.right) {
      g.append(svg("rect", { x: edge, y: box.top, width: box.right - edge, height: box.bottom - box.top, fill: INK, "fill-opacity": 0.035 }));
      const words = "beyond the " + data.largest + " run";
      if (box.right - edge > 7 * words.length) g.append(text(edge + 6, box.bottom - 7, words, { "font-size": "0.92em" }));
    }
    scoreTicks(g, Y, box, task, row);
    placeTicks(g, X, [x0, x1], box, small);
    drawKnown(g, X, [x0, x1], box, small);
    // Curve
    const area = (low, high) => "M" + open.grid.map((v, i) => X(v).toFixed(1) + " " + Y.at(low[i]).toFixed(1)).join("L") +
      "L" + open.grid.map((v, i) => X(v).toFixed(1) + " " + Y.at(high[i]).toFixed(1)).reverse().join("L") + "Z";
    stage.append(svg("path", { d: area(open.curve[0], open.curve[4]), fill: BLUE, "fill-opacity": 0.16 }));
    stage.append(svg("path", { d: area(open.curve[1], open.curve[3]), fill: BLUE, "fill-opacity": 0.26 }));
    stage.append(svg("path", {
      d: "M" + open.grid.map((v, i) => X(v).toFixed(1) + " " + Y.at(open.curve[2][i]).toFixed(1)).join("L"),
      fill: "none", stroke: BLUE, "stroke-width": 2.2, "stroke-linejoin": "round",
    }));
    const points = drawPoints(stage, task, view, X, Y);
    g.append(stage);
    drawThreshold(g, X, Y, inside, box, row, [x0, x1], small);
    drawDensity(g, X, [x0, x1], box, row, small);
    const hover = svg("g", { "pointer-events": "none" });
    g.append(hover);
    drawn = { W, box, X, Y, x0, x1, hover, points };
    g.addEventListener("pointermove", (event) => point(event, g));
    g.addEventListener("pointerdown", (event) => point(event, g));
    g.addEventListener("pointerleave", () => hover.replaceChildren());
    return g;
  }

  /** The score axis: from 0 to 1 of rates, else what is there; linear or logarithmic. */
  function scoreAxis(task, open, box, row) {
    const logged = state.log || task.time;
    const shown = task.time ? [open.curve[1], open.curve[3], task.points.map((p) => p[1]), [row.score]] : [...open.curve, ...task.points.map((p) => p.slice(1, 4))];
    const values = shown.flat().filter(isFinite);
    let low = task.rate ? 0 : Math.min(...values), high = task.rate ? 1 : max(...values);
    if (task.time) {
      low /= 1.5; high *= 1.5;
    } else if (state.log) {
      const positive = [...open.curve[2], ...task.points.map((p) => p[1])].filter((v) => v > 0);
      low = max(Math.min(...positive, 0.1 * high), 1e-4 * high);
      low = task.rate ? pow(10, floor(Math.log10(low) + 1e-9)) : low;
    } else if (!task.rate) {
      const pad = 0.05 * (high - low || 1);
      low -= pad; high += pad;
    }
    const scaled = logged ? (v) => Math.log(max(v, low) / low) / Math.log(high / low) : (v) => (v - low) / (high - low);
    return { low, high, at: (v) => box.bottom - Math.min(max(scaled(v), -0.1), 1.1) * (box.bottom - box.top) };
  }

  function scoreTicks(g, Y, box, task, row) {
    let ticks = [];
    if (task.time) ticks = [1 / 60, 1 / 6, 1, 10, 60, 480, 2400, 10020].filter((v) => v >= Y.low && v <= Y.high);
    else if (state.log) for (let e = Math.ceil(Math.log10(Y.low) - 1e-9); pow(10, e) <= Y.high * 1.0001; e++) ticks.push(pow(10, e));
    if (ticks.length < 2) {
      const raw = (Y.high - Y.low) / 5, unit = pow(10, floor(Math.log10(raw)));
      const step = unit * [1, 2, 5, 10].find((n) => n * unit >= raw * 0.999);
      for (let v = Math.ceil(Y.low / step - 1e-9) * step; v <= Y.high + 1e-9; v += step) ticks.push(v);
    }
    const y = Y.at(row.score);
    for (const v of ticks) {
      g.append(line(box.left, Y.at(v), box.right, Y.at(v), { stroke: LINE }));
      if (abs(Y.at(v) - y) > 13) g.append(text(box.left - 7, Y.at(v) + 4, scoreText(task, Number(v.toPrecision(6))), { "text-anchor": "end" }));
    }
  }

  /** Round places of the x axis with their labels: powers of ten, or years. */
  function ticksOf([x0, x1], most) {
    const first = data.dated ? yearOf(x0) : x0, last = data.dated ? yearOf(x1) : x1;
    const step = [0.25, 0.5, 1, 2, 5, 10, 20, 50].find((s) => (last - first) / s <= most && (s >= 1 || last - first < 2.2)) || 100;
    const found = [];
    for (let v = Math.ceil(first / step) * step; v <= last; v += step) {
      if (data.dated) found.push([data.decades_a_year * (v - 2000), v % 1 ? isoDate(v).slice(0, 7) : String(v)]);
      else if (v % 1) { const [m, e] = scientific(v); found.push([v, m + "×10" + raised(e)]); }
      else found.push([v, "10" + raised(v)]);
    }
    return found;
  }

  function placeTicks(g, X, ends, box, small) {
    for (const [v, label] of ticksOf(ends, max(2, floor((box.right - box.left) / 48)))) {
      g.append(line(X(v), box.floor, X(v), box.floor + 5, {}));
      g.append(text(X(v), box.floor + 18, label, { "text-anchor": "middle" }));
    }
    g.append(line(box.left, box.floor, box.right, box.floor, {}));
    g.append(text((box.left + box.right) / 2, box.floor + 35, data.axis, { "text-anchor": "middle", fill: INK }));
  }

  /** Known runs within the axis whose names do not overlap, the best known first. */
  function drawKnown(g, X, [x0, x1], box, small) {
    const placed = [];
    for (const [name, x] of data.known) {
      const words = short(name, 24), half = (small ? 3 : 3.3) * words.length + 5, at = X(x);
      const fits = x > x0 && x < x1 && at - half > 0 && at + half < box.right + 30;
      if (!fits || placed.length > 5 || placed.some((each) => abs(each[0] - at) < each[1] + half)) continue;
      placed.push([at, half]);
      g.append(line(at, box.top - 5, at, box.bottom, { "stroke-opacity": 0.35, "stroke-dasharray": "1 3" }));
      g.append(text(at, box.top - 8, words, { "text-anchor": "middle", "font-size": "0.92em" }));
    }
  }

  function drawPoints(stage, task, view, X, Y) {
    const family = data.curves[view.curve], own = isFamily();
    const found = [], ordered = task.points.map((p) => ({ p, run: data.runs[p[0]] }));
    const pale = (each) => own && each.run[1] !== family;
    for (const each of ordered.sort((a, b) => pale(b) - pale(a))) {
      const [, score, low, high, hidden, moved] = each.p, faded = pale(each);
      const shifted = !own && isShifted(each.p);
      const colour = data.families.length ? colourOf(each.run[1]) : hidden ? VERMILLION : INK;
      const x = X(shifted ? moved : each.run[2]), y = Y.at(score);
      if (shifted) stage.append(svg("circle", { cx: X(each.run[2]), cy: y, r: 2.4, fill: SOFT, "fill-opacity": 0.35 }));
      const mark = svg("g", { "stroke-opacity": faded ? 0.25 : 1, "fill-opacity": faded ? 0.25 : 1 });
      if (high > low && !faded) mark.append(line(x, Y.at(low), x, Y.at(high), { stroke: colour, "stroke-width": 1.3 }));
      mark.append(hidden
        ? svg("path", { d: `M${x} ${y - 5}l5 5l-5 5l-5 -5Z`, fill: PAPER, stroke: colour, "stroke-width": 1.6 })
        : svg("circle", { cx: x, cy: y, r: 3.6, fill: colour, stroke: PAPER, "stroke-width": 1 }));
      stage.append(mark);
      found.push({ x, y, name: each.run[0], family: each.run[1], score, low, high, hidden });
    }
    return found;
  }

  function drawThreshold(g, X, Y, inside, box, row, [x0, x1], small) {
    const y = Y.at(row.score), [low, middle, high] = row.printed;
    const at = scoreText(current().task, row.score);
    g.append(line(box.left, y, box.right, y, { stroke: INK, "stroke-dasharray": "5 4", "stroke-opacity": 0.7 }));
    g.append(text(box.left - 7, y + 4, at, { "text-anchor": "end", fill: INK, "font-weight": 700 }));
    const from = max(X(max(low, x0)), box.left), to = Math.min(X(Math.min(high, x1)), box.right);
    if (low <= x1 && high >= x0) {
      for (const v of [low, middle, high]) if (inside(v)) {
        g.append(line(X(v), y, X(v), box.floor, { stroke: INK, "stroke-opacity": v === middle ? 0.75 : 0.35, "stroke-dasharray": v === middle ? null : "2 3" }));
      }
      g.append(line(from, y, to, y, { stroke: INK, "stroke-width": 5, "stroke-linecap": "round" }));
      if (high > x1) g.append(svg("path", { d: `M${box.right - 1} ${y - 6}l8 6l-8 6Z`, fill: INK }));
      if (inside(middle)) g.append(svg("circle", { cx: X(middle), cy: y, r: 5.5, fill: PAPER, stroke: INK, "stroke-width": 2 }));
    }
    // The chance that it never comes: a tag at the end of the line
    const tag = small ? 44 : 52, at2 = Math.min(max(y, box.top + 16), box.bottom - 16), left = box.right + (small ? 7 : 9);
    g.append(svg("rect", { x: left, y: at2 - 17, width: tag, height: 34, rx: 5, fill: ORANGE }));
    g.append(text(left + tag / 2, at2 - 3, "never", { "text-anchor": "middle", fill: "#1a1a1a", "font-size": "0.9em" }));
    g.append(text(left + tag / 2, at2 + 12, percent(row.never), { "text-anchor": "middle", fill: "#1a1a1a", "font-weight": 700 }));
  }

  function drawDensity(g, X, [x0, x1], box, row, small) {
    const places = Array.from({ length: 301 }, (_, i) => x0 + ((x1 - x0) * i) / 300);
    const { values, draws } = density(row, places), [low, , high] = row.printed;
    const tall = box.floor - box.under, most = max(...values, 0.2);
    const Z = (v) => box.floor - (0.96 * tall * v) / most;
    const from = max(low, x0), to = Math.min(high, x1);
    const curve = places.map((v, i) => [X(v), Z(values[i]), v]);
    const shape = (points) => points.length < 2 ? "" : "M" + points[0][0].toFixed(1) + " " + box.floor + "L" +
      points.map((p) => p[0].toFixed(1) + " " + p[1].toFixed(1)).join("L") + "L" + points[points.length - 1][0].toFixed(1) + " " + box.floor + "Z";
    g.append(svg("path", { d: shape(curve), fill: BLUE, "fill-opacity": 0.2 }));
    const cut = (v) => { const i = Math.min(max(floor(((v - x0) / (x1 - x0)) * 300), 0), 299), w = (v - places[i]) / (places[i + 1] - places[i]); return [X(v), Z(values[i] + w * (values[i + 1] - values[i])), v]; };
    if (to > from) g.append(svg("path", { d: shape([cut(from), ...curve.filter((p) => p[2] > from && p[2] < to), cut(to)]), fill: BLUE, "fill-opacity": 0.4 }));
    const beyond = draws.filter((v) => v > x1).length / 300;
    const words = "density of the threshold" + (beyond >= 0.01 ? "; " + percent(beyond) + " beyond this axis" : "");
    g.append(text(box.left + 4, box.under + 9, words, { "font-size": "0.92em" }));
    const wide = small ? 14 : 18, centre = box.right + (box.right < 420 ? 29 : 35);
    g.append(svg("rect", { x: centre - wide, y: box.under, width: 2 * wide, height: tall, fill: ORANGE, "fill-opacity": 0.14 }));
    g.append(svg("rect", { x: centre - wide, y: box.floor - tall * row.never, width: 2 * wide, height: tall * row.never, fill: ORANGE }));
    g.append(line(centre - wide, box.floor, centre + wide, box.floor, {}));
    g.append(text(centre, box.floor + 18, "never", { "text-anchor": "middle" }));
  }

  /** Values under the pointer: the nearest run if one is near, and the curve. */
  function point(event, g) {
    const { W, box, X, Y, x0, x1, hover, points } = drawn, { task, open } = current(), frame = g.getBoundingClientRect();
    const scale = W / frame.width, px = (event.clientX - frame.left) * scale, py = (event.clientY - frame.top) * scale;
    hover.replaceChildren();
    if (px < box.left || px > box.right || py > box.floor) return;
    const place = x0 + ((px - box.left) / (box.right - box.left)) * (x1 - x0), gaps = open.grid.map((v) => abs(v - place));
    const i = gaps.indexOf(Math.min(...gaps)), x = X(open.grid[i]), of = open.curve.map((band) => plain(band[i]));
    const near = points.map((p) => [Math.hypot(p.x - px, p.y - py), p]).sort((a, b) => a[0] - b[0])[0];
    const lines = [[flat(named(open.grid[i], null)), 700], [`median ${of[2]}; 90%: ${of[0]} to ${of[4]}`, 400]];
    hover.append(line(x, box.top, x, box.floor, { stroke: BLUE, "stroke-opacity": 0.6 }));
    hover.append(svg("circle", { cx: x, cy: Y.at(open.curve[2][i]), r: 4, fill: BLUE, stroke: PAPER }));
    if (near && near[0] < 28) {
      const p = near[1];
      hover.append(svg("circle", { cx: p.x, cy: p.y, r: 8, fill: "none", stroke: INK, "stroke-width": 1.5 }));
      lines.unshift([short(p.name, 42), 700], [`scored ${plain(p.score)}` + (p.high > p.low ? ` (95%: ${plain(p.low)} to ${plain(p.high)})` : "") + (p.hidden ? ", not seen by the fit" : ""), 400]);
    }
    const label = svg("text", { fill: INK }), leading = 17;
    hover.append(label);
    for (const [n, [words, weight]] of lines.entries()) label.append(svg("tspan", { x: 0, y: n * leading, "font-weight": weight, direction: "ltr", "unicode-bidi": "isolate" }, words));
    const size = label.getBBox(), wide = size.width + 18, high = lines.length * leading + 10;
    const left = x + 14 + wide < W ? x + 14 : max(x - 14 - wide, 2), top = max(Math.min(py - high - 10, box.floor - high), 2);
    for (const span of label.children) span.setAttribute("x", left + 9);
    for (const [n, span] of Array.from(label.children).entries()) span.setAttribute("y", top + 17 + n * leading);
    label.before(svg("rect", { x: left, y: top, width: wide, height: high, rx: 5, fill: PAPER, stroke: LINE, "fill-opacity": 0.96 }));
  }

  // Downloads, made here.

  function saved(content, kind, ending) {
    const { task, row } = current();
    const name = task.name.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "task";
    const link = html("a", { download: `forecast-${name}-${scoreText(task, row.score).replace("%", "")}.${ending}` });
    link.href = URL.createObjectURL(new Blob([content], { type: kind }));
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function figureText() {
    const figure = chartOf(wide()), { task } = current();
    figure.lastChild.remove(); // the layer of the pointer
    const size = figure.getAttribute("viewBox").split(" ");
    figure.prepend(svg("title", {}, task.name), svg("rect", { width: size[2], height: size[3], fill: PAPER }));
    const colours = getComputedStyle(document.documentElement);
    return new XMLSerializer().serializeToString(figure).replace(/var\((--[a-z]+), (#[0-9a-f]+)\)/g, (_, name, fallback) => colours.getPropertyValue(name).trim() || fallback);
  }

  /** A cell of CSV; a name that a spreadsheet would take for a formula is marked as text. */
  function cell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return isFinite(value) ? String(Number(value.toPrecision(8))) : value > 0 ? "inf" : "-inf";
    const safe = /^[=+\-@\t\r]/.test(value) ? "'" + value : value;
    return /[",\r\n]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
  }

  function numbers() {
    const { task, view, open } = current(), x = data.dated ? "place" : "log10_compute";
    const whose = data.curves[view.curve], rows = [["kind", "task", "family", "model", x, "score", "q05", "q25", "q50", "q75", "q95", "p_never", "date_q05", "date_q50", "date_q95"]];
    for (const row of open.rows) {
      const [low, middle, high] = row.printed, dates = data.dated ? row.printed.map((v) => isoDate(yearOf(v))) : row.dates || [];
      rows.push(["threshold", task.name, whose, null, null, row.score, low, row.q25, middle, row.q75, high, row.never, ...dates]);
    }
    open.grid.forEach((v, i) => rows.push(["curve", task.name, whose, null, v, null, ...open.curve.map((band) => band[i])]));
    for (const p of task.points) { const run = data.runs[p[0]]; rows.push(["run", task.name, run[1], run[0], run[2], p[1]]); }
    return rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  // Together.

  taskSelect.addEventListener("change", () => chooseTask(Number(taskSelect.value)));
  familySelect.addEventListener("change", () => chooseView(Number(familySelect.value)));
  slider.addEventListener("input", () => {
    state.row = Number(slider.value);
    state.at = current().row.score;
    redraw();
  });
  axisButton.addEventListener("click", () => {
    state.log = !state.log;
    axisButton.setAttribute("aria-pressed", String(state.log));
    redraw();
  });
  svgButton.addEventListener("click", () => saved(figureText(), "image/svg+xml", "svg"));
  csvButton.addEventListener("click", () => saved("\ufeff" + numbers(), "text/csv;charset=utf-8", "csv"));
  taskField.hidden = data.tasks.length < 2;
  taskSelect.value = String(data.start);
  host.append(
    html("div", { class: "live-controls" }, taskField, familyField, sliderField), answer, chart, legend,
    html("div", { class: "live-buttons" }, axisButton, svgButton, csvButton));
  host.hidden = false;
  try {
    chooseTask(data.start);
  } catch (error) {
    host.hidden = true; // the still picture stays
    throw error;
  }
  const still = document.getElementById("still");
  if (still) still.hidden = true;
  let width = chart.clientWidth;
  new ResizeObserver(() => {
    if (abs(chart.clientWidth - width) < 1) return;
    width = chart.clientWidth;
    redraw();
  }).observe(chart);
  host.forecast = { formatFlop, formatMinutes, percent, isoDate, spoken, interval, numbers, figureText }; // for tests, and the curious
})();
