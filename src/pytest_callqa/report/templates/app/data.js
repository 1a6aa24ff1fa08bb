// The calls: an index of columns, all verdicts as letters in one array, and shards of calls in full read when needed.

const PASSED = 112,
  FAILED = 102,
  NOT_APPLICABLE = 110,
  NOT_RUN = 45;
const SEVERITIES = ["critical", "major", "minor"];
const KEPT_SHARDS = 24;

const data = { book: null, count: 0, ids: [], started: [], agents: [], teams: [], languages: [], lengths: [] };

const bytes = (text) => Uint8Array.fromBase64?.(text) || Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
const unpack = async (text) =>
  JSON.parse(await new Response(new Response(bytes(text)).body.pipeThrough(new DecompressionStream("gzip"))).text());
/** The payloads of a kind, one a line, as soon as the browser has read the last of them. */
const payloads = async (kind) => {
  const element = () => document.getElementById(`packed-${kind}`);
  while (document.readyState === "loading" && !element()?.nextSibling) await new Promise((done) => setTimeout(done, 5));
  return element().textContent.split("\n");
};

const load = async () => {
  const [book, ...parts] = await Promise.all((await payloads("index")).map(unpack));
  data.book = book;
  for (const column of ["ids", "started", "agents", "teams", "languages", "lengths"])
    data[column] = [].concat(...parts.map((part) => part[column]));
  data.count = data.ids.length;
  const size = (data.rules = book.rules.map((rule) => ({
    severity: "major",
    section: "",
    text: "",
    situation: "",
    ...rule
  }))).length;
  data.letters = new Uint8Array(data.count * size);
  let place = 0;
  for (const part of parts) place += new TextEncoder().encodeInto(part.verdicts, data.letters.subarray(place)).written;
  data.place = new Map(data.rules.map((rule, n) => [rule.clause, n]));
  data.sections = [...new Set(data.rules.map((rule) => rule.section))];
  for (const rule of data.rules) {
    rule.at = data.sections.indexOf(rule.section);
    rule.rank = SEVERITIES.indexOf(rule.severity);
  }
  weigh(size);
};

/** Scores of all calls, as the terminal and the page itself count them: weight kept of the weight that applied. */
const weigh = (size) => {
  const { count, letters } = data;
  const weights = data.rules.map((rule) => data.book.weights[rule.severity] ?? 1);
  const critical = data.rules.map((rule) => rule.severity === "critical");
  Object.assign(data, {
    raw: new Float64Array(count),
    score: new Float64Array(count),
    lost: new Float64Array(count),
    critical: new Uint8Array(count)
  });
  for (let call = 0, at = 0; call < count; call++) {
    let kept = 0,
      lost = 0,
      fatal = 0;
    for (let rule = 0; rule < size; rule++, at++) {
      kept += weights[rule] * (letters[at] === PASSED); // most pass: a sum costs less than to guess wrong
      if (letters[at] === FAILED) {
        lost += weights[rule];
        if (critical[rule]) fatal++;
      }
    }
    data.raw[call] = kept + lost ? kept / (kept + lost) : NaN;
    data.score[call] = fatal ? 0 : data.raw[call];
    data.lost[call] = lost;
    data.critical[call] = fatal;
  }
};

const letter = (call, rule) => String.fromCharCode(data.letters[call * data.rules.length + rule]);
const agentOf = (call) => data.book.agents[data.agents[call]];
const teamOf = (call) => data.book.teams[data.teams[call]];
const languageOf = (call) => data.book.languages[data.languages[call]];

/** The places of the rules that ended so on a call, by severity. */
const rulesWith = (call, ...wanted) =>
  [...data.rules.keys()]
    .filter((rule) => wanted.includes(letter(call, rule)))
    .sort((a, b) => data.rules[a].rank - data.rules[b].rank);

/** Passed and failed verdicts of some calls, in groups: `group(call, rule)` says which, -1 none. */
const tally = (calls, groups, group) => {
  const passed = new Uint32Array(groups),
    failed = new Uint32Array(groups);
  const size = data.rules.length;
  for (const call of calls)
    for (let rule = 0, at = call * size; rule < size; rule++, at++) {
      const one = data.letters[at];
      if (one === PASSED) passed[group(call, rule)]++;
      else if (one === FAILED) failed[group(call, rule)]++;
    }
  return Array.from(passed, (kept, n) => rate(kept, kept + failed[n]));
};
const everyCall = () => Array.from({ length: data.count }, (_, call) => call);

// -- calls in full

const shards = new Map(),
  waiting = new Map();
window.callqa = (name, text) => waiting.get(name)?.(text);

const fetched = (name) =>
  new Promise((resolve, reject) => {
    waiting.set(name, resolve);
    const script = h("script", {
      src: `${encodeURIComponent(data.book.folder)}/${name}.js`,
      error: () => reject(new Error(name)),
      load: () => script.remove()
    });
    document.head.append(script);
  });

let lines; // of the page, where it holds the calls itself
const shard = (number) => {
  let known = shards.get(number);
  shards.delete(number);
  known ||= (
    data.book.folder
      ? fetched(`shard-${data.book.edition}-${number}`)
      : (lines ||= payloads("calls")).then((all) => all[number])
  ).then(unpack);
  shards.set(number, known);
  known.catch(() => shards.delete(number));
  if (shards.size > KEPT_SHARDS) shards.delete(shards.keys().next().value);
  return known;
};

const inFull = async (call) => {
  const number = data.book.shards.findLastIndex((first) => first <= call);
  return (await shard(number))[call - data.book.shards[number]];
};
