// Swaps in what the server has drawn, whenever it says that there is something newer. Nothing is made up here.
"use strict";
(() => {
  const id = (name) => document.getElementById(name);
  let asked = 0;

  // The style sheet shows it behind the time that the server wrote: "01:05:12 (8 s ago)".
  function tell() {
    for (const time of document.querySelectorAll("time[datetime]")) {
      const seconds = Math.round((Date.now() - Date.parse(time.dateTime)) / 1000);
      time.dataset.ago = seconds < 0 ? `in ${span(-seconds)}` : `${span(seconds)} ago`;
    }
  }

  function span(seconds) {
    for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
      if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
    }
    return `${seconds} s`;
  }

  async function swap() {
    const mine = ++asked;
    const answer = await fetch("/fragment", {cache: "no-store"});
    if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
    const newer = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("view");
    if (mine !== asked || !newer) return;
    const focused = document.activeElement?.id;
    id("view").replaceWith(newer);
    if (focused) id(focused)?.focus({preventScroll: true});
    found();
  }

  function found() {
    const view = id("view");
    document.title = view.dataset.title;
    if (id("said").textContent !== view.dataset.said) id("said").textContent = view.dataset.said;
    tell();
  }

  function lost(is) {
    const banner = id("lost");
    if (banner.hidden === !is) return;
    banner.hidden = !is;
    banner.textContent = is ? "The monitor does not answer any more: what is shown below is old. Trying again." : "";
    document.body.classList.toggle("is-lost", is);
  }

  const refresh = () => swap().then(() => lost(false)).catch(() => lost(true));

  function listen() {
    const events = new EventSource("/events");
    events.addEventListener("view", refresh);
    events.addEventListener("error", () => {
      lost(true);
      if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
    });
  }

  document.addEventListener("submit", async (event) => {
    if (!event.target.dataset.acknowledge) return;
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(event.target.action, {method: "POST", headers: {Accept: "application/json"}});
      if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
      await swap();
      id(`alert-${event.target.dataset.acknowledge}`)?.focus({preventScroll: true});
      id("said").textContent = "Acknowledged.";
    } catch (error) {
      button.disabled = false;
      button.textContent = "Not acknowledged: try again";
    }
  });

  found();
  listen();
  setInterval(tell, 1000);
})();
