// Light, dark, or as the system has it; pictures that hold colours of their own listen for "theme".
"use strict";
(() => {
  const button = gapkit.id("theme");
  const told = { auto: "as the system has them", light: "light", dark: "dark" };
  const order = Object.keys(told);
  let now = "auto";

  gapkit.colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  gapkit.font = () => getComputedStyle(document.body).fontFamily;

  function set(theme) {
    now = theme;
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Colours: ${theme}`;
    button.title = `Colours ${told[theme]}`;
    document.dispatchEvent(new Event("theme"));
  }

  button.addEventListener("click", () => set(order[(order.indexOf(now) + 1) % order.length]));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("theme")));
})();
