// A small plot of one figure since the page opened, in steps: a figure holds until the next is told. Zero is the
// floor.

import type { VNode } from "preact"

const WIDTH = 284
const HEIGHT = 44

export interface SparkProps {
  readonly label: string
  readonly points: readonly { readonly atMs: number; readonly value: number }[]
  readonly format: (value: number) => string
  readonly nowMs: number
}

export function Spark({ label, points, format, nowMs }: SparkProps): VNode {
  const first = points[0]
  const last = points.at(-1)
  if (first === undefined || last === undefined) return <p class="quiet">{label}: nothing yet</p>
  const most = Math.max(...points.map((p) => p.value))
  const least = Math.min(...points.map((p) => p.value))
  const endMs = Math.max(nowMs, last.atMs)
  const spread = Math.max(1000, endMs - first.atMs)
  const top = most === 0 ? 1 : most * 1.08
  const x = (atMs: number): number => ((atMs - first.atMs) / spread) * (WIDTH - 6) + 2
  const y = (value: number): number => HEIGHT - 3 - (value / top) * (HEIGHT - 6)
  const at = (atMs: number, value: number): string => `${x(atMs).toFixed(1)},${y(value).toFixed(1)}`
  const steps = points.flatMap((p, i) => [
    ...(i === 0 ? [] : [at(p.atMs, points[i - 1]?.value ?? 0)]),
    at(p.atMs, p.value),
  ])
  const line = [...steps, at(endMs, last.value)].join(" ")
  const summary = `${label}: now ${format(last.value)}, between ${format(least)} and ${format(most)}`
  return (
    <figure class="spark">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={summary}>
        <polygon points={`2,${HEIGHT - 1} ${line} ${x(endMs).toFixed(1)},${HEIGHT - 1}`} />
        <polyline points={line} />
        <circle cx={x(endMs)} cy={y(last.value)} r="2.6" />
      </svg>
    </figure>
  )
}
