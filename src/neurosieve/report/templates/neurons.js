// Neurons: found by name, word or label; an address such as #L3N251 opens the neuron's part; names in tables lead to it.
// On paper tables stand open; neurons as they were.
const parts = [...document.querySelectorAll("details[data-neuron]")];
const text = new Map();
const textOf = (part) => {
  if (!text.has(part)) text.set(part, part.textContent.toLowerCase());
  return text.get(part);
};
for (const box of document.querySelectorAll(".find")) {
  const own = [...box.parentElement.querySelectorAll("details[data-neuron]")];
  const [input, all, status] = ["input", "button", "[role=status]"].map((what) => box.querySelector(what));
  box.hidden = false;
  const find = () => {
    const wanted = input.value.trim().toLowerCase();
    const names = own.filter((part) => part.dataset.neuron.toLowerCase() === wanted);
    const shown = names.length ? names : own.filter((part) => !wanted || textOf(part).includes(wanted));
    own.forEach((part) => { part.hidden = !shown.includes(part); });
    status.textContent = wanted ? `${shown.length} of ${own.length} neurons` : "";
    return shown;
  };
  input.addEventListener("input", find);
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
const address = () => {
  let name = location.hash.slice(1);
  try { name = decodeURIComponent(name); } catch { return; }
  const part = parts.find((each) => each.id === name) || parts.find((each) => each.dataset.neuron === name);
  if (!part) return;
  part.hidden = false;
  part.open = true;
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
