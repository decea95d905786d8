// Adds to pages that work without it: the countdown of a code, and one post for two clicks.
"use strict";

function countDown(life) {
  // What is left, not a time of day: this machine's clock may be wrong.
  const over = Date.now() + Number(life.dataset.millisecondsLeft);
  const left = life.querySelector(".left");
  const bar = life.querySelector("progress");
  const aloud = life.querySelector("[role=status]");
  let said = "";

  function say(text) {
    if (text !== said) aloud.textContent = said = text;
  }
  function show() {
    const milliseconds = Math.max(0, over - Date.now());
    bar.value = milliseconds;
    if (milliseconds === 0) {
      left.textContent = "expired";
      life.classList.add("over");
      say("The code has expired. Ask for a new one.");
      clearInterval(timer);
      return;
    }
    const seconds = Math.ceil(milliseconds / 1000);
    const minutes = Math.floor(seconds / 60);
    left.textContent = `${minutes}:${String(seconds % 60).padStart(2, "0")} left`;
    if (seconds <= 60) say("The code expires within a minute.");
  }
  const timer = setInterval(show, 250);
  show();
}

function postOnce(form) {
  const button = form.querySelector("button");
  form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
    button.setAttribute("aria-disabled", "true");
  });
  // Back from the next page: the form can be sent again.
  window.addEventListener("pageshow", () => button.removeAttribute("aria-disabled"));
}

for (const life of document.querySelectorAll(".life")) countDown(life);
for (const form of document.querySelectorAll("form")) postOnce(form);
