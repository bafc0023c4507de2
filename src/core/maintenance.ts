// Planned maintenance as time goes by: some time before it begins services are moved off what goes out and no new path is put
// there; when it begins, what could not move is told; when it is over, what is whole is used again.

import type { LinkMaintenance, Maintenance, MaintenanceState } from "../model/maintenance.js"
import type { NetworkLink } from "../model/network.js"
import { tendSoon } from "./bulk-life.js"
import { linksOf, maintenanceOf, targetName } from "./maintenance-windows.js"
import { groups } from "./memberships.js"
import { moveAside, moveOff } from "./restoration.js"
import { returnTo, shorten } from "./service-life.js"
import type { Turn } from "./turn.js"
import { serves } from "./usable.js"

/** Services that still stand there are tried again so often until it begins. */
const AGAIN_MS = 10_000

/** At every wake, and when something was planned or called off. */
export function tendMaintenance(turn: Turn): void {
  const { draft, now } = turn
  const marked =
    draft.members(groups.maintainedLinks).length + draft.members(groups.maintainedNodes).length > 0
  if (!marked && draft.members(groups.maintenance).length === 0) return
  for (const one of maintenanceOf(draft)) advance(turn, one)
  markNodes(turn)
  markLinks(turn)
  markInterfaces(turn)
  for (const one of maintenanceOf(draft)) if (one.state === "draining") drain(turn, one)
  const times = maintenanceOf(draft).flatMap(({ begin, end }) => {
    const beginMs = Date.parse(begin)
    return [beginMs - turn.settings.maintenanceLeadMs, beginMs, Date.parse(end)]
  })
  for (const ms of times) if (ms > now) turn.wakeAt(ms)
}

/** What was planned for a thing that is removed goes with it. */
export function dropMaintenance(
  turn: Turn,
  gone: { readonly qkdlId?: string; readonly qkdnId?: string },
): void {
  for (const { maintenanceId, qkdlId, qkdnId } of maintenanceOf(turn.draft)) {
    if (qkdlId !== gone.qkdlId || qkdnId !== gone.qkdnId) continue
    turn.draft.removeMaintenance(maintenanceId)
    turn.notify("maintenance", "maintenance.cancelled", maintenanceId, "what it is for is removed")
  }
}

/** Its state is that of the time; what is over is no longer kept. */
function advance(turn: Turn, one: Maintenance): void {
  const { maintenanceId } = one
  if (turn.now >= Date.parse(one.end)) {
    turn.draft.removeMaintenance(maintenanceId)
    turn.notify("maintenance", "maintenance.ended", maintenanceId, targetName(turn.draft, one))
    return
  }
  const state = stateAt(turn, one)
  if (state === one.state) return
  turn.draft.putMaintenance({ ...one, state })
  // That it is drained is told with what comes of it.
  if (state === "inProgress")
    turn.notify("maintenance", "maintenance.begun", maintenanceId, targetName(turn.draft, one))
}

export function stateAt(
  { now, settings }: Pick<Turn, "now" | "settings">,
  { begin }: Pick<Maintenance, "begin">,
): MaintenanceState {
  const beginMs = Date.parse(begin)
  if (now >= beginMs) return "inProgress"
  return now >= beginMs - settings.maintenanceLeadMs ? "draining" : "planned"
}

function markNodes({ draft }: Turn): void {
  const wanted = new Map<string, Maintenance>()
  for (const one of maintenanceOf(draft)) {
    const { qkdnId, state, end } = one
    if (qkdnId === undefined || state !== "inProgress") continue
    const other = wanted.get(qkdnId)
    if (other === undefined || Date.parse(other.end) < Date.parse(end)) wanted.set(qkdnId, one)
  }
  for (const qkdnId of new Set([...draft.members(groups.maintainedNodes), ...wanted.keys()])) {
    const node = draft.node(qkdnId)
    const now = wanted.get(qkdnId)
    if (node === undefined) continue
    const { maintenance: before, ...rest } = node
    if (before?.maintenanceId === now?.maintenanceId && before?.end === now?.end) continue
    draft.putNode(
      now === undefined
        ? rest
        : { ...rest, maintenance: { maintenanceId: now.maintenanceId, end: now.end } },
    )
  }
}

/** Interfaces whose links are out fail as planned. */
function markInterfaces({ draft }: Turn): void {
  const wanted = new Map<string, Set<number>>()
  const isOut = (qkdlId: string): boolean => draft.link(qkdlId)?.maintenance?.stage === "out"
  for (const link of draft.members(groups.maintainedLinks).flatMap((id) => draft.link(id) ?? []))
    for (const { qkdnId, qkdiId } of [link.a, link.b]) {
      if (!draft.members(groups.linksOnInterface(qkdnId, qkdiId)).every(isOut)) continue
      wanted.set(qkdnId, (wanted.get(qkdnId) ?? new Set()).add(qkdiId))
    }
  for (const qkdnId of new Set([...draft.members(groups.maintainedNodes), ...wanted.keys()])) {
    const node = draft.node(qkdnId)
    const now = [...(wanted.get(qkdnId) ?? [])].sort((x, y) => x - y)
    if (node === undefined || now.join() === (node.interfacesOut ?? []).join()) continue
    const { interfacesOut: _before, ...rest } = node
    draft.putNode(now.length === 0 ? rest : { ...rest, interfacesOut: now })
  }
}

/** Links are marked first, all of them; then services move: none onto another link that goes out too. */
function markLinks(turn: Turn): void {
  const { draft } = turn
  const wanted = wantedMarks(turn)
  const changed: { readonly before: NetworkLink; readonly after: NetworkLink }[] = []
  for (const qkdlId of new Set([...draft.members(groups.maintainedLinks), ...wanted.keys()])) {
    const before = draft.link(qkdlId)
    const mark = wanted.get(qkdlId)
    if (before === undefined || sameMark(before.maintenance, mark)) continue
    const { maintenance: _before, ...rest } = before
    // Since when it serves again is what services return by.
    const back = before.maintenance?.stage === "out" && mark?.stage !== "out"
    const since = back && before.status === "ACTIVE" ? { changedAt: turn.time() } : {}
    const after = { ...rest, ...since, ...(mark === undefined ? {} : { maintenance: mark }) }
    draft.putLink(after)
    changed.push({ before, after })
  }
  const gone = changed.filter(({ before, after }) => serves(before) && !serves(after))
  const ids = gone.map(({ after }) => after.qkdlId)
  for (const { before, after } of changed) tellOf(turn, before, after)
  if (ids.length > 0) moveOff(turn, ...ids)
  for (const { before, after } of changed) comeBack(turn, before, after)
  if (changed.length > 0) tendSoon(turn)
}

function tellOf(turn: Turn, before: NetworkLink, after: NetworkLink): void {
  const { qkdlId, maintenance, enabled, status } = after
  if (maintenance !== undefined) {
    const type = maintenance.stage === "out" ? "link.maintenance" : "link.draining"
    turn.notify("link", type, qkdlId, `${maintenance.begin} to ${maintenance.end}`)
  } else if (before.maintenance?.stage === "leaving") {
    turn.notify("link", "link.changed", qkdlId, "its maintenance is called off")
  } else if (enabled && status !== "ACTIVE") {
    turn.notify("link", "link.down", qkdlId, `its maintenance is over, and it is still ${status}`)
  } else turn.notify("link", "link.up", qkdlId, "its maintenance is over")
}

function comeBack(turn: Turn, before: NetworkLink, after: NetworkLink): void {
  const { qkdlId } = after
  if (!serves(after)) return
  if (!serves(before)) returnTo(turn, qkdlId)
  if (before.maintenance === undefined || after.maintenance !== undefined) return
  turn.retrySoon()
  shorten(turn, qkdlId)
}

/** Where several meet, what has begun counts before what is near; of those the one that ends last, of these the next. */
function wantedMarks({ draft }: Turn): ReadonlyMap<string, LinkMaintenance> {
  const wanted = new Map<string, LinkMaintenance>()
  for (const one of maintenanceOf(draft)) {
    if (one.state === "planned") continue
    const { maintenanceId, begin, end } = one
    const stage = one.state === "inProgress" ? "out" : "leaving"
    for (const qkdlId of linksOf(draft, one)) {
      const other = wanted.get(qkdlId)
      const longer = other?.stage === "out" && Date.parse(other.end) < Date.parse(end)
      if (other === undefined || (stage === "out" && longer))
        wanted.set(qkdlId, { stage, maintenanceId, begin, end })
    }
  }
  return wanted
}

function sameMark(x: LinkMaintenance | undefined, y: LinkMaintenance | undefined): boolean {
  if (x?.maintenanceId !== y?.maintenanceId || x?.stage !== y?.stage) return false
  return x?.begin === y?.begin && x?.end === y?.end
}

/** Moves what can move off what goes out soon; once, and now and then those that had no other path, or lost it on the way. */
function drain(turn: Turn, one: Maintenance): void {
  const { draft, now } = turn
  const { triedMs, maintenanceId } = one
  const again = triedMs === undefined || (now >= triedMs + AGAIN_MS && isToTry(turn, one))
  if (again) {
    const staying = moveAside(turn, linksOf(draft, one))
    const name = targetName(draft, one)
    for (const id of staying.filter((each) => !one.staying.includes(each))) {
      const why = `there is no other path: it stays on ${name} until ${one.begin}, when that goes out`
      turn.notify("service", "service.staying", id, why)
    }
    draft.putMaintenance({ ...one, staying, triedMs: now })
    if (triedMs === undefined)
      turn.notify("maintenance", "maintenance.draining", maintenanceId, wordsOf(name, staying))
  }
  const nextMs = (again ? now : triedMs) + AGAIN_MS
  if (isToTry(turn, draft.maintenance(maintenanceId) ?? one)) turn.wakeAt(nextMs)
}

/** Somebody stands there, or was said to. Streams of bulk orders leave as they are scheduled. */
function isToTry({ draft }: Turn, one: Maintenance): boolean {
  if (one.staying.length > 0) return true
  return linksOf(draft, one).some((qkdlId) =>
    draft.members(groups.servicesOn(qkdlId)).some((id) => draft.service(id)?.origin !== "bulk"),
  )
}

function wordsOf(name: string, staying: readonly string[]): string {
  if (staying.length === 0) return `${name}: all that stood there moves`
  const who = staying.length === 1 ? "1 service has" : `${staying.length} services have`
  return `${name}: ${who} no other path, so far, and may be cut when it begins`
}
