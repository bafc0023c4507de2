// Meridians, parallels and a scale bar for a view: what makes a picture of points a map. Pure arithmetic.

import { latOf, lonOf, mercator, type View } from "./layout.js"

export interface GridLine {
  /** Pixels along the axis. */
  readonly at: number
  readonly text: string
}

export interface Graticule {
  readonly meridians: readonly GridLine[]
  readonly parallels: readonly GridLine[]
  /** Degrees between lines. */
  readonly stepDeg: number
}

const STEPS_DEG = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001]
const EARTH_KM = 6371

function degrees(value: number, step: number, plus: string, minus: string): string {
  const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3
  const side = value > 1e-9 ? plus : value < -1e-9 ? minus : ""
  return `${Math.abs(value).toFixed(digits)}° ${side}`.trim()
}

/** Lines at round degrees, at least `spacingPx` apart. */
export function graticule(
  view: View,
  size: { readonly width: number; readonly height: number },
  spacingPx = 95,
): Graticule {
  const west = lonOf(-view.x / view.k)
  const east = lonOf((size.width - view.x) / view.k)
  const north = latOf(-view.y / view.k)
  const south = latOf((size.height - view.y) / view.k)
  const perPx = (east - west) / size.width
  const step = [...STEPS_DEG].reverse().find((deg) => deg / perPx >= spacingPx) ?? 30
  const meridians: GridLine[] = []
  for (let i = Math.ceil(west / step); i * step <= east; i += 1) {
    const at = mercator(0, i * step).x * view.k + view.x
    meridians.push({ at, text: degrees(i * step, step, "E", "W") })
  }
  const parallels: GridLine[] = []
  for (let i = Math.ceil(south / step); i * step <= north; i += 1) {
    const at = mercator(i * step, 0).y * view.k + view.y
    parallels.push({ at, text: degrees(i * step, step, "N", "S") })
  }
  return { meridians, parallels, stepDeg: step }
}

/** A round length that is at most `mostPx` long at the middle of the view. */
export function scaleBar(
  view: View,
  size: { readonly width: number; readonly height: number },
  mostPx = 130,
): { readonly px: number; readonly text: string } {
  const lat = latOf((size.height / 2 - view.y) / view.k)
  const kmPerPx = (EARTH_KM * Math.cos((lat * Math.PI) / 180)) / view.k
  const decade = 10 ** Math.floor(Math.log10(kmPerPx * mostPx))
  const km = decade * ([5, 2, 1].find((n) => n * decade <= kmPerPx * mostPx) ?? 1)
  return { px: km / kmPerPx, text: km >= 1 ? `${km} km` : `${Math.round(km * 1000)} m` }
}
