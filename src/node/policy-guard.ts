// The policy in force as the agent asks it before it accepts configuration. Decisions are keys/policy-decisions.

import { mayConfigureApp, mayConfigureLink, mayConfigurePeer } from "../keys/policy-decisions.js"
import type { PolicyOutcome } from "../keys/policy-decisions.js"
import type { SitePolicy } from "../keys/policy.js"
import type { SitePolicyGuard } from "./agent-policy.js"

/** @param current gives the policy in force; called anew at every question. */
export function sitePolicyGuard(current: () => SitePolicy): SitePolicyGuard {
  const refusal = (outcome: PolicyOutcome): string | undefined =>
    outcome.allowed ? undefined : `${outcome.reason} (${outcome.clause})`
  return {
    get version() {
      return current().version
    },
    get saeIds() {
      return current().document.saes.map((sae) => sae.saeId)
    },
    mayConfigureLink: (link) => refusal(mayConfigureLink(current(), link)),
    mayConfigureApp: (app) => refusal(mayConfigureApp(current(), app)),
    mayConfigurePeer: (peer) => refusal(mayConfigurePeer(current(), peer.qkdnId)),
  }
}
