import { $, element, pill } from "./common.js";

const pollMs = 1000;

// The key comes in the fragment, which no browser sends anywhere, and leaves the address bar and the history at once.
const stored = "sseapp.operator-key";
const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (location.hash) history.replaceState(null, "", location.pathname + location.search);
if (given) sessionStorage.setItem(stored, given);
let key = sessionStorage.getItem(stored);

function show() {
  $("key-section").hidden = Boolean(key);
  for (const id of ["alerts-section", "replicas-section", "forget"]) $(id).hidden = !key;
  if (!key) pill($("cluster"), "no key", "warn");
}

function forget(text = "") {
  key = null;
  sessionStorage.removeItem(stored);
  $("key-note").textContent = text;
  show();
}

async function ask(path, method = "GET") {
  const response = await fetch(`admin/${path}`, { method, headers: { accept: "application/json", authorization: `Bearer ${key}` } });
  if (response.status === 401) forget("The gateway did not accept this key. It is in the file that the gateway's log names at its start.");
  return response;
}

function begin() {
  show();
  pollReplicas();
  pollAlerts();
}

$("key-form").addEventListener("submit", submit => {
  submit.preventDefault();
  // A header takes no other characters.
  key = new FormData(submit.target).get("key").trim().replace(/[^\x21-\x7e]/g, "");
  sessionStorage.setItem(stored, key);
  submit.target.reset();
  $("key-note").textContent = "";
  begin();
});

$("forget").addEventListener("click", () => forget());

// Replicas

const moods = { ready: "good", healthy: "good", starting: "warn", draining: "warn", unhealthy: "bad" };

function duration(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

// The build's commit follows the "+"; it is shown when pointed at.
function version(text) {
  const cell = element("td", text.split("+")[0], "mono");
  cell.title = text;
  return cell;
}

function row(replica) {
  const tr = document.createElement("tr");
  const name = element("td", replica.id + (replica.backup ? " (backup)" : ""), "mono");
  name.title = replica.address;
  tr.append(
    name,
    element("td", replica.state, moods[replica.state]),
    element("td", replica.health, moods[replica.health]),
    element("td", replica.connections, "number"),
    element("td", replica.weight, "number"),
    element("td", `${(replica.workingSet / 1048576).toFixed(0)} MB`, "number"),
    element("td", duration((Date.now() - Date.parse(replica.startedAt)) / 1000), "number"),
    version(replica.version));
  return tr;
}

function note(text) {
  $("replicas-note").hidden = !text;
  $("replicas-note").textContent = text;
}

async function pollReplicas() {
  if (!key) return;
  try {
    const response = await ask("replicas");
    const body = await response.json();
    if (!response.ok) {
      note(body.detail ?? `The gateway answered ${response.status}.`);
      pill($("cluster"), "replicas not shown", "warn");
    } else {
      const ready = body.filter(replica => replica.state === "ready" && replica.health !== "unhealthy").length;
      note(body.length ? "" : "No replica is registered.");
      pill($("cluster"), `${ready} of ${body.length} ready`, ready === 0 ? "bad" : ready < body.length ? "warn" : "good");
      $("replicas").replaceChildren(...body.map(row));
    }
  } catch {
    note("The gateway does not answer.");
    pill($("cluster"), "gateway unreachable", "bad");
  }
  setTimeout(pollReplicas, pollMs);
}

// Alerts

const severities = { critical: "bad", warning: "warn" };

function alertItem(alert) {
  const item = document.createElement("li");
  const since = new Date(alert.since);
  const time = element("time", since.toLocaleString());
  time.dateTime = alert.since;
  item.append(element("b", alert.severity, severities[alert.severity]), time, element("span", alert.summary));
  if (alert.endedAt) item.append(element("span", `over after ${duration((Date.parse(alert.endedAt) - since) / 1000)}`, "good"));
  item.title = alert.key;
  return item;
}

// A list that is written anew each second would lose what somebody is reading or has selected.
function fill(list, alerts) {
  const text = JSON.stringify(alerts);
  if (list.dataset.shown === text) return;
  list.dataset.shown = text;
  list.replaceChildren(...alerts.map(alertItem));
}

async function pollAlerts() {
  if (!key) return;
  try {
    const response = await ask("alerts");
    if (response.ok) {
      const { active, recent, webhook } = await response.json();
      fill($("alerts"), active);
      fill($("recent"), recent);
      $("recent-alerts").hidden = recent.length === 0;
      $("test-alert").disabled = !webhook;
      $("test-alert").title = webhook ? "" : "No webhook is configured (Alerts:WebhookUrl).";
      const critical = active.some(alert => alert.severity === "critical");
      pill($("alerts-state"), active.length ? `${active.length} active` : "none", critical ? "bad" : active.length ? "warn" : "good");
    } else {
      pill($("alerts-state"), "not shown", "warn");
    }
  } catch {
    pill($("alerts-state"), "unknown", "warn");
  }
  setTimeout(pollAlerts, pollMs);
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
    result.textContent = `Not sent: ${error.message}`;
  }
});

begin();
