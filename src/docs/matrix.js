const words = (text) => text.split(" ").filter(Boolean);
const scenarios = words(byId("scenarios").textContent);
const rows = [...document.querySelectorAll("#matrix tbody tr")];
const entries = [...document.querySelectorAll("details.entry")];
const controls = ["search", "group", "state", "kind", "evidence"].map(byId);

// What a row can be found by: its own name, and the ids and titles of what diverges there.
const textOf = new Map();
for (const entry of entries) textOf.set(entry, entry.textContent.toLowerCase());
for (const row of rows) {
  const ids = new Set([...row.querySelectorAll("button")].flatMap((cell) => words(cell.dataset.ids)));
  const titles = [...ids].map((id) => byId(id).querySelector("summary").textContent);
  textOf.set(row, [row.querySelector("th").textContent, ...titles].join(" ").toLowerCase());
  row.ids = ids;
}

function filter() {
  const [search, group, state, kind, evidence] = controls.map((control) => control.value);
  const wanted = words(search.toLowerCase());
  const fits = (element) => wanted.every((word) => textOf.get(element).includes(word));
  const suits = (entry) =>
    (!kind || entry.dataset.kind === kind) && (!evidence || entry.dataset.evidence === evidence);
  let shown = 0;
  for (const row of rows) {
    const cells = [...row.querySelectorAll("button")];
    const visible =
      fits(row) &&
      (!group || row.dataset.group === group) &&
      (!state || cells.some((cell) => cell.dataset.state === state)) &&
      (!(kind || evidence) || [...row.ids].some((id) => suits(byId(id))));
    row.hidden = !visible;
    shown += visible;
  }
  let told = 0;
  for (const entry of entries) {
    entry.hidden = !(fits(entry) && suits(entry));
    told += !entry.hidden;
  }
  byId("count").textContent = `${shown} of ${rows.length} rows, ${told} of ${entries.length} divergences`;
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function list(title, numbers) {
  const part = document.createElement("div");
  if (numbers.length === 0) return part;
  part.append(element("h3", `${title} (${numbers.length})`));
  const names = document.createElement("ul");
  for (const number of numbers) names.append(element("li", scenarios[number]));
  names.className = "mono";
  part.append(names);
  return part;
}

function open(cell) {
  const row = cell.closest("tr").querySelector("th").textContent;
  const at = [...cell.closest("tr").querySelectorAll("button")].indexOf(cell) + 1;
  const head = document.querySelectorAll("#matrix thead th")[at].innerText.replace(/\s+/g, " ");
  byId("panel-title").textContent = `${row}, release ${head}: ${cell.textContent}`;
  const body = byId("panel-body");
  body.replaceChildren();
  for (const id of words(cell.dataset.ids)) {
    const copy = byId(id).cloneNode(true);
    copy.removeAttribute("id");
    copy.hidden = false;
    copy.open = words(cell.dataset.ids).length < 4;
    body.append(copy);
  }
  if (cell.dataset.state === "unknown") body.append(element("p", "No scenario exercises it here, so nothing is said."));
  body.append(list("Scenarios that show these divergences", words(cell.dataset.diverging)));
  body.append(list("Scenarios that agree", words(cell.dataset.agreeing)));
  history.replaceState(null, "", `#${cell.id}`);
  byId("panel").showModal();
  byId("panel").scrollTop = 0;
}

// An address may name a cell or a divergence.
function follow() {
  const target = location.hash.length > 1 ? byId(decodeURIComponent(location.hash.slice(1))) : null;
  if (!target) return;
  if (target.matches("td.cell button")) open(target);
  if (target.matches("details")) {
    byId("panel").close();
    target.hidden = false;
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus();
  }
}

byId("matrix").addEventListener("click", (event) => {
  const cell = event.target.closest("td.cell button");
  if (cell) open(cell);
});
byId("matrix").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  const cell = event.target.closest("td.cell button");
  if (!step || !cell) return;
  event.preventDefault();
  const visible = rows.filter((row) => !row.hidden);
  const row = cell.closest("tr");
  const column = [...row.querySelectorAll("button")].indexOf(cell);
  const next = visible[visible.indexOf(row) + step[0]];
  next?.querySelectorAll("button")[column + step[1]]?.focus();
});
// A closed cell leaves the address; what was named in the meantime stays in it.
byId("panel").addEventListener("close", () => {
  const named = location.hash.length > 1 ? byId(decodeURIComponent(location.hash.slice(1))) : null;
  if (named?.matches("td.cell button")) history.replaceState(null, "", location.pathname + location.search);
});
for (const control of controls) control.addEventListener("input", filter);
byId("reset").addEventListener("click", () => setTimeout(filter));
filter();
follow();
