// What a new site policy changes against the one in force, in lines for the person who is to sign it: entries by their
// names, members by their paths. Says nothing of whether a change is good.

import { canonicalJson } from "./policy-signature.js"
import type { PolicyDocument } from "./policy.js"

/** `+ saes/alice`, `- peers/…`, `~ relay/maxHops: 3 -> 5`; sorted by path. */
export function policyChanges(before: PolicyDocument, after: PolicyDocument): string[] {
  const [old, now] = [flat(before), flat(after)]
  const lines: [string, string][] = []
  for (const [path, value] of now) {
    const was = old.get(path)
    if (was === undefined) lines.push([path, `+ ${path}: ${value}`])
    else if (was !== value) lines.push([path, `~ ${path}: ${was} -> ${value}`])
  }
  for (const [path, value] of old) if (!now.has(path)) lines.push([path, `- ${path}: ${value}`])
  return lines.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, line]) => line)
}

/** Every value by its path; entries of lists go by their name. */
function flat(document: PolicyDocument): Map<string, string> {
  const values = new Map<string, string>()
  const { saes, peers, domains = [], ...rest } = document
  for (const { saeId, ...sae } of saes) values.set(`saes/${saeId}`, canonicalJson(sae))
  for (const { qkdnId, ...peer } of peers) values.set(`peers/${qkdnId}`, canonicalJson(peer))
  for (const { name, ...domain } of domains) values.set(`domains/${name}`, canonicalJson(domain))
  for (const [group, members] of Object.entries(rest)) {
    if (typeof members !== "object") values.set(group, canonicalJson(members))
    else
      for (const [name, value] of Object.entries(members))
        values.set(`${group}/${name}`, canonicalJson(value))
  }
  return values
}
