// A node's configuration as the demo writes it anew, with what its user has added to the file meanwhile. Pure.

import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"

/** What tells entries of the file's lists apart. */
const KEYS: Readonly<Record<string, string>> = { user: "name", module: "qkdi_id" }
const SEALING = /^sealing_key_/

/**
 * What the demo says stands as it says it; members, list entries and values beside it stay. Where the user has put the
 * sealing key elsewhere, it stays there: it can be in one place only.
 */
export function keepAdditions(written: JsonObject, found: JsonObject): JsonObject {
  const ownKey = Object.keys(found).some((name) => SEALING.test(name) && !(name in written))
  const entries = Object.entries(written).filter(([name]) => !(ownKey && SEALING.test(name)))
  return merged(Object.fromEntries(entries), found)
}

function merged(written: JsonObject, found: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = { ...found }
  for (const [name, value] of Object.entries(written)) {
    const before = found[name]
    if (isArray(value) && isArray(before)) result[name] = [...value, ...added(name, value, before)]
    else if (name !== "options" && isObject(value) && isObject(before))
      result[name] = merged(value, before)
    else result[name] = value
  }
  return result
}

function added(
  name: string,
  written: readonly JsonValue[],
  found: readonly JsonValue[],
): readonly JsonValue[] {
  const key = KEYS[name]
  const idOf = (entry: JsonValue): JsonValue | undefined =>
    key !== undefined && isObject(entry) ? entry[key] : entry
  const known = new Set(written.map(idOf))
  return found.filter((entry) => !known.has(idOf(entry)))
}
