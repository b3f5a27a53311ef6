// Jobs that move: while one waits or runs, its table is fetched again every two seconds.
"use strict";

(() => {
  const PAUSE = 2000;

  async function look() {
    const shown = document.querySelector("[data-live][data-moving]");
    if (!shown) return;
    let again = PAUSE;
    try {
      const answer = await fetch(shown.dataset.live, { headers: { Accept: "text/html" } });
      if (answer.redirected) {
        location.reload();
        return;
      }
      if (answer.ok) replace(shown, await answer.text());
      else again = 5 * PAUSE;
    } catch {
      again = 5 * PAUSE;
    }
    setTimeout(look, again);
  }

  function replace(shown, text) {
    const held = document.createElement("template");
    held.innerHTML = text;
    const fresh = held.content.querySelector("[data-live]");
    if (!fresh || fresh.outerHTML === shown.outerHTML) return;
    const focused = shown.contains(document.activeElement) ? document.activeElement.id : "";
    const old = shown.querySelector("[data-news]");
    const news = fresh.querySelector("[data-news]");
    // The status line stays the same element, or its change would not be read out.
    const said = news.textContent;
    news.replaceWith(old);
    shown.replaceWith(fresh);
    if (old.textContent !== said) old.textContent = said;
    if (focused) document.getElementById(focused)?.focus();
  }

  setTimeout(look, PAUSE);
})();
