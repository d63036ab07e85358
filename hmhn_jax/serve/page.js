"use strict";

const page = document.body.dataset;
const POLL_MS = 400;

const find = (selector, within = document) => within.querySelector(selector);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let turn = Promise.resolve(); // files are sent one after the other
let unsent = 0;

// The ids of this browser's results: the server tells them to nobody. They outlive a reload.
let ids = [];

function keep(change) {
  try { // another tab may have changed them
    ids = JSON.parse(localStorage.getItem("results")) ?? [];
  } catch { /* a browser that keeps nothing */ }
  ids = change(ids);
  try {
    localStorage.setItem("results", JSON.stringify(ids));
  } catch { /* as above */ }
  find("#all").hidden = !ids.length;
  link(find("#all"), ids);
}

const without = (id) => (kept) => kept.filter((each) => each !== id);

function link(within, some) {
  const query = some.map((id) => `id=${id}`).join("&");
  for (const kind of ["csv", "html"]) find(`a.${kind}`, within).href = `results.${kind}?${query}`;
}

function addRow(name, message) {
  const row = find("#row").content.firstElementChild.cloneNode(true);
  find("h2", row).textContent = name;
  find("progress", row).setAttribute("aria-label", `Progress of ${name}`);
  find("button", row).addEventListener("click", () => remove(row));
  find("#results").append(row);
  say(row, message);
  return row;
}

function remove(row) {
  row.remove(); // which ends what waits for it
  row.upload?.abort();
  const { id } = row.dataset;
  if (!id) return;
  keep(without(id));
  fetch(`jobs/${id}`, { method: "DELETE" }).catch(() => {});
}

function say(row, message, share = null) {
  find(".message", row).textContent = message;
  const bar = find("progress", row);
  if (share === null) bar.removeAttribute("value");
  else bar.value = share;
}

function end(row, news) {
  find("progress", row)?.remove();
  find("button", row).textContent = "Delete";
  find("#news").textContent = news;
}

function fail(row, reason) {
  find(".message", row).textContent = reason;
  find(".result", row).classList.add("failed");
  end(row, `${find("h2", row).textContent}: ${reason}`);
}

function take(files) {
  for (const file of files) {
    const row = addRow(file.name, "Waiting for the files before it");
    const suffix = file.name.slice(file.name.lastIndexOf(".")).toLowerCase();
    if (!page.suffixes.split(" ").includes(suffix))
      fail(row, `expected a video or a picture (${page.suffixes})`);
    else if (file.size > page.maxBytes)
      fail(row, `expected at most ${page.maxBytes / 1e6} MB, got ${Math.ceil(file.size / 1e6)} MB`);
    else {
      unsent += 1;
      turn = turn.then(() => send(row, file));
    }
  }
}

async function send(row, file) {
  let answer = {};
  while (row.isConnected) {
    answer = await upload(row, file);
    if (!answer.retryAfter) break;
    say(row, "Busy with files of others; waiting");
    await wait(1000 * answer.retryAfter);
  }
  unsent -= 1;
  if (answer.id) {
    row.dataset.id = answer.id;
    if (!row.isConnected) return remove(row);
    keep((kept) => [...kept, answer.id]);
    await watch(row);
  } else if (row.isConnected) fail(row, answer.error);
}

// Resolves to what the server says. Fetch cannot tell how much of a body has been sent.
function upload(row, file) {
  return new Promise((resolve) => {
    const request = row.upload = new XMLHttpRequest();
    request.upload.onprogress = (event) => say(row, "Uploading", event.loaded / event.total);
    request.upload.onload = () => say(row, "Checking");
    request.onabort = () => resolve({});
    request.onerror = () =>
      resolve({ error: "The upload broke off: is the page's program still running?" });
    request.onload = () => {
      try {
        const retryAfter = Number(request.getResponseHeader("Retry-After"));
        resolve({ ...JSON.parse(request.responseText), retryAfter });
      } catch {
        resolve({ error: "the page's program failed; its terminal says why" });
      }
    };
    // Not a form's type, so that no other page can send it unasked.
    request.open("POST", `jobs?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    say(row, "Uploading", 0);
    request.send(file);
  });
}

async function watch(row) {
  const { id } = row.dataset;
  while (row.isConnected) {
    try {
      const answer = await fetch(`jobs/${id}`);
      const job = await answer.json();
      if (answer.status === 404) {
        keep(without(id));
        return fail(row, "No longer kept: the page's program was started anew, or newer results came");
      }
      if (job.summary) return await show(row, job.summary);
      find("h2", row).textContent = job.name;
      const ahead = job.position ? `Waiting: ${job.position} before it` : "Waiting";
      say(row, job.state === "working" ? "Looking at each frame" : ahead, job.progress);
    } catch {
      return fail(row, "The page's program does not answer any more");
    }
    await wait(POLL_MS);
  }
}

async function show(row, summary) {
  const { id } = row.dataset;
  // HTML from the server, in which all names are escaped.
  find(".result", row).innerHTML = await (await fetch(`jobs/${id}/result`)).text();
  link(row, [id]);
  for (const each of row.querySelectorAll("a")) each.hidden = false;
  end(row, summary);
}

const drop = find("#drop");
for (const name of ["dragenter", "dragover", "dragleave", "drop"])
  document.addEventListener(name, (event) => {
    event.preventDefault(); // or the browser leaves the page to show the file
    drop.classList.toggle("over", name === "dragenter" || name === "dragover");
  });
document.addEventListener("drop", (event) => take(event.dataTransfer.files));
find("#file").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = ""; // the same file may be chosen again
});
find("#all button").addEventListener("click", () => {
  for (const row of [...find("#results").children]) if (row.dataset.id) remove(row);
});
addEventListener("beforeunload", (event) => {
  if (unsent) event.preventDefault(); // files that have not been sent would be lost
});

keep((kept) => kept);
for (const id of ids) {
  const row = addRow("", "Asking for the result");
  row.dataset.id = id;
  watch(row);
}
