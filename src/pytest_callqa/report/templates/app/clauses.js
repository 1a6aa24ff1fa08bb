// Clauses: the page's table made sortable, a heat map against agents or teams, and a view of one clause.

const HEAT_COLUMNS = 24;

/** Sort the page's own table by a column; the book's order has its sections back. */
const sortClauses = ({ sort = "", by }) => {
  const list = document.getElementById("clause-table");
  list.rowsKept ||= [...list.tBodies].map((body) => [body, [...body.rows]]);
  const heads = [...list.tHead.rows[0].cells];
  heads.forEach((head, place) => {
    const name = String(place);
    const text = (head.label ||= head.textContent);
    const next = sort === name ? `-${name}` : sort === `-${name}` ? "" : name;
    head.setAttribute("aria-sort", sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none");
    head.replaceChildren(link(address("clauses", { by, sort: next }), text));
  });
  const place = Math.abs(parseInt(sort, 10)) + (Math.abs(parseInt(sort, 10)) > 0);
  const value = (row) => {
    const cell = row.cells[place];
    const text = cell.dataset.sort ?? cell.textContent.replace(/,/g, "");
    return place ? +text : data.place.get(text.trim().split(/\s/)[0]);
  };
  for (const [body, rows] of list.rowsKept) {
    rows[0].hidden = Boolean(sort);
    body.append(...rows);
  }
  if (!sort) return;
  const rows = list.rowsKept.flatMap(([, all]) => all.slice(1));
  rows.sort((a, b) => (value(a) - value(b)) * (sort[0] === "-" ? -1 : 1));
  list.tBodies[0].append(...rows);
};

/** The tabs of the page, once more. */
const clauseTabs = (by) => {
  const tabs = document.querySelector(".tabs").cloneNode(true);
  for (const one of tabs.children) one.setAttribute("aria-current", one.hash.endsWith(`=${by}`));
  return tabs;
};

/** Clauses against agents or teams, the lowest first. */
const heatMap = ({ by, page = 1 }) => {
  const names = data.book[`${by}s`],
    column = data[`${by}s`],
    size = data.rules.length;
  const cells = tally(everyCall(), names.length * size, (call, rule) => column[call] * size + rule);
  const whole = names.map((_, n) => sum(cells.slice(n * size, (n + 1) * size)));
  const order = names
    .map((_, n) => n)
    .sort((a, b) => (whole[a]?.small ?? 2) - (whole[b]?.small ?? 2) || (whole[a]?.value ?? 2) - (whole[b]?.value ?? 2));
  const last = Math.ceil(order.length / HEAT_COLUMNS);
  const shown = order.slice((page - 1) * HEAT_COLUMNS, page * HEAT_COLUMNS);
  const to = (n, values) => address("calls", { [by]: names[n] || "=", ...values });
  const rows = [[h("th", { scope: "row" }, t("All clauses")), ...shown.map((n) => heat(whole[n], to(n)))]];
  data.sections.forEach((section, at) => {
    rows.push([
      h(
        "th",
        { scope: "rowgroup", class: "band", colspan: shown.length + 1 },
        h("span", { class: "clause" }, section),
        " ",
        data.book.sections[section] || ""
      )
    ]);
    data.rules.forEach(
      (rule, r) =>
        rule.at === at &&
        rows.push([
          h("th", { scope: "row" }, clauseLink(rule)),
          ...shown.map((n) => heat(cells[n * size + r], to(n, { clause: rule.clause, verdict: "f" })))
        ])
    );
  });
  return [
    heading(t("Clauses")),
    clauseTabs(by),
    h(
      "p",
      { class: "soft note" },
      t("How much of a clause was kept, the lowest first. A cell opens the calls that broke it.")
    ),
    table(
      t(by === "agent" ? "Clauses against agents" : "Clauses against teams"),
      [
        t("Clause"),
        ...shown.map((n) =>
          h(
            "th",
            { scope: "col", class: "num" },
            link(
              by === "agent" ? address("agent", { name: names[n] || "=" }) : to(n),
              names[n] ? named(names[n]) : t("none")
            )
          )
        )
      ],
      rows,
      "heatmap"
    ),
    legend(),
    pages("clauses", { by }, +page, last)
  ];
};

/** Arrow keys move through the links of a heat map. */
const moveInHeat = (event) => {
  const cell = event.target.closest?.(".heatmap td");
  const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] || [
    0, 0
  ];
  if (!cell || !(down || right)) return false;
  let row = cell.parentNode,
    place = cell.cellIndex + right;
  if (down)
    do row = down > 0 ? row.nextElementSibling : row.previousElementSibling;
    while (row && !row.cells[place]?.querySelector("a"));
  row?.cells[place]?.querySelector("a")?.focus();
  return true;
};

const clauseView = ({ id }) => {
  const place = data.place.get(id),
    rule = data.rules[place];
  if (!rule) return missing(t("No clause has this number:"), id, "clauses");
  const counts = { p: 0, f: 0 };
  for (let call = 0; call < data.count; call++) counts[letter(call, place)] = (counts[letter(call, place)] || 0) + 1;
  const groups = (by) => {
    const names = data.book[`${by}s`],
      column = data[`${by}s`];
    const own = tally(everyCall(), names.length + 1, (call, other) => (other === place ? column[call] : names.length));
    return names
      .map((name, n) => [name, own[n]])
      .filter(([, one]) => one)
      .sort((a, b) => a[1].small - b[1].small || a[1].value - b[1].value)
      .slice(0, 15)
      .map(([name, one]) => [
        link(address("calls", { [by]: name || "=", clause: id, verdict: "f" }), named(name)),
        ...rated(one),
        num(one.judged - one.passed)
      ]);
  };
  const broken = chosen({ clause: id, verdict: "f" });
  const all = rate(counts.p, counts.p + counts.f);
  return [
    heading(h("span", { class: "clause" }, id), " ", rule.title),
    h(
      "p",
      severity(rule.severity),
      " ",
      h(
        "span",
        { class: "soft" },
        rule.manual ? t("by attestation") : [t("Applies to"), ": ", rule.situation || t("every call")],
        " · ",
        t("version"),
        " ",
        h("code", data.book.version)
      )
    ),
    rule.text && h("p", { class: "wording" }, rule.text),
    h(
      "dl",
      { class: "heads small" },
      pair(
        t("Rules kept"),
        h("b", all ? percent(all.value) : "–", h("small", " %")),
        all && plot(all),
        all && h("span", `${percent(all.low)}–${percent(all.high)} %`)
      ),
      [...form.elements.verdict.options]
        .filter(({ value }) => counts[value])
        .map(({ value: code, text }) =>
          pair(text, h("b", link(address("calls", { clause: id, verdict: code }), num(counts[code]))))
        )
    ),
    h(
      "div",
      { class: "two" },
      ["team", "agent"].map((by) =>
        h(
          "div",
          h("h2", t(by === "team" ? "By team" : "By agent")),
          table(
            t(by === "team" ? "By team" : "By agent"),
            [
              t(by === "team" ? "Team" : "Agent"),
              h("th", { scope: "col", class: "num", colspan: 2 }, t("Kept, 95 % interval")),
              [t("Failed"), "num"]
            ],
            groups(by)
          )
        )
      )
    ),
    h("h2", t("Calls that broke it")),
    broken.length
      ? callTable(broken.slice(0, 20), { clause: id, verdict: "f" })
      : h("p", { class: "soft" }, t("None.")),
    broken.length > 20 &&
      h("p", link(address("calls", { clause: id, verdict: "f" }), t(`All ${num(broken.length)} calls`)))
  ];
};
