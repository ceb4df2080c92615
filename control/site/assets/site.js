"use strict";
// Search on the first page, and the lineage graph of a table. Everything else works without this script.

const WIDTH = 208, GAP = 96, LINE = 28, BETWEEN = 20, EDGE = 16;

function startSearch() {
  const input = document.getElementById("search");
  if (!input) return;
  const items = [...document.querySelectorAll("[data-find]")];
  const found = document.getElementById("found");
  const search = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const item of items) {
      const text = item.dataset.find.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
      if (!item.hidden) count += 1;
    }
    for (const section of document.querySelectorAll("main section")) {
      section.hidden = ![...section.querySelectorAll("[data-find]")].some((item) => !item.hidden);
    }
    found.textContent = words.length ? `${count} of ${items.length} tables` : "";
  };
  input.addEventListener("input", search);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== input) { event.preventDefault(); input.focus(); }
    if (event.key === "Escape" && document.activeElement === input) { input.value = ""; search(); }
  });
  search();
}

// A raw field's name may have dots of its own.
const tableOf = (column) => column.split(".", column.startsWith("source.") ? 3 : 2).join(".");

// Each table stands one place right of the last table that it reads.
function places(edges) {
  const place = new Map(), reads = new Map();
  for (const [from, to] of edges) {
    for (const end of [from, to]) if (!place.has(tableOf(end))) place.set(tableOf(end), 0);
    if (!reads.has(tableOf(to))) reads.set(tableOf(to), new Set());
    reads.get(tableOf(to)).add(tableOf(from));
  }
  for (let round = 0, moved = true; moved && round <= place.size; round += 1) {
    moved = false;
    for (const [table, parents] of reads) {
      for (const parent of parents) {
        if (place.get(table) <= place.get(parent)) { place.set(table, place.get(parent) + 1); moved = true; }
      }
    }
  }
  return place;
}

function layOut(edges) {
  const columns = new Map();
  for (const end of edges.flatMap(([from, to]) => [from, to])) {
    if (!columns.has(tableOf(end))) columns.set(tableOf(end), new Set());
    columns.get(tableOf(end)).add(end);
  }
  const place = places(edges), depth = new Map(), boxes = new Map();
  for (const [table, names] of [...columns].sort()) {
    const x = EDGE + place.get(table) * (WIDTH + GAP), y = depth.get(x) ?? EDGE;
    boxes.set(table, { x, y, names: [...names].sort() });
    depth.set(x, y + (names.size + 1) * LINE + BETWEEN);
  }
  return { boxes, width: Math.max(...[...boxes.values()].map((box) => box.x)) + WIDTH + EDGE,
    height: Math.max(...depth.values()) };
}

function closure(start, edges) {
  const found = new Set([start]);
  for (const [a, b] of [[0, 1], [1, 0]]) {
    const ahead = [start], seen = new Set([start]);
    while (ahead.length) {
      const column = ahead.pop();
      for (const edge of edges) {
        if (edge[a] === column && !seen.has(edge[b])) { seen.add(edge[b]); found.add(edge[b]); ahead.push(edge[b]); }
      }
    }
  }
  return found;
}

function drawBox(graph, table, box, pages, choose) {
  const element = document.createElement("div");
  element.className = table === graph.dataset.table ? "box here" : "box";
  element.style.left = `${box.x}px`;
  element.style.top = `${box.y}px`;
  const title = document.createElement(pages.includes(table) && table !== graph.dataset.table ? "a" : "span");
  title.className = "title";
  title.textContent = title.title = table;
  if (title.tagName === "A") title.href = `${table}.html`;
  element.append(title);
  const buttons = box.names.map((column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.column = column;
    button.textContent = column.slice(table.length + 1);
    button.title = column;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => choose(column));
    return button;
  });
  element.append(...buttons);
  graph.append(element);
}

function drawEdges(graph, edges, layout) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("width", layout.width);
  svg.setAttribute("height", layout.height);
  svg.setAttribute("aria-hidden", "true");
  const middle = (column) => {
    const box = layout.boxes.get(tableOf(column));
    return box.y + (box.names.indexOf(column) + 1.5) * LINE;
  };
  for (const [from, to] of edges) {
    const x1 = layout.boxes.get(tableOf(from)).x + WIDTH, x2 = layout.boxes.get(tableOf(to)).x;
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", `M${x1},${middle(from)}C${x1 + GAP / 2},${middle(from)} ${x2 - GAP / 2},${middle(to)} ${x2},${middle(to)}`);
    path.dataset.from = from;
    path.dataset.to = to;
    svg.append(path);
  }
  graph.append(svg);
}

function startGraph() {
  const graph = document.querySelector(".graph");
  if (!graph) return;
  const { edges, pages } = JSON.parse(document.querySelector(".edges").textContent);
  const layout = layOut(edges);
  graph.style.height = `${Math.min(layout.height + EDGE, 640)}px`;
  const choose = (column) => {
    const on = closure(column, edges);
    for (const button of graph.querySelectorAll("button")) {
      button.classList.toggle("on", on.has(button.dataset.column));
      button.setAttribute("aria-pressed", String(button.dataset.column === column));
    }
    for (const path of graph.querySelectorAll("path")) {
      path.classList.toggle("on", on.has(path.dataset.from) && on.has(path.dataset.to));
    }
  };
  drawEdges(graph, edges, layout);
  for (const [table, box] of layout.boxes) drawBox(graph, table, box, pages, choose);
  const here = layout.boxes.get(graph.dataset.table);
  if (here) graph.scrollLeft = here.x - graph.clientWidth / 2 + WIDTH / 2;
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (here && here.names.includes(`${graph.dataset.table}.${wanted}`)) choose(`${graph.dataset.table}.${wanted}`);
}

// Nobody knows here what happened since the page was made: once its promises have run out, it calls nothing fresh.
function startFreshness() {
  for (const chip of document.querySelectorAll("[data-until]")) {
    if (Date.now() < Date.parse(chip.dataset.until)) continue;
    chip.textContent = "not known";
    chip.className = "chip unknown";
    const words = chip.nextElementSibling;
    if (words?.tagName === "SPAN") words.textContent = words.textContent.replace(" ago", " before this page was made");
  }
}

startSearch();
startFreshness();
startGraph();
