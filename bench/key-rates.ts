// Draws docs/images/key-rates.svg: the modelled key rate of every named system over loss, with the published
// points. Run: npx tsx bench/key-rates.ts (the points are read from ../shared; without them, curves only).

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { rateModel } from "../src/model/key-rate.js"
import { ratesOf } from "../src/model/key-rate-physics.js"
import type { KeyRateSet } from "../src/model/key-rate-set.js"
import { KEY_RATE_SETS } from "../src/model/key-rate-sets.js"

const target = fileURLToPath(new URL("../docs/images/key-rates.svg", import.meta.url))
const published = fileURLToPath(
  new URL("../../shared/data/keyrate-published-points.csv", import.meta.url),
)

const WIDTH = 960
const PLOT = { left: 70, top: 20, right: 700, bottom: 540 }
const MAX_DB = 80
/** Decades of bit/s, from 1 to 10^8. */
const MAX_DECADE = 8

/** Okabe and Ito's colours, told apart by colour-blind readers too; dashes tell the second round apart. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a07800", "#56b4e9", "#555555"]

interface Point {
  readonly set: string
  readonly lossDb: number
  readonly rateBps: number
}

function publishedPoints(): Point[] {
  if (!existsSync(published)) return []
  return readFileSync(published, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((row) => {
      const [system = "", km = "", lossDb = "", rate = ""] = row.split(",")
      const answer = rateModel({
        module: system,
        ...(lossDb !== "" && { lossDb: Number(lossDb) }),
        ...(km !== "" && { lengthKm: Number(km) }),
      })
      const factor = answer.skrBps / Number(rate)
      console.log(
        `${system.padEnd(24)} ${answer.lossDb.toFixed(1).padStart(5)} dB  published ${rate.padStart(9)}  model ${answer.skrBps.toFixed(0).padStart(9)}  x${factor.toFixed(2)}  QBER ${(answer.qber * 100).toFixed(1)} %`,
      )
      return { set: answer.set, lossDb: answer.lossDb, rateBps: Number(rate) }
    })
}

const x = (lossDb: number): number => PLOT.left + (lossDb / MAX_DB) * (PLOT.right - PLOT.left)
const y = (bps: number): number =>
  PLOT.bottom - (Math.log10(bps) / MAX_DECADE) * (PLOT.bottom - PLOT.top)
const n = (value: number): string => value.toFixed(1)

function grid(): string {
  const lines: string[] = []
  for (let db = 0; db <= MAX_DB; db += 10)
    lines.push(
      `<path class="grid" d="M${n(x(db))} ${PLOT.top}V${PLOT.bottom}"/>`,
      `<text x="${n(x(db))}" y="${PLOT.bottom + 20}" text-anchor="middle">${db}</text>`,
    )
  const names = ["1", "10", "100", "1 k", "10 k", "100 k", "1 M", "10 M", "100 M"]
  for (const [decade, name] of names.entries())
    lines.push(
      `<path class="grid" d="M${PLOT.left} ${n(y(10 ** decade))}H${PLOT.right}"/>`,
      `<text x="${PLOT.left - 8}" y="${n(y(10 ** decade) + 4)}" text-anchor="end">${name}</text>`,
    )
  return lines.join("\n")
}

function style(index: number): { colour: string; dash: string } {
  const colour = COLOURS[index % COLOURS.length] ?? "#000000"
  const dash = ["", "7 4", "2 3"][Math.floor(index / COLOURS.length)] ?? ""
  return { colour, dash: dash === "" ? "" : ` stroke-dasharray="${dash}"` }
}

function curve(set: KeyRateSet, index: number): string {
  const { colour, dash } = style(index)
  const steps: string[] = []
  for (let lossDb = 0; lossDb <= MAX_DB; lossDb += 0.25) {
    const { skrBps } = ratesOf(set.physics, lossDb)
    if (skrBps < 1) break
    steps.push(`${steps.length === 0 ? "M" : "L"}${n(x(lossDb))} ${n(y(skrBps))}`)
  }
  return `<path class="curve" stroke="${colour}"${dash} d="${steps.join("")}"/>`
}

function key(set: KeyRateSet, index: number): string {
  const { colour, dash } = style(index)
  const top = PLOT.top + 14 + index * 22
  return [
    `<path class="curve" stroke="${colour}"${dash} d="M${PLOT.right + 20} ${top}h34"/>`,
    `<text x="${PLOT.right + 62}" y="${top + 4}">${set.name}</text>`,
  ].join("")
}

function draw(points: readonly Point[]): string {
  const colourOf = new Map(KEY_RATE_SETS.map((set, i) => [set.name, style(i).colour]))
  const dots = points.map(
    ({ set, lossDb, rateBps }) =>
      `<circle cx="${n(x(lossDb))}" cy="${n(y(rateBps))}" r="5" fill="${colourOf.get(set) ?? "#000"}"><title>${set}, published: ${rateBps} bit/s at ${n(lossDb)} dB</title></circle>`,
  )
  const legendEnd = PLOT.top + 14 + KEY_RATE_SETS.length * 22
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} 600" role="img" aria-labelledby="t d">
<title id="t">Secret key rate over channel loss</title>
<desc id="d">Modelled curves of the named QKD systems, and published rates as dots, on a logarithmic scale from 1 bit/s to 100 Mbit/s over 0 to ${MAX_DB} dB.</desc>
<style>text{font:13px system-ui,sans-serif;fill:#222}.grid{stroke:#ddd;fill:none}.curve{fill:none;stroke-width:2}circle{stroke:#fff;stroke-width:1.5}</style>
<rect width="${WIDTH}" height="600" fill="#fff"/>
${grid()}
${KEY_RATE_SETS.map(curve).join("\n")}
${dots.join("\n")}
${KEY_RATE_SETS.map(key).join("\n")}
<circle cx="${PLOT.right + 37}" cy="${legendEnd + 8}" r="5" fill="#555"/><text x="${PLOT.right + 62}" y="${legendEnd + 12}">published rate</text>
<text x="${(PLOT.left + PLOT.right) / 2}" y="585" text-anchor="middle">loss of the quantum channel, dB</text>
<text transform="translate(18 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)" text-anchor="middle">secret key rate, bit/s</text>
</svg>
`
}

mkdirSync(fileURLToPath(new URL("../docs/images", import.meta.url)), { recursive: true })
writeFileSync(target, draw(publishedPoints()))
console.log("wrote docs/images/key-rates.svg")
