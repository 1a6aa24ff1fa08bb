// Which calls an address asks for, in which order. All of it is in the address, so that a link opens the same list.

const FILTERS = ["sort", ...[...form.elements].map((one) => one.name)];
const ORDERS = {
  worst: (a, b) => data.critical[b] - data.critical[a] || data.lost[b] - data.lost[a] || a - b,
  score: (a, b) => (data.score[a] ?? 2) - (data.score[b] ?? 2) || a - b,
  started: (a, b) => (data.started[b] > data.started[a]) - (data.started[b] < data.started[a]) || a - b,
  length: (a, b) => data.lengths[b] - data.lengths[a] || a - b,
  call: (a, b) => (data.ids[a] > data.ids[b]) - (data.ids[a] < data.ids[b]) || a - b,
  agent: (a, b) => (agentOf(a) > agentOf(b)) - (agentOf(a) < agentOf(b)) || a - b
};

/** The part of an address that filters. */
const filterOf = (values) =>
  Object.fromEntries(FILTERS.filter((name) => values[name]).map((name) => [name, values[name]]));

/** Names as places in a list, to be tested: `!A1` is all but A1, `=` the empty name. */
const oneOf = (value, names) => {
  if (!value) return null;
  const not = value[0] === "!";
  const wanted = names.indexOf(value.replace(/^!/, "").replace(/^=$/, ""));
  return (place) => (place === wanted) !== not;
};

/** The calls that a filter leaves, but for the words sought. */
const chosen = (values) => {
  const size = data.rules.length,
    { letters } = data;
  const tests = [];
  for (const [name, names] of [
    ["agent", data.book.agents],
    ["team", data.book.teams],
    ["language", data.book.languages]
  ]) {
    const test = oneOf(values[name], names),
      column = data[`${name}s`];
    if (test) tests.push((call) => test(column[call]));
  }
  if (values.from) tests.push((call) => data.started[call].slice(0, 10) >= values.from);
  if (values.to) tests.push((call) => data.started[call] && data.started[call].slice(0, 10) <= values.to);
  if (values.min) tests.push((call) => 100 * data.score[call] >= values.min);
  if (values.max) tests.push((call) => 100 * data.score[call] <= values.max);
  const rule = data.place.get(values.clause),
    code = values.verdict?.charCodeAt(0);
  if (values.clause && code) tests.push((call) => letters[call * size + rule] === code);
  else if (values.clause)
    tests.push((call) => ![NOT_APPLICABLE, NOT_RUN, undefined].includes(letters[call * size + rule]));
  else if (code) tests.push((call) => letters.subarray(call * size, (call + 1) * size).includes(code));
  const found = [];
  for (let call = 0; call < data.count; call++) if (tests.every((test) => test(call))) found.push(call);
  return found.sort(ORDERS[values.sort] || ORDERS.worst);
};

// -- words: at once in names, then in what was said, shard by shard

const search = { words: "", hits: null, done: true };
const pieceText = (piece) => (typeof piece === "string" ? piece : piece[0]);
const textOf = (told) =>
  [
    told.facts?.map(([, value]) => value),
    told.verdicts?.map((one) => [one.reason, one.asked?.map(([, , quote]) => quote)]),
    told.turns?.map(([, , , pieces]) => pieces?.map(pieceText).join("")),
    told.doubts?.map(([reason]) => reason)
  ]
    .flat(Infinity)
    .join("\n")
    .toLowerCase();

const inNames = (call, words) => `${data.ids[call]}\n${agentOf(call)}\n${teamOf(call)}`.toLowerCase().includes(words);

/** Look for words in all calls; `shown` is told now and then, and at the end. */
const seek = async (words, shown) => {
  if (search.words === words) return;
  Object.assign(search, { words, hits: new Uint8Array(data.count), done: !words });
  if (!words) return;
  const { hits } = search;
  for (let call = 0; call < data.count; call++) hits[call] = inNames(call, words);
  let told = performance.now();
  for (let number = 0; number < data.book.shards.length; number++) {
    const calls = await shard(number).catch(() => []);
    if (search.hits !== hits) return;
    calls.forEach((one, n) => (hits[data.book.shards[number] + n] ||= textOf(one).includes(words)));
    if (performance.now() - told > 400) {
      shown();
      told = performance.now();
    }
  }
  search.done = true;
  shown();
};

/** The calls of an address: filtered, sorted, and with the words sought. */
const answered = (values, shown = () => {}) => {
  const words = (values.q || "").trim().toLowerCase();
  seek(words, shown);
  const calls = chosen(values);
  return words ? calls.filter((call) => search.hits[call]) : calls;
};
