// In which order services have their turn: greater priority first (`ServiceTerms.priority`), equal ones in a fixed order. A cut
// sorts thousands, and comparing their ids, character by character, is most of it: the first eight are read as a number, once.

import type { Service } from "../model/service.js"

export function byPriority(x: Service, y: Service): number {
  return y.terms.priority - x.terms.priority || byId(x, y)
}

/** The same order; a list of its own. */
export function inOrderOfPriority(services: readonly Service[]): Service[] {
  const byRank = new Map<number, Service[]>()
  for (const service of services) {
    const { priority } = service.terms
    const equals = byRank.get(priority)
    if (equals === undefined) byRank.set(priority, [service])
    else equals.push(service)
  }
  const sorted: Service[] = []
  for (const priority of [...byRank.keys()].sort((a, b) => b - a))
    for (const service of inOrderOfIds(byRank.get(priority) ?? [])) sorted.push(service)
  return sorted
}

/** Services at most that numbers tell apart: with the eight digits of an id a place fits into 53 bits. */
const MOST_PLACES = 1 << 20

function inOrderOfIds(services: Service[]): Service[] {
  if (services.length > MOST_PLACES) return services.sort(byId)
  const keys = new Float64Array(services.length)
  for (const [place, { serviceId }] of services.entries()) {
    const first = firstDigits(serviceId)
    if (first === undefined) return services.sort(byId)
    keys[place] = first * MOST_PLACES + place
  }
  keys.sort()
  const sorted: Service[] = []
  let before = -1
  let alike = false
  for (const key of keys) {
    const service = services[key % MOST_PLACES]
    if (service === undefined) continue
    const first = Math.floor(key / MOST_PLACES)
    alike ||= first === before
    before = first
    sorted.push(service)
  }
  return alike ? sorted.sort(byId) : sorted
}

function byId(x: Service, y: Service): number {
  return x.serviceId < y.serviceId ? -1 : 1
}

/** The first eight hexadecimal digits of a UUID; undefined where it has none. Greater ids have greater ones. */
export function firstDigits(id: string): number | undefined {
  let value = 0
  for (let place = 0; place < 8; place += 1) {
    const code = id.charCodeAt(place)
    const isLetter = code >= LETTER_A && code <= LETTER_F
    if (!isLetter && !(code >= DIGIT_0 && code <= DIGIT_9)) return undefined
    value = value * 16 + (isLetter ? code - LETTER_A + 10 : code - DIGIT_0)
  }
  return value
}

const DIGIT_0 = 48
const DIGIT_9 = 57
const LETTER_A = 97
const LETTER_F = 102
