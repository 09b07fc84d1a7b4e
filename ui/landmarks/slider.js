// Shows one of the levels that the server has computed; a move asks the server for nothing.

const decoded = (base64) =>
  new Int16Array(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);

const loaded = (source) =>
  new Promise((resolve, reject) => {
    const picture = new Image();
    picture.onload = () => resolve(picture);
    picture.onerror = reject;
    picture.src = source;
  });

function drawFace(canvas, picture, points, dot) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  for (const [reach, colour] of [[dot.radius_px + 1, dot.edge], [dot.radius_px, dot.colour]]) {
    context.fillStyle = colour;
    for (let i = 0; i < points.length; i += 2) {
      context.beginPath();
      context.arc(points[i] / 10, points[i + 1] / 10, reach, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

function drawCrop(canvas, crops, side_px, level) {
  canvas.width = canvas.height = 240;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(crops, 0, level * side_px, side_px, side_px, 0, 0, 240, 240);
}

function setBars(list, scores) {
  const top = scores.indexOf(Math.max(...scores));
  [...list.children].forEach((row, i) => {
    const [, bar, number] = row.children;
    row.style.fontWeight = i === top ? "600" : "400";
    bar.firstElementChild.style.width = `${100 * scores[i]}%`;
    number.textContent = `${(100 * scores[i]).toFixed(1)}\u00a0%`;
  });
}

function fillSide(side, data, pictures, points, level) {
  const row = data.levels[level];
  side.querySelector(".found").hidden = !row;
  side.querySelector(".lost").hidden = Boolean(row);
  if (!row) return;
  const n = points.length / data.levels.length;
  drawFace(
    side.querySelector(".face"), pictures.face, points.subarray(level * n, (level + 1) * n),
    data.dot,
  );
  drawCrop(side.querySelector(".crop"), pictures.crops, data.crop_px, level);
  const bars = side.querySelector(".bars");
  if (!bars.firstElementChild) bars.innerHTML = data.bars_html;
  setBars(bars.firstElementChild, row.scores);
}

const CHART = { left: 44, top: 10, bottom: 158, height: 190 };
const svg = (name, attributes, text = "") => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
};

// Scores over the error, one line an expression; a marker shows where the slider stands.
function drawChart(chart, legend, data) {
  const last = Math.max(data.levels.length - 1, 1);
  // As many units as pixels, so that letters are as large on a phone.
  const width = chart.clientWidth || 640;
  chart.setAttribute("viewBox", `0 0 ${width} ${CHART.height}`);
  const right = width - 18; // room for half of the last number
  const x = (level) => CHART.left + ((right - CHART.left) * level) / last;
  const y = (share) => CHART.bottom - (CHART.bottom - CHART.top) * share;
  chart.replaceChildren();
  for (const share of [0, 0.5, 1]) {
    const at = { x1: CHART.left, x2: right, y1: y(share), y2: y(share), class: "grid" };
    const text = { x: CHART.left - 6, y: y(share) + 4, "text-anchor": "end" };
    chart.append(svg("line", at), svg("text", text, `${100 * share}\u00a0%`));
  }
  for (let level = 0; level <= last; level += 8) {
    const text = { x: x(level), y: CHART.bottom + 18, "text-anchor": "middle" };
    chart.append(svg("text", text, `${level}\u00a0%`));
  }
  data.lines.forEach(({ colour, dash }, i) => {
    let path = "";
    data.levels.forEach((row, level) => {
      if (row) path += `${path && data.levels[level - 1] ? "L" : "M"}${x(level)} ${y(row.scores[i])}`;
    });
    const line = { d: path, stroke: colour, "stroke-dasharray": dash, class: "score" };
    chart.append(svg("path", line));
  });
  const marker = svg("line", { y1: CHART.top, y2: CHART.bottom, class: "marker" });
  chart.append(marker);
  legend.replaceChildren(
    ...data.lines.map(({ name, colour, dash }) => {
      const item = document.createElement("span");
      const key = svg("svg", { viewBox: "0 0 30 8", width: 30, height: 8, "aria-hidden": "true" });
      const line = { d: "M0 4L30 4", stroke: colour, "stroke-dasharray": dash, class: "score" };
      key.append(svg("path", line));
      item.append(key, name);
      return item;
    }),
  );
  return (level) => {
    marker.setAttribute("x1", x(level));
    marker.setAttribute("x2", x(level));
  };
}

const shown = new WeakMap();

export default async function ({ data, parentElement }) {
  const root = parentElement.querySelector(".whatif");
  const slider = root.querySelector("input");
  const points = decoded(data.points_base64);
  const pictures = { face: await loaded(data.face), crops: await loaded(data.crops) };
  const sides = root.querySelector(".sides");
  if (sides.childElementCount === 1) sides.append(sides.firstElementChild.cloneNode(true));
  const [before, after] = sides.children;
  root.querySelector("label span").textContent = data.label;
  slider.max = data.levels.length - 1;
  const chart = root.querySelector(".chart");
  const mark = drawChart(chart, root.querySelector(".legend"), data);
  chart.setAttribute("aria-label", `Scores by how wrong the points are: ${data.label}`);
  // Another kind of error begins where its label flips; another run of the same stays put.
  const what = `${data.label} ${data.start} ${data.points_base64.length}`;
  if (shown.get(root) !== what) slider.value = data.start;
  shown.set(root, what);
  slider.setAttribute("aria-label", data.label);

  const show = () => {
    const level = Number(slider.value);
    const row = data.levels[level];
    mark(level);
    root.querySelector("output").textContent = `${level}\u00a0%`;
    slider.setAttribute("aria-valuetext", `${level} %`);
    after.querySelector("h4").textContent = `Points wrong by ${level}\u00a0%`;
    fillSide(after, data, pictures, points, level);
    root.querySelector("p").textContent = row ? row.sentence : "";
  };
  fillSide(before, data, pictures, points, 0);
  slider.oninput = show;
  show();
}
