import uPlot from "./uPlot.esm.js";
import { element } from "./common.js";

export const span = 15 * 60;
const colours = 6;
const sync = uPlot.sync("time");
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dark = matchMedia("(prefers-color-scheme: dark)");
const charts = new Set();
dark.addEventListener("change", () => charts.forEach(chart => chart.rebuild()));

/** What the charts show: a column a second, of the cluster and of each replica; as long as the gateway keeps it. */
export class History {
  constructor() {
    this.clear();
  }

  clear() {
    this.times = [];
    this.columns = {};
    this.replicas = new Map();
  }

  /**
   * Takes a gateway's history. What is from before it stays: that of one that was started again, or of another one, begins later.
   * @param table As for add.
   */
  replace(table) {
    if (table.points.length === 0) return;
    const from = this.times.findIndex(time => time >= table.points[0][0] / 1000);
    if (from >= 0) this.#cut(from, Infinity);
    this.add(table);
  }

  /** @param table Columns, ids of replicas, and points as GET /admin/state has them. */
  add({ columns, replicas, points }) {
    for (const point of points) {
      const at = point[0] / 1000;
      const behind = (this.times.at(-1) ?? -Infinity) - at;
      // After a reconnection points come twice. Where the gateway's clock was set back, what was later than now goes: an axis of time has no place for it.
      if (behind >= 0 && behind < 5) continue;
      if (behind >= 5) this.#cut(this.times.findIndex(time => time >= at), Infinity);
      columns.forEach((name, index) => {
        if (index > 0) (this.columns[name] ??= new Array(this.times.length).fill(null)).push(point[index]);
      });
      for (const [index, streams, memory] of point[columns.length]) {
        const id = replicas[index];
        let known = this.replicas.get(id);
        if (!known) {
          const none = () => new Array(this.times.length).fill(null);
          this.replicas.set(id, known = { streams: none(), memory: none() });
        }
        known.streams.push(streams);
        known.memory.push(memory);
        known.last = at;
      }
      this.times.push(at);
      for (const known of this.replicas.values()) {
        if (known.streams.length < this.times.length) {
          known.streams.push(null);
          known.memory.push(null);
        }
      }
    }
    const first = (this.times.at(-1) ?? 0) - span;
    let drop = 0;
    while (drop < this.times.length && this.times[drop] < first) drop++;
    if (drop === 0) return;
    this.#cut(0, drop);
    for (const [id, known] of this.replicas) {
      if (known.last < first) this.replicas.delete(id);
    }
  }

  #cut(from, count) {
    this.times.splice(from, count);
    Object.values(this.columns).forEach(values => values.splice(from, count));
    for (const known of this.replicas.values()) {
      known.streams.splice(from, count);
      known.memory.splice(from, count);
    }
  }
}

/** A chart with a legend that has the newest values, or those under the cursor. */
export class Chart {
  #figure;
  #plot;
  #legend;
  #chart;
  #series = [];
  #values = [];
  #names = "";
  #drawn = 0;

  /**
   * @param place Where it goes.
   * @param options title; format(value) → text; stacked; wide; least: the smallest top of the scale; steps of it, where powers of ten are odd.
   */
  constructor(place, options) {
    this.options = options;
    this.#figure = element("figure", undefined, `card chart${options.wide ? " wide" : ""}`);
    const caption = element("figcaption");
    caption.append(element("h3", options.title), this.#legend = element("ul", undefined, "legend"));
    this.#plot = element("div", undefined, "plot");
    this.#plot.setAttribute("role", "img");
    this.#figure.append(caption, this.#plot);
    place.append(this.#figure);
    charts.add(this);
    new ResizeObserver(() => this.#chart?.setSize(this.#size())).observe(this.#plot);
  }

  /**
   * @param times In seconds.
   * @param series [{ label, values }]
   */
  show(times, series) {
    this.#series = series;
    this.#values = series.map(one => one.values);
    const names = JSON.stringify(series.map(one => one.label));
    const data = [times, ...this.options.stacked ? stack(this.#values) : this.#values];
    if (names !== this.#names || !this.#chart) {
      this.#names = names;
      this.#build(data);
    } else this.#chart.setData(data);
    this.#legendValues();
    if (this.#drawn++ % 10 === 0) this.#plot.setAttribute("aria-label", this.#inWords());
  }

  rebuild() {
    if (this.#chart) this.#build(this.#chart.data);
  }

  #size() {
    return { width: Math.max(200, this.#plot.clientWidth), height: this.#plot.clientHeight };
  }

  #build(data) {
    this.#chart?.destroy();
    const { stacked, format, least = 1 } = this.options;
    const soft = colour("--soft");
    const line = colour("--line");
    const strokes = this.#series.map((_, index) => colour(`--c${index % colours + 1}`));
    const axis = { stroke: soft, font: "11px system-ui", grid: { stroke: line, width: 1 }, ticks: { show: false }, border: { show: false } };
    this.#chart = new uPlot({
      ...this.#size(),
      padding: [6, 18, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: !stacked, size: 6 }, sync: { key: sync.key } },
      scales: {
        x: { time: true, range: () => [(this.#chart?.data[0].at(-1) ?? data[0].at(-1) ?? Date.now() / 1000) - span, this.#chart?.data[0].at(-1) ?? data[0].at(-1) ?? Date.now() / 1000] },
        y: { range: (_, __, most) => [0, Math.max(least, (most ?? 0) * 1.08)] },
      },
      axes: [
        { ...axis, size: 26, gap: 4, space: 70, values: (_, ticks) => ticks.map(at => new Date(at * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })), incrs: [60, 180, 300, 900] },
        { ...axis, size: 54, gap: 4, space: 34, incrs: this.options.steps, values: (_, ticks) => ticks.map(value => value === 0 ? "0" : format(value)) },
      ],
      series: [{}, ...strokes.map((stroke, index) => ({
        stroke, width: stacked ? 1 : 1.6, points: { show: false },
        ...stacked ? { fill: index === 0 ? `${stroke}55` : undefined } : strokes.length === 1 ? { fill: `${stroke}22` } : {},
      }))],
      bands: stacked ? strokes.slice(1).map((stroke, index) => ({ series: [index + 2, index + 1], fill: `${stroke}55` })) : [],
      hooks: { setCursor: [() => this.#legendValues()] },
    }, data, this.#plot);
    this.#legend.replaceChildren(...this.#series.map(({ label }, index) => {
      const item = element("li");
      item.append(element("span", undefined, `dot c${index % colours + 1}`), element("span", label), element("b"));
      return item;
    }));
  }

  #legendValues() {
    // While it is built there is none.
    const at = this.#chart?.cursor.idx ?? this.#values[0]?.length - 1;
    this.#values.forEach((values, index) => {
      const place = this.#legend.children[index]?.lastChild;
      const text = values[at] === null || values[at] === undefined ? "–" : this.options.format(values[at]);
      if (place && place.textContent !== text) place.textContent = text;
    });
  }

  #inWords() {
    return `${this.options.title}, the last 15 minutes. ${this.#series.map(({ label, values }) => {
      const known = values.filter(value => value !== null && value !== undefined);
      return known.length
        ? `${label}: now ${this.options.format(known.at(-1))}, between ${this.options.format(Math.min(...known))} and ${this.options.format(Math.max(...known))}`
        : `${label}: nothing`;
    }).join(". ")}.`;
  }
}

function stack(all) {
  const sums = [];
  let below = null;
  for (const values of all) {
    const sum = values.map((value, index) => (value ?? 0) + (below ? below[index] : 0));
    sums.push(sum);
    below = sum;
  }
  return sums;
}
