"use strict";

const page = document.body.dataset;
const BANDS = JSON.parse(page.bands);
const COLOURS = ["#eff3f8", "#dbe6f1", "#c2d5e8", "#a6c1dc"];
const POLL_MS = 400;
const NAMES = { // of the frames whose maps are shown, by their number
  1: ["The only frame"],
  2: ["Highest score", "Lowest score"],
  3: ["Highest score", "Median score", "Lowest score"],
};

const find = (selector) => document.querySelector(selector);
// One decimal, as Python rounds it in the terminal and in figures: toFixed alone makes 0.3 of 0.25.
const tenths = (value) =>
  (Math.abs(value) % 1 === 0.25 ? value - 0.05 * Math.sign(value) : value).toFixed(1);
const points = tenths;
let job = null; // { id, upload }: what is being uploaded, worked on or shown

// Nothing here becomes HTML by being pasted together: names come from files of strangers.
function element(name, attributes = {}, text = "", inside = null) {
  const made = document.createElementNS(
    inside ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  if (inside) inside.append(made);
  return made;
}

function say(message, share = null, failed = false) {
  find("#status").hidden = false;
  find("#status").classList.toggle("failed", failed);
  find("#message").textContent = message;
  find("#progress").hidden = find("#cancel").hidden = failed;
  if (share === null) find("#progress").removeAttribute("value");
  else find("#progress").value = share;
}

function forget() {
  if (!job) return;
  job.upload.abort();
  if (job.id) fetch(`jobs/${job.id}`, { method: "DELETE", keepalive: true }).catch(() => {});
  job = null;
}

function take(file) {
  forget();
  find("#result").hidden = true;
  const suffix = file.name.slice(file.name.lastIndexOf(".")).toLowerCase();
  if (!page.suffixes.split(" ").includes(suffix))
    return say(`${file.name}: expected a video or a picture (${page.suffixes})`, null, true);
  if (file.size > page.maxBytes)
    return say(`${file.name}: expected at most ${page.maxBytes / 1e6} MB, ` +
      `got ${Math.ceil(file.size / 1e6)} MB`, null, true);
  // Fetch cannot say how much of a body has been sent.
  const upload = new XMLHttpRequest();
  const mine = job = { id: null, upload };
  upload.upload.onprogress = (event) => say("Uploading", event.loaded / event.total);
  upload.upload.onload = () => say("Checking");
  upload.onerror = () => say("The upload broke off: is the page's program still running?", null, true);
  upload.onload = () => {
    let answer;
    try {
      answer = JSON.parse(upload.responseText);
    } catch {
      answer = { error: "the page's program failed; its terminal says why" };
    }
    if (!answer.id) return say(`${file.name}: ${answer.error}`, null, true);
    mine.id = answer.id;
    if (mine === job) watch(mine, file.name);
    else fetch(`jobs/${mine.id}`, { method: "DELETE" });
  };
  // Not a form's type, so that no other page can send it unasked.
  upload.open("POST", `jobs?name=${encodeURIComponent(file.name)}`);
  upload.setRequestHeader("Content-Type", "application/octet-stream");
  say("Uploading", 0);
  upload.send(file);
}

async function watch(mine, name) {
  while (mine === job) {
    let answer;
    try {
      answer = await (await fetch(`jobs/${mine.id}`)).json();
    } catch {
      return say("The page's program does not answer any more.", null, true);
    }
    if (mine !== job) return;
    if (answer.state === "done") return show(answer.result, name, mine.id);
    if (answer.error) return say(`${name}: ${answer.error}`, null, true);
    const ahead = answer.position;
    if (answer.state === "waiting") say(ahead ? `Waiting: ${ahead} before it` : "Waiting");
    else say("Looking at each frame", answer.progress);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function show(result, name, id) {
  const scored = result.score !== null;
  find("#result").hidden = false; // first, as what is hidden has no width to draw in
  find("#status").hidden = true;
  find("#name").textContent = name;
  find("#abstained").hidden = scored;
  find("#scored").hidden = !scored;
  find("#warnings").replaceChildren(...result.warnings.map((line) => element("li", {}, line)));
  if (scored) {
    find("#score b").textContent = points(result.score);
    find("#score span").textContent =
      `of ${page.maxScore} points: ${result.band} (${result.band_range.join(" to ")})`;
    drawScale(find("#scale"), result.score);
  }
  showFacts(result);
  find("#over-time").hidden = result.frames.length < 2;
  if (result.frames.length > 1) drawFrames(find("#over-time svg"), result);
  showMaps(result, id);
}

// Empties a figure and makes its units pixels, so that its words can be read on a phone, too.
function clear(svg, height) {
  const width = svg.clientWidth || 640;
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return width;
}

function showFacts(result) {
  const facts = [];
  if (result.face_found_rate !== null)
    facts.push(["face found", `${Math.round(100 * result.face_found_rate)} % of frames`]);
  facts.push(["frames used", result.frames_used]);
  if (result.duration_s !== null) facts.push(["length", `${tenths(result.duration_s)} s`]);
  if (result.score_std !== null)
    facts.push(["standard deviation between frames", `${points(result.score_std)} points`]);
  find("#facts").replaceChildren(...facts.map(([term, value]) => {
    const fact = element("div");
    fact.append(element("dt", {}, term), element("dd", {}, value));
    return fact;
  }));
}

function showMaps(result, id) {
  find("#maps").hidden = !result.pictures.length;
  find("#maps div").replaceChildren(...result.pictures.flatMap((picture, number) => {
    const columns = element("div", { class: "columns" });
    columns.append(element("span", {}, "face"));
    for (let head = 1; head <= result.num_heads; head++)
      columns.append(element("span", {}, `head ${head}`));
    const what = `${NAMES[result.pictures.length][number]}: ${points(picture.score)} points` +
      (picture.time_s === null ? "" : `, at ${tenths(picture.time_s)} s`);
    const image = element("img", { src: `jobs/${id}/pictures/${number}`, alt: what });
    return [element("p", {}, what), image, columns];
  }));
}

function drawScale(svg, score) {
  const width = clear(svg, 62);
  const most = Number(page.maxScore) + 1; // a score of 13 is in the first band up to where 14 begins
  const x = (value) => 2 + (width - 4) * value / most;
  BANDS.forEach(([name, [low, high]], number) => {
    const [left, right] = [x(low), x(high + 1)];
    element("rect", { x: left, y: 16, width: right - left, height: 22, fill: COLOURS[number] }, "", svg);
    if (width > 500)
      element("text", { x: (left + right) / 2, y: 55, "text-anchor": "middle" }, name, svg);
    else element("text", { x: left, y: 55 }, low, svg);
  });
  const at = x(Math.min(score + 0.5, most));
  element("path", { d: `M${at - 7},4 h14 l-7,12 z M${at - 1},14 h2 v24 h-2 z`, fill: "#1d2733" }, "", svg);
}

function drawFrames(svg, result) {
  const end = clear(svg, 234) - 10;
  const scores = result.frames.map((frame) => frame.score);
  const times = result.frames.map((frame) => frame.time_s);
  const low = Math.min(0, Math.floor(Math.min(...scores)));
  const high = Math.max(Number(page.maxScore), Math.ceil(Math.max(...scores)));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const x = (time) => 40 + (end - 40) * (time - first) / (last - first || 1);
  const y = (score) => 210 - 200 * (score - low) / (high - low);
  BANDS.forEach(([, [least, most]], number) => {
    const top = y(number === BANDS.length - 1 ? most : most + 0.5);
    const bottom = y(number ? least - 0.5 : least);
    element("rect", { x: 40, y: top, width: end - 40, height: bottom - top, fill: COLOURS[number] }, "", svg);
  });
  for (const [least] of [...BANDS.map(([, range]) => range), [Number(page.maxScore)]])
    element("text", { x: 34, y: y(least) + 4, "text-anchor": "end" }, least, svg);
  const line = result.frames.map((frame) => `${x(frame.time_s)},${y(frame.score)}`).join(" ");
  element("polyline", { points: line, fill: "none", stroke: "#1f5fa8", "stroke-width": 2 }, "", svg);
  if (result.frames.length <= 60)
    for (const frame of result.frames)
      element("circle", { cx: x(frame.time_s), cy: y(frame.score), r: 3, fill: "#1f5fa8" }, "", svg);
  const mean = y(scores.reduce((sum, score) => sum + score, 0) / scores.length);
  element("path", { d: `M40,${mean} H${end}`, stroke: "#1d2733", "stroke-dasharray": "6 4" }, "", svg);
  element("text", { x: 40, y: 228 }, `${tenths(first)} s`, svg);
  element("text", { x: end, y: 228, "text-anchor": "end" }, `${tenths(last)} s`, svg);
}

const drop = find("#drop");
for (const name of ["dragenter", "dragover", "dragleave", "drop"])
  document.addEventListener(name, (event) => {
    event.preventDefault(); // or the browser leaves the page to show the file
    drop.classList.toggle("over", name.startsWith("dragenter") || name === "dragover");
  });
document.addEventListener("drop", (event) => {
  if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
});
find("#file").addEventListener("change", (event) => {
  if (event.target.files.length) take(event.target.files[0]);
  event.target.value = ""; // the same file may be chosen again
});
find("#cancel").addEventListener("click", () => {
  forget();
  find("#status").hidden = true;
});
addEventListener("pagehide", forget);
