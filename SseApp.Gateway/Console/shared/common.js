export const $ = id => document.getElementById(id);

// Everything that comes from elsewhere (names of topics, addresses of clients, data of events) is text and never HTML.
export function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined && text !== null) made.textContent = text;
  if (className) made.className = className;
  return made;
}

export function pill(target, text, mood = "") {
  if (target.textContent !== text) target.textContent = text;
  if (target.className !== `pill ${mood}`) target.className = `pill ${mood}`;
}

export const wait = ms => new Promise(done => setTimeout(done, ms));

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const count = value => whole.format(value);

export const compact = value => Math.abs(value) < 10_000 ? whole.format(value) : short.format(value);

// Rates are read at a glance: one digit behind the point where it says something.
export const rate = value => value === null || value === undefined ? "–" : value > 0 && value < 10 ? value.toFixed(1) : compact(value);

export const bytes = value => value < 1024 ? `${value} B`
  : value < 1048576 ? `${(value / 1024).toFixed(0)} kB`
  : value < 1073741824 ? `${(value / 1048576).toFixed(0)} MB`
  : `${(value / 1073741824).toFixed(1)} GB`;

export const milliseconds = value => value === null || value === undefined ? "–"
  : value < 10 ? `${value.toFixed(1)} ms` : value < 10_000 ? `${whole.format(value)} ms` : `${(value / 1000).toFixed(1)} s`;

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

export const since = time => duration((Date.now() - Date.parse(time)) / 1000);

export const clock = time => new Date(time).toLocaleTimeString("en-GB");

export function timeElement(time) {
  const at = new Date(time);
  const made = element("time", at.toDateString() === new Date().toDateString() ? clock(time) : `${at.toLocaleDateString("en-CA")} ${clock(time)}`);
  made.dateTime = at.toISOString();
  return made;
}

/** Writes rows of a table in place: what has the focus or is selected stays, and so do buttons. */
export class Rows {
  #rows = new Map();

  /**
   * @param body The tbody.
   * @param columns One a cell: { label, className, text(row) → string, or fill(cell, row, made) that writes it; made: the cell is new }.
   */
  constructor(body, columns) {
    this.body = body;
    this.columns = columns;
    // Cards are no tables to a browser, but still are to who hears them.
    for (const [part, role] of [["table", "table"], ["thead", "rowgroup"], ["tbody", "rowgroup"], ["thead tr", "row"], ["th", "columnheader"]]) {
      const table = body.closest("table");
      for (const one of part === "table" ? [table] : table.querySelectorAll(part)) one.setAttribute("role", role);
    }
  }

  /** @param rows In their order; each has an id. */
  show(rows, className) {
    const seen = new Set();
    let before = null;
    for (const row of rows) {
      seen.add(row.id);
      const known = this.#rows.get(row.id);
      const tr = known ?? this.#make(row.id);
      this.columns.forEach((column, index) => {
        const cell = tr.cells[index];
        if (column.fill) column.fill(cell, row, !known);
        else {
          const text = String(column.text(row));
          if (cell.textContent !== text) cell.textContent = text;
        }
      });
      const wanted = className?.(row) ?? "";
      if (tr.className !== wanted) tr.className = wanted;
      const place = before ? before.nextSibling : this.body.firstChild;
      if (place !== tr) this.body.insertBefore(tr, place);
      before = tr;
    }
    for (const [id, tr] of this.#rows) {
      if (!seen.has(id)) {
        tr.remove();
        this.#rows.delete(id);
      }
    }
  }

  #make(id) {
    const tr = document.createElement("tr");
    tr.setAttribute("role", "row");
    for (const { label, className } of this.columns) {
      const td = element("td", undefined, className);
      td.dataset.label = label;
      td.setAttribute("role", "cell");
      tr.append(td);
    }
    this.#rows.set(id, tr);
    return tr;
  }
}

/** Says something for a while, also to who hears the page. */
export function say(text, ms = 6000) {
  const line = element("p", text);
  $("said").append(line);
  setTimeout(() => line.remove(), ms);
}

/** Reads blocks of an event stream from a response; an EventSource cannot send the key. */
export async function* blocks(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const block = { event: "message", data: "" };
      for (const line of part.split("\n")) {
        const colon = line.indexOf(": ");
        if (colon > 0) block[line.slice(0, colon)] = line.slice(colon + 2);
      }
      yield block;
    }
  }
}
