// What the page does without asking the server: chips, panels, copying, scrolling.
(() => {
  const wide = () => window.matchMedia("(min-width: 1080px)").matches;

  function showSource(turn, source) {
    const sections = [...document.querySelectorAll("#evidence .sources")];
    const wanted = sections.find((each) => each.dataset.turn === turn);
    if (!wanted) return;
    sections.forEach((each) => each.classList.toggle("active", each === wanted));
    if (!wide()) document.body.classList.add("show-sources");
    const fold = [...wanted.querySelectorAll(".source")].find(
      (each) => each.dataset.source === source,
    );
    if (!fold) return;
    fold.open = true;
    fold.classList.remove("flash");
    void fold.offsetWidth; // starts the animation again
    fold.classList.add("flash");
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    fold.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
    fold.querySelector("summary").focus({ preventScroll: true });
  }

  function toggle(name) {
    const other = name === "list" ? "sources" : "list";
    document.body.classList.remove(`show-${other}`);
    document.body.classList.toggle(`show-${name}`);
  }

  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      // without https a browser may refuse: select the words instead
      getSelection().selectAllChildren(button.closest(".turn").querySelector(".answer"));
      button.textContent = "Selected: press Ctrl+C";
    }
    setTimeout(() => (button.textContent = "Copy"), 1800);
  }

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    const chip = at("[data-turn][data-source]:is(.chip, .pill)");
    if (chip) return showSource(chip.dataset.turn, chip.dataset.source);
    const toggler = at("[data-toggle]");
    if (toggler) return toggle(toggler.dataset.toggle);
    const copier = at("[data-copy]");
    if (copier) return void copy(copier);
    if (at("#new, #chooser label")) document.body.classList.remove("show-list");
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.body.classList.remove("show-list", "show-sources");
  });

  // The tabs of a browser share its conversations, and Gradio reads them once a tab: a second tab
  // would overwrite what the first one kept meanwhile. So a request starts from what any tab kept
  // last, and only what it changed goes into what is kept when it ends.
  const KEY = "footnote-conversations";
  let given = "";
  let before = [];

  function stored() {
    try {
      const found = JSON.parse(localStorage.getItem(KEY));
      return Array.isArray(found) ? found : null;
    } catch {
      return null;
    }
  }

  window.footnote = {
    latest(kept) {
      given = JSON.stringify(kept);
      before = stored() ?? kept?.conversations ?? [];
      return { conversations: before, open_id: kept?.open_id ?? "" };
    },
    keep(kept) {
      if (!kept || JSON.stringify(kept) === given) return; // the request changed nothing
      const was = new Map(before.map((each) => [each.id, JSON.stringify(each)]));
      const changed = kept.conversations.filter((each) => was.get(each.id) !== JSON.stringify(each));
      changed.forEach((each) => was.set(each.id));
      kept.conversations.forEach((each) => changed.includes(each) || was.delete(each.id));
      // what is left in `was` is changed or gone: the others are as another tab may have them now
      const others = (stored() ?? before).filter((each) => !was.has(each.id));
      try {
        localStorage.setItem(KEY, JSON.stringify([...changed, ...others]));
      } catch {
        localStorage.removeItem(KEY); // full: each tab goes on with what Gradio keeps
      }
    },
  };

  // Follow the words as they come, unless the reader has scrolled up.
  let following = true;
  const scroller = () => document.querySelector("#scroll");
  document.addEventListener(
    "scroll",
    (event) => {
      const pane = scroller();
      if (event.target !== pane) return;
      following = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 80;
    },
    true,
  );
  let asked = 0;
  let ready = false;
  new MutationObserver(() => {
    const box = document.querySelector("#box textarea:enabled");
    if (box && !ready) {
      ready = true;
      if (wide()) box.focus(); // on a phone it would bring up the keyboard
    }
    const pane = scroller();
    if (!pane) return;
    const questions = pane.querySelectorAll(".turn").length;
    if (questions !== asked) following = true;
    asked = questions;
    if (following) pane.scrollTop = pane.scrollHeight;
  }).observe(document.documentElement, {
    childList: true,
    subtree: true,
    characterData: true,
    attributeFilter: ["disabled"],
  });
})();
