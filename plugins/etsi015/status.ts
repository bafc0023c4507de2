// `qkdl_status` is configuration in 015's model though it tells state. By default it is never written; a profile may
// want it in new entries, or said again when an entry is replaced. Adds it to edits.

import { isArray, isObject, type JsonObject, TYPES_MODULE } from "../../src/plugin/index.js"
import type { DeviceProfile } from "./profile.js"
import type { EntryEdit } from "./wire.js"

/** What the node holds, by link. */
export function statusesIn(data: JsonObject): ReadonlyMap<string, string> {
  const statuses = new Map<string, string>()
  const node = Object.values(data).find(isObject)
  const links = node?.qkd_links
  const list = isObject(links) ? links.qkd_link : undefined
  if (list === undefined || !isArray(list)) return statuses
  for (const entry of list) {
    if (!isObject(entry)) continue
    const { qkdl_id: id, qkdl_status: status } = entry
    if (typeof id === "string" && typeof status === "string")
      statuses.set(id.toLowerCase(), status.replace(/^.*:/, ""))
  }
  return statuses
}

export function withStatus(
  edits: readonly EntryEdit[],
  held: ReadonlyMap<string, string>,
  { linkStatus }: DeviceProfile,
): readonly EntryEdit[] {
  const { onCreate, keep = false } = linkStatus
  if (onCreate === undefined && !keep) return edits
  return edits.map((edit) => {
    if (edit.kind !== "qkd_link") return edit
    const { qkdl_id: id } = edit.entry
    const said = typeof id === "string" ? held.get(id.toLowerCase()) : undefined
    const kept = keep && edit.operation === "replace" ? said : undefined
    const status = edit.operation === "create" ? onCreate : kept
    if (status === undefined) return edit
    return { ...edit, entry: { ...edit.entry, qkdl_status: `${TYPES_MODULE}:${status}` } }
  })
}
