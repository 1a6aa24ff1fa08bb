// Elements. Every text goes through `visible`, so that what nobody can see (controls, direction marks) is written out.

const main = document.getElementById("main");
const stage = document.getElementById("stage"),
  help = document.querySelector("dialog"),
  form = document.querySelector(".filter");
const root = document.documentElement;

const written = (keep) => (text) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (sign) =>
    keep.includes(sign) ? sign : `⟨U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`
  );
const visible = written("\n\t");
/** What was said: the joiners and direction marks that real scripts need stay. */
const spoken = (text) => document.createTextNode(written("\n\t\u200c\u200d\u200e\u200f\u061c\u00ad")(text));

/** Makes elements of a namespace: attributes (may be left out) that are null or false are not set, functions listen. */
const maker =
  (space) =>
  (tag, ...children) => {
    const element = document.createElementNS(space, tag);
    const plain = children[0]?.constructor === Object && children.shift();
    for (const [name, value] of Object.entries(plain || {})) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value === true) element.setAttribute(name, "");
      else if (value != null && value !== false) element.setAttribute(name, visible(String(value)));
    }
    for (const child of children.flat(Infinity))
      if (child != null && child !== false) element.append(child.nodeType ? child : visible(String(child)));
    return element;
  };
const h = maker("http://www.w3.org/1999/xhtml");
const s = maker("http://www.w3.org/2000/svg");

/** `#view?name=value`: the address of a view; what is empty is left out. */
const address = (view, values = {}) => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    for (const one of [value].flat()) if (one != null && one !== "") query.append(name, one);
  return `#${view}${query.size ? `?${query}` : ""}`;
};
const pair = (name, ...value) => h("div", h("dt", name), h("dd", value));
const link = (href, ...children) => h("a", { href }, children);
const clauseLink = (rule, ...more) =>
  link(address("clause", { id: rule.clause }), h("span", { class: "clause" }, rule.clause), " ", rule.title, more);
const severity = (name) => h("span", { class: `severity ${name}` }, t(name));
const named = (name) => (name ? h("bdi", name) : h("i", t("not named")));

/** A table in a region that scrolls on its own. Heads: text, or [text, class]; a cell that is an element of a table stays. */
const table = (label, heads, rows, kind = "") =>
  h(
    "div",
    { class: "scroll", role: "group", "aria-label": label, tabindex: 0 },
    h(
      "table",
      { class: kind },
      h("caption", { class: "quiet" }, label),
      h(
        "thead",
        h(
          "tr",
          heads.map((head) =>
            head.nodeType ? head : h("th", { scope: "col", class: [head].flat()[1] }, [head].flat()[0])
          )
        )
      ),
      h(
        "tbody",
        rows.map((row) =>
          h(
            "tr",
            row.map((cell, place) =>
              /^t[hd]$/.test(cell?.localName || "")
                ? cell
                : place
                  ? h(
                      "td",
                      { class: typeof cell === "number" || /^[\d,.]+$/.test(cell) ? "num" : null },
                      typeof cell === "number" ? num(cell) : cell
                    )
                  : h("th", { scope: "row" }, cell)
            )
          )
        )
      )
    )
  );

/** Links to the pages of a list. */
const pages = (view, values, page, count) =>
  count > 1 &&
  h(
    "nav",
    { class: "pages", "aria-label": t("Pages") },
    page > 1 && link(address(view, { ...values, page: page - 1 }), t("Previous")),
    h("span", t(`page ${num(page)} of ${num(count)}`)),
    page < count && link(address(view, { ...values, page: page + 1 }), t("Next"))
  );
