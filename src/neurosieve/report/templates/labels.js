// Two labels side by side: the neurons whose means differ most between them, and how often one is taken for the other.
const MOST_ROWS = 20;
for (const box of document.querySelectorAll(".two")) {
  const [first, second] = box.querySelectorAll("select");
  const [names, ids] = [box.dataset.names.split(" "), box.dataset.ids.split(" ")];
  const numbers = (option, key) => first.options[option].dataset[key].split(" ").map((each) => (each === "-" ? null : Number(each)));
  const signed = (value, digits) => (value === null ? "–" : (value > 0 ? "+" : "") + value.toFixed(digits).replace("-", "−"));
  const less = (a, b) => (a === null || b === null ? null : a - b);
  const given = (one, other) => {
    const own = first.options[one].dataset.g.split(" ").find((part) => part.startsWith(`${other}:`));
    return own ? Number(own.split(":")[1]) : 0;
  };
  const telling = (a, b) => { // names and differences, which stand with one of the two
    for (const [one, other, sign] of [[a, b, 1], [b, a, -1]]) {
      const own = (first.options[one].dataset.d || "").split(";").find((part) => part.startsWith(`${other}:`));
      if (own) return own.slice(own.indexOf(":") + 1).split(",").map((each) => each.split(" ")).map(([name, d]) => [name, sign * d]);
    }
    return [];
  };
  const show = () => {
    const [a, b] = [first.selectedIndex, second.selectedIndex];
    const [meansA, meansB, weightsA, weightsB] = [numbers(a, "m"), numbers(b, "m"), numbers(a, "w"), numbers(b, "w")];
    const rows = names.map((name, i) => [name, ids[i], meansA[i], meansB[i], less(meansA[i], meansB[i]), less(weightsA[i], weightsB[i])]);
    const size = (row) => (row[4] === null ? -1 : Math.abs(row[4]));
    rows.sort((x, y) => size(y) - size(x));
    const body = box.querySelector("tbody");
    body.replaceChildren(...rows.slice(0, MOST_ROWS).map(([name, id, ...values]) => {
      const row = document.createElement("tr");
      const link = document.createElement("a");
      link.href = `#${id}`;
      link.textContent = name;
      row.insertCell().append(link);
      values.forEach((value, i) => {
        const cell = row.insertCell();
        cell.className = "n";
        cell.textContent = signed(value, i === 3 ? 2 : 1);
      });
      return row;
    }));
    const status = box.querySelector("[role=status]");
    const told = (one, other) => {
      const [from, to] = [first.options[one], first.options[other]];
      return `${given(one, other)} of the ${from.dataset.n} test ${status.dataset.units} with “${from.textContent}” are given “${to.textContent}”`;
    };
    const apart = telling(a, b).slice(0, 5).map(([name, d]) => `${name} (${signed(d, 1)})`);
    box.querySelector(".apart").textContent = apart.length
      ? `Of all neurons tell them apart best: ${apart.join(", ")}.`
      : a === b ? "" : "For these two the run has not looked through all neurons (labels are too rare, or never confused).";
    status.textContent = a === b ? "Choose two different labels." : `${told(a, b)}, ${told(b, a)}.`;
  };
  first.addEventListener("change", show);
  second.addEventListener("change", show);
  box.querySelector(".choose").hidden = false;
  show();
}
