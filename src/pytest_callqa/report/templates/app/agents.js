// Agents: a scorecard each, against the mean of all; printed, a scorecard takes a page.

const CARDS = 12;

/** The calls of every agent, by their place in the book's list. */
const callsByAgent = () => {
  const own = data.book.agents.map(() => []);
  for (let call = 0; call < data.count; call++) own[data.agents[call]].push(call);
  return own;
};
const bySection = (calls) => tally(calls, data.sections.length, (_, rule) => data.rules[rule].at);
const mean = (values) => (values.length ? values.reduce((all, one) => all + one, 0) / values.length : NaN);

const scorecard = (name, calls, everybody, level = "h1") => {
  const sections = bySection(calls),
    all = sum(sections),
    few = calls.length < data.book.small;
  const clauses = tally(calls, data.rules.length, (_, rule) => rule);
  const broken = data.rules
    .map((rule, n) => [rule, clauses[n]])
    .filter(([, one]) => one && one.passed < one.judged)
    .sort((a, b) => a[0].rank - b[0].rank || b[1].judged - b[1].passed - (a[1].judged - a[1].passed));
  const critical = calls.filter((call) => data.critical[call]).length;
  const to = (values) => address("calls", { agent: name || "=", ...values });
  const teams = [...new Set(calls.map(teamOf).filter(Boolean))];
  return h(
    "article",
    { class: "scorecard", "aria-label": name || t("not named") },
    h("p", { class: "eyebrow" }, t("Scorecard"), " · ", h("bdi", root.dataset.title)),
    h(level, { tabindex: -1, class: "name" }, named(name)),
    teams.length > 0 && h("p", { class: "soft" }, h("bdi", teams.join(", "))),
    few &&
      h(
        "p",
        { class: "banner doubt" },
        t(`Only ${num(calls.length)} ${calls.length === 1 ? "call" : "calls"}: too few to tell agents apart.`)
      ),
    h(
      "dl",
      { class: "heads small" },
      [
        ["Calls", num(calls.length)],
        ["Mean score", scoreText(mean(calls.map((call) => data.score[call]).filter((one) => !Number.isNaN(one))))],
        ["Rules kept", all ? `${percent(all.value)} %` : "–", all && `${percent(all.low)}–${percent(all.high)} %`],
        ["Critical breaches", num(critical)]
      ].map(([label, value, more]) =>
        h(
          "div",
          { class: label === "Critical breaches" && critical ? "bad" : null },
          h("dt", t(label)),
          h("dd", h("b", value), more && h("span", more))
        )
      )
    ),
    h(
      "div",
      { class: "two" },
      h(
        "div",
        h("h2", t("Sections")),
        table(
          t("Sections"),
          [
            t("Section"),
            h("th", { scope: "col", colspan: 2, class: "num" }, t("Kept, 95 % interval")),
            [t("Failed"), "num"]
          ],
          data.sections.map((section, n) => [
            [h("span", { class: "clause" }, section), " ", data.book.sections[section] || ""],
            ...rated(sections[n], everybody[n]),
            sections[n] ? num(sections[n].judged - sections[n].passed) : ""
          ])
        ),
        h("p", { class: "soft key" }, t("Upright: the mean of all agents."))
      ),
      h(
        "div",
        h("h2", t("Broken most")),
        broken.length
          ? table(
              t("Broken most"),
              [t("Clause"), [t("Failed"), "num"], [t("Judged"), "num"]],
              broken
                .slice(0, 8)
                .map(([rule, one]) => [
                  [
                    link(
                      to({ clause: rule.clause, verdict: "f" }),
                      h("span", { class: "clause" }, rule.clause),
                      " ",
                      rule.title
                    ),
                    " ",
                    rule.severity === "critical" && severity("critical")
                  ],
                  num(one.judged - one.passed),
                  num(one.judged)
                ])
            )
          : h("p", { class: "soft" }, t("None."))
      )
    )
  );
};

const agentView = ({ name = "" }) => {
  name = name.replace(/^=$/, "");
  const place = data.book.agents.indexOf(name);
  if (place < 0) return missing(t("No agent has this name:"), name, "agents");
  const calls = callsByAgent()[place],
    filter = { agent: name || "=" };
  const worst = answered(filter).filter((call) => data.lost[call]);
  return [
    h(
      "nav",
      { class: "pages", "aria-label": t("Agents") },
      link("#agents", t("Back to the list")),
      h("span", { class: "gap" }),
      h("button", { type: "button", class: "quietly", click: () => print() }, t("Print"))
    ),
    scorecard(name, calls, bySection(everyCall())),
    h("h2", t("Calls to review first")),
    worst.length ? callTable(worst.slice(0, 20), filter) : h("p", { class: "soft" }, t("None.")),
    h("p", link(address("calls", filter), t(`All ${num(calls.length)} calls`)))
  ];
};

/** Every scorecard, one under another, to be printed. */
const cardsView = ({ page = 1 }, all) => {
  const everybody = bySection(everyCall()),
    own = callsByAgent();
  const order = data.book.agents.map((_, n) => n).sort((a, b) => (data.book.agents[a] > data.book.agents[b] ? 1 : -1));
  return [
    heading(t("Scorecards")),
    h(
      "p",
      { class: "row quietprint" },
      h("button", { type: "button", class: "quietly", click: () => print() }, t("Print")),
      h("span", { class: "soft" }, t("A scorecard takes a page."))
    ),
    (all ? order : order.slice((page - 1) * CARDS, page * CARDS)).map((n) =>
      scorecard(data.book.agents[n], own[n], everybody, "h2")
    ),
    pages("agents", { cards: 1 }, +page, Math.ceil(order.length / CARDS))
  ];
};
