// A schedule of bulk orders drawn: a lane an order, its rate over time, its deadline and its end.

import { rateWords } from "./map-scales.js"
import type { BulkPlan, PlannedBulkOrder } from "./plan-bulk.js"
import { element, escaped, sheet, short, textWidth } from "./svg.js"

const WIDTH = 1180
const LEFT = 236
const RIGHT = 150
const TOP = 104
const LANE = 74
const BAR = 40
const HOUR = 3600
const DAY = 24 * HOUR
/** Seconds between marks on the axis that people read easily. */
const STEPS = [
  1,
  5,
  15,
  60,
  300,
  900,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  28 * DAY,
]
/** Marks nearer than this would run into each other. */
const MARK_PX = 74

export function drawSchedule(plan: BulkPlan, name: string): string {
  const { orders } = plan
  const start = Date.parse(plan.startAt) / 1000
  const end = Date.parse(plan.endAt) / 1000
  const at = (time: string | number): number => {
    const seconds = typeof time === "string" ? Date.parse(time) / 1000 : time
    return LEFT + ((seconds - start) / (end - start)) * (WIDTH - LEFT - RIGHT)
  }
  const bottom = TOP + orders.length * LANE
  const met = orders.filter((order) => order.met).length
  return sheet(
    {
      width: WIDTH,
      height: bottom + 92,
      title: `Bulk orders on ${name}`,
      subtitle: `${met} of ${orders.length} ${orders.length === 1 ? "order" : "orders"} in time, on what services leave of the links; times in UTC`,
    },
    [
      ...axis(start, end, at, bottom),
      ...orders.map((order, i) => lane(order, TOP + i * LANE, at)),
      legend(bottom + 58),
    ],
  )
}

function axis(start: number, end: number, at: (time: number) => number, bottom: number): string[] {
  const most = (WIDTH - LEFT - RIGHT) / MARK_PX
  const step = STEPS.find((one) => (end - start) / one <= most) ?? (end - start) / most
  const marks: string[] = []
  let day = ""
  for (let time = Math.ceil(start / step) * step; time <= end; time += step) {
    const x = at(time)
    const words = new Date(time * 1000).toISOString()
    const date = words.slice(0, 10)
    const clock = step < 60 ? words.slice(11, 19) : words.slice(11, 16)
    marks.push(element("path", { class: "grid", d: `M${short(x)} ${TOP - 6}V${short(bottom)}` }))
    const label = step >= DAY ? date.slice(5) : clock
    marks.push(
      element(
        "text",
        { class: "soft small", x, y: bottom + 18, "text-anchor": "middle" },
        escaped(label),
      ),
    )
    if (step < DAY && date !== day)
      marks.push(
        element(
          "text",
          { class: "soft small", x, y: bottom + 33, "text-anchor": "middle" },
          escaped(date),
        ),
      )
    day = date
  }
  return marks
}

function lane(order: PlannedBulkOrder, top: number, at: (time: string) => number): string {
  const { id, from, to, volumeBits, deadline, met, completesAt, schedule, deliveredBits } = order
  const base = top + BAR + 14
  const tone = met ? "low" : "high"
  const rates = schedule.map(({ paths }) => paths.reduce((sum, { rateBps }) => sum + rateBps, 0))
  const most = Math.max(0, ...rates)
  const bars = schedule.map((span, i) => {
    // By the root: a trickle is seen beside a satellite's pass.
    const height = most > 0 ? Math.sqrt((rates[i] ?? 0) / most) * BAR : 0
    const x = at(span.from)
    return element(
      "g",
      {},
      element("title", {}, escaped(barWords(span.from, span.to, rates[i] ?? 0, span.paths))),
      element("rect", {
        class: `f-${tone}`,
        "shape-rendering": "crispEdges",
        x,
        y: base - height,
        width: Math.max(0.5, at(span.to) - x),
        height,
      }),
    )
  })
  const due = at(deadline)
  const done =
    completesAt === undefined
      ? []
      : [
          element("circle", {
            class: `node f-${met ? "added" : "high"}`,
            cx: at(completesAt),
            cy: base,
            r: 5,
          }),
        ]
  const state = met
    ? "in time"
    : completesAt === undefined
      ? `${Math.floor((100 * deliveredBits) / volumeBits)} % by the end`
      : "late"
  return element(
    "g",
    {},
    element("text", { class: "strong", x: 28, y: base - 22 }, escaped(fitted(id, LEFT - 44, 13))),
    element(
      "text",
      { class: "soft small", x: 28, y: base - 6 },
      escaped(fitted(`${from} - ${to}, ${bitWords(volumeBits)}`, LEFT - 44, 11)),
    ),
    element("path", { class: "axis", d: `M${LEFT} ${short(base)}H${WIDTH - RIGHT}` }),
    ...bars,
    element("path", {
      class: `link c-${met ? "added" : "high"}`,
      d: `M${short(due)} ${short(base + 4)}V${short(top + 6)}h9l-3 4 3 4h-9`,
      "stroke-width": 1.8,
    }),
    ...done,
    element(
      "text",
      { class: `strong f-${met ? "added" : "high"}`, x: WIDTH - RIGHT + 16, y: base - 22 },
      escaped(state),
    ),
    element(
      "text",
      { class: "soft small", x: WIDTH - RIGHT + 16, y: base - 6 },
      escaped(most > 0 ? `up to ${rateWords(most)}` : "no key"),
    ),
  )
}

function barWords(
  from: string,
  to: string,
  rateBps: number,
  paths: PlannedBulkOrder["schedule"][number]["paths"],
): string {
  const ways = paths.map((path) => `${rateWords(path.rateBps)} ${path.nodes.join(" - ")}`)
  return `${from} to ${to}: ${rateWords(rateBps)}\n${ways.join("\n")}`
}

function legend(y: number): string {
  const flag = (x: number, tone: string): string =>
    element("path", {
      class: `link c-${tone}`,
      d: `M${x} ${y + 6}v-20h9l-3 4 3 4h-9`,
      "stroke-width": 1.8,
    })
  const words = (x: number, text: string): string =>
    element("text", { class: "soft", x, y: y + 2 }, escaped(text))
  return element(
    "g",
    {},
    element("rect", { class: "f-low", x: LEFT, y: y - 10, width: 28, height: 14 }),
    element("rect", { class: "f-high", x: LEFT + 34, y: y - 10, width: 28, height: 14 }),
    words(LEFT + 70, "root of key rate, of orders in time, late"),
    flag(LEFT + 352, "added"),
    flag(LEFT + 372, "high"),
    words(LEFT + 392, "deadline"),
    element("circle", { class: "node f-added", cx: LEFT + 478, cy: y - 3, r: 5 }),
    element("circle", { class: "node f-high", cx: LEFT + 494, cy: y - 3, r: 5 }),
    words(LEFT + 508, "the last of it is delivered"),
  )
}

function fitted(words: string, room: number, sizePx: number): string {
  let kept = words
  while (kept.length > 1 && textWidth(kept, sizePx) > room) kept = kept.slice(0, -1)
  return kept === words ? words : `${kept.trimEnd()}…`
}

/** 12,340,000 as `12.3 Mbit`. */
export function bitWords(bits: number): string {
  return rateWords(bits).replace("/s", "")
}
