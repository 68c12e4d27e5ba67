const pollMs = 1000;
const keptEvents = 200;
// The console is at "/", or in "console/" below the gateway; either may be behind a prefix of another proxy.
const gateway = location.pathname.replace(/(console\/)?(index\.html)?$/, "");
const $ = id => document.getElementById(id);

function element(tag, text, className) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function pill(target, text, mood = "") {
  if (target.textContent !== text) target.textContent = text;
  target.className = `pill ${mood}`;
}

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
  try {
    const response = await fetch(gateway + "admin/replicas", { headers: { accept: "application/json" } });
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
  try {
    const response = await fetch(gateway + "admin/alerts", { headers: { accept: "application/json" } });
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
    const response = await fetch(gateway + "admin/alerts/test", { method: "POST" });
    result.className = response.ok ? "good" : "bad";
    result.textContent = response.ok ? "Delivered." : (await response.json()).detail;
  } catch (error) {
    result.className = "bad";
    result.textContent = `Not sent: ${error.message}`;
  }
});

// Publish

$("publish").addEventListener("submit", async submit => {
  submit.preventDefault();
  const form = new FormData(submit.target);
  const query = form.get("event") ? `?event=${encodeURIComponent(form.get("event"))}` : "";
  const result = $("published");
  try {
    const response = await fetch(`${gateway}topics/${encodeURIComponent(form.get("topic"))}/events${query}`, {
      method: "POST",
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: form.get("data"),
    });
    const body = await response.json();
    result.className = response.ok ? "good" : "bad";
    result.textContent = response.ok
      ? `Published, offset ${body.offset}`
      : `${response.status}: ${body.detail ?? body.title ?? "refused"}`;
  } catch (error) {
    result.className = "bad";
    result.textContent = `Not published: ${error.message}`;
  }
});

// Live stream

let source;

function show(event) {
  const item = document.createElement("li");
  item.append(
    element("time", new Date().toLocaleTimeString()),
    element("b", event.type),
    element("span", event.data, "data"));
  if (event.lastEventId) item.append(element("span", `id ${event.lastEventId}`, "id"));
  $("events").prepend(item);
  while ($("events").children.length > keptEvents) $("events").lastChild.remove();
}

function close(text = "Not connected.") {
  source?.close();
  source = undefined;
  $("toggle").textContent = "Subscribe";
  $("served").textContent = text;
  pill($("state"), "closed");
}

function open(topic) {
  source = new EventSource(`${gateway}events?topic=${encodeURIComponent(topic)}`);
  $("toggle").textContent = "Unsubscribe";
  pill($("state"), "connecting", "warn");
  source.onopen = () => pill($("state"), "open", "good");
  source.onerror = () => {
    if (source?.readyState === EventSource.CLOSED) close("The stream was refused; check the topic's name.");
    else pill($("state"), "reconnecting", "warn");
  };
  source.onmessage = show;
  source.addEventListener("stream.open", event => {
    const { replica, connection } = JSON.parse(event.data);
    $("served").textContent = `Served by ${replica}${connection ? `, connection ${connection}` : ""}.`;
    show(event);
  });
  source.addEventListener("stream.unavailable", event => {
    const { reason, retryAfterMs } = JSON.parse(event.data);
    $("served").textContent = `Unavailable (${reason}); reconnecting in ${(retryAfterMs / 1000).toFixed(1)} s.`;
    pill($("state"), "unavailable", "bad");
  });
  source.addEventListener("stream.gap", show);
  for (const type of namedTypes()) source.addEventListener(type, show);
}

// An EventSource hands over only types that it has a listener for; the one in the publish form is the likely one.
function namedTypes() {
  const type = $("publish").elements.event.value.trim();
  return type && type !== "message" && !type.startsWith("stream.") ? [type] : [];
}

$("publish").elements.event.addEventListener("change", () => {
  for (const type of namedTypes()) {
    source?.removeEventListener(type, show);
    source?.addEventListener(type, show);
  }
});

$("subscribe").addEventListener("submit", submit => {
  submit.preventDefault();
  if (source) close();
  else open(new FormData(submit.target).get("topic"));
});

$("clear").addEventListener("click", () => $("events").replaceChildren());

pollReplicas();
pollAlerts();
