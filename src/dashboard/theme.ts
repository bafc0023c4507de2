// Dark, light, or as the system has it. The choice is kept by the browser.

export type Theme = "auto" | "light" | "dark"

const KEY = "keyloom-theme"

export function chosenTheme(): Theme {
  const held = localStorage.getItem(KEY)
  return held === "light" || held === "dark" ? held : "auto"
}

export function applyTheme(theme: Theme): void {
  if (theme === "auto") {
    localStorage.removeItem(KEY)
    delete document.documentElement.dataset.theme
  } else {
    localStorage.setItem(KEY, theme)
    document.documentElement.dataset.theme = theme
  }
}

/** What is shown now. */
export function isDark(theme: Theme): boolean {
  return theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : theme === "dark"
}
