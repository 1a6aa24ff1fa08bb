// Which view is shown, and the keys. The address holds all of it; only theme, language and keys are remembered.

const PARENT = { call: "calls", clause: "clauses", agent: "agents" };
const heading = (...children) => h("h1", { tabindex: -1 }, children);
const missing = (text, name, view) => [
  heading(text, " ", h("bdi", name || "–")),
  h("p", link(`#${view}`, t("Back to the list")))
];
const visit = (href, replace) => {
  if (!replace) location.hash = href;
  else {
    history.replaceState(null, "", href);
    show();
  }
};

/** The view an address names, when the script makes it; the others are in the page. */
const made = (view, values) => {
  if (view === "clauses" && values.by) return heatMap;
  if (view === "agents" && values.cards) return cardsView;
  return { call: callView, clause: clauseView, agent: agentView }[view];
};

const here = () => {
  const [view, query] = location.hash.slice(1).split(/\?(.*)/s);
  return { view: view || "overview", values: Object.fromEntries(new URLSearchParams(query || "")) };
};

const fill = (content) => stage.replaceChildren(...h("div", content).childNodes);

let shown = { view: "", values: {} };
const show = async (event) => {
  const { view, values } = here(),
    before = shown;
  const make = made(view, values),
    anchor = document.getElementById(make ? "stage" : view) || document.getElementById("overview");
  const section = anchor.closest("main > section");
  if (make && !data.letters) return;
  shown = { view, values };
  const moves =
    view === "call" && before.view === "call" && values.id === before.values.id && values.n === before.values.n;
  if (make && !moves) {
    const content = await make(values);
    if (shown.values !== values) return;
    fill(content);
  }
  if (!make) stage.replaceChildren();
  if (view !== "calls") form.nextElementSibling.replaceChildren();
  for (const one of main.querySelectorAll(":scope > section")) one.classList.toggle("on", one === section);
  for (const one of document.querySelectorAll("body > nav a")) {
    const current = one.hash.slice(1) === (PARENT[view] || (make ? view : section.id));
    current ? one.setAttribute("aria-current", "page") : one.removeAttribute("aria-current");
  }
  if (data.letters && view === "clauses" && !make) sortClauses(values);
  if (data.letters && view === "calls") listCalls(values);
  const title = section.querySelector("h1, .name");
  document.title = `${title.textContent.trim()} · ${root.dataset.title}`;
  if (view === "call" && (values.t || values.turn || values.at)) return jump(values);
  if (!event || (view === "calls" && before.view === view)) return;
  if (anchor !== section) return anchor.scrollIntoView();
  scrollTo(0, 0);
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
};

/** On paper, all scorecards; on the screen, a page of them. */
const printed = (all) => shown.view === "agents" && shown.values.cards && fill(cardsView(shown.values, all));

const setTheme = (name) => {
  root.dataset.theme = name;
  for (const one of document.querySelectorAll("[data-theme-is]"))
    one.setAttribute("aria-pressed", one.dataset.themeIs === name);
};

// -- keys

const KEYS = { o: "overview", c: "clauses", l: "calls", a: "agents", s: "scenarios", r: "rules", u: "run" };
let going = 0;

/** Move the focus to the next of some elements, or the one before. */
const focusNext = (list, by) => {
  const place = list.indexOf(document.activeElement.closest?.(".turn") || document.activeElement);
  const next = list[place < 0 ? (by > 0 ? 0 : list.length - 1) : place + by];
  next?.focus();
  next?.scrollIntoView({ block: "center" });
};

const key = (event) => {
  if (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    help.open ||
    /^(INPUT|SELECT|TEXTAREA|AUDIO)$/.test(event.target.tagName)
  )
    return;
  if (moveInHeat(event)) return event.preventDefault();
  if (remembered("keys") === "off") return;
  const go = Date.now() - going < 1500 && KEYS[event.key];
  going = event.key === "g" ? Date.now() : 0;
  const by = { j: 1, k: -1, n: 1, p: -1 }[event.key];
  if (go) visit(`#${go}`);
  else if (event.key === "?") help.showModal();
  else if (event.key === "/") {
    event.preventDefault();
    if (shown.view !== "calls") visit("#calls");
    setTimeout(() => form.elements.q.focus());
  } else if (/[jk]/.test(event.key) && event.key.length === 1)
    if (shown.view === "call") stage.querySelector(by > 0 ? "[rel=next]" : "[rel=prev]")?.click();
    else focusNext([...main.querySelectorAll(".on table.calls tbody th a")], by);
  else if (/[np]/.test(event.key) && event.key.length === 1)
    focusNext(
      [...stage.querySelectorAll(".turn")].filter((one) => one.querySelector("mark, .chip")),
      by
    );
};

// -- start

const clicks = (event) => {
  const { themeIs } = event.target.dataset;
  if (themeIs) setTheme((remembered("theme", themeIs), themeIs));
  else if (event.target.id === "keys") help.showModal();
  else if (event.target.id === "language") {
    remembered("language", chinese ? "en" : "zh");
    location.reload();
  }
};

const start = async () => {
  root.dataset.title = document.title;
  root.classList.add("app");
  setTheme(remembered("theme") || "auto");
  const single = help.querySelector("input"),
    language = document.getElementById("language");
  single.checked = remembered("keys") !== "off";
  single.addEventListener("change", () => remembered("keys", single.checked ? "on" : "off"));
  language.append(chinese ? "English" : "中文");
  language.lang = chinese ? "en" : "zh";
  addEventListener("hashchange", show);
  addEventListener("keydown", key);
  addEventListener("click", clicks);
  addEventListener("beforeprint", () => printed(true));
  addEventListener("afterprint", () => printed(false));
  try {
    await translate();
    show();
    await load();
  } catch (error) {
    main.prepend(
      h(
        "p",
        { class: "banner", role: "alert" },
        t("The calls could not be unpacked: use a newer browser, or make the report again."),
        ` (${error.message})`
      )
    );
    return;
  }
  fillForm();
  await show();
  root.dataset.ready = "yes";
};
start();
