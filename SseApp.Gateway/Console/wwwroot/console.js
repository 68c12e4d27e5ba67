import { $, clock, count, element, pill, wait } from "./common.js";

const healthMs = 5000;
const keptEvents = 200;
const keptIds = 20_000;
const cutMs = 5000;
const checkMs = 500;
const paceMs = 200;
// The console is at "/", or in "console/" below the gateway; either may be behind a prefix of another proxy.
const gateway = location.pathname.replace(/(console\/)?(index\.html)?$/, "");

// Health

const moods = { healthy: "good", degraded: "warn", unhealthy: "bad" };

async function pollHealth() {
  try {
    const { status } = await (await fetch(`${gateway}health`, { headers: { accept: "application/json" } })).json();
    pill($("cluster"), status, moods[status]);
  } catch {
    pill($("cluster"), "gateway unreachable", "bad");
  }
  setTimeout(pollHealth, healthMs);
}

// Session

// What to do, where it is not plain what a reason means.
const advice = {
  "no-credentials": "sign in",
  "token-expired": "sign in with a new token",
  "token-revoked": "the session has ended; sign in with a new token",
  "token-invalid": "sign in with another token",
  "topic-denied": "this token does not let you use the topic",
  "auth-unavailable": "the issuer of the token cannot be reached; trying again",
  "foreign-origin": "this page's origin is not the gateway's own",
};

const why = ({ reason, topic }) => `${reason}${topic ? ` '${topic}'` : ""}${advice[reason] ? `: ${advice[reason]}` : ""}`;

// The token is sent once and kept by the browser, in a cookie that this script cannot read.
async function showSession(problem) {
  try {
    const response = await fetch(`${gateway}whoami`, { headers: { accept: "application/json" }, cache: "no-store" });
    const body = await response.json();
    const known = response.ok && body.kind !== "anonymous";
    if (!known && !body.warning && !body.reason) return false;
    $("session-section").hidden = false;
    $("sign-in").hidden = response.ok && !known;
    $("sign-out").hidden = !known;
    pill($("session"), known ? "signed in" : response.ok ? "open to everybody" : "signed out", known ? "good" : "warn");
    $("who").className = `note ${problem ? "bad" : ""}`;
    $("who").textContent = problem
      ?? body.warning
      ?? (known ? `${body.name ?? "Somebody without a name"}${body.expiresAt ? `, until ${new Date(body.expiresAt).toLocaleString()}` : ""}.` : `Not signed in: ${why(body)}.`);
    return known;
  } catch {
    // The gateway cannot be reached, which the state of the cluster says.
    return false;
  }
}

$("sign-in").addEventListener("submit", async submit => {
  submit.preventDefault();
  const token = new FormData(submit.target).get("token").trim();
  let problem;
  try {
    const response = await fetch(`${gateway}session`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
    if (response.ok) submit.target.reset();
    else {
      const body = await response.json();
      problem = `Not signed in: ${body.detail ?? body.title ?? response.status}`;
    }
  } catch (error) {
    problem = `Not signed in: ${error.message}`;
  }
  const known = await showSession(problem);
  if (!problem && !known) await showSession("Not signed in: the browser did not keep the cookie, which needs HTTPS.");
  // Refused ones would come back by themselves, but not at once.
  if (known && source && $("state").textContent !== "open") reopen();
});

$("sign-out").addEventListener("click", async () => {
  let problem;
  try {
    await fetch(`${gateway}session`, { method: "DELETE" });
    if (source) close("Signed out.");
  } catch (error) {
    problem = `Not signed out: ${error.message}`;
  }
  await showSession(problem);
});

// Publish

async function publish(form, data) {
  const query = form.get("event") ? `?event=${encodeURIComponent(form.get("event"))}` : "";
  const result = $("published");
  try {
    const response = await fetch(`${gateway}topics/${encodeURIComponent(form.get("topic"))}/events${query}`, {
      method: "POST",
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: data,
    });
    const body = await response.json();
    result.className = response.ok ? "good" : "bad";
    result.textContent = response.ok
      ? `Published, offset ${body.offset}`
      : `${response.status}: ${body.detail ?? body.title ?? "refused"}`;
  } catch (error) {
    result.className = "bad";
    result.textContent = `Not published: ${error.message}`;
    return false;
  }
  if (result.className === "bad") showSession();
  return result.className === "good";
}

$("publish").addEventListener("submit", submit => {
  submit.preventDefault();
  const form = new FormData(submit.target);
  publish(form, form.get("data"));
});

let pacing;

$("pace").addEventListener("click", async () => {
  if (pacing) {
    pacing = undefined;
    return;
  }
  if (!$("publish").reportValidity()) return;
  const mine = pacing = {};
  $("pace").setAttribute("aria-pressed", "true");
  $("pace").textContent = "Stop";
  // What fails, as while a replica is killed, is tried again, and the number says how many there are.
  for (let number = 1; pacing === mine;) {
    if (await publish(new FormData($("publish")), JSON.stringify({ number }))) number++;
    await wait(paceMs);
  }
  $("pace").setAttribute("aria-pressed", "false");
  $("pace").textContent = "Five a second";
});

// Live stream

let source;
let topics = [];
let replica = "";
let last = "";
let opened = false;
let cutting;

// The proof: ids that came, and what the log has. An id is opaque here; the gateway says which offsets it stands for.
let seen = new Set();
let proof;

function resetProof() {
  seen = new Set();
  proof = { received: 0, repeated: 0, missed: 0, caught: 0, lost: 0, from: null, unheard: new Set(), away: null, behind: 0 };
  showProof();
}

function showProof() {
  for (const name of ["received", "missed", "caught", "repeated", "lost"]) $(name).textContent = count(proof[name]);
  $("repeated").className = proof.repeated ? "bad" : "";
  $("lost").className = proof.lost ? "bad" : "";
  $("caught").className = proof.missed && proof.caught === proof.missed ? "good" : "";
}

const positionOf = async (names, id) => {
  const query = [...names.map(name => `topic=${encodeURIComponent(name)}`), `lastEventId=${encodeURIComponent(id)}`].join("&");
  const response = await fetch(`${gateway}events/position?${query}`, { headers: { accept: "application/json" }, cache: "no-store" });
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail ?? body.title ?? `The gateway answered ${response.status}.`);
  return body;
};

const offsets = position => position.known ? new Map(position.topics.map(topic => [topic.topic, topic.offset])) : null;
const sum = map => [...map.values()].reduce((total, offset) => total + offset, 0);

let checking;

/**
 * An EventSource hands over only types that it has a listener for. What came under others was no loss, and is listened for from now on.
 */
async function findUnheard(mine, to) {
  for (const [topic, from] of mine.from) {
    if (to.get(topic) <= from) continue;
    const response = await fetch(`${gateway}topics/${encodeURIComponent(topic)}/events?after=${from}&limit=1000`, { headers: { accept: "application/json" } });
    if (!response.ok) continue;
    const before = new Set(heard);
    for (const { offset, event } of (await response.json()).events) {
      if (!event || event === "message" || offset > to.get(topic) || (before.has(event) && !mine.unheard.has(`${topic} ${offset}`))) continue;
      mine.unheard.add(`${topic} ${offset}`);
      listen(event);
    }
  }
}

// Soon after events came, not for each of them.
function check() {
  checking ??= setTimeout(async () => {
    checking = undefined;
    const mine = proof;
    const [id, received] = [last, proof.received - proof.repeated];
    try {
      if (!id || mine.from === null) return;
      const now = offsets(await positionOf(topics, id));
      if (mine !== proof || now === null) return;
      // What the log counts between the two ids, and what came.
      const missing = () => Math.max(0, sum(now) - sum(mine.from) - received - mine.unheard.size);
      if (missing() > 0) await findUnheard(mine, now);
      proof.lost = missing();
      showProof();
    } catch {
      // It is counted with the next event.
    }
  }, checkMs);
}

/** What the stream missed while it was away: what a resume from its last id gives at this moment. */
async function resumed(id) {
  const mine = proof;
  const before = proof.received - proof.repeated;
  try {
    const position = await positionOf(topics, id);
    if (mine !== proof || !position.known) return;
    proof.behind = position.topics.reduce((sum, topic) => sum + topic.events, 0);
    proof.missed += proof.behind;
    // Some are here by now.
    proof.base = proof.away ?? before;
    catchUp();
  } catch {
    // Redis is away, or all replicas: then the next open says it.
  }
}

function catchUp() {
  if (!proof.behind) return;
  const come = proof.received - proof.repeated - proof.base;
  const now = Math.min(proof.behind, come);
  proof.caught = proof.missed - proof.behind + now;
  if (now === proof.behind) proof.behind = 0;
  showProof();
}

function show(event) {
  const id = event.lastEventId;
  const again = id && event.type !== "stream.open" && seen.has(id);
  if (event.type !== "stream.open") {
    if (event.type !== "stream.gap") {
      proof.received++;
      if (again) proof.repeated++;
      catchUp();
      showProof();
    }
    seen.add(id);
    if (seen.size > keptIds) seen.delete(seen.values().next().value);
    check();
  }
  last = id || last;
  const item = element("li", undefined, again ? "again" : "");
  const time = element("time", clock(Date.now()));
  item.append(time, element("b", event.type), element("span", event.data, "data"));
  if (id) item.append(element("span", `id ${id} · ${replica}${again ? " · came before" : ""}`, "id"));
  $("events").prepend(item);
  while ($("events").children.length > keptEvents) $("events").lastChild.remove();
  $("events").hidden = false;
  $("events-empty").hidden = true;
}

function close(text = "Not connected.") {
  source?.close();
  source = undefined;
  clearTimeout(cutting);
  cutting = undefined;
  $("toggle").textContent = "Subscribe";
  $("cut").disabled = true;
  $("served").textContent = text;
  pill($("state"), "closed");
}

function reopen() {
  source.close();
  open(begins());
}

// A page that was away says where it was; a native EventSource does so by itself when it reconnects.
const begins = () => last ? `lastEventId=${encodeURIComponent(last)}` : $("subscribe").elements.start.value;

function open(start) {
  const query = [...topics.map(topic => `topic=${encodeURIComponent(topic)}`), start].filter(Boolean).join("&");
  source = new EventSource(`${gateway}events?${query}`);
  $("toggle").textContent = "Unsubscribe";
  pill($("state"), "connecting", "warn");
  source.onerror = () => {
    if (source?.readyState === EventSource.CLOSED) close("The stream was refused; check the names of the topics.");
    // Why it was refused stays until it is open.
    else if ($("state").textContent !== "refused") pill($("state"), "reconnecting", "warn");
    proof.away ??= opened ? proof.received - proof.repeated : null;
  };
  source.onmessage = show;
  source.addEventListener("stream.open", async event => {
    const body = JSON.parse(event.data);
    replica = body.replica;
    pill($("state"), "open", "good");
    $("cut").disabled = false;
    $("served").textContent = `Served by ${replica}${body.connection ? `, connection ${body.connection}` : ""}.`;
    const was = last;
    const returned = opened && was;
    opened = true;
    show(event);
    if (returned) {
      await resumed(was);
      proof.away = null;
    } else if (proof.from === null && event.lastEventId) {
      const mine = proof;
      // With a history the stream begins before what it is counted from.
      proof.from = offsets(await positionOf(topics, event.lastEventId).catch(() => ({ known: false })));
      if (mine === proof && proof.from !== null) check();
    }
  });
  source.addEventListener("stream.unavailable", event => {
    const { reason, retryAfterMs } = JSON.parse(event.data);
    $("served").textContent = `Unavailable (${reason}); reconnecting in ${(retryAfterMs / 1000).toFixed(1)} s.`;
    pill($("state"), "unavailable", "bad");
  });
  source.addEventListener("stream.unauthorized", event => {
    const refused = JSON.parse(event.data);
    $("served").textContent = `Refused (${why(refused)}). Reconnecting in ${(refused.retryAfterMs / 1000).toFixed(0)} s.`;
    pill($("state"), "refused", "bad");
    showSession();
  });
  source.addEventListener("stream.token-expiring", event => {
    $("served").textContent = `The session ends at ${new Date(JSON.parse(event.data).expiresAt).toLocaleTimeString()}; sign in with a new token to go on.`;
  });
  source.addEventListener("stream.gap", show);
  for (const type of heard) source.addEventListener(type, show);
}

// The one in the publish form is the likely one; others are found when they are missed.
const heard = new Set();

function listen(type) {
  if (!type || type === "message" || type.startsWith("stream.") || heard.has(type)) return;
  heard.add(type);
  source?.addEventListener(type, show);
}

$("publish").elements.event.addEventListener("input", () => listen($("publish").elements.event.value.trim()));

$("subscribe").addEventListener("submit", submit => {
  submit.preventDefault();
  if (source || cutting) close();
  else {
    topics = [...new Set(new FormData(submit.target).get("topic").trim().split(/\s+/))];
    last = "";
    opened = false;
    resetProof();
    open($("subscribe").elements.start.value);
  }
});

$("cut").addEventListener("click", () => {
  source.close();
  source = undefined;
  $("cut").disabled = true;
  proof.away = proof.received - proof.repeated;
  pill($("state"), "cut", "bad");
  $("served").textContent = `Cut at ${clock(Date.now())}. Events go on; the stream resumes in ${cutMs / 1000} s from the id that came last.`;
  cutting = setTimeout(() => {
    cutting = undefined;
    open(begins());
  }, cutMs);
});

$("clear").addEventListener("click", () => {
  $("events").replaceChildren();
  $("events").hidden = true;
  $("events-empty").hidden = false;
});

// What an id means

const gaps = {
  expired: "the log no longer has these events",
  epoch: "the log that it is of is gone",
  "unknown-position": "it says nothing about this topic",
};

const events = number => `${count(number)} event${number === 1 ? "" : "s"}`;

const resumes = ({ events: number, gap }) => gap
  ? `a gap (${gap.reason}: ${gaps[gap.reason] ?? ""}${gap.from !== null ? `, ${gap.from} to ${gap.to ?? "?"}` : ""}), then ${events(number)}`
  : number ? events(number) : "nothing: it is the newest";

$("explain").addEventListener("submit", async submit => {
  submit.preventDefault();
  const form = new FormData(submit.target);
  const place = $("meaning");
  try {
    const position = await positionOf([...new Set(form.get("topics").trim().split(/\s+/))], form.get("id").trim());
    const parts = position.known ? [] : [element("p", "This is no id of a stream of exactly these topics: it is damaged, or of other topics.", "warn")];
    for (const topic of position.topics) {
      const list = element("dl", undefined, "meaning");
      for (const [name, value] of [
        ["Topic", topic.topic],
        ["Epoch", topic.epoch ? `${topic.epoch}${topic.sameEpoch === false ? ", not the id's" : ""}` : "no log"],
        ["Offset", topic.offset ?? "–"],
        ["Log", topic.lastOffset ? `${topic.firstOffset} to ${topic.lastOffset}` : "empty"],
        ["A resume gives", resumes(topic)],
      ]) list.append(element("dt", name), element("dd", value, name === "A resume gives" && topic.gap ? "warn" : ""));
      parts.push(list);
    }
    place.replaceChildren(...parts);
  } catch (error) {
    place.replaceChildren(element("p", `Not explained: ${error.message}`, "bad"));
  }
});

$("newest").addEventListener("click", () => {
  if (topics.length) $("explain").elements.topics.value = topics.join(" ");
  $("explain").elements.id.value = last;
  if (last) $("explain").requestSubmit();
  else $("meaning").replaceChildren(element("p", "No event has come yet.", "soft"));
});

resetProof();
pollHealth();
showSession();
