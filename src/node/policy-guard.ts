// The policy in force as the agent asks it before it accepts configuration. Decisions are keys/policy-decisions.

import {
  mayConfigureApp,
  mayConfigureLink,
  mayConfigurePeer,
  mayFeedApp,
} from "../keys/policy-decisions.js"
import type { PolicyOutcome } from "../keys/policy-decisions.js"
import type { SitePolicy } from "../keys/policy.js"
import type { Refusal, SitePolicyGuard } from "./agent-policy.js"

/** @param current gives the policy in force; called anew at every question. */
export function sitePolicyGuard(current: () => SitePolicy): SitePolicyGuard {
  const refusal = (outcome: PolicyOutcome): string | undefined =>
    outcome.allowed ? undefined : `${outcome.reason} (${outcome.clause})`
  // A policy never changes, nor does an entry: what one says of the other is asked once.
  const known = new WeakMap<SitePolicy, WeakMap<object, { readonly refusal: Refusal }>>()
  const asked = <T extends object>(
    entry: T,
    ask: (policy: SitePolicy, entry: T) => PolicyOutcome,
  ): Refusal => {
    const policy = current()
    const answers = known.get(policy) ?? new WeakMap<object, { readonly refusal: Refusal }>()
    known.set(policy, answers)
    const answer = answers.get(entry) ?? { refusal: refusal(ask(policy, entry)) }
    answers.set(entry, answer)
    return answer.refusal
  }
  return {
    get version() {
      return current().version
    },
    get saeIds() {
      const { saes, domains = [] } = current().document
      return [...saes.map((sae) => sae.saeId), ...domains.flatMap((domain) => domain.saes)]
    },
    mayConfigureLink: (link) => asked(link, mayConfigureLink),
    mayConfigureApp: (app) => asked(app, mayConfigureApp),
    mayFeedApp: (app, backing) => refusal(mayFeedApp(current(), app, backing)),
    mayConfigurePeer: (peer) =>
      asked(peer, (policy, { qkdnId }) => mayConfigurePeer(policy, qkdnId)),
  }
}
