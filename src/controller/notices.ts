// Turns what was decided into notices: every change is told at least once, under the name the decision gave it or,
// where it gave none, a plain one. Order: as decided. Numbers are given by the journal.

import type { Effect } from "../core/event.js"
import type { View } from "../core/view.js"
import type { Change } from "../model/network.js"
import type { Notice } from "./ports.js"

type Notify = Extract<Effect, { kind: "notify" }>
type Unnumbered = Omit<Notice, "seq">

/**
 * @param before the network without the changes
 * @param time RFC 3339
 */
export function noticesOf(
  before: View,
  changes: readonly Change[],
  effects: readonly Effect[],
  time: string,
): Unnumbered[] {
  const open = new Map(changes.map((change) => [`${change.kind}:${change.id}`, change]))
  const told = new Set<string>()
  const notices: Unnumbered[] = []
  for (const effect of effects) {
    if (effect.kind !== "notify") continue
    const { topic, type, id } = effect
    const key = `${topic}:${id}`
    const change = open.get(key)
    if (topic !== "log" && change === undefined) {
      // Named, and undone within the same decision: there is nothing new to show.
      if (before[topic](id) === undefined) continue
    }
    told.add(key)
    const value = topic === "log" ? null : change === undefined ? before[topic](id) : change.value
    notices.push({ time, topic, type, id, value, ...messageOf(effect) })
  }
  for (const [key, change] of open) {
    if (told.has(key)) continue
    const { kind, id, value } = change
    notices.push({ time, topic: kind, type: plainType(before, change), id, value })
  }
  return notices
}

function messageOf({ message }: Notify): { message?: string } {
  return message === undefined ? {} : { message }
}

function plainType(before: View, change: Change): string {
  const { kind, id, value } = change
  if (value === null) return `${kind}.removed`
  if (before[kind](id) === undefined) return `${kind}.added`
  if (kind !== "link") return `${kind}.changed`
  const old = before.link(id)
  const onlyFigures =
    old !== undefined &&
    old.status === value.status &&
    old.enabled === value.enabled &&
    old.doubt === value.doubt &&
    old.rests === value.rests &&
    (old.performance !== value.performance || old.measuredAtMs !== value.measuredAtMs)
  return onlyFigures ? "link.performance" : "link.changed"
}
