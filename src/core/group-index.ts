// Who is in which group. What comes and goes is noted first and worked in when somebody asks for the group: a cut takes
// thousands of services into or out of some hundred groups each, most of which nobody asks for before the next change.
// Entries go by numbers: in a hundred groups, a name would have to be read again for each.

/** One group. */
class Members {
  count = 0
  readonly #numbers = new Set<number>()
  /** Numbers that came or went since, in order: who was in it went, who was not came. */
  #noted: number[] = []

  note(number: number): void {
    this.#noted.push(number)
    if (this.#noted.length > MOST_NOTED + 2 * this.#numbers.size) this.#workIn()
  }

  list(): number[] {
    this.#workIn()
    return [...this.#numbers]
  }

  #workIn(): void {
    for (const number of this.#noted) if (!this.#numbers.delete(number)) this.#numbers.add(number)
    if (this.#noted.length > 0) this.#noted = []
  }
}

/** Notes beyond twice the group and this are worked in unasked, so that they do not pile up. */
const MOST_NOTED = 64

export class GroupIndex {
  readonly #groups = new Map<string, Members>()
  readonly #numbers = new Map<string, number>()
  /** By number. */
  readonly #ids: string[] = []
  readonly #memberships: number[] = []
  /** Numbers of ids that are in no group any more. */
  readonly #free: number[] = []

  /** In the order in which they came. A copy. */
  members(group: string): string[] {
    return this.numbersIn(group).map((number) => this.#ids[number] ?? "")
  }

  /** The same as numbers. */
  numbersIn(group: string): number[] {
    return this.#groups.get(group)?.list() ?? []
  }

  /** Of an id: the same until it is let go of. */
  numberOf(id: string): number {
    let number = this.#numbers.get(id)
    if (number !== undefined) return number
    number = this.#free.pop() ?? this.#ids.length
    this.#numbers.set(id, number)
    this.#ids[number] = id
    this.#memberships[number] = 0
    return number
  }

  /** An id that is in no group needs no number; it may be another's then. */
  letGo(number: number): void {
    const id = this.#ids[number]
    if (id === undefined || this.#memberships[number] !== 0) return
    if (this.#numbers.delete(id)) this.#free.push(number)
  }

  /** It was not in the group. */
  add(group: string, number: number): void {
    this.#memberships[number] = (this.#memberships[number] ?? 0) + 1
    let members = this.#groups.get(group)
    if (members === undefined) {
      members = new Members()
      this.#groups.set(group, members)
    }
    members.count += 1
    members.note(number)
  }

  /** It was in the group. */
  remove(group: string, number: number): void {
    this.#memberships[number] = (this.#memberships[number] ?? 0) - 1
    const members = this.#groups.get(group)
    if (members === undefined) return
    members.count -= 1
    if (members.count === 0) this.#groups.delete(group)
    else members.note(number)
  }
}

/** What differs from the groups of a view below. */
export class GroupChanges {
  /** By group, ids that came or went, in order. */
  readonly #noted = new Map<string, string[]>()

  note(group: string, id: string): void {
    const noted = this.#noted.get(group)
    if (noted === undefined) this.#noted.set(group, [id])
    else noted.push(id)
  }

  /** The members of a group, given those below: these first, then who came, in the order of their first change. */
  members(group: string, below: readonly string[]): readonly string[] {
    const noted = this.#noted.get(group)
    if (noted === undefined) return below
    const changed = new Map<string, boolean>()
    for (const id of noted) changed.set(id, changed.get(id) !== true)
    const found: string[] = []
    for (const id of below) if (changed.get(id) !== true) found.push(id)
    const inside = new Set(below)
    for (const [id, isChanged] of changed) if (isChanged && !inside.has(id)) found.push(id)
    return found
  }
}
