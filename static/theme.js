// Light, dark, or as the system is. A plain script, run before the page is painted, so that it never flashes.
(() => {
  const THEMES = ["", "light", "dark"]; // "": as the system is
  const SAID = { "": "Auto", light: "Light", dark: "Dark" };
  const KEY = "theme";
  let theme = "";
  try {
    theme = localStorage.getItem(KEY) ?? "";
  } catch {
    // storage may be forbidden: then the choice lasts as long as the page
  }
  if (!THEMES.includes(theme)) theme = "";

  function apply() {
    document.documentElement.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (button) {
      button.querySelector("span").textContent = SAID[theme];
      button.setAttribute("aria-label", `Colours: ${theme || "automatic, as the system's"}. Change them`);
    }
    document.dispatchEvent(new Event("themechange"));
  }

  function change() {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // as above
    }
    apply();
  }

  apply();
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    document.getElementById("theme").addEventListener("click", change);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("themechange")));
})();
