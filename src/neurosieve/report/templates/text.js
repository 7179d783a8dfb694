// Sentences of the text: words coloured by the set, by a neuron or by how probable a label is; found by word or label, ten at a
// time. An address such as #...--text-view=L3N251 chooses what colours them, #...--s17 leads to a sentence.
const COLOURS = ["n3", "n2", "n1", "z", "p1", "p2", "p3"];
const AT_ONCE = 10;
const readers = new Map();
for (const box of document.querySelectorAll(".text")) {
  const items = [...box.querySelectorAll(".contexts > li")];
  const [chosen, wanted, wrong, back, on, status] = [
    "select", "input[type=search]", "input[type=checkbox]", ".back", ".on", "[role=status]",
  ].map((what) => box.querySelector(what));
  const tokens = new Map(items.map((item) => [item, null]));
  const tokensOf = (item) => {
    if (!tokens.get(item)) {
      const own = [...item.querySelectorAll("ruby")].flatMap((node) => [node.firstChild.data, node.dataset.g, node.dataset.p]);
      tokens.set(item, new Set(own.filter(Boolean).map((each) => each.toLowerCase())));
    }
    return tokens.get(item);
  };
  const colour = (node, view) => {
    if (view === "set") return COLOURS[node.dataset.v[0]];
    if (view[0] === "n") return COLOURS[node.dataset.v[1 + Number(view.slice(1))]];
    const own = (node.dataset.l || "").split(" ").find((part) => part.startsWith(`${view.slice(1)}:`));
    return own ? `p${own.split(":")[1]}` : "z";
  };
  const given = () => (chosen.value === "set" ? "s" : "p"); // what the set alone, or the probe on all neurons, gives a word
  let found = items;
  let first = 0;
  const show = () => {
    const view = chosen.value;
    const shown = new Set(found.slice(first, first + AT_ONCE));
    for (const item of items) {
      item.hidden = !shown.has(item);
      for (const node of item.hidden ? [] : item.querySelectorAll("ruby")) {
        node.className = colour(node, view);
        node.querySelector("del").textContent = node.dataset[given()] || "";
      }
    }
    for (const note of box.querySelectorAll("[data-for]")) note.hidden = note.dataset.for !== (view[0] === "l" ? "l" : view);
    status.textContent = found.length ? `${first + 1} to ${Math.min(first + AT_ONCE, found.length)} of ${found.length}` : "none";
    back.disabled = first === 0;
    on.disabled = first + AT_ONCE >= found.length;
  };
  const find = () => {
    const asked = wanted.value.trim().toLowerCase();
    found = items.filter((item) => !asked || tokensOf(item).has(asked));
    if (!found.length) found = items.filter((item) => [...tokensOf(item)].some((each) => each.includes(asked)));
    if (wrong?.checked) found = found.filter((item) => item.querySelector(`[data-${given()}]`));
    first = 0;
    show();
  };
  wanted.addEventListener("input", find);
  wanted.addEventListener("keydown", (event) => { if (event.key === "Escape") { wanted.value = ""; find(); } });
  wrong?.addEventListener("change", find);
  chosen.addEventListener("change", () => {
    history.replaceState(null, "", `#${box.id}=${encodeURIComponent(chosen.selectedOptions[0].textContent)}`);
    if (wrong?.checked) find(); else show();
  });
  const turn = (step) => { first += step; show(); };
  back.addEventListener("click", () => turn(-AT_ONCE));
  on.addEventListener("click", () => turn(AT_ONCE));
  box.querySelector(".choose").hidden = false;
  readers.set(box.id, {
    choose: (name) => {
      const option = [...chosen.options].find((each) => each.textContent === name);
      if (option) chosen.value = option.value;
      show();
    },
    lead: (item) => {
      wanted.value = "";
      if (wrong) wrong.checked = false;
      found = items;
      first = items.indexOf(item) - (items.indexOf(item) % AT_ONCE);
      show();
    },
  });
  show();
}
