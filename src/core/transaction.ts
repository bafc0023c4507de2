// Several orders decided as one: each on what the ones before it would leave, in a draft of their own that is kept
// only when none is refused. What an order means is decided where it is decided alone.

import { Draft } from "./draft.js"
import type { OperatorEvent, Reply } from "./event.js"
import { Turn } from "./turn.js"

/**
 * All parts or none. A refusal is the refused part's own, with its place.
 *
 * @param one decides a single order
 */
export function together(
  turn: Turn,
  parts: readonly OperatorEvent[],
  one: (turn: Turn, part: OperatorEvent) => Reply,
): Reply {
  const draft = new Draft(turn.draft, turn.draft.revision)
  const inner = new Turn(draft, turn.context)
  try {
    for (const [part, order] of parts.entries()) {
      const reply = one(inner, order)
      if (!reply.ok) return { ...reply, part }
    }
    for (const change of draft.changes()) turn.draft.write(change)
  } finally {
    draft.drop()
  }
  turn.effects.push(...inner.effects)
  return { ok: true }
}
