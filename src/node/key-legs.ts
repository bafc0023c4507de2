// Which sites an order's keys go to: one leg each, and what of its terms can be told from them before any key is spent.

import { QkdError } from "../errors.js"
import { termsError } from "../keys/key-terms.js"
import type { KeyTerms } from "../keys/key-terms.js"
import { backingOf, backingsOf, farEndOf, firstHopOf } from "../keys/relay-rules.js"
import type { TransferLeg } from "./key-maker.js"
import type { LinkTable } from "./link-table.js"
import type { KeyOrder } from "./ports.js"

/** One for each site that has slaves. @throws QkdError `access-denied`, `invalid-value`, app-tag `no-path` */
export function legsOf(
  links: LinkTable,
  { masterSaeId, slaves }: Pick<KeyOrder, "masterSaeId" | "slaves">,
): TransferLeg[] {
  const { policy } = links
  if (!policy.ownsSae(masterSaeId)) throw notOurs(masterSaeId)
  if (slaves.length === 0) throw new QkdError("invalid-value", "keys for nobody")
  if (new Set([masterSaeId, ...slaves.map(({ saeId }) => saeId)]).size !== slaves.length + 1)
    throw new QkdError("access-denied", "master and slaves are not all different")
  const bySite = new Map<string, { appId: string; slaveSaeIds: string[] }>()
  for (const { saeId, appId } of slaves) {
    if (appId === undefined) {
      if (!policy.ownsSae(saeId)) throw notOurs(saeId)
      continue
    }
    const site = siteOf(links, appId)
    const leg = bySite.get(site)
    if (leg === undefined) bySite.set(site, { appId, slaveSaeIds: [saeId] })
    else leg.slaveSaeIds.push(saeId)
  }
  return Array.from(bySite.values())
}

function siteOf(links: LinkTable, appId: string): string {
  const app = links.app(appId)
  if (app === undefined)
    throw new QkdError("operation-failed", `no association ${appId} here`, { appTag: "no-path" })
  return farEndOf(links, backingOf(links, app))
}

/** What is known beforehand to be out of reach. @throws QkdError app-tag `terms` */
export function checkTerms(links: LinkTable, terms: KeyTerms, legs: readonly TransferLeg[]): void {
  for (const { appId } of legs) {
    const app = links.app(appId)
    if (app === undefined) continue
    const entries = backingsOf(links, app)
    if ((terms.disjointPaths ?? 1) > entries.length) throw termsError("disjointPaths")
    if (terms.directOnly === true && entries.some(({ type }) => type !== "PHYS"))
      throw termsError("directOnly")
    const known = entries.flatMap((entry) => [
      links.qkdnId,
      firstHopOf(links, entry).qkdnId,
      farEndOf(links, entry),
    ])
    if (terms.avoidNodes?.some((node) => known.includes(node)) === true)
      throw termsError("avoidNodes")
  }
}

function notOurs(saeId: string): QkdError {
  return new QkdError("access-denied", `${saeId} is not of this site`, { appTag: "policy" })
}
