// What so many open bulk orders cost the controller's loop: a schedule of all of them on germany50, and a new one taken on or
// refused, with so much maintenance planned. Processor time, medians of five.
// Run: npx tsx bench/bulk-orders.ts [WINDOWS ...]

import { scheduleOrders } from "../src/core/bulk-schedule.js"
import { openOrders } from "../src/core/bulk-life.js"
import { decide } from "../src/core/decide.js"
import { Draft } from "../src/core/draft.js"
import type { Event } from "../src/core/event.js"
import type { BulkOrder } from "../src/model/bulk-order.js"
import type { ServiceEnd } from "../src/model/service.js"
import { DEFAULT_SETTINGS } from "../src/core/settings.js"
import { Turn } from "../src/core/turn.js"
import { CoreNetwork, dice } from "./core-network.js"
import { germany50 } from "./graphs.js"

const SIZES = [64, 128, 256, 512]
const HOUR = 3_600_000

function cpuMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

function run(windows: number): void {
  const drawn = germany50()
  if (drawn === undefined) throw new Error("germany50 is not here")
  const network = new CoreNetwork(drawn)
  const { picture } = network
  const random = dice(7)
  const below = (bound: number): number => Math.floor(random() * bound)
  const settings = { ...DEFAULT_SETTINGS, bulkMostOpen: 10_000, maintenanceMost: 10_000 }
  const now = Date.parse("2026-06-01T12:00:00Z")
  let ids = 0
  const newId = (): string => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, "0")}`
  const submit = (event: Event): boolean => {
    const { reply, changes } = decide(picture, event, { now, newId, settings })
    picture.apply(changes, picture.revision + 1)
    return reply.ok
  }
  const links = [...picture.linkIds()]
  for (let n = 0; n < windows; n += 1) {
    const beginMs = now + HOUR + below(48 * HOUR)
    const target = { qkdlId: links[below(links.length)] ?? "" }
    const endMs = beginMs + HOUR
    submit({ kind: "maintenance-planned", target, beginMs, endMs, reason: "bench", by: "bench" })
  }
  const size = drawn.nodes.length
  const order = (n: number): Extract<Event, { kind: "bulk-ordered" }> => {
    const from = below(size)
    const to = (from + 1 + below(size - 1)) % size
    const sae = (node: number, place: number): string => `${drawn.nodes[node] ?? ""}#${place % 40}`
    return {
      kind: "bulk-ordered",
      fromSaeId: sae(from, n),
      toSaeId: sae(to, Math.floor(n / 40)),
      volumeBits: 256 * (1000 + below(100_000)),
      keySizeBits: 256,
      deadlineMs: now + HOUR + below(48 * HOUR),
      terms: { priority: below(3), avoidNodes: [] },
      bestEffort: false,
    }
  }
  let n = 0
  for (const wanted of SIZES) {
    // As they are when they have just been taken on: judging each in turn would take the square of that.
    for (; n < wanted; n += 1) {
      const { fromSaeId, toSaeId, deadlineMs, ...asked } = order(n)
      const at = (saeId: string): ServiceEnd => ({ saeId, qkdnId: saeId.split("#")[0] ?? "" })
      const time = new Date(now).toISOString()
      const value: BulkOrder = {
        orderId: newId(),
        from: at(fromSaeId),
        to: at(toSaeId),
        volumeBits: asked.volumeBits,
        keySizeBits: asked.keySizeBits,
        notBefore: time,
        deadline: new Date(deadlineMs).toISOString(),
        terms: asked.terms,
        bestEffort: false,
        place: n,
        state: "pending",
        periods: [],
        scheduledMs: now,
        takenBits: 0,
        readyBits: 0,
        late: false,
        createdAt: time,
        changedAt: time,
      }
      picture.apply([{ kind: "order", id: value.orderId, value }], picture.revision + 1)
    }
    const taken = Array.from({ length: 5 }, (_, k) => {
      const event = order(wanted + k)
      return cpuMs(() => void decide(picture, event, { now, newId, settings }))
    })
    const open = picture.members("open").length
    const schedules = Array.from({ length: 5 }, () => {
      const turn = new Turn(new Draft(picture), { now, newId, settings })
      const orders = openOrders(turn)
      const ms = cpuMs(() => void scheduleOrders(turn, orders))
      turn.draft.drop()
      return ms
    })
    console.log(
      `| ${windows} | ${open} | ${median(schedules).toFixed(1)} | ${median(taken).toFixed(1)} |`,
    )
  }
}

console.log("| windows | orders open | ms a schedule | ms a new order |")
console.log("|---|---|---|---|")
for (const windows of process.argv.slice(2).map(Number)) run(windows)
if (process.argv.length === 2) for (const windows of [0, 16, 64]) run(windows)
