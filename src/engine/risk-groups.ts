// Which links fail together: each may be in several groups, such as the ducts and bridges its fibre lies in. Searches nothing.

import type { LinkPath } from "./path-question.js"

export class RiskGroups {
  readonly #groupsOf: readonly (readonly number[])[]
  readonly #linksOf: number[][]

  /** @param groupsOf by link, the numbers of its groups, from 0 on. */
  constructor(groupsOf: readonly (readonly number[])[]) {
    this.#groupsOf = groupsOf
    const count = groupsOf.reduce((most, groups) => Math.max(most, ...groups.map((g) => g + 1)), 0)
    this.#linksOf = Array.from({ length: count }, () => [])
    for (const [link, groups] of groupsOf.entries())
      for (const group of groups) this.#linksOf[group]?.push(link)
  }

  /** All links that may fail with one of the path, its own among them. */
  failingWith(path: LinkPath): ReadonlySet<number> {
    const links = new Set(path)
    for (const group of this.groupsAlong(path))
      for (const link of this.#linksOf[group] ?? []) links.add(link)
    return links
  }

  groupsAlong(path: LinkPath): ReadonlySet<number> {
    return new Set(path.flatMap((link) => this.#groupsOf[link] ?? []))
  }

  /** Whether a single failure could break both. */
  share(a: LinkPath, b: LinkPath): boolean {
    const failing = this.failingWith(a)
    return b.some((link) => failing.has(link))
  }
}
