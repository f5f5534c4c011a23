// The contact page works without this file. With it, places are suggested while typing: a combobox after the ARIA
// Authoring Practices (list autocomplete, manual selection). The server resolves what was typed in any case.
"use strict";

for (const box of document.querySelectorAll(".combobox")) suggest(box);

function suggest(box) {
  const input = box.querySelector("input[name=place]");
  const chosen = box.querySelector("input[name=ags]");
  if (!input || !chosen) return;

  const list = document.createElement("ul");
  list.id = `${input.id}-list`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", box.dataset.list);
  list.hidden = true;
  const said = document.createElement("p");
  said.className = "hidden-words";
  said.setAttribute("role", "status");
  box.append(list, said);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id]])
    input.setAttribute(name, value);
  input.autocomplete = "off"; // the browser's own list would cover ours

  let active = -1;
  let asked = 0;
  let timer;

  input.addEventListener("input", () => {
    chosen.value = "";
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  });

  input.addEventListener("keydown", (event) => {
    const count = list.children.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden) return void ask();
      event.preventDefault();
      move((active + (event.key === "ArrowDown" ? 1 : active < 0 ? count : count - 1)) % count);
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      take(list.children[active]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });

  input.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // keeps the focus in the field
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });

  async function ask() {
    const query = input.value.trim();
    const mine = ++asked;
    if (query.length < 2) return close();
    let places;
    try {
      const answer = await fetch(`${box.dataset.source}?q=${encodeURIComponent(query)}`, { headers: { accept: "application/json" } });
      places = answer.ok ? await answer.json() : [];
    } catch {
      places = []; // no network: the typed text is enough
    }
    if (mine === asked && document.activeElement === input) show(places);
  }

  function show(places) {
    list.replaceChildren(...places.map(option));
    active = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = places.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    said.textContent = places.length ? box.dataset.found.replace("{count}", places.length) : box.dataset.nothing;
  }

  function option(place, index) {
    const item = document.createElement("li");
    item.id = `${list.id}-${index}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    item.dataset.ags = place.ags;
    item.dataset.name = place.name;
    item.append(place.name);
    if (place.district && place.district !== place.name) {
      const district = document.createElement("small");
      district.textContent = place.district;
      item.append(" ", district);
    }
    return item;
  }

  function move(to) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = to;
    list.children[active].setAttribute("aria-selected", "true");
    list.children[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", list.children[active].id);
  }

  function take(item) {
    input.value = item.dataset.name;
    chosen.value = item.dataset.ags;
    asked++;
    close();
  }

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
}
