// The legend beside a picture: parts with a head, each row a sample and its words. Drawn with the classes the picture is
// drawn with.

import type { Tone } from "./map-scales.js"
import { element, escaped, SERIES, textWidth } from "./svg.js"

export type Sample =
  | {
      readonly kind: "line"
      readonly tone: Tone
      readonly widthPx: number
      readonly gone?: boolean
    }
  | { readonly kind: "route"; readonly series: number; readonly dashed: boolean }
  | { readonly kind: "node"; readonly tone?: Tone }
  | { readonly kind: "badge"; readonly words: string }
  | { readonly kind: "none" }

export interface LegendRow {
  readonly sample: Sample
  readonly words: string
}

export interface LegendPart {
  readonly head: string
  readonly rows: readonly LegendRow[]
}

export const LEGEND_WIDTH = 264
const ROW = 22
const SAMPLE = 46
/** More rows would make the picture longer than a screen. */
const MOST_ROWS = 22

export function drawLegend(
  parts: readonly LegendPart[],
  at: { readonly x: number; readonly y: number },
): { readonly svg: string; readonly bottom: number } {
  const inside: string[] = []
  let y = at.y
  for (const { head, rows } of parts) {
    if (rows.length === 0) continue
    inside.push(element("text", { class: "head", x: at.x, y: y + 12 }, escaped(head.toUpperCase())))
    y += ROW + 4
    const shown = rows.length > MOST_ROWS ? rows.slice(0, MOST_ROWS - 1) : rows
    const more = rows.length - shown.length
    const last: LegendRow[] =
      more > 0 ? [{ sample: { kind: "none" }, words: `and ${more} more` }] : []
    for (const { sample, words } of [...shown, ...last]) {
      inside.push(drawSample(sample, at.x, y + ROW / 2 - 2))
      const x = sample.kind === "none" ? at.x : at.x + SAMPLE + 10
      const room = at.x + LEGEND_WIDTH - x
      inside.push(element("text", { x, y: y + ROW / 2 + 2 }, escaped(shortened(words, room))))
      y += ROW
    }
    y += 16
  }
  return { svg: element("g", {}, ...inside), bottom: y }
}

function drawSample(sample: Sample, x: number, y: number): string {
  const middle = x + SAMPLE / 2
  switch (sample.kind) {
    case "line":
      return element("path", {
        class: `link c-${sample.tone}`,
        d: `M${x + 4} ${y}H${x + SAMPLE - 4}`,
        "stroke-width": sample.widthPx,
        "stroke-dasharray": sample.gone === true ? "2 8" : undefined,
      })
    case "route":
      return element("path", {
        class: `link c-${SERIES[sample.series % SERIES.length] ?? "s0"}`,
        d: `M${x + 4} ${y}H${x + SAMPLE - 4}`,
        "stroke-width": 3.2,
        "stroke-dasharray": sample.dashed ? "7 6" : undefined,
      })
    case "node":
      return element("circle", {
        class: `node${sample.tone === undefined ? "" : ` f-${sample.tone}`}`,
        cx: middle,
        cy: y,
        r: 6,
      })
    case "badge": {
      const width = Math.max(18, textWidth(sample.words, 11) + 10)
      return [
        element("rect", {
          class: "f-added",
          x: middle - width / 2,
          y: y - 9,
          width,
          height: 18,
          rx: 9,
        }),
        element(
          "text",
          { class: "number", x: middle, y: y + 4, "text-anchor": "middle" },
          escaped(sample.words),
        ),
      ].join("")
    }
    case "none":
      return ""
  }
}

function shortened(words: string, room: number): string {
  if (textWidth(words, 13) <= room) return words
  let kept = words
  while (kept.length > 1 && textWidth(`${kept}…`, 13) > room) kept = kept.slice(0, -1)
  return `${kept.trimEnd()}…`
}
