// Rates with their interval, and bars of outcomes. SVG with attributes only: a strict policy allows no style.

const SMALL_STEPS = [
  [95, "h0"],
  [90, "h1"],
  [80, "h2"],
  [60, "h3"],
  [0, "h4"]
];
const step = (one) => SMALL_STEPS.find(([least]) => +percent(one.value) >= least)[1];

/** How much of what was judged was kept, with its 95 % Wilson interval; null when nothing was judged. */
const rate = (passed, judged, z = 1.959964) => {
  if (!judged) return null;
  const value = passed / judged,
    scale = 1 + (z * z) / judged,
    centre = value + (z * z) / (2 * judged);
  const spread = z * Math.sqrt((value * (1 - value)) / judged + (z * z) / (4 * judged * judged));
  return {
    passed,
    judged,
    value,
    low: Math.max(0, (centre - spread) / scale),
    high: Math.min(1, (centre + spread) / scale),
    small: judged < data.book.small
  };
};
/** Several rates as one. */
const sum = (rates) =>
  rate(
    rates.reduce((all, one) => all + (one?.passed || 0), 0),
    rates.reduce((all, one) => all + (one?.judged || 0), 0)
  );
const rateText = (one) =>
  one
    ? `${percent(one.value)} % (${percent(one.low)}–${percent(one.high)} %), ${num(one.passed)}/${num(one.judged)}`
    : "–";

/** A rate as a bar of so many units; `mark` is what it is compared with. */
const plot = (one, mark, width = 120) => {
  const at = (part) => Math.round(width * part * 10) / 10;
  return s(
    "svg",
    { class: "plot", viewBox: `0 0 ${width} 16`, width, height: 16, "aria-hidden": "true" },
    s("rect", { class: "track", x: 0, y: 4, width, height: 8, rx: 2 }),
    s("rect", { class: "kept", x: 0, y: 4, width: at(one.value), height: 8, rx: 2 }),
    s("path", {
      class: "range",
      d: `M${at(one.low)} 8H${at(one.high)}M${at(one.low)} 4.5V11.5M${at(one.high)} 4.5V11.5`
    }),
    mark && s("path", { class: "mean", d: `M${at(mark.value)} 1V15` })
  );
};
const rated = (one, mark) => [
  h("td", { class: "plotted" }, one && plot(one, mark)),
  h(
    "td",
    { class: "num rate" },
    one
      ? [
          h("b", percent(one.value), " %"),
          " ",
          h("span", { class: "soft" }, `${percent(one.low)}–${percent(one.high)}`)
        ]
      : "–"
  )
];
/** A cell of a heat map: few verdicts are a fraction without colour. */
const heat = (one, href) =>
  h(
    "td",
    { class: one ? (one.small ? "heat few" : `heat ${step(one)}`) : "num zero", title: one && rateText(one) },
    one ? link(href, one.small ? `${one.passed}/${one.judged}` : `${percent(one.value)} %`) : "–"
  );
/** The colours, as the page tells them. */
const legend = () => document.querySelector(".steps")?.cloneNode(true);
