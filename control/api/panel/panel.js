// The panel asks what anybody may ask of this server, and shows it. Whatever came from outside (keys, lines, errors)
// becomes text, never markup.

const REFRESH_MS = 10_000;
const LINES = 1000;
const MESSAGES = 10;
const $ = (id) => document.getElementById(id);
let busy = false;
let answered = "";

// The address bar gives the token once; it then lives as long as this tab.
if (location.hash.startsWith("#token=")) {
  sessionStorage.setItem("token", decodeURIComponent(location.hash.slice("#token=".length)));
  history.replaceState(null, "", location.pathname);
}

class Problem extends Error {
  constructor(status, { detail, hint }) {
    super(hint ? `${detail}\nTry: ${hint}` : detail);
    this.status = status;
  }
}

async function call(path, { query = {}, body } = {}) {
  const address = `${path}?${new URLSearchParams(query)}`;
  const headers = { Authorization: `Bearer ${sessionStorage.getItem("token") ?? ""}` };
  const options = body ? { method: "POST", body: JSON.stringify(body), headers: { ...headers, "Content-Type": "application/json" } } : { headers };
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Problem(0, { detail: "The server does not answer.", hint: "dm serve" });
  }
  const value = await response.json().catch(() => null);
  if (value === null) throw new Problem(0, { detail: `The server answered ${response.status}, not in JSON.`, hint: "the log of dm serve" });
  if (!response.ok) throw new Problem(response.status, value);
  return value;
}

// As `dm` prints it: what is not seen, or turns the text around it, is written out.
const printable = (text) => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) =>
  c === "\n" ? c : `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  const given = children.filter((child) => child !== null && child !== undefined);
  element.append(...given.map((child) => (child instanceof Node ? child : printable(String(child)))));
  return element;
}

function table(label, columns, rows) {
  const head = columns.map(([name, kind]) => make("th", { scope: "col", className: kind ?? "" }, name));
  const lines = rows.map((cells) =>
    make("tr", {}, ...cells.map((cell, place) => make("td", { className: columns[place][1] ?? "" }, ...[cell].flat()))));
  return make("div", { className: "wide", tabIndex: 0, role: "region", ariaLabel: label },
    make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...lines)));
}

const number = (value) => (value ?? 0).toLocaleString("en");
const code = (text) => make("code", {}, text);
const chip = (text, kind) => make("span", { className: `chip ${kind}` }, text);
const deed = (name, title, act) => make("button", { type: "button", title: printable(title), onclick: act, disabled: busy }, name);
const quiet = (text) => make("p", { className: "small" }, text);

// Put what is wrong before the rest; otherwise the order stays.
const wrongFirst = (all, isWrong) => [...all.filter(isWrong), ...all.filter((one) => !isWrong(one))];

// Where the focus is in a section, so that whoever uses a keyboard finds it there when the section is new.
function focused() {
  const section = document.activeElement.closest("#sections section");
  const all = section ? [...section.querySelectorAll("button, .wide")] : [document.activeElement];
  return { section, title: document.activeElement.title, place: all.indexOf(document.activeElement) };
}

function focusAgain({ section, title, place }, element) {
  const all = section ? [...section.querySelectorAll("button, .wide")] : [element];
  (all.find((one) => title && one.title === title) ?? all[Math.min(place, all.length - 1)])?.focus({ preventScroll: true });
}

function fill(id, ...content) {
  const before = $(id).contains(document.activeElement) ? focused() : null;
  const left = [...$(id).querySelectorAll(".wide")].map((one) => one.scrollLeft);
  $(id).replaceChildren(...content);
  $(id).querySelectorAll(".wide").forEach((one, place) => { one.scrollLeft = left[place] ?? 0; });
  if (before) focusAgain(before);
}

function span(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

// Behind the tables stand folders of raw/ that belong to none, and tables that are stopped, with nothing but a warning.
const isTable = (one) => !one.stopped && !one.stray.some((stray) => stray.code === "raw.unknown_table");

function showTables(tables) {
  const rows = wrongFirst(tables.filter(isTable), (one) => one.broken.length).map((one) => [
    make("strong", {}, one.table),
    one.last_batch ?? "-",
    one.age_seconds === null ? "never" : `${span(one.age_seconds)} ago`,
    Object.entries(one.files).map(([state, count]) => `${number(count)} ${state}`).join(", ") || "-",
    number(one.records), number(one.rows), number(one.quarantined), number(one.control),
    one.lag_seconds ? span(one.lag_seconds) : "-",
    one.last_batch === null ? "-" : one.broken.length ? chip("broken", "late") : chip("kept", "ok"),
  ]);
  const columns = [["table"], ["batch", "number"], ["published"], ["files"], ["records", "number"], ["rows", "number"],
    ["quarantined", "number"], ["control", "number"], ["lag"], ["promises"]];
  const warnings = wrongFirst(tables.flatMap((one) => [
    ...one.broken.map((text) => ["late", `${one.table}: ${text}`]),
    ...one.warnings.map((text) => ["warn", `${one.table}: ${text}`]),
    ...(one.waived_records ? [["warn", `${one.table}: silver leaves out ${number(one.waived_records)} of its records`]] : []),
  ]), ([kind]) => kind === "late");
  fill("tables",
    rows.length ? table("Tables", columns, rows) : quiet("Nothing was ingested yet."),
    make("ul", { className: "warnings" }, ...warnings.map(([kind, text]) => make("li", { className: kind }, text))));
}

function showFailed(found) {
  const files = found.slice(0, LINES).filter((file) => !file.waived);
  const rows = files.map((file) => {
    const about = `${file.key} of ${file.table}`;
    return [file.table, code(file.key), file.error, [
      deed("Redrive", `Try ${about} again`, () =>
        ask("Redrive", about, (reason) => ["/files/redrive", { file_ids: [file.file_id], reason }])),
      waiving(file.file_id, about)]];
  });
  fill("failed",
    files.length ? table("Raw files that failed", [["table"], ["key"], ["error"], ["", "deeds"]], rows) : quiet("None."),
    found.length > LINES ? quiet(`Of the first ${number(LINES)} failed files. There are more: dm files list --state failed`) : "");
}

function showHeld(records) {
  const rows = records.map((one) => {
    const about = `the record of ${one.state_table} with key ${one.key}`;
    return [one.table, code(one.state_table), code(String(one.key)), number(one.batch), code(one.place.slice(0, 12)), [
      deed("Waive", `Leave out ${about}`, () =>
        ask("Waive", about, (reason, until) => ["/quarantine/waive", { ids: [one.place], reason, until }], true))]];
  });
  const columns = [["table"], ["state table"], ["key"], ["batch", "number"], ["place"], ["", "deeds"]];
  fill("held", records.length ? table("Records that silver refuses", columns, rows) : quiet("None."));
}

// People act on a file as a whole, so its lines are one row: how many for which reason, and the first of them.
function showRefused(entries) {
  const files = Map.groupBy(entries.slice(0, LINES), (entry) => entry.file_id);
  const rows = [...files].map(([id, lines]) => {
    const [first] = lines;
    const about = `${first.key} of ${first.table}`;
    const reasons = [...Map.groupBy(lines, (line) => line.reason)].map(([reason, of]) =>
      chip(of.length > 1 ? `${reason} × ${number(of.length)}` : reason, "warn"));
    return [first.table, code(first.key), first.line ? number(lines.length) : "all", reasons.flatMap((one) => [one, " "]),
      [first.line ? quiet(`line ${number(first.line)}`) : null, code(record(first))], [
        deed("Replay", `Ingest ${about} again`, () =>
          ask("Replay", about, (reason) => ["/quarantine/replay", { file_ids: [id], reason }])),
        waiving(id, about)]];
  });
  const columns = [["table"], ["key"], ["lines", "number"], ["reasons"], ["first of them"], ["", "deeds"]];
  fill("refused",
    entries.length ? table("Raw files with refused records", columns, rows) : quiet("Nothing is in quarantine."),
    entries.length > LINES ? quiet(`Of the first ${number(LINES)} refused lines. There are more: dm quarantine list --limit 0`) : "");
}

const record = (line) => (line.masked ? "(masked)" : (line.raw || line.detail || "").slice(0, 100));

const waiving = (id, about) => deed("Waive", `Take the loss of ${about}`, () =>
  ask("Waive", `what was refused of ${about}`, (reason) => ["/quarantine/waive", { ids: [id], reason }]));

function ask(verb, about, toCall, withDay = false) {
  $("ask-title").textContent = verb;
  $("ask-about").textContent = printable(about);
  $("yes").textContent = verb;
  $("reason").value = "";
  $("until-row").hidden = !withDay;
  $("until").required = withDay;
  $("answer").onsubmit = (event) => {
    event.preventDefault();
    $("ask").close();
    const [path, body] = toCall($("reason").value, $("until").value);
    act(`${verb}: ${about}`, path, body, () => ({ text: verb === "Waive" ? "Done." : "“Ingest now” does it.", kind: "ok" }));
  };
  $("ask").showModal();
}

async function act(what, path, body, told) {
  say(`${what} …`, "ok");
  const [pressed, before] = [document.activeElement, focused()];
  occupy(true);
  try {
    const { text, kind } = told(await call(path, { body }));
    say(`${what}. ${text}`, kind);
  } catch (error) {
    say(`${what}: ${error.message}`, "late");
  } finally {
    occupy(false);
    setTimeout(() => delete $("said").dataset.fresh, REFRESH_MS);
  }
  await refresh();
  if (document.activeElement === document.body) focusAgain(before, pressed);
}

function occupy(now) {
  busy = now;
  for (const button of document.querySelectorAll("button")) button.disabled = now;
}

function say(text, kind) {
  $("said").textContent = printable(text);
  $("said").className = kind;
  $("said").dataset.fresh = "";
}

function outcome({ registered, batches, findings }) {
  const published = batches.filter((batch) => batch.state === "published");
  const rows = published.reduce((sum, batch) => sum + batch.rows, 0);
  const isError = (finding) => finding.severity === "error";
  const lines = wrongFirst(findings, isError).slice(0, MESSAGES).map((finding) => `${finding.severity}: ${finding.where}: ${finding.message}`);
  const counts = `${registered} new file(s), ${published.length} batch(es) with ${number(rows)} rows published.`;
  const failed = findings.some(isError);
  if (findings.length > MESSAGES) lines.push(`… and ${number(findings.length - MESSAGES)} more`);
  return { text: [counts, ...lines].join("\n"), kind: failed ? "late" : findings.length ? "warn" : "ok" };
}

const SECTIONS = [
  ["tables", "/status", {}, showTables],
  ["failed", "/files/list", { state: "failed", limit: LINES + 1 }, showFailed],
  ["held", "/quarantine/held", {}, showHeld],
  ["refused", "/quarantine/list", { limit: LINES + 1 }, showRefused],
];

async function refresh() {
  const outcomes = await Promise.all(SECTIONS.map(async ([id, path, query, show]) => {
    try {
      show(await call(path, { query }));
      return 200;
    } catch (error) {
      if (error.status !== 401) fill(id, make("p", { className: "late" }, error.message));
      return error.status;
    }
  }));
  const locked = outcomes.includes(401);
  $("door").hidden = !locked;
  $("wrong").hidden = !sessionStorage.getItem("token");
  $("sections").hidden = $("ingest").hidden = locked;
  if (outcomes.includes(200)) answered = `As of ${new Date().toLocaleTimeString("en-GB")}`;
  $("seen").textContent = locked ? "" : answered;
}

$("ingest").onclick = () => act("Ingest", "/ingest/run", { until_idle: true }, outcome);
$("no").onclick = () => $("ask").close();
$("door").onsubmit = (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", $("token").value);
  refresh();
};

// One look after the other, and none while somebody is asked or nobody looks.
async function watch() {
  if (!document.hidden && !$("ask").open) await refresh();
  setTimeout(watch, REFRESH_MS);
}
watch();
