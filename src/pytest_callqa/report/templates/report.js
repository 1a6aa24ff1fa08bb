// Adds a filter and two buttons to the list of failing calls. The page is whole without it.
(() => {
  "use strict";
  const form = document.getElementById("filter");
  const calls = [...document.querySelectorAll("details.call")];
  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    const call = target && target.closest("details.call");
    if (call) {
      call.hidden = false;
      call.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", open);
  open();
  if (!form) return;
  form.hidden = false;
  const { words, clause, agent, shown } = form.elements;
  const filter = () => {
    const sought = words.value.trim().toLowerCase();
    let count = 0;
    for (const call of calls) {
      const keep =
        (!clause.value || call.dataset.clauses.split(" ").includes(clause.value)) &&
        (!agent.value || call.dataset.agent === agent.value.slice(1)) &&
        (!sought || call.textContent.toLowerCase().includes(sought));
      call.hidden = !keep;
      count += keep;
    }
    shown.value = `${count} of ${calls.length} shown`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("click", ({ target }) => {
    if (target.dataset.open) for (const call of calls) if (!call.hidden) call.open = target.dataset.open === "yes";
  });
  filter();
})();
