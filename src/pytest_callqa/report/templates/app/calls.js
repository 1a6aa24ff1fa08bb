// The list of calls: a form that is its address, and a page of rows.

const PAGE = 50;
const COLUMNS = [
  ["call", "Call"],
  ["agent", "Agent"],
  ["", "Team"],
  ["started", "Started"],
  ["length", "Length"],
  ["worst", "Broken"],
  ["score", "Score"]
];

const tags = (call) => {
  const broken = rulesWith(call, "f", "e");
  return [
    broken
      .slice(0, 8)
      .map((rule) => [
        h(
          "span",
          { class: `tag ${data.rules[rule].severity === "critical" ? "critical" : ""}`, title: data.rules[rule].title },
          data.rules[rule].clause
        ),
        " "
      ]),
    broken.length > 8 && h("span", { class: "soft" }, `+${broken.length - 8}`)
  ];
};
const when = (call) => data.started[call].slice(0, 16).replace("T", " ");
const callTable = (calls, values) =>
  table(
    t("Calls"),
    COLUMNS.map(([sort, name]) =>
      h(
        "th",
        {
          scope: "col",
          class: /^(length|score)$/.test(sort) ? "num" : null,
          "aria-sort": sort && sort === (values.sort || "worst") ? "descending" : null
        },
        sort ? link(address("calls", { ...values, sort, page: "" }), t(name)) : t(name)
      )
    ),
    calls.map((call) => [
      link(address("call", { id: data.ids[call], n: twin(call), ...values }), h("bdi", data.ids[call])),
      named(agentOf(call)),
      teamOf(call) && h("bdi", teamOf(call)),
      h("span", { class: "soft nowrap" }, when(call)),
      h("td", { class: "num soft" }, data.lengths[call] < 0 ? "–" : clock(data.lengths[call])),
      h("td", { class: "tags" }, tags(call)),
      h(
        "td",
        { class: "num" },
        data.critical[call] ? h("s", { title: t("before the critical breach") }, scoreText(data.raw[call])) : null,
        " ",
        h("b", scoreText(data.score[call]))
      )
    ]),
    "calls"
  );

/** Which of the calls of this id it is, when there are several. */
const twin = (call) => {
  data.apart ??= new Set(data.ids).size === data.count;
  if (data.apart) return null;
  const first = data.ids.indexOf(data.ids[call]);
  return first === call ? null : data.ids.slice(first, call + 1).filter((id) => id === data.ids[call]).length;
};

/** The form is the address: what is put in changes it, and it shows what the address says. */
const fillForm = () => {
  for (const [name, list] of [
    ["agent", data.book.agents],
    ["team", data.book.teams],
    ["language", data.book.languages]
  ]) {
    if (form.elements[name].options)
      form.elements[name].append(
        ...[...list].sort().map((one) => h("option", { value: one || "=" }, one || t("not named")))
      );
    form.elements[name].parentNode.hidden = list.length < 2;
  }
  const go = (replace) =>
    visit(address("calls", { ...Object.fromEntries(new FormData(form)), sort: here().values.sort }), replace);
  form.addEventListener("submit", (event) => (event.preventDefault(), go(false)));
  form.addEventListener("input", () => go(true));
};

const listCalls = (values) => {
  for (const one of form.elements) if (one !== document.activeElement) one.value = values[one.name] || "";
  const filter = filterOf(values),
    page = +values.page || 1;
  const calls = answered(filter, () => shown.view === "calls" && listCalls(here().values));
  form.nextElementSibling.replaceChildren(
    h(
      "p",
      { class: "row" },
      h("output", t(`${num(calls.length)} of ${num(data.count)} calls`), !search.done && [" · ", t("searching…")]),
      calls.length > 0 &&
        h(
          "button",
          { type: "button", class: "quietly", click: () => save("calls.csv", sheet(calls)) },
          t("Save as CSV")
        )
    ),
    calls.length ? callTable(calls.slice((page - 1) * PAGE, page * PAGE), filter) : h("p", t("No call is like this.")),
    pages("calls", filter, page, Math.ceil(calls.length / PAGE)) || ""
  );
};

/** Rows for a spreadsheet. A text that it could take for a formula begins with an apostrophe. */
const FORMULA = /^[\s\u00a0]*[=+\-@\t\r\n＝＋－＠]/;
const cell = (value) => {
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n;]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
};
const sheet = (calls) =>
  [
    ["call", "agent", "team", "language", "started", "seconds", "score", "broken"],
    ...calls.map((call) => [
      data.ids[call],
      agentOf(call),
      teamOf(call),
      languageOf(call),
      data.started[call],
      data.lengths[call] < 0 ? "" : data.lengths[call],
      Math.round(1000 * data.score[call]) / 10,
      rulesWith(call, "f")
        .map((rule) => data.rules[rule].clause)
        .join(" ")
    ])
  ]
    .map((row) => row.map(cell).join(","))
    .join("\r\n") + "\r\n";
const save = (name, text) => {
  const href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  h("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
};
