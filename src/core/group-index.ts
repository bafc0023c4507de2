// Who is in which group. What comes and goes is noted first and worked in when somebody asks for the group: a cut takes
// thousands of services into or out of some hundred groups each, most of which nobody asks for before the next change.

/** One group. */
class Members {
  count = 0
  readonly #ids = new Set<string>()
  /** Ids that came or went since, in order: who was in it went, who was not came. */
  #noted: string[] = []

  note(id: string): void {
    this.#noted.push(id)
    if (this.#noted.length > MOST_NOTED + 2 * this.#ids.size) this.#workIn()
  }

  list(): string[] {
    this.#workIn()
    return [...this.#ids]
  }

  #workIn(): void {
    for (const id of this.#noted) if (!this.#ids.delete(id)) this.#ids.add(id)
    if (this.#noted.length > 0) this.#noted = []
  }
}

/** Notes beyond twice the group and this are worked in unasked, so that they do not pile up. */
const MOST_NOTED = 64

export class GroupIndex {
  readonly #groups = new Map<string, Members>()

  /** In the order in which they came. A copy. */
  members(group: string): string[] {
    return this.#groups.get(group)?.list() ?? []
  }

  /** The id was not in the group. */
  add(group: string, id: string): void {
    let members = this.#groups.get(group)
    if (members === undefined) {
      members = new Members()
      this.#groups.set(group, members)
    }
    members.count += 1
    members.note(id)
  }

  /** The id was in the group. */
  remove(group: string, id: string): void {
    const members = this.#groups.get(group)
    if (members === undefined) return
    members.count -= 1
    if (members.count === 0) this.#groups.delete(group)
    else members.note(id)
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
