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

export default async function ({ data, parentElement }) {
  const root = parentElement.querySelector(".whatif");
  const slider = root.querySelector("input");
  const points = decoded(data.points_base64);
  const pictures = { face: await loaded(data.face), crops: await loaded(data.crops) };
  const [before, after] = root.querySelectorAll(".sides > section");
  root.querySelector("label span").textContent = data.label;
  slider.max = data.levels.length - 1;
  slider.setAttribute("aria-label", data.label);

  const show = () => {
    const level = Number(slider.value);
    const row = data.levels[level];
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
