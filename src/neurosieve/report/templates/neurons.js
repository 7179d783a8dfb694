// Neurons: found by layer, name, word or label, and sorted; an address such as #L3N251 opens the neuron's part; names in tables
// lead to it. The key / goes to the nearest field for finding, arrows go from one neuron to the next.
// On paper tables stand open; neurons as they were.
const parts = [...document.querySelectorAll("details[data-neuron]")];
const text = new Map();
const textOf = (part) => {
  if (!text.has(part)) text.set(part, part.textContent.toLowerCase());
  return text.get(part);
};
for (const box of document.querySelectorAll(".find")) {
  const own = [...box.parentElement.querySelectorAll("details[data-neuron]")];
  const [input, sorted, all, status] = ["input", "select", "button", "[role=status]"].map((what) => box.querySelector(what));
  box.hidden = false;
  const find = () => {
    const wanted = input.value.trim().toLowerCase();
    const names = own.filter((part) => {
      const name = part.dataset.neuron.toLowerCase(); // a layer is what its neurons' names begin with: L3, l3.mlp
      return name === wanted || (/^l\d+[.\w]*$/.test(wanted) && /^\.?n\d+$/.test(name.slice(wanted.length)) && name.startsWith(wanted));
    });
    const shown = names.length ? names : own.filter((part) => !wanted || textOf(part).includes(wanted));
    own.forEach((part) => { part.hidden = !shown.includes(part); });
    status.textContent = wanted ? `${shown.length} of ${own.length} neurons` : "";
    return shown;
  };
  input.addEventListener("input", find);
  sorted.addEventListener("change", () => {
    const key = sorted.value;
    const size = (part) => Number(part.dataset[key]) * (key === "layer" ? 1 : -1); // the largest share first
    const order = key ? [...own].sort((a, b) => size(a) - size(b)) : own;
    const end = own[0].parentElement.querySelector(":scope > p");
    order.forEach((part) => box.parentElement.insertBefore(part, end));
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); const [first] = find(); if (first) { first.open = true; first.querySelector("summary").focus(); } }
    if (event.key === "Escape") { input.value = ""; find(); }
  });
  all.addEventListener("click", () => {
    const open = all.textContent === "Open all";
    own.forEach((part) => { part.open = open; });
    all.textContent = open ? "Close all" : "Open all";
  });
}
addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    const fields = [...document.querySelectorAll(".find input")];
    const next = fields.find((field) => field.getBoundingClientRect().bottom > 0) || fields.at(-1);
    if (next) { event.preventDefault(); next.focus(); }
  }
  const summary = event.target.closest("details[data-neuron] > summary");
  if (summary && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const there = [...summary.closest(".parts").querySelectorAll("details[data-neuron]:not([hidden]) > summary")];
    const next = there[there.indexOf(summary) + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) { event.preventDefault(); next.focus(); }
  }
});
addEventListener("click", (event) => {
  const link = event.target.closest("a[data-colour]");
  const reader = link && readers.get(link.hash.slice(1));
  if (reader) reader.choose(link.dataset.colour);
});
const address = () => {
  let name = location.hash.slice(1);
  try { name = decodeURIComponent(name); } catch { return; }
  const [id, view] = name.split("=");
  const part = parts.find((each) => each.id === name || each.dataset.neuron === name) || document.getElementById(id);
  const within = part?.closest("details");
  if (!within) return;
  const reader = readers.get(within.id);
  if (reader && view) reader.choose(view);
  if (reader && part !== within) reader.lead(part);
  within.hidden = false;
  within.open = true;
  part.scrollIntoView({ behavior: "instant" });
};
addEventListener("hashchange", address);
if (document.readyState === "complete") address();
else addEventListener("load", address);
const closed = () => [...document.querySelectorAll("details:not([data-neuron]):not([open])")];
let opened = [];
addEventListener("beforeprint", () => { opened = closed(); opened.forEach((each) => { each.open = true; }); });
addEventListener("afterprint", () => { opened.forEach((each) => { each.open = false; }); });
for (const section of document.querySelectorAll("section")) {
  const own = new Map([...section.querySelectorAll("details[data-neuron]")].map((part) => [part.dataset.neuron, part.id]));
  for (const cell of own.size ? section.querySelectorAll(".scroll td:first-child") : []) {
    const id = own.get(cell.textContent);
    if (!id) continue;
    const link = document.createElement("a");
    link.href = `#${id}`;
    link.textContent = cell.textContent;
    cell.replaceChildren(link);
  }
}
