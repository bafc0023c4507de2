// A small plot of one figure since the page opened. Shows its lowest and highest; zero is always the floor.

import type { VNode } from "preact"

const WIDTH = 284
const HEIGHT = 44

export interface SparkProps {
  readonly label: string
  readonly points: readonly { readonly atMs: number; readonly value: number }[]
  readonly format: (value: number) => string
}

export function Spark({ label, points, format }: SparkProps): VNode {
  const first = points[0]
  const last = points.at(-1)
  if (first === undefined || last === undefined) return <p class="quiet">{label}: nothing yet</p>
  const most = Math.max(...points.map((p) => p.value))
  const least = Math.min(...points.map((p) => p.value))
  const spread = Math.max(1, last.atMs - first.atMs)
  const top = most === 0 ? 1 : most * 1.08
  const x = (atMs: number): number => ((atMs - first.atMs) / spread) * (WIDTH - 6) + 2
  const y = (value: number): number => HEIGHT - 3 - (value / top) * (HEIGHT - 6)
  const line = points.map((p) => `${x(p.atMs).toFixed(1)},${y(p.value).toFixed(1)}`).join(" ")
  const summary = `${label}: now ${format(last.value)}, between ${format(least)} and ${format(most)}`
  return (
    <figure class="spark">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={summary}>
        <polygon points={`2,${HEIGHT - 1} ${line} ${x(last.atMs).toFixed(1)},${HEIGHT - 1}`} />
        <polyline points={points.length === 1 ? `2,${y(last.value)} ${line}` : line} />
        <circle cx={x(last.atMs)} cy={y(last.value)} r="2.6" />
      </svg>
    </figure>
  )
}
