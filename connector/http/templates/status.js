"use strict";
// Fetches this page again and takes over what differs, node by node: nothing flickers, and what is selected or opened stays.
(() => {
  const EVERY = 2000;
  const PATIENCE = 10000;

  function become(old, next) {
    if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName) {
      old.replaceWith(next.cloneNode(true));
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes]) if (!next.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    const wanted = [...next.childNodes];
    while (old.childNodes.length > wanted.length) old.lastChild.remove();
    wanted.forEach((child, index) => {
      const had = old.childNodes[index];
      if (had) become(had, child);
      else old.append(child.cloneNode(true));
    });
  }

  async function refresh() {
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        const next = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of ["header", "main"]) become(document.querySelector(part), next.querySelector(part));
        document.title = next.title;
      } catch (error) {
        document.getElementById("stale").textContent = "no answer since; this is what was known then";
      }
    }
    setTimeout(refresh, EVERY);
  }

  setTimeout(refresh, EVERY);
})();
