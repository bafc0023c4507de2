// The `unique` statement (RFC 7950 section 7.8.3).

import type { DataNode } from "./data-node.js"
import type { YangFault } from "./fault.js"
import type { ListRevision } from "./revision.js"
import { isObject } from "./json-text.js"
import type { JsonValue } from "./json-text.js"
import type { SchemaNode, UniqueConstraint } from "./schema-types.js"
import { pathOf } from "./trail.js"
import { lexicalOf } from "./values.js"

/** Entries that share all values of a unique constraint with an earlier entry. */
export function* checkUnique(
  at: DataNode,
  list: SchemaNode,
  items: readonly JsonValue[],
): Iterable<YangFault> {
  for (const constraint of list.unique) {
    const seen = new Set<string>()
    for (const item of items) {
      const key = valuesOf(constraint, item)
      // An entry that lacks one of the leaves is not compared.
      if (key === undefined) continue
      if (seen.has(key) && isObject(item))
        yield {
          tag: "operation-failed",
          appTag: "data-not-unique",
          path: pathOf({ up: at, node: list, entry: item }),
          message: `another entry has the same ${constraint.text}`,
        }
      seen.add(key)
    }
  }
}

/** Whether a list that had no repeats may have one now: some entry is new or has other values. */
export function mayRepeat(list: SchemaNode, { changed }: ListRevision): boolean {
  return list.unique.some((constraint) =>
    changed.some(({ entry, before }) => {
      const key = valuesOf(constraint, entry)
      return key !== undefined && (before === undefined || key !== valuesOf(constraint, before))
    }),
  )
}

function valuesOf(constraint: UniqueConstraint, item: JsonValue): string | undefined {
  const values: string[] = []
  for (const path of constraint.paths) {
    let value: JsonValue | undefined = item
    for (const step of path) {
      const found: JsonValue | undefined = isObject(value) ? value[step.member] : undefined
      // Defaults count (RFC 7950 7.8.3).
      value = found ?? (step.kind === "leaf" ? step.defaultValues[0] : undefined)
    }
    if (value === undefined) return undefined
    values.push(lexicalOf(value))
  }
  return JSON.stringify(values)
}
