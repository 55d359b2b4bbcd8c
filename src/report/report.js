const cases = [...document.querySelectorAll("details.case")];
const blocks = [...document.querySelectorAll("script.block")];
const texts = new Map(cases.map((one) => [one, one.textContent.toLowerCase()]));
const unpacked = new Map();

function unpack(number) {
  if (!unpacked.has(number)) {
    const bytes = Uint8Array.from(atob(blocks[number].textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    unpacked.set(number, new Response(stream).json());
  }
  return unpacked.get(number);
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// The lines that both sides have in common, as pairs of numbers: the longest such row.
function common(one, other) {
  const width = other.length + 1;
  if (one.length * width > 4e6) return null;
  const table = new Uint32Array((one.length + 1) * width);
  for (let at = one.length - 1; at >= 0; at--)
    for (let to = other.length - 1; to >= 0; to--)
      table[at * width + to] =
        one[at] === other[to]
          ? table[(at + 1) * width + to + 1] + 1
          : Math.max(table[(at + 1) * width + to], table[at * width + to + 1]);
  const same = [new Set(), new Set()];
  for (let at = 0, to = 0; at < one.length && to < other.length; ) {
    if (one[at] === other[to]) same[0].add(at++), same[1].add(to++);
    else if (table[(at + 1) * width + to] >= table[at * width + to + 1]) at++;
    else to++;
  }
  return same;
}

function pane(title, text, same) {
  const part = element("div");
  part.append(element("p", title, "quiet"));
  const shown = element("pre");
  shown.tabIndex = 0;
  shown.setAttribute("aria-label", title);
  if (text === null) shown.append(element("span", "(nothing kept)", "quiet"));
  else
    text.split("\n").forEach((line, at) => {
      const differs = same !== null && !same.has(at);
      const made = element(differs ? "mark" : "span", line, "line");
      shown.append(made);
    });
  part.append(shown);
  return part;
}

function copyable(text, side) {
  const row = element("div", undefined, "copy");
  const button = element("button", "Copy");
  button.type = "button";
  button.setAttribute("aria-label", `Copy the curl command for the ${side}`);
  const shown = element("pre", text);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(shown);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
  });
  row.append(button, shown);
  return row;
}

async function fill(one) {
  const number = cases.indexOf(one);
  const steps = (await unpack(Math.floor(number / BLOCK)))[number % BLOCK];
  const view = byId("view").value;
  const place = one.querySelector(".steps");
  place.replaceChildren();
  if (steps.length === 0) place.append(element("p", "No exchange was kept of it.", "quiet"));
  for (const step of steps) {
    place.append(element("h3", `${step.step}${step.part ? "/" + step.part : ""}`));
    place.append(element("p", step.request, "mono"));
    const [reference, candidate] = step[view];
    const comparable = view === "views" && reference !== null && candidate !== null;
    const same = comparable ? common(reference.split("\n"), candidate.split("\n")) : null;
    const sides = element("div", undefined, "sides");
    sides.append(pane("reference", reference, same && same[0]), pane("candidate", candidate, same && same[1]));
    place.append(sides);
    ["reference", "candidate"].forEach((side, at) => {
      if (step.curl[at] !== null) place.append(copyable(step.curl[at], side));
    });
  }
}

function filter() {
  const wanted = byId("search").value.toLowerCase().split(" ").filter(Boolean);
  const verdict = byId("verdict").value;
  let shown = 0;
  for (const one of cases) {
    one.hidden =
      !wanted.every((word) => texts.get(one).includes(word)) || (verdict !== "" && one.dataset.verdict !== verdict);
    shown += !one.hidden;
  }
  byId("count").textContent = `${shown} of ${cases.length} cases`;
}

function follow() {
  const target = location.hash.length > 1 ? byId(location.hash.slice(1)) : null;
  if (!target?.matches("details.case")) return;
  target.hidden = false;
  target.open = true;
  target.scrollIntoView();
}

for (const one of cases) one.addEventListener("toggle", () => one.open && fill(one));
byId("search").addEventListener("input", filter);
byId("verdict").addEventListener("input", filter);
byId("view").addEventListener("input", () => cases.filter((one) => one.open).forEach(fill));
byId("reset").addEventListener("click", () => setTimeout(() => (filter(), cases.filter((one) => one.open).forEach(fill))));
filter();
follow();
