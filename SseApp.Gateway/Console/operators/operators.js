import { $, Rows, blocks, bytes, clock, compact, count, duration, element, milliseconds, pill, rate, say, since, timeElement, wait } from "./common.js";
import { Chart, History } from "./charts.js";

const silentMs = 6000;
const pollMs = 4000;
const streamsPage = 50;
const views = ["overview", "topics", "streams", "alerts", "actions"];

// The key comes in the fragment, which no browser sends anywhere, and leaves the address bar and the history at once.
const stored = "sseapp.operator-key";
// A header takes no other characters.
const clean = text => text.trim().replace(/[^\x21-\x7e]/g, "");
const given = clean(new URLSearchParams(location.hash.slice(1)).get("key") ?? "");
if (given) {
  history.replaceState(null, "", location.pathname + location.search);
  sessionStorage.setItem(stored, given);
}
let key = sessionStorage.getItem(stored);
let following;

// Views

let view;

function show() {
  const wanted = location.hash.slice(1).split("/")[0];
  view = views.includes(wanted) ? wanted : "overview";
  $("key-section").hidden = Boolean(key);
  for (const id of ["nav", "forget"]) $(id).hidden = !key;
  // No element has the name of a view as its id: a browser would scroll to it, below the head.
  for (const name of views) $(`view-${name}`).hidden = !key || name !== view;
  for (const link of $("nav").querySelectorAll("a")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${key ? `${view[0].toUpperCase()}${view.slice(1)} · ` : ""}SseApp operators`;
  if (!key) pill($("cluster"), "no key", "warn");
}

addEventListener("hashchange", () => {
  if (location.hash === "#main") return;
  show();
  scrollTo(0, 0);
  if (view === "overview") draw();
  poll();
});

function forget(text = "") {
  key = null;
  sessionStorage.removeItem(stored);
  following?.abort();
  banner();
  $("key-note").textContent = text;
  show();
}

function banner(text, mood = "warn") {
  $("banner").hidden = !text;
  if ($("banner").textContent !== (text ?? "")) $("banner").textContent = text ?? "";
  $("banner").className = `banner ${mood}`;
}

// What a credential lacks, where the answer's own words would not say what to do here.
const lacks = {
  "insufficient-scope": "This credential does not let you operate: it needs the scope sse:admin.",
  "token-expired": "The token has expired. Open the console with a new one.",
  "token-revoked": "The credential was revoked.",
};

const wrongKey = "The gateway did not accept this key. It is in the file that the gateway's log names at its start.";

async function ask(path, method = "GET") {
  const response = await fetch(`admin/${path}`, { method, headers: { accept: "application/json", authorization: `Bearer ${key}` } });
  if (response.status === 401 || response.status === 403) {
    const { reason } = await response.clone().json().catch(() => ({}));
    forget(lacks[reason] ?? wrongKey);
  }
  return response;
}

/** Does something and says how it went; the words of the answer are for people. */
async function act(path, done, method = "POST") {
  try {
    const response = await ask(path, method);
    if (response.ok) {
      say(done);
      return { ok: true };
    }
    const problem = await response.json().catch(() => ({}));
    if (problem.reason !== "last-replica") say(problem.detail ?? `The gateway answered ${response.status}.`, 12_000);
    return { ok: false, ...problem };
  } catch {
    say("The gateway does not answer. Whether it was done is not known.", 12_000);
    return { ok: false };
  }
}

function confirmed(title, text, yes) {
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  $("ask").returnValue = "no";
  $("ask").showModal();
  return new Promise(done => $("ask").addEventListener("close", () => done($("ask").returnValue === "yes"), { once: true }));
}

$("key-form").addEventListener("submit", submit => {
  submit.preventDefault();
  key = clean(new FormData(submit.target).get("key"));
  sessionStorage.setItem(stored, key);
  submit.target.reset();
  $("key-note").textContent = "";
  begin();
});

$("forget").addEventListener("click", () => forget());

// The state, a block a second

const past = new History();
let state;
let lastAt;

async function follow() {
  const mine = following = new AbortController();
  let retryMs = 1000;
  while (!mine.signal.aborted) {
    let heard = Date.now();
    delete $("banner").dataset.refused;
    const connection = new AbortController();
    const watch = setInterval(() => Date.now() - heard > silentMs && connection.abort(), 1000);
    mine.signal.addEventListener("abort", () => connection.abort(), { once: true });
    try {
      const response = await fetch("admin/state", {
        headers: { accept: "text/event-stream", authorization: `Bearer ${key}` }, cache: "no-store", signal: connection.signal,
      });
      if (response.status === 401 || response.status === 403) {
        const { reason } = await response.json().catch(() => ({}));
        forget(lacks[reason] ?? wrongKey);
        return;
      }
      if (!response.ok) throw new Error(`The gateway answered ${response.status}.`);
      for await (const block of blocks(response)) {
        heard = Date.now();
        if (block.retry) retryMs = Number(block.retry);
        if (!take(block)) return;
      }
      lost("The gateway has ended the connection.");
    } catch {
      if (mine.signal.aborted) return;
      lost("The gateway does not answer.");
    } finally {
      clearInterval(watch);
    }
    await wait(retryMs);
  }
}

function lost(text) {
  if (!key) return;
  pill($("cluster"), "gateway unreachable", "bad");
  if ($("banner").dataset.refused) return;
  banner(`${text} ${lastAt ? `What you see is from ${clock(lastAt)}; the` : "The"} console tries again by itself.`, "bad");
}

/** @returns False when the stream is over for good. */
function take({ event, data }) {
  if (!data) return true;
  const body = JSON.parse(data);
  delete $("banner").dataset.refused;
  switch (event) {
    case "history":
      past.replace(body);
      draw();
      break;
    case "state":
      state = body;
      past.add({ ...body, points: [body.point] });
      lastAt = body.point[0];
      showCluster();
      draw();
      break;
    case "alerts": showAlerts(body); break;
    case "actions": showActions(body); break;
    case "reload": showReload(body); break;
    case "stream.unavailable":
      $("banner").dataset.refused = "1";
      banner(body.reason === "viewers"
        ? "As many consoles are open at this gateway as may be (LiveState:MaxViewers). Close one that nobody looks at; this one tries again by itself."
        : "The gateway is stopping; the console tries again by itself.");
      break;
    case "stream.unauthorized":
      forget(lacks[body.reason] ?? "The credential counts no more.");
      return false;
  }
  return true;
}

// Overview

const charts = {
  streams: new Chart($("charts"), { title: "Open streams", format: compact, stacked: true, wide: true, least: 4 }),
  published: new Chart($("charts"), { title: "Events in, a second", format: rate, least: 2 }),
  delivered: new Chart($("charts"), { title: "Deliveries out, a second", format: rate, least: 2 }),
  latency: new Chart($("charts"), { title: "Publish to delivery", format: milliseconds, least: 5 }),
  connects: new Chart($("charts"), { title: "Streams opened, a second", format: rate, least: 2 }),
  trouble: new Chart($("charts"), { title: "Refusals and gaps, a second", format: rate, least: 2 }),
  memory: new Chart($("charts"), { title: "Memory", format: bytes, least: 64 * 1048576, steps: Array.from({ length: 20 }, (_, power) => 1048576 * 2 ** power) }),
};

const moods = { ready: "good", healthy: "good", starting: "warn", draining: "warn", drained: "warn", unhealthy: "bad", frozen: "bad", gone: "soft", unknown: "soft", none: "soft" };
// How many streams a replica had when its drain began, for its progress.
const drains = new Map();
const busy = new Set();

function draw() {
  if (view !== "overview" || !key || document.hidden) return;
  const { times, columns, replicas } = past;
  const list = [...replicas].sort(([a], [b]) => a < b ? -1 : 1);
  const one = (label, name) => ({ label, values: columns[name] ?? [] });
  charts.streams.show(times, list.map(([label, { streams }]) => ({ label, values: streams })));
  charts.published.show(times, [one("published", "published")]);
  charts.delivered.show(times, [one("delivered", "delivered")]);
  charts.latency.show(times, [one("p50", "p50"), one("p99", "p99")]);
  charts.connects.show(times, [one("new", "connects"), one("reconnected", "reconnects")]);
  charts.trouble.show(times, [one("refusals", "refused"), one("gaps", "gaps")]);
  charts.memory.show(times, [...list.map(([label, { memory }]) => ({ label, values: memory })), one("gateway", "gatewayMemory")]);
  if ($("minutes").open) showMinutes();
  if (!state) return;

  const newest = name => columns[name]?.at(-1) ?? null;
  const all = state.list;
  const ready = all.filter(isReady).length;
  const gaps = (columns.gaps ?? []).reduce((sum, value) => sum + (value ?? 0), 0);
  $("n-streams").textContent = count(all.reduce((sum, replica) => sum + replica.open, 0));
  $("n-delivered").textContent = rate(newest("delivered"));
  $("n-published").textContent = rate(newest("published"));
  $("n-p99").textContent = milliseconds(newest("p99"));
  $("n-refused").textContent = rate(newest("refused"));
  $("n-gaps").textContent = count(gaps);
  $("n-gaps").className = gaps >= 1 ? "bad" : "";
  $("n-ready").textContent = `${ready} of ${all.length}`;
  $("n-ready").className = all.length === 0 || ready === 0 ? "bad" : ready < all.length ? "warn" : "";
  showReplicas(all);
}

const isReady = replica => replica.state === "ready" && replica.health !== "unhealthy";

/** What is shown above every view. */
function showCluster() {
  const ready = state.list.filter(isReady).length;
  const all = state.list.length;
  pill($("cluster"), all === 0 ? "no replica" : `${ready} of ${all} ready`, ready === 0 ? "bad" : ready < all ? "warn" : "good");
  switch (state.registry) {
    case "unavailable":
      banner("Redis does not answer. Open streams stay open and the replicas below are those that were known; nothing can be published, drained or reloaded until it is back.", "bad");
      break;
    case "returning":
      banner("Redis is back; the replicas connect to it again.");
      break;
    default:
      banner();
  }
}

const replicaRows = new Rows($("replicas"), [
  { label: "Replica", className: "name", fill: (cell, row, made) => {
    if (!made) return;
    cell.append(element("span", row.id, "mono"));
    if (row.backup) cell.append(" ", element("span", "backup", "pill"));
    cell.title = row.address ?? "";
  } },
  { label: "State", fill: (cell, row, made) => {
    if (made) cell.append(element("span"));
    const word = cell.firstChild;
    if (word.textContent !== row.state) word.textContent = row.state;
    word.className = moods[row.state] ?? "";
    const drain = drains.get(row.id);
    if (row.state === "draining" && drain) {
      const bar = cell.querySelector("progress") ?? cell.appendChild(element("progress"));
      bar.setAttribute("aria-label", `${row.id}: streams that have left`);
      bar.max = drain;
      bar.value = drain - row.open;
    } else cell.querySelector("progress")?.remove();
  } },
  { label: "Health", fill: (cell, row, made) => {
    if (made) cell.append(element("span"));
    cell.firstChild.textContent = row.health ?? "";
    cell.firstChild.className = moods[row.health] ?? "";
  } },
  { label: "Streams", className: "number", text: row => row.was !== undefined ? `had ${count(row.was)}` : count(row.open) },
  { label: "Deliveries/s", className: "number", text: row => row.was !== undefined ? "" : rate(row.delivered) },
  { label: "Weight", className: "number", text: row => row.weight ?? "" },
  { label: "Memory", className: "number", text: row => row.workingSet ? bytes(row.workingSet) : "" },
  { label: "Up", className: "number", text: row => row.was !== undefined ? `${since(row.last)} ago` : since(row.startedAt) },
  // The build's commit follows the "+"; it is shown when pointed at.
  { label: "Version", className: "mono", fill: (cell, row, made) => {
    if (!made) return;
    cell.textContent = row.version?.split("+")[0] ?? "";
    cell.title = row.version ?? "";
  } },
  { label: "", className: "act", fill: (cell, row, made) => {
    if (row.was !== undefined) {
      cell.replaceChildren();
      return;
    }
    const drained = row.state === "draining" || row.state === "drained";
    const button = cell.querySelector("button") ?? cell.appendChild(element("button", "", "quiet small"));
    button.type = "button";
    const text = drained ? "Undrain" : "Drain";
    if (button.textContent !== text) button.textContent = text;
    button.setAttribute("aria-label", `${text} ${row.id}`);
    button.disabled = busy.has(row.id) || state.registry === "unavailable" || row.state === "frozen";
    button.onclick = () => drainOrBack(row.id, drained);
  } },
]);

function showReplicas(all) {
  const known = new Set(all.map(replica => replica.id));
  for (const replica of all) {
    if (replica.state === "draining") drains.set(replica.id, Math.max(drains.get(replica.id) ?? 0, replica.open));
    else drains.delete(replica.id);
  }
  // Who was here within the history and is not any more: killed, stopped, or replaced by a reload.
  const gone = [...past.replicas].filter(([id]) => !known.has(id))
    .map(([id, { streams, last }]) => ({ id, state: "gone", was: Math.max(0, ...streams.filter(value => value !== null).slice(-10)), last: new Date(last * 1000).toISOString() }))
    .sort((a, b) => b.last.localeCompare(a.last)).slice(0, 5);
  $("replicas-empty").hidden = all.length > 0;
  $("replicas").closest("table").hidden = all.length + gone.length === 0;
  $("reload").disabled = !all.some(replica => replica.state === "ready") || state.registry === "unavailable" || reloading;
  replicaRows.show([...all, ...gone], row => row.was !== undefined ? "gone" : "");
}

async function drainOrBack(id, back) {
  const path = `replicas/${encodeURIComponent(id)}`;
  busy.add(id);
  draw();
  if (back) await act(`${path}/undrain`, `${id} takes streams again.`);
  else {
    const { ok, reason, detail } = await act(`${path}/drain`, `${id} drains: its streams move to the others.`);
    if (!ok && reason === "last-replica" && await confirmed(`Drain ${id}?`, detail.replace(" Add ?force=true to drain it all the same.", ""), "Drain it all the same")) {
      await act(`${path}/drain?force=true`, `${id} drains.`);
    }
  }
  busy.delete(id);
  draw();
}

let reloading = false;

$("reload").addEventListener("click", async () => {
  const ready = state.list.filter(replica => replica.state === "ready").length;
  if (await confirmed("Reload all replicas?", `The process of each of the ${ready} replicas is replaced, one after the other. Streams reconnect to another one and miss nothing. What runs the replicas must start one that exits.`, "Reload")) {
    await act("reload", "The reload has begun.");
  }
});

function showReload(status) {
  reloading = status?.state === "running";
  $("reloading").hidden = !status || (!reloading && Date.now() - Date.parse(status.finishedAt ?? status.updatedAt) > 600_000);
  if (!status) return;
  const done = status.steps.filter(step => step.state === "succeeded").length;
  $("reload-state").textContent = reloading ? `Reloading ${done + 1 > status.steps.length ? done : done + 1} of ${status.steps.length}.` : `Reload ${status.state}.`;
  $("reload-state").className = { failed: "bad", interrupted: "warn", succeeded: "good" }[status.state] ?? "";
  $("reload-detail").textContent = status.detail;
  $("reload-progress").max = status.steps.length;
  $("reload-progress").value = done;
  $("reload-steps").replaceChildren(...status.steps.map(step => {
    const item = element("li");
    item.append(element("span", `${step.replica}: ${step.state}${step.seconds ? `, ${step.seconds.toFixed(0)} s` : ""}`, `pill ${{ succeeded: "good", failed: "bad", running: "warn", returning: "warn" }[step.state] ?? ""}`));
    return item;
  }));
}

const minuteRows = new Rows($("minute-rows"), [
  { label: "Minute", text: row => row.id },
  ...[["Streams", compact], ["Events/s", rate], ["Deliveries/s", rate], ["p50", milliseconds], ["p99", milliseconds], ["Connects/s", rate], ["Reconnects/s", rate], ["Refusals/s", rate], ["Gaps/s", rate]]
    .map(([label, format], index) => ({ label, className: "number", text: row => row.values[index] === null ? "–" : format(row.values[index]) })),
]);

function showMinutes() {
  const minutes = new Map();
  past.times.forEach((at, index) => {
    const id = new Date(at * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    if (!minutes.has(id)) minutes.set(id, []);
    minutes.get(id).push(index);
  });
  const mean = (indexes, of) => {
    const known = indexes.map(of).filter(value => value !== null && value !== undefined);
    return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
  };
  const streams = index => [...past.replicas.values()].reduce((sum, { streams }) => sum + (streams[index] ?? 0), 0);
  minuteRows.show([...minutes].reverse().map(([id, indexes]) => ({
    id,
    values: [mean(indexes, streams), ...["published", "delivered", "p50", "p99", "connects", "reconnects", "refused", "gaps"].map(name => mean(indexes, index => past.columns[name][index]))],
  })));
}

$("minutes").addEventListener("toggle", () => $("minutes").open && showMinutes());
document.addEventListener("visibilitychange", draw);

// Topics and streams are asked for while somebody looks at them

let polling = 0;

async function poll() {
  const turn = ++polling;
  while (key && turn === polling && (view === "topics" || view === "streams")) {
    if (!document.hidden) await (view === "topics" ? showTopics(turn) : showStreams(turn));
    await wait(pollMs);
  }
}

const topicRows = new Rows($("topic-rows"), [
  { label: "Topic", className: "name", fill: (cell, row, made) => made && cell.append(element("span", row.id, "mono")) },
  { label: "Subscribers", className: "number", text: row => count(row.subscribers) },
  { label: "Events/s", className: "number", text: row => rate(row.publishRate) },
  { label: "Deliveries/s", className: "number", text: row => rate(row.deliverRate) },
  { label: "First", className: "number", text: row => row.log?.epoch ? row.log.firstOffset : "–" },
  { label: "Last", className: "number", text: row => row.log?.epoch ? row.log.lastOffset : "–" },
  { label: "Newest", className: "number", text: row => row.log?.newestAt ? `${since(row.log.newestAt)} ago` : "–" },
  { label: "", className: "act", fill: (cell, row, made) => {
    if (!made) return;
    const link = element("a", "Streams");
    link.href = `#streams/${encodeURIComponent(row.id)}`;
    link.setAttribute("aria-label", `Streams of ${row.id}`);
    cell.append(link);
  } },
]);

async function showTopics(turn) {
  const prefix = $("topics-prefix").value.trim();
  try {
    const response = await ask(`topics?sort=busiest&limit=50${prefix ? `&prefix=${encodeURIComponent(prefix)}` : ""}`);
    if (turn !== polling) return;
    const body = await response.json();
    if (!response.ok) throw new Error(body.detail);
    topicRows.show(body.topics.map((topic, index) => ({ id: topic.topic, ...topic, log: body.logs?.[index] })));
    $("topics-empty").hidden = body.topics.length > 0;
    $("topic-rows").closest("table").hidden = body.topics.length === 0;
    $("topics-note").textContent = unanswered(body) + (body.logs ? "" : " No replica could read the logs.");
  } catch (error) {
    $("topics-note").textContent = problem(error);
  }
}

const unanswered = ({ unreachable }) => unreachable.length ? `These replicas did not answer, and are not in the numbers: ${unreachable.join(", ")}.` : "";
const problem = error => error instanceof TypeError ? "The gateway does not answer." : error.message || "The gateway could not say.";

const streamRows = new Rows($("stream-rows"), [
  { label: "Stream", className: "name", fill: (cell, row, made) => made && cell.append(element("span", row.id, "mono")) },
  { label: "Client", className: "mono", text: row => row.client ?? "unknown" },
  { label: "Replica", className: "mono", text: row => row.replica },
  { label: "Topics", className: "name", fill: (cell, row, made) => {
    if (!made) return;
    cell.textContent = row.topics.slice(0, 3).join(", ") + (row.topics.length > 3 ? ` and ${row.topics.length - 3} more` : "");
    cell.title = row.topics.join("\n");
  } },
  { label: "Open for", className: "number", text: row => since(row.connectedAt) },
  { label: "Waits for it", className: "number", fill: (cell, row) => {
    cell.textContent = row.backlogBytes ? bytes(row.backlogBytes) : "nothing";
    cell.className = `number ${row.backlogBytes ? "warn" : "soft"}`;
  } },
  { label: "", className: "act", fill: (cell, row, made) => {
    if (!made) return;
    const button = element("button", "Disconnect", "quiet small");
    button.type = "button";
    button.setAttribute("aria-label", `Disconnect stream ${row.id}`);
    button.onclick = async () => {
      button.disabled = true;
      await act(`connections/${encodeURIComponent(row.id)}/disconnect`, "The stream was ended; its client reconnects and misses nothing.");
      button.disabled = false;
      showStreams(polling);
    };
    cell.append(button);
  } },
]);

let pages = 1;

// What somebody typed may be no escape.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function showStreams(turn) {
  const linked = decoded(location.hash.split("/").slice(1).join("/"));
  if (linked) {
    $("streams-topic").value = linked;
    history.replaceState(null, "", "#streams");
  }
  const topic = $("streams-topic").value.trim();
  try {
    const found = [];
    const unreachable = new Set();
    let next = "";
    for (let page = 0; page < pages && next !== null; page++) {
      const response = await ask(`connections?limit=${streamsPage}${topic ? `&topic=${encodeURIComponent(topic)}` : ""}${next ? `&after=${next}` : ""}`);
      if (turn !== polling) return;
      const body = await response.json();
      if (!response.ok) throw new Error(body.detail);
      found.push(...body.connections);
      body.unreachable.forEach(id => unreachable.add(id));
      next = body.next;
    }
    streamRows.show(found);
    $("streams-more").hidden = !next;
    $("streams-empty").hidden = found.length > 0;
    $("streams-why").textContent = topic ? `Nobody streams the topic ${topic}.` : "Nobody streams anything.";
    $("stream-rows").closest("table").hidden = found.length === 0;
    $("streams-note").textContent = unanswered({ unreachable: [...unreachable] });
  } catch (error) {
    $("streams-note").textContent = problem(error);
  }
}

for (const form of ["topics-form", "streams-form"]) {
  $(form).addEventListener("submit", submit => {
    submit.preventDefault();
    pages = 1;
    poll();
  });
}

$("streams-more").addEventListener("click", () => {
  pages++;
  poll();
});

// Alerts

const severities = { critical: "bad", warning: "warn" };
let runbooks;

/** The runbooks are those of this release; they come from the gateway itself, as text. */
async function runbook(rule, place) {
  try {
    runbooks ??= fetch("alerts.txt").then(response => response.ok ? response.text() : Promise.reject(new Error()));
    const section = (await runbooks).split(/^### /m).find(part => part.split("\n")[0].trim() === rule);
    const lines = section?.split("\n").slice(1).filter(line => line.startsWith("- ")) ?? [];
    place.replaceChildren(...lines.map(line => {
      const text = element("p");
      // **Means:** the rest, with `code` and [links](elsewhere).
      for (const [index, part] of line.slice(2).replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").split(/\*\*(.+?)\*\*/).entries()) {
        if (index % 2) text.append(element("b", part));
        else part.split("`").forEach((piece, place) => text.append(place % 2 ? element("code", piece) : piece));
      }
      return text;
    }));
    if (!lines.length) place.textContent = "There is no runbook of this name in this release.";
  } catch {
    runbooks = undefined;
    place.textContent = "The runbook could not be read. It is in docs/alerts.md.";
  }
}

function alertItem(alert, page) {
  const item = element("li");
  const line = element("div", undefined, "line");
  line.append(element("span", alert.severity, `pill ${severities[alert.severity] ?? ""}`), element("span", alert.summary), timeElement(alert.since));
  if (alert.endedAt) line.append(element("span", `over after ${duration((Date.parse(alert.endedAt) - Date.parse(alert.since)) / 1000)}`, "good"));
  item.append(line);
  item.title = alert.key;
  const more = element("details");
  const text = element("div", undefined, "runbook");
  more.append(element("summary", `Runbook: ${alert.rule}`), text);
  more.addEventListener("toggle", () => more.open && runbook(alert.rule, text));
  if (page && /^https?:/.test(page)) {
    const link = element("a", "The runbook's page");
    link.href = `${page.split("#")[0]}#${encodeURIComponent(alert.rule)}`;
    link.rel = "noreferrer";
    more.append(link);
  }
  item.append(more);
  return item;
}

// A list that is written anew would lose what somebody is reading or has opened.
function fill(list, alerts, page) {
  const known = new Map([...list.children].map(item => [item.dataset.alert, item]));
  list.replaceChildren(...alerts.map(alert => {
    const text = JSON.stringify(alert);
    const item = known.get(text) ?? alertItem(alert, page);
    item.dataset.alert = text;
    return item;
  }));
}

function showAlerts({ active, recent, webhook, runbooks: page }) {
  fill($("active"), active, page);
  fill($("recent"), recent, page);
  $("alerts-empty").hidden = active.length > 0;
  $("recent-card").hidden = recent.length === 0;
  $("alerts-state").hidden = active.length === 0;
  pill($("alerts-state"), String(active.length), active.some(alert => alert.severity === "critical") ? "bad" : "warn");
  $("test-alert").disabled = !webhook;
  $("test-alert").title = webhook ? "" : "No webhook is configured (Alerts:WebhookUrl).";
}

$("test-alert").addEventListener("click", async () => {
  const result = $("tested");
  result.className = "";
  result.textContent = "Sending…";
  try {
    const response = await ask("alerts/test", "POST");
    result.className = response.ok ? "good" : "bad";
    result.textContent = response.ok ? "Delivered." : (await response.json()).detail;
  } catch (error) {
    result.className = "bad";
    result.textContent = `Not sent: ${problem(error)}`;
  }
});

// What operators did

const actionRows = new Rows($("action-rows"), [
  { label: "Time", fill: (cell, row, made) => made && cell.append(timeElement(row.at)) },
  { label: "Who", text: row => `${row.who}, by ${row.credential}` },
  { label: "From", className: "mono", text: row => row.from },
  { label: "What", className: "name", fill: (cell, row, made) => made && cell.append(element("span", `${row.method} ${row.what}`, "mono")) },
  { label: "Answer", className: "number", fill: (cell, row, made) => made && cell.append(element("span", row.status, row.status < 400 ? "good" : "bad")) },
]);

function showActions(actions) {
  $("actions-empty").hidden = actions.length > 0;
  $("actions-table").hidden = actions.length === 0;
  const times = new Map();
  actionRows.show(actions.map(action => {
    // Two within the same tick are two.
    const seen = (times.get(action.at) ?? 0) + 1;
    times.set(action.at, seen);
    return { ...action, id: `${action.at} ${seen}` };
  }));
}

function begin() {
  show();
  if (!key) return;
  following?.abort();
  follow();
  poll();
}

begin();
