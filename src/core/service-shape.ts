// Services written with their fields in one order. What is copied with fields left out (`{ left, ...rest }`) is to V8 a kind of
// object of its own each time, and a decision that reads thousands of kinds looks up every field of every one: twice the time of
// a cut. What has the same fields in the same order is one kind.

import type { KeyPath, Service } from "../model/service.js"

type OptionalKey = {
  [Key in keyof Service]-?: Pick<Service, Key> extends Required<Pick<Service, Key>> ? never : Key
}[keyof Service]

/** Of an entry that nobody else has seen yet. */
type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

const OPTIONAL: readonly OptionalKey[] = [
  "ordered",
  "reason",
  "path",
  "backup",
  "noBackup",
  "beside",
  "home",
  "avoiding",
  "surplus",
  "admittedAt",
  "next",
]

/** A backup is one for a certain path. */
const KEPT_ON_MOVING = OPTIONAL.filter((key) => !["backup", "noBackup", "next"].includes(key))
const KEPT_ON_BEGINNING = KEPT_ON_MOVING.filter((key) => key !== "reason")

/** The same service, changed at this time (RFC 3339). */
export function inShape(service: Service, changedAt: string): Service {
  const made = withRequired(service, changedAt)
  copy(made, service, OPTIONAL)
  return made
}

/** A service on one path that has this as its next; one that has none yet begins. */
export function withNext(service: Service, next: KeyPath, changedAt: string): Service {
  const made = withRequired(service, changedAt)
  const moves = service.path !== undefined
  copy(made, service, moves ? KEPT_ON_MOVING : KEPT_ON_BEGINNING)
  made.next = next
  if (!moves) made.state = "pending"
  return made
}

function withRequired(service: Service, changedAt: string): Writable<Service> {
  const { serviceId, origin, a, b, terms, state, leaving, createdAt } = service
  return { serviceId, origin, a, b, terms, state, leaving, createdAt, changedAt }
}

function copy<Key extends OptionalKey>(
  made: Pick<Writable<Service>, Key>,
  service: Service,
  keys: readonly Key[],
): void {
  for (const key of keys) {
    const value = service[key]
    if (value !== undefined) made[key] = value
  }
}
