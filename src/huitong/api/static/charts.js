// Charts as SVG, drawn from numbers by our own hand: bars, lines, and a legend. Colours are classes
// of the style sheet, so that they follow light and dark; nothing here styles inline.

const SVG = "http://www.w3.org/2000/svg";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  return fill(made, attributes, children);
}

export function shape(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(key, String(value));
  }
  made.append(...children.filter((each) => each !== null));
  return made;
}

// A round number not below the greatest value, so that the axis has whole steps.
function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((each) => each * power).find((each) => each >= value * 0.999);
}

function frame(title, width, height) {
  return shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
}

function rules(svg, box, most, show) {
  for (let step = 0; step <= 4; step += 1) {
    const y = box.bottom - ((box.bottom - box.top) * step) / 4;
    svg.append(
      shape("line", { class: "rule", x1: box.left, x2: box.right, y1: y, y2: y }),
      shape("text", { class: "axis", x: box.left - 6, y: y + 4, "text-anchor": "end" }, show((most * step) / 4)),
    );
  }
}

// About how wide a text of 11 pixels is: Chinese characters are as wide as they are high.
function measure(words) {
  return [...words].reduce((sum, each) => sum + (each.codePointAt(0) > 0x2e7f ? 11 : 6.2), 0);
}

// Bars that lie: rows of { label, value, note, kind }.
export function drawBars(title, rows, show) {
  const height = 30 * rows.length + 4;
  const svg = frame(title, 560, height);
  const most = Math.max(...rows.map((each) => each.value), 0) || 1;
  const left = Math.min(216, 16 + Math.max(...rows.map((each) => measure(each.label))));
  const room = 560 - left - 24 - Math.max(...rows.map((each) => measure(`${show(each.value)}  ${each.note ?? ""}`)));
  rows.forEach((row, place) => {
    const y = 30 * place + 4;
    const width = Math.max((row.value / most) * room, row.value > 0 ? 1.5 : 0);
    svg.append(
      shape("text", { class: "value", x: left - 10, y: y + 15, "text-anchor": "end" }, row.label),
      shape("rect", { class: `k${row.kind}`, x: left, y, width, height: 21, rx: 3 }),
      shape("text", { class: "axis", x: left + 8 + width, y: y + 15 }, `${show(row.value)}${row.note ? `  ${row.note}` : ""}`),
    );
  });
  return svg;
}

// Groups of standing bars: groups of { label, values }, one kind for each value.
export function drawGroups(title, groups, show) {
  const box = { left: 58, right: 552, top: 12, bottom: 220 };
  const svg = frame(title, 560, 244);
  const most = roundUp(Math.max(...groups.flatMap((each) => each.values), 0));
  rules(svg, box, most, show);
  const width = (box.right - box.left) / Math.max(groups.length, 1);
  groups.forEach((group, place) => {
    const bar = Math.min(44, (width * 0.7) / group.values.length);
    const start = box.left + width * (place + 0.5) - (bar * group.values.length) / 2;
    group.values.forEach((value, kind) => {
      const height = (value / most) * (box.bottom - box.top);
      svg.append(
        shape("rect", { class: `k${kind + 1}`, x: start + bar * kind + 1, y: box.bottom - height, width: bar - 2, height, rx: 2 },
          shape("title", {}, show(value))),
      );
    });
    svg.append(shape("text", { class: "axis", x: box.left + width * (place + 0.5), y: 238, "text-anchor": "middle" }, group.label));
  });
  return svg;
}

// Lines: series of { label, kind, points: [x, y] }; kind 0 is a line among many.
export function drawLines(title, series, { show, showX, wide = false }) {
  const width = wide ? 1120 : 560;
  const box = { left: 58, right: width - (wide ? 80 : 24), top: 12, bottom: 250 };
  const svg = frame(title, width, 280);
  const points = series.flatMap((each) => each.points);
  const last = Math.max(...points.map(([x]) => x), 1);
  const first = Math.min(...points.map(([x]) => x), last);
  const most = roundUp(Math.max(...points.map(([, y]) => y), 0));
  const toX = (x) => box.left + ((x - first) / Math.max(last - first, 1)) * (box.right - box.left);
  const toY = (y) => box.bottom - (y / most) * (box.bottom - box.top);
  rules(svg, box, most, show);
  const step = Math.max(1, Math.ceil((last - first) / (wide ? 24 : 8)));
  for (let x = first; x <= last; x += step) {
    svg.append(shape("text", { class: "axis", x: toX(x), y: 270, "text-anchor": "middle" }, showX(x)));
  }
  for (const each of series) {
    const path = each.points.map(([x, y], place) => `${place ? "L" : "M"}${toX(x).toFixed(1)} ${toY(y).toFixed(1)}`).join("");
    const [endX, endY] = each.points.at(-1) ?? [first, 0];
    svg.append(
      shape("path", { class: each.kind ? `line l${each.kind}` : "line ls faint", d: path },
        shape("title", {}, `${each.label}: ${show(endY)}`)),
    );
    if (each.kind && each.isNamed) {
      svg.append(shape("text", { class: "value", x: toX(endX) + 5, y: toY(endY) + 4 }, each.label));
    }
  }
  return svg;
}

export function drawLegend(entries) {
  return element("ul", { class: "legend" }, ...entries.map(({ label, kind }) =>
    element("li", {},
      shape("svg", { viewBox: "0 0 20 10", "aria-hidden": "true" },
        shape("rect", { class: `k${kind}`, width: 20, height: 10, rx: 2 })),
      label)));
}

export function drawTable(heads, rows, caption) {
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {},
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...rows.map((row) =>
        element("tr", {}, ...row.map((cell, place) => {
          const { text, kind } = typeof cell === "object" && cell !== null ? cell : { text: cell, kind: null };
          return place
            ? element("td", { class: kind }, text ?? "")
            : element("th", { scope: "row" }, text ?? "");
        }))))));
}
