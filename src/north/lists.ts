// Lists as every collection of the REST face gives them: filter, sort, fields, limit and an opaque cursor that
// stays right while the list changes (it names the last thing given, not a position).

import { QkdError } from "../errors.js"

export interface ListQuery {
  readonly limit?: string
  readonly cursor?: string
  readonly filter?: string
  readonly sort?: string
  readonly fields?: string
}

/** What of a collection can be filtered and sorted by; `id` is unique and breaks ties. */
export interface Collection<T> {
  readonly id: (item: T) => string
  /** Plain top-level members, as text, number or truth. */
  readonly columns: Readonly<Record<string, (item: T) => string | number | boolean | undefined>>
  /** Every top-level member that `fields` may name. */
  readonly members: readonly string[]
}

export interface Page {
  readonly items: readonly unknown[]
  /** Cursor of the following page; absent at the end. */
  readonly next?: string
}

export const DEFAULT_LIMIT = 100
export const MAX_LIMIT = 1000

type Key = string | number | boolean | undefined

/** Absent first, then numbers, then text; text by code unit, so that every machine sorts alike. */
function compareKeys(x: Key, y: Key): number {
  const rank = (k: Key): number => (k === undefined ? 0 : typeof k === "string" ? 2 : 1)
  if (rank(x) !== rank(y)) return rank(x) - rank(y)
  if (x === undefined || y === undefined || x === y) return 0
  return x < y ? -1 : 1
}

function columnOf<T>(collection: Collection<T>, name: string, path: string): (item: T) => Key {
  const column = Object.hasOwn(collection.columns, name) ? collection.columns[name] : undefined
  if (column === undefined) {
    throw new QkdError(
      "invalid-value",
      `no such column: ${name}; there are ${Object.keys(collection.columns).join(", ")}`,
      { path },
    )
  }
  return column
}

function parseFilter<T>(collection: Collection<T>, text: string): (item: T) => boolean {
  const terms = text.split(",").map((term) => {
    const colon = term.indexOf(":")
    if (colon < 1) {
      throw new QkdError("invalid-value", "a filter reads column:value[,column:value]", {
        path: "?filter",
      })
    }
    const column = columnOf(collection, term.slice(0, colon), "?filter")
    const wanted = term.slice(colon + 1)
    return (item: T): boolean => String(column(item) ?? "") === wanted
  })
  return (item) => terms.every((term) => term(item))
}

interface Cursor {
  readonly sort: string
  readonly filter: string
  readonly key: string | number | boolean | null
  readonly id: string
}

function isCursor(value: unknown): value is Cursor {
  if (value === null || typeof value !== "object") return false
  const c: Partial<Record<keyof Cursor, unknown>> = value
  return (
    typeof c.sort === "string" &&
    typeof c.filter === "string" &&
    typeof c.id === "string" &&
    (c.key === null || ["string", "number", "boolean"].includes(typeof c.key))
  )
}

function parseCursor(text: string, sort: string, filter: string): Cursor {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString("utf8"))
  } catch {
    value = undefined
  }
  if (!isCursor(value))
    throw new QkdError("invalid-value", "not a cursor of ours", { path: "?cursor" })
  if (value.sort !== sort || value.filter !== filter) {
    throw new QkdError("invalid-value", "the cursor belongs to another sort or filter", {
      path: "?cursor",
    })
  }
  return value
}

function pick(item: object, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).filter(([name]) => fields.includes(name)))
}

/**
 * One page of `all`.
 *
 * @throws QkdError `invalid-value` with path `?name` for a column, field, cursor or limit that cannot be.
 */
export function page<T extends object>(
  collection: Collection<T>,
  all: Iterable<T>,
  query: ListQuery,
): Page {
  const limit = query.limit === undefined ? DEFAULT_LIMIT : Number(query.limit)
  const filter = query.filter ?? ""
  const sort = query.sort ?? ""
  const down = sort.startsWith("-")
  const sortName = down ? sort.slice(1) : sort
  const key = sortName === "" ? collection.id : columnOf(collection, sortName, "?sort")
  const fields = query.fields?.split(",")
  const unknown = fields?.find((name) => !collection.members.includes(name))
  if (unknown !== undefined) {
    throw new QkdError("invalid-value", `no such field: ${unknown}`, { path: "?fields" })
  }
  const order = (xKey: Key, xId: string, yKey: Key, yId: string): number =>
    (down ? -1 : 1) * (compareKeys(xKey, yKey) || compareKeys(xId, yId))

  const keep = filter === "" ? (): boolean => true : parseFilter(collection, filter)
  let rows = [...all].filter(keep)
  if (query.cursor !== undefined) {
    const after = parseCursor(query.cursor, sort, filter)
    rows = rows.filter(
      (row) => order(key(row), collection.id(row), after.key ?? undefined, after.id) > 0,
    )
  }
  rows.sort((x, y) => order(key(x), collection.id(x), key(y), collection.id(y)))
  const given = rows.slice(0, limit)
  const last = given.at(-1)
  const items = fields === undefined ? given : given.map((row) => pick(row, fields))
  if (last === undefined || rows.length <= limit) return { items }
  const cursor: Cursor = { sort, filter, key: key(last) ?? null, id: collection.id(last) }
  return { items, next: Buffer.from(JSON.stringify(cursor)).toString("base64url") }
}
