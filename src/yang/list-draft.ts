// One list or leaf-list while it is being edited: a copy with holes where entries went, closed up at the end.

import {
  findEntry,
  forgetIndex,
  handOnIndex,
  keyOf,
  noteAppended,
  noteRemoved,
} from "./list-index.js"
import type { JsonValue } from "./json-text.js"
import type { SchemaNode } from "./schema-types.js"

export type Place =
  | { readonly where: "first" | "last" }
  | { readonly where: "before" | "after"; readonly key: string }

export class ListDraft {
  private items: (JsonValue | undefined)[]
  private holes = 0
  private ownIndex = false

  constructor(
    private readonly node: SchemaNode,
    before: readonly JsonValue[],
  ) {
    this.items = before.slice()
    handOnIndex(before, this.items)
  }

  get(key: string): JsonValue | undefined {
    return this.items[findEntry(this.node, this.items, key)]
  }

  /** Put an entry in the place of the one with its key, else at the end. */
  set(item: JsonValue): void {
    const at = findEntry(this.node, this.items, keyOf(this.node, item))
    if (at >= 0) this.items[at] = item
    else {
      this.items.push(item)
      noteAppended(this.node, this.items, item)
    }
  }

  remove(key: string): void {
    const at = findEntry(this.node, this.items, key)
    if (at < 0) return
    this.items[at] = undefined
    this.holes += 1
    noteRemoved(this.items, key, this.ownIndex)
    this.ownIndex = true
  }

  /**
   * Put an entry at a place (RFC 7950 section 7.8.6), moving it if it is there.
   *
   * @returns false when the entry to stand before or after is not there.
   */
  insert(item: JsonValue, place: Place): boolean {
    const key = keyOf(this.node, item)
    const rest = this.settled().filter((other) => keyOf(this.node, other) !== key)
    let at = place.where === "first" ? 0 : rest.length
    if (place.where === "before" || place.where === "after") {
      const next = rest.findIndex((other) => keyOf(this.node, other) === place.key)
      if (next < 0) return false
      at = place.where === "before" ? next : next + 1
    }
    rest.splice(at, 0, item)
    this.items = rest
    this.holes = 0
    return true
  }

  /** The list as it is now, without holes. */
  settled(): JsonValue[] {
    if (this.holes > 0) {
      forgetIndex(this.items)
      this.items = this.items.filter((item) => item !== undefined)
      this.holes = 0
      this.ownIndex = false
    }
    return this.items as JsonValue[]
  }
}
