// Pictures as text: elements, escaping, figures short enough to read in a diff, and the look of all pictures, light and
// dark by what the reader's screen has. Draws nothing.

export type Attributes = Readonly<Record<string, string | number | undefined>>

/** An element with what is in it, already text. */
export function element(
  name: string,
  attributes: Attributes,
  ...inside: readonly string[]
): string {
  const words = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) =>
        ` ${key}="${typeof value === "number" ? short(value) : escaped(value ?? "")}"`,
    )
    .join("")
  return inside.length === 0
    ? `<${name}${words}/>`
    : `<${name}${words}>${inside.join("")}</${name}>`
}

export function escaped(text: string): string {
  return text
    .replace(/[^\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "?")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
}

/** Two decimals are finer than any screen. */
export function short(value: number): string {
  return String(Math.round(value * 100) / 100)
}

/** About how wide a text is: no font is at hand to measure it. */
export function textWidth(text: string, sizePx: number): number {
  let ems = 0
  for (const letter of text)
    ems += /[ijlIt.,:;'|!() -]/.test(letter) ? 0.34 : /[mwMW@%]/.test(letter) ? 0.88 : 0.57
  return ems * sizePx
}

export interface Sheet {
  readonly width: number
  readonly height: number
  readonly title: string
  readonly subtitle: string
}

/** A whole picture with its title; said to screen readers too. */
export function sheet({ width, height, title, subtitle }: Sheet, body: readonly string[]): string {
  const parts = [
    element("title", {}, escaped(title)),
    element("desc", {}, escaped(subtitle)),
    element("style", {}, STYLE),
    element("rect", { class: "paper", width, height }),
    element("text", { class: "title", x: 28, y: 42 }, escaped(title)),
    element("text", { class: "subtitle", x: 28, y: 66 }, escaped(subtitle)),
    ...body,
  ]
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${short(width)} ${short(height)}`,
    width,
    height,
    role: "img",
  }
  return `${element("svg", attributes, `\n${parts.join("\n")}\n`)}\n`
}

/** Colours of several things side by side: told apart by the colour-blind too (Okabe and Ito, darkened for paper). */
export const SERIES = ["s0", "s1", "s2", "s3", "s4", "s5", "s6"] as const

const LIGHT = {
  paper: "#ffffff",
  ink: "#14202b",
  soft: "#4c5a67",
  faint: "#c3ccd5",
  grid: "#e4e9ee",
  node: "#ffffff",
  low: "#0072b2",
  mid: "#b35c00",
  high: "#a3195b",
  down: "#5f6368",
  added: "#0a7a4f",
  s0: "#0072b2",
  s1: "#b35c00",
  s2: "#0a7a4f",
  s3: "#a3195b",
  s4: "#6a4fb3",
  s5: "#7a6a00",
  s6: "#5f6368",
}

const DARK: typeof LIGHT = {
  paper: "#0d141b",
  ink: "#e8eef4",
  soft: "#a3b2c0",
  faint: "#3c4b5b",
  grid: "#1b2733",
  node: "#0d141b",
  low: "#56b4e9",
  mid: "#e69f00",
  high: "#ff7ab2",
  down: "#9aa5b1",
  added: "#4cc38a",
  s0: "#56b4e9",
  s1: "#e69f00",
  s2: "#4cc38a",
  s3: "#ff7ab2",
  s4: "#b9a3ff",
  s5: "#e6d94a",
  s6: "#9aa5b1",
}

function variables(colours: Readonly<Record<string, string>>): string {
  return Object.entries(colours)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(";")
}

const STYLE = [
  "",
  `svg{${variables(LIGHT)};font-family:system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif}`,
  `@media (prefers-color-scheme:dark){svg{${variables(DARK)}}}`,
  ".paper{fill:var(--paper)} text{fill:var(--ink);font-size:13px} .title{font-size:22px;font-weight:650}",
  ".subtitle,.soft{fill:var(--soft)} .subtitle{font-size:14px} .head{font-size:12px;font-weight:650;fill:var(--soft);letter-spacing:.04em}",
  ".label{font-size:12px;paint-order:stroke;stroke:var(--paper);stroke-width:3.5px;stroke-linejoin:round}",
  ".small{font-size:11px} .strong{font-weight:650} .number{font-size:11px;font-weight:700;fill:var(--paper)}",
  ".link{fill:none;stroke-linecap:round} .casing{fill:none;stroke:var(--paper)} .node{fill:var(--node);stroke:var(--ink);stroke-width:1.8}",
  ".grid{stroke:var(--grid)} .axis{stroke:var(--faint)}",
  ...Object.keys(LIGHT).map(
    (name) => `.c-${name}{stroke:var(--${name})} .f-${name}{fill:var(--${name})}`,
  ),
  "",
].join("\n")
