// Runs before the first paint, so that a remembered theme does not flash. A
// choice that equals the system's is forgotten: the page then follows the system.
(() => {
  const KEY = "gigawatch-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage may be forbidden
    }
  };
  const keep = (theme) => {
    try {
      if (theme) localStorage.setItem(KEY, theme);
      else localStorage.removeItem(KEY);
    } catch {
      // The choice then lasts as long as the page.
    }
  };
  const dark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const announce = () => document.dispatchEvent(new Event("themechange"));

  const chosen = stored();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
  system.addEventListener("change", announce);

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const name = () => {
      button.setAttribute("aria-pressed", String(dark()));
      button.title = dark() ? "Switch to light colours" : "Switch to dark colours";
    };
    button.addEventListener("click", () => {
      const next = dark() ? "light" : "dark";
      const follows = (next === "dark") === system.matches;
      if (follows) delete root.dataset.theme;
      else root.dataset.theme = next;
      keep(follows ? "" : next);
      name();
      announce();
    });
    system.addEventListener("change", name);
    name();
  });
})();
