// The life of a dynamic subscription, held against what RFC 8639 says of it in words, for any order of happenings.

import assert from "node:assert/strict"
import fc from "fast-check"
import {
  ESTABLISHED,
  nextState,
  type Happening,
  type Notice,
  type SubscriptionState,
} from "../../src/netconf/subscribed-state.js"

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.constantFrom(
    { kind: "modify" as const },
    { kind: "reconfigure" as const },
    { kind: "resume" as const },
    { kind: "delete" as const },
    { kind: "kill" as const },
    { kind: "stop-time" as const },
    { kind: "session-end" as const },
  ),
  fc.constantFrom(
    { kind: "suspend", reason: "ietf-subscribed-notifications:unsupportable-volume" } as const,
    { kind: "suspend", reason: "ietf-yang-push:update-too-big" } as const,
  ),
  fc.constantFrom(
    { kind: "terminate", reason: "ietf-subscribed-notifications:filter-unavailable" } as const,
    { kind: "terminate", reason: "ietf-subscribed-notifications:suspension-timeout" } as const,
  ),
)

interface Told {
  readonly happening: Happening
  readonly before: SubscriptionState
  readonly after: SubscriptionState
  readonly notice: Notice | undefined
}

function live(happenings: readonly Happening[]): Told[] {
  let state = ESTABLISHED
  return happenings.map((what) => {
    const before = state
    const next = nextState(before, what)
    state = next.state
    return { happening: what, before, after: state, notice: next.notice }
  })
}

/** What a receiver that only hears notices, and knows its own rpcs, must believe. */
function believed(before: string, { happening: what, notice }: Told): string {
  if (notice?.name === "subscription-suspended") return "suspended"
  if (notice?.name === "subscription-terminated") return "ended"
  if (notice !== undefined) return "active"
  // Its own delete, or the end of its own session.
  return what.kind === "delete" || what.kind === "session-end" ? "ended" : before
}

describe("the life of a subscription", () => {
  const lives = fc.array(happening, { maxLength: 30 }).map(live)

  it("is known to its receiver at every step by the notices alone", () => {
    fc.assert(
      fc.property(lives, (steps) => {
        let receiver = "active"
        for (const step of steps) {
          receiver = believed(receiver, step)
          assert.equal(receiver, step.after.name)
        }
      }),
    )
  })

  it("has one end, and after it nothing is told", () => {
    fc.assert(
      fc.property(lives, (steps) => {
        const end = steps.findIndex((s) => s.after.name === "ended")
        if (end < 0) return
        for (const { after, notice } of steps.slice(end + 1)) {
          assert.equal(after.name, "ended")
          assert.equal(notice, undefined)
        }
      }),
    )
  })

  it("goes on as resumed only if its terms are those of the last event, else as modified", () => {
    fc.assert(
      fc.property(lives, (steps) => {
        let changed = false
        for (const { happening: what, before, notice } of steps) {
          if (before.name === "active") changed = false
          else if (what.kind === "reconfigure") changed = true
          if (notice?.name === "subscription-resumed") {
            assert.equal(what.kind, "resume")
            assert.equal(changed, false)
          }
          if (notice?.name === "subscription-modified" && what.kind === "resume")
            assert.equal(changed, true)
        }
      }),
    )
  })

  it("is told of no happening that has no place in its state", () => {
    fc.assert(
      fc.property(lives, (steps) => {
        for (const { happening: what, before, after, notice } of steps) {
          if (what.kind === "resume" && before.name === "active") assert.equal(after, before)
          if (what.kind === "suspend" && before.name === "suspended")
            assert.equal(notice, undefined)
          if (what.kind === "delete" || what.kind === "session-end") assert.equal(notice, undefined)
        }
      }),
    )
  })
})
