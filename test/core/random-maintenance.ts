// Maintenance as it happens at random: planned, changed, called off.

import type { Dice } from "./dice.js"
import type { Lab } from "./lab.js"

export interface Place {
  readonly lab: Lab
  readonly dice: Dice
  readonly nodes: readonly string[]
  readonly links: readonly string[]
}

export function maintain({ lab, dice, nodes, links }: Place): void {
  const known = [...lab.picture.snapshot().maintenance.keys()]
  if (known.length > 0 && dice.below(3) === 0) {
    lab.submit({ kind: "maintenance-cancelled", maintenanceId: dice.of(known) })
    return
  }
  // Drained at once, or when a minute has gone by: the lead is that of the settings.
  const beginMs = lab.now + dice.of([0, 2_000, 10_000, 330_000])
  const window = {
    target: dice.below(3) === 0 ? { qkdnId: dice.of(nodes) } : { qkdlId: dice.of(links) },
    beginMs,
    endMs: beginMs + dice.of([1_000, 5_000, 60_000]),
    reason: "dice",
  }
  if (known.length > 0 && dice.below(3) === 0)
    lab.submit({ kind: "maintenance-changed", maintenanceId: dice.of(known), ...window })
  else lab.submit({ kind: "maintenance-planned", ...window, by: "dice" })
}
