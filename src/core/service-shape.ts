// Services written with their fields in one order. What is copied with fields left out (`{ left, ...rest }`) is to V8 a kind of
// object of its own each time, and a decision that reads thousands of kinds looks up every field of every one: twice the time of
// a cut. What has the same fields in the same order is one kind. Services as most are, are written in one piece: fields that
// are added one by one lie apart from the others, and take twice the room.

import type { BackupPath, KeyPath, Service } from "../model/service.js"

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
  const { path, backup, next, admittedAt, noBackup } = service
  if (
    path !== undefined &&
    admittedAt !== undefined &&
    noBackup === undefined &&
    isPlain(service)
  ) {
    if (next === undefined) return standing(service, path, backup, admittedAt, changedAt)
    if (backup === undefined) return moving(service, path, next, admittedAt, changedAt)
  }
  const made = withRequired(service, changedAt)
  copy(made, service, OPTIONAL)
  return made
}

/** A service on one path that has this as its next; one that has none yet begins. */
export function withNext(service: Service, next: KeyPath, changedAt: string): Service {
  const { path, admittedAt } = service
  const moves = path !== undefined
  if (moves && admittedAt !== undefined && isPlain(service))
    return moving(service, path, next, admittedAt, changedAt)
  const made = withRequired(service, changedAt)
  copy(made, service, moves ? KEPT_ON_MOVING : KEPT_ON_BEGINNING)
  made.next = next
  if (!moves) made.state = "pending"
  return made
}

/** Without what few services have. */
export function isPlain(service: Service): boolean {
  return (
    service.ordered === undefined &&
    service.reason === undefined &&
    service.beside === undefined &&
    service.home === undefined &&
    service.avoiding === undefined &&
    service.surplus === undefined
  )
}

function standing(
  { serviceId, origin, a, b, terms, state, leaving, createdAt }: Service,
  path: KeyPath,
  backup: BackupPath | undefined,
  admittedAt: string,
  changedAt: string,
): Service {
  // biome-ignore-start format: one piece each, in the order of the fields
  return backup === undefined
    ? { serviceId, origin, a, b, terms, state, leaving, createdAt, changedAt, path, admittedAt }
    : {
        serviceId,
        origin,
        a,
        b,
        terms,
        state,
        leaving,
        createdAt,
        changedAt,
        path,
        backup,
        admittedAt,
      }
  // biome-ignore-end format: see above
}

function moving(
  { serviceId, origin, a, b, terms, state, leaving, createdAt }: Service,
  path: KeyPath,
  next: KeyPath,
  admittedAt: string,
  changedAt: string,
): Service {
  // biome-ignore format: one piece, in the order of the fields
  return { serviceId, origin, a, b, terms, state, leaving, createdAt, changedAt, path, admittedAt, next }
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
