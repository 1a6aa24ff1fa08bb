// Words of ours, and numbers. English is what the page is written in; Chinese is looked up by it, numbers left out.

let CHINESE = {};

/** What the reader chose before, in this browser; a value is remembered. */
const remembered = (name, value) => {
  try {
    if (value !== undefined) localStorage.setItem(`callqa-${name}`, value);
    return localStorage.getItem(`callqa-${name}`);
  } catch {
    return null; // a browser may forbid it
  }
};
const chinese = (remembered("language") || navigator.language).startsWith("zh");

/** The text in the reader's language. `#` stands for a number, `#2` for the second one. */
const t = (text) => {
  if (!chinese) return text;
  const numbers = [];
  const key = text.trim().replace(/[+\u2212]?\d(?:[\d.,:]*\d)?/g, (number) => (numbers.push(number), "#"));
  const said = CHINESE[key];
  let next = 0;
  if (!said) window.untranslated?.add(key);
  return said ? said.replace(/#(\d?)/g, (_, place) => numbers[place ? place - 1 : next++]) : text;
};

/** Put the page's own words into the reader's language. */
const translate = async () => {
  if (!chinese) return;
  CHINESE = await unpack((await payloads("words"))[0]);
  document.documentElement.lang = "zh";
  for (const one of document.querySelectorAll("[data-t]"))
    one.textContent = one.textContent.match(/^ ?/) + t(one.textContent);
};

const { format: num } = new Intl.NumberFormat("en");
/** A share as people read it; only all is 100 and only none is 0. */
const percent = (value) => {
  const whole = Math.round(100 * value);
  return String(whole === 100 && value < 1 ? 99 : whole === 0 && value > 0 ? 1 : whole);
};
const scoreText = (score) => (Number.isNaN(score) ? t("not scored") : percent(score));
/** 1:04.2, as the terminal tells times. */
const clock = (seconds, digits = 1) => {
  const minutes = Math.floor(seconds / 60 + 1e-9);
  const rest = Math.abs(seconds - 60 * minutes).toFixed(digits);
  return `${minutes}:${rest.padStart(digits ? digits + 3 : 2, "0")}`;
};
