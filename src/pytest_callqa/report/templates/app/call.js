// One call: its timeline, its verdicts and its transcript, each leading to the others.

const ROLES = ["agent", "customer", "system", "unknown"];
const LANE = 22,
  LABEL = 76,
  OVER = 0.3;
const roleOf = (role) => (ROLES.includes(role) ? role : "unknown");

/** Stretches in which two parties speak at once: start, end, and the turn that begins in the other's. */
const talkOver = (turns) => {
  const found = [];
  let last = null;
  turns.forEach(([role, start, end], n) => {
    if (start == null || end == null) return;
    if (last && last.role !== role && last.end - start > OVER) found.push([start, Math.min(last.end, end), n]);
    if (!last || end > last.end) last = { role, end };
  });
  return found;
};

/** From each hold (or mute) to its end. */
const stretches = (marks, begin, end, length) =>
  marks
    .filter(([what]) => what === begin)
    .map(([, start]) => [start, (marks.find(([what, time]) => what === end && time >= start) || [0, length])[1]]);

const timeline = (told, length, width) => {
  const turns = (told.turns || []).filter(([, start]) => start != null);
  const marks = told.marks || [],
    over = talkOver(told.turns || []);
  const lanes = ROLES.filter((role) => turns.some((turn) => roleOf(turn[0]) === role));
  const top = 22,
    line = top + lanes.length * LANE,
    axis = line + (marks.length ? LANE : 0);
  const x = (time) => Math.round((LABEL + ((width - LABEL - 12) * time) / length) * 10) / 10;
  const band = (kind, start, end, y, height, title) =>
    s(
      "rect",
      { class: kind, x: x(start), y, width: Math.max(1.5, x(end) - x(start)), height, rx: 2 },
      s("title", title)
    );
  const span = (start, end) => `${clock(start)}–${clock(end)}`;
  const every = [5, 10, 30, 60, 120, 300, 600, 1800].find((one) => length / one <= 10) || 3600;
  const ticks = Array.from({ length: Math.floor(length / every) + 1 }, (_, n) => n * every);
  const share = (role) =>
    turns.reduce((sum, [who, start, end]) => sum + (roleOf(who) === role && end != null ? end - start : 0), 0);
  const silent = (told.pauses || []).reduce((sum, [, , seconds]) => sum + seconds, 0);
  const spoken = lanes.map((role) => `${t(role)} ${percent(share(role) / length)} %`);
  const facts = [
    ...spoken,
    silent && `${t("silence")} ${percent(silent / length)} %`,
    over.length && t(`${num(over.length)} times talk-over`)
  ].filter(Boolean);
  const drawing = s(
    "svg",
    {
      class: "timeline",
      viewBox: `0 0 ${width} ${axis + 18}`,
      width: "100%",
      role: "img",
      "aria-label": `${t("Timeline")}: ${facts.join(", ")}`
    },
    ticks.map((time) => [
      s("path", { class: "grid", d: `M${x(time)} ${top - 4}V${axis}` }),
      s("text", { class: "tick", x: x(time), y: axis + 14, "text-anchor": "middle" }, clock(time, 0))
    ]),
    (told.pauses || []).map(([, start, seconds]) =>
      band(
        "silence",
        start,
        start + seconds,
        top - 2,
        line - top,
        `${t("silence")} ${seconds.toFixed(1)} s, ${clock(start)}`
      )
    ),
    stretches(marks, "hold", "unhold", length).map(([start, end]) =>
      band("hold", start, end, top - 2, axis - top + 2, `${t("hold")} ${span(start, end)}`)
    ),
    stretches(marks, "mute", "unmute", length).map(([start, end]) =>
      band("hold", start, end, line + 4, 12, `${t("mute")} ${span(start, end)}`)
    ),
    lanes.map((role, n) => [
      s("text", { class: "lane", x: 0, y: top + n * LANE + 14 }, t(role)),
      turns
        .filter(([who]) => roleOf(who) === role)
        .map(([, start, end]) =>
          band(`talk ${role}`, start, end ?? start + 1, top + n * LANE + 3, LANE - 8, span(start, end ?? start))
        )
    ]),
    (told.waves || []).map(([role, d]) => {
      const n = lanes.indexOf(role),
        high = n < 0 ? lanes.length : 1; // the sound of both parties lies over both lanes
      return s("path", {
        class: "wave",
        d,
        transform: `translate(${LABEL} ${top + (n < 0 ? high : n + 1) * LANE - 5}) scale(${(width - LABEL - 12) / length / 100} ${(high * LANE - 8) / 60})`
      });
    }),
    over.map(([start, end]) => band("over", start, end, top, line - top - 2, `${t("talk-over")} ${span(start, end)}`)),
    marks.length > 0 && s("text", { class: "lane", x: 0, y: line + 14 }, t("line")),
    marks.map(([what, time]) =>
      s(
        "path",
        { class: `mark ${what === "ring" ? "ring" : ""}`, d: `M${x(time)} ${line + 4}V${line + 16}` },
        s("title", `${t(what)} ${clock(time)}`)
      )
    ),
    (told.verdicts || [])
      .filter((one) => one.start != null)
      .map((one) => {
        const rule = data.rules[one.rule];
        return s(
          "path",
          { class: `breach ${rule.severity}`, d: `M${x(one.start)} 18l-6 -12h12z` },
          s("title", `${rule.clause} ${rule.title}, ${clock(one.start)}`)
        );
      }),
    s("path", { class: "playhead", d: `M0 0V${axis}`, visibility: "hidden" })
  );
  drawing.at = (time) => {
    const head = drawing.querySelector(".playhead");
    head.setAttribute("transform", `translate(${x(time)} 0)`);
    head.setAttribute("visibility", "visible");
  };
  drawing.timeAt = (event) => {
    const box = drawing.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * width;
    return Math.min(length, Math.max(0, ((place - LABEL) / (width - LABEL - 12)) * length));
  };
  return [drawing, h("p", { class: "soft shares" }, facts.join(" · "))];
};

// -- transcript

const chips = (rules, to) =>
  rules.map((rule) =>
    h("a", { class: "chip", href: to({ clause: data.rules[rule].clause }) }, data.rules[rule].clause)
  );
const pieceShown = (to) => (piece) => {
  if (typeof piece === "string") return spoken(piece);
  const [text, kind, rules] = piece;
  return [
    h(
      "mark",
      { class: kind === "near" ? "near" : null, title: kind === "near" ? t("nearest to what was sought") : null },
      spoken(text)
    ),
    chips(rules, to)
  ];
};
const note = (kind, ...text) => h("li", { class: `pause ${kind}` }, h("span", text));

const transcript = (told, to) => {
  const turns = told.turns || [],
    items = [];
  const pauses = (after) =>
    (told.pauses || [])
      .filter((pause) => pause[0] === after)
      .forEach(([, , seconds, inside, rules]) =>
        items.push(
          note("", `${t("silence")} ${seconds.toFixed(1)} s`, inside && t(", within this turn"), chips(rules, to))
        )
      );
  const marks = [...(told.marks || [])].sort((a, b) => a[1] - b[1]);
  const over = new Map(talkOver(turns).map(([start, end, n]) => [n, end - start]));
  const marksUntil = (time) => {
    while (marks.length && marks[0][1] <= time) {
      const [what, at, by] = marks.shift();
      items.push(note("event", t(what), by !== "unknown" && ` (${t(by)})`, ` ${clock(at)}`));
    }
  };
  let left = 0;
  const leave = () => {
    if (left)
      items.push(
        h(
          "li",
          { class: "left" },
          t(left === 1 ? "1 turn without evidence is left out" : `${num(left)} turns without evidence are left out`)
        )
      );
    left = 0;
  };
  pauses(-1);
  turns.forEach(([role, start, , pieces], n) => {
    if (!pieces) left++;
    else {
      leave();
      if (start != null) marksUntil(start);
      items.push(
        h(
          "li",
          { class: `turn ${roleOf(role)}`, "data-turn": n, tabindex: -1 },
          h("span", { class: "when" }, start != null && clock(start)),
          h("span", { class: "who" }, t(role)),
          h(
            "div",
            h("bdi", { class: "words" }, pieces.map(pieceShown(to))),
            over.has(n) && h("span", { class: "over" }, ` ${t("talks over")} ${over.get(n).toFixed(1)} s`)
          )
        )
      );
    }
    if (pieces || (told.pauses || []).some((pause) => pause[0] === n)) {
      if (!pieces) leave();
      pauses(n);
    }
  });
  leave();
  marksUntil(Infinity);
  return h("ol", { class: "transcript" }, items);
};

// -- verdicts

const asked = ([question, holds, quote, near, score, start], to) =>
  h(
    "li",
    { class: holds ? "holds" : "fails" },
    question,
    quote && [": ", near && [t("nearest"), " "], h("q", h("bdi", spoken(quote))), near && `, ${num(score)}/100`],
    start != null && [" ", link(to({ t: start }), clock(start))]
  );

const verdictCard = (call, told, to) => (one) => {
  const rule = data.rules[one.rule],
    ended = letter(call, one.rule),
    moments = new Map(told.moments || []).get(one.rule) || 1;
  const place = one.start != null ? { t: one.start } : one.turn >= 0 ? { turn: one.turn } : null;
  return h(
    "li",
    { class: rule.severity, "data-clause": rule.clause, tabindex: -1 },
    h("p", { class: "what" }, clauseLink(rule)),
    h("p", { class: "proof" }, one.reason),
    h(
      "p",
      { class: "soft row" },
      ended === "e" ? h("span", { class: "severity critical" }, t("error")) : severity(rule.severity),
      ended === "w" && h("span", t("waived")),
      place &&
        h(
          "a",
          { class: "jump", href: to({ clause: rule.clause, ...place }) },
          one.start != null ? clock(one.start) : t(`turn ${one.turn + 1}`)
        ),
      moments > 1 && h("span", t(`${num(one.broken || 0)} of ${num(moments)} moments`)),
      one.line && h("span", { class: "line" }, one.line)
    ),
    one.asked?.length > 0 &&
      h(
        "details",
        h("summary", t("What was asked")),
        h(
          "ul",
          { class: "asked" },
          one.asked.map((each) => asked(each, to))
        )
      )
  );
};

const named4 = (rules) =>
  rules.map((rule, n) => [
    n > 0 && ", ",
    h(
      "a",
      { href: address("clause", { id: data.rules[rule].clause }), title: data.rules[rule].title },
      data.rules[rule].clause
    )
  ]);
const rest = (call, told) => {
  const rows = [
    ...(told.doubts || []).map(([reason, rules]) => ["Undecided", rules, reason]),
    ["Waived", rulesWith(call, "w")],
    ["Not assessed", rulesWith(call, "m")],
    ["Passed", rulesWith(call, "p")],
    ["Not applicable", rulesWith(call, "n")],
    ["Not run", rulesWith(call, "-")]
  ].filter(([, rules]) => rules.length);
  return h(
    "dl",
    { class: "rest" },
    rows.map(([name, rules, reason]) =>
      pair(t(name), named4(rules), reason && h("span", { class: "soft" }, `: ${reason}`))
    )
  );
};

const facts = (call, told) =>
  [
    [t("agent"), link(address("agent", { name: agentOf(call) || "=" }), named(agentOf(call)))],
    [t("team"), teamOf(call)],
    [t("started"), when(call)],
    [t("length"), data.lengths[call] >= 0 && clock(data.lengths[call])],
    [t("language"), languageOf(call)],
    ...(told.facts || []).map(([name, value]) => [t(name), value])
  ]
    .filter(([, value]) => value)
    .map(([name, value]) => pair(name, value.nodeType ? value : h("bdi", value)));

const callAt = ({ id, n = 1 }) => {
  let call = -1;
  for (let left = +n; left > 0; left--) {
    call = data.ids.indexOf(id, call + 1);
    if (call < 0) return -1;
  }
  return call;
};

/** The calls before and after in the list that the address comes from. */
const neighbours = (call, values) => {
  const list = answered(filterOf(values)),
    place = list.indexOf(call);
  const to = (other) =>
    other !== undefined && address("call", { id: data.ids[other], n: twin(other), ...filterOf(values) });
  return place < 0 ? {} : { place, count: list.length, before: to(list[place - 1]), after: to(list[place + 1]) };
};

const callView = async (values) => {
  const call = callAt(values);
  if (call < 0) return missing(t("No call has this name:"), values.id, "calls");
  const filter = filterOf(values);
  const to = (more) =>
    address("call", {
      id: values.id,
      n: values.n,
      ...filter,
      ...more,
      ...(more.clause ? { at: more.clause, clause: filter.clause } : {})
    });
  let told;
  try {
    told = await inFull(call);
  } catch {
    return [
      heading(values.id),
      h(
        "p",
        { class: "banner" },
        t("This call could not be read. Keep the folder of calls beside the page:"),
        " ",
        h("code", data.book.folder)
      )
    ];
  }
  const times = [
    data.lengths[call],
    ...(told.turns || []).map((turn) => turn[2] ?? turn[1] ?? 0),
    ...(told.marks || []).map((mark) => mark[1])
  ];
  const length = Math.max(1, ...times),
    timed = (told.turns || []).some((turn) => turn[1] != null);
  const near = neighbours(call, values);
  const [drawing, shares] = timed ? timeline(told, length, Math.max(320, Math.min(1216, main.clientWidth - 32))) : [];
  const audio =
    told.recording &&
    h("audio", { controls: true, preload: "metadata", src: told.recording, "aria-label": t("Recording") });
  drawing?.addEventListener("click", (event) => visit(to({ t: Math.round(drawing.timeAt(event) * 10) / 10 })));
  if (audio)
    audio.addEventListener("timeupdate", () => {
      drawing?.at(audio.currentTime);
      const now = turnAt(told, audio.currentTime);
      for (const turn of stage.querySelectorAll(".turn")) turn.classList.toggle("playing", +turn.dataset.turn === now);
    });
  const words = (told.turns || []).some((turn) => turn[3]);
  return [
    h(
      "nav",
      { class: "pages", "aria-label": t("Calls") },
      link(address("calls", filter), t("Back to the list")),
      h("span", { class: "gap" }),
      near.before && h("a", { href: near.before, rel: "prev" }, t("Previous")),
      near.count && h("span", { class: "soft" }, t(`${num(near.place + 1)} of ${num(near.count)}`)),
      near.after && h("a", { href: near.after, rel: "next" }, t("Next"))
    ),
    h(
      "div",
      { class: "callhead" },
      h("div", heading(h("bdi", values.id)), h("dl", { class: "facts inline" }, facts(call, told))),
      h(
        "p",
        { class: data.critical[call] ? "bigscore bad" : "bigscore" },
        h("b", scoreText(data.score[call])),
        h("span", data.critical[call] ? t(`${scoreText(data.raw[call])} before the critical breach`) : t("Score"))
      )
    ),
    drawing && h("figure", { class: "card" }, drawing, shares),
    audio && h("figure", { class: "card audio" }, audio),
    h(
      "div",
      { class: "sheet" },
      h(
        "div",
        h("h2", t("Verdicts")),
        told.verdicts?.length > 0
          ? h("ol", { class: "verdicts" }, told.verdicts.map(verdictCard(call, told, to)))
          : h("p", t("No rule was broken.")),
        rest(call, told),
        told.case?.length > 0 && [
          h("h2", t("Case record")),
          h(
            "dl",
            { class: "rest" },
            told.case.map(([name, value]) => pair(name.replace(/_/g, " "), h("bdi", value)))
          )
        ]
      ),
      h(
        "div",
        { class: "talk" },
        h("h2", t("Transcript")),
        words
          ? [
              transcript(told, to),
              h(
                "p",
                { class: "soft key" },
                h("mark", t("Evidence")),
                " · ",
                h("mark", { class: "near" }, t("nearest miss")),
                " · ",
                t("• hides a character to protect people")
              )
            ]
          : h(
              "p",
              { class: "soft" },
              t(
                !told.turns?.length
                  ? "The ledger holds no transcript of this call."
                  : data.book.text === "none"
                    ? "This report shows no words of calls."
                    : "No turn of this call holds evidence; others are left out."
              )
            )
      )
    )
  ];
};

const turnAt = (told, time) => {
  let found = -1;
  (told.turns || []).forEach(([, start], n) => start != null && start <= time + 0.05 && (found = n));
  return found;
};

/** Go to the moment of an address: its turn, or the shown one nearest before; else its verdict. */
const jump = async (values) => {
  const told = await inFull(callAt(values)).catch(() => null);
  if (!told) return;
  for (const old of stage.querySelectorAll(".here")) old.classList.remove("here");
  const time = values.t !== undefined ? +values.t : null;
  const wanted = values.turn !== undefined ? +values.turn : time !== null ? turnAt(told, time) : -1;
  const card = [...stage.querySelectorAll(".verdicts > li")].find((one) => one.dataset.clause === values.at);
  const turn = [...stage.querySelectorAll(".turn")].filter((one) => +one.dataset.turn <= wanted).pop();
  card?.classList.add("here");
  turn?.classList.add("here");
  const place = turn || card;
  place?.scrollIntoView({ block: turn ? "center" : "nearest" });
  place?.focus({ preventScroll: true });
  if (time === null) return;
  stage.querySelector(".timeline")?.at(time);
  const audio = stage.querySelector("audio");
  if (audio) audio.currentTime = time;
};
