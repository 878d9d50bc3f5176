"use strict";
// Every text is set as text: what a client sent as a model name is never markup.
const at = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
let key = sessionStorage.getItem("key") || "";

function made(tag, text, kind) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

function bar(x, y, width, height, kind) {
  const element = document.createElementNS(SVG, "rect");
  const sizes = { x, y, width: Math.max(width, 0.5), height };
  for (const [name, value] of Object.entries(sizes)) element.setAttribute(name, value);
  if (kind) element.setAttribute("class", kind);
  return element;
}

const seconds = (value) => (value === null ? "–" : value < 10 ? value.toFixed(2) + " s" : value.toFixed(0) + " s");
const usd = (value) => "$" + (value < 0.01 ? value.toFixed(5) : value.toFixed(2));

function table(target, heads, rows) {
  const head = made("tr");
  head.append(...heads.map((text) => made("th", text)));
  const lines = rows.map((cells) => {
    const line = made("tr");
    line.append(...cells.map((text) => made("td", text)));
    return line;
  });
  target.replaceChildren(head, ...lines);
}

function tiles(figures) {
  const shown = [
    ["requests, last hour", figures.requests],
    ["not answered", figures.failed],
    ["running / waiting", figures.running + " / " + figures.waiting],
    ["p50", seconds(figures.seconds.p50)],
    ["p90", seconds(figures.seconds.p90)],
    ["p99", seconds(figures.seconds.p99)],
    ["spent, last hour", usd(figures.usd)],
  ];
  at("tiles").replaceChildren(
    ...shown.map(([name, value]) => {
      const tile = made("div", undefined, "tile");
      tile.append(made("b", value), made("span", name));
      return tile;
    }),
  );
}

function minutes(counts) {
  const most = Math.max(1, ...counts);
  at("minutes").replaceChildren(
    ...counts.map((count, place) => bar(place * 10 + 1, 120 - (116 * count) / most, 8, (116 * count) / most)),
  );
  at("minutes").setAttribute("aria-label", "requests per minute, at most " + most);
  at("most").textContent = "at most " + Math.max(...counts) + " a minute";
}

function request(one) {
  const box = made("div", undefined, "request");
  const title = made("p", one.model + " · " + seconds(one.seconds) + " · " + usd(one.usd));
  if (one.status !== 200) title.append(made("span", " · failed", "failed"));
  const when = new Date(one.at * 1000).toLocaleTimeString();
  const meta = made("p", when + " · " + one.graph + " · " + (one.checkpoint || "no controller"), "meta");
  const gantt = made("div", undefined, "gantt");
  const end = Math.max(0.001, ...one.bars.map((item) => item.end));
  for (const item of one.bars) {
    const line = document.createElementNS(SVG, "svg");
    line.setAttribute("viewBox", "0 0 100 8");
    line.setAttribute("preserveAspectRatio", "none");
    const width = (100 * (item.end - item.start)) / end;
    line.append(bar((100 * item.start) / end, 0, width, 8, item.critical ? "critical" : ""));
    const name = made("span", item.operator);
    name.title = item.operator;
    gantt.append(name, line);
  }
  box.append(title, meta, gantt);
  return box;
}

function show(figures) {
  at("login").hidden = true;
  at("content").hidden = false;
  const simulated = figures.simulated ? " · simulated model" : "";
  at("state").textContent = (figures.checkpoint || "no champion yet") + simulated;
  tiles(figures);
  minutes(figures.per_minute);
  table(at("picks"), ["model", "requests", "USD"], figures.picks.map((item) => [item.model, item.requests, usd(item.usd)]));
  table(at("spent"), ["key", "USD"], Object.entries(figures.spent_today).map(([name, value]) => [name, usd(value)]));
  at("last").replaceChildren(...figures.last.map(request));
}

async function look() {
  try {
    const headers = key ? { authorization: "Bearer " + key } : {};
    const answer = await fetch("/live/figures", { headers });
    if (answer.status === 401) {
      at("login").hidden = false;
      at("content").hidden = true;
      at("state").textContent = "this gateway wants a key";
    } else {
      show(await answer.json());
    }
  } catch (error) {
    at("state").textContent = "the gateway does not answer";
  }
}

at("login").addEventListener("submit", (event) => {
  event.preventDefault();
  key = at("key").value.trim();
  sessionStorage.setItem("key", key);
  look();
});
look();
setInterval(look, 3000);
