// Events that came in together, decided one after the other, each on what those before it would leave. A decision that fails
// leaves nothing behind; the others stand.

import { decideOn } from "./decide.js"
import { Draft } from "./draft.js"
import type { Effect, Event, Reply } from "./event.js"
import type { Context } from "./turn.js"
import type { View } from "./view.js"

/** What came of one event: a reply, or what its decision failed with. */
export type Outcome =
  | { readonly reply: Reply; readonly error?: undefined }
  | { readonly reply?: undefined; readonly error: Error }

export interface BatchDecision {
  /** To be dropped when its changes have been applied, or will not be. */
  readonly draft: Draft
  readonly effects: readonly Effect[]
  /** In the order of the events. */
  readonly outcomes: readonly Outcome[]
}

export function decideAll(
  network: View,
  events: readonly Event[],
  context: Context,
): BatchDecision {
  let draft = new Draft(network)
  let effects: Effect[] = []
  const outcomes: Outcome[] = []
  let nothingWritten = true
  for (const event of events) {
    // Where nothing is there to be kept from a failure, it is written once instead of twice: a cut comes alone, with thousands.
    const part = nothingWritten ? draft : new Draft(draft, draft.revision)
    try {
      const decided = decideOn(part, event, context)
      outcomes.push({ reply: decided.reply })
      if (nothingWritten) effects = decided.effects
      else {
        for (const effect of decided.effects) effects.push(effect)
        for (const change of part.changes()) draft.write(change)
        part.drop()
      }
      nothingWritten = false
    } catch (error) {
      part.drop()
      if (nothingWritten) draft = new Draft(network)
      outcomes.push({ error: error instanceof Error ? error : new Error(String(error)) })
    }
  }
  return { draft, effects, outcomes }
}
