// The life of a dynamic subscription (RFC 8639 section 2.4.1) as a function: state and happening in, state and what the
// receiver is told out.
//
//   establish ──▶ active ──suspend──▶ suspended ──resume, modify──▶ active
//                    └──────── delete, kill, stop time, publisher's own reasons ────────▶ ended

/** `module:identity` of `subscription-suspended-reason`. */
export type SuspendedReason =
  | "ietf-subscribed-notifications:insufficient-resources"
  | "ietf-subscribed-notifications:unsupportable-volume"
  | "ietf-yang-push:update-too-big"
  | "ietf-yang-push:sync-too-big"

/** `module:identity` of `subscription-terminated-reason`. */
export type TerminatedReason =
  | "ietf-subscribed-notifications:filter-unavailable"
  | "ietf-subscribed-notifications:no-such-subscription"
  | "ietf-subscribed-notifications:stream-unavailable"
  | "ietf-subscribed-notifications:suspension-timeout"
  | "ietf-yang-push:datastore-not-subscribable"
  | "ietf-yang-push:unchanging-selection"

export type Happening =
  /** Its receiver changed it. */
  | { readonly kind: "modify" }
  /** A filter it names was changed by configuration. */
  | { readonly kind: "reconfigure" }
  | { readonly kind: "suspend"; readonly reason: SuspendedReason }
  | { readonly kind: "resume" }
  | { readonly kind: "delete" }
  | { readonly kind: "kill" }
  | { readonly kind: "stop-time" }
  | { readonly kind: "terminate"; readonly reason: TerminatedReason }
  /** Nobody is there any more to be told. */
  | { readonly kind: "session-end" }

export type SubscriptionState =
  | { readonly name: "active" }
  /** `changed`: its terms are not those of the last event sent. */
  | { readonly name: "suspended"; readonly changed: boolean }
  | { readonly name: "ended" }

export type Notice =
  | { readonly name: "subscription-modified" }
  | { readonly name: "subscription-suspended"; readonly reason: SuspendedReason }
  | { readonly name: "subscription-resumed" }
  | { readonly name: "subscription-terminated"; readonly reason: TerminatedReason }

export const ESTABLISHED: SubscriptionState = { name: "active" }
const ENDED: SubscriptionState = { name: "ended" }
const GONE: TerminatedReason = "ietf-subscribed-notifications:no-such-subscription"

/** What a happening makes of a state. One that has no place in a state leaves it as it is. */
export function nextState(
  state: SubscriptionState,
  happening: Happening,
): { readonly state: SubscriptionState; readonly notice?: Notice } {
  if (state.name === "ended") return { state }
  switch (happening.kind) {
    case "modify":
      // The reply tells it to a receiver that was active; one at rest must hear that it goes on, and not that its terms
      // are the old ones.
      return state.name === "active"
        ? { state }
        : { state: ESTABLISHED, notice: { name: "subscription-modified" } }
    case "reconfigure":
      // Section 2.7.2: told at once, or in the place of `subscription-resumed`.
      return state.name === "active"
        ? { state, notice: { name: "subscription-modified" } }
        : { state: { name: "suspended", changed: true } }
    case "suspend":
      return state.name === "active"
        ? {
            state: { name: "suspended", changed: false },
            notice: { name: "subscription-suspended", reason: happening.reason },
          }
        : { state }
    case "resume":
      if (state.name === "active") return { state }
      return {
        state: ESTABLISHED,
        notice: { name: state.changed ? "subscription-modified" : "subscription-resumed" },
      }
    case "delete":
    case "session-end":
      return { state: ENDED }
    case "kill":
    case "stop-time":
      return { state: ENDED, notice: { name: "subscription-terminated", reason: GONE } }
    case "terminate":
      return {
        state: ENDED,
        notice: { name: "subscription-terminated", reason: happening.reason },
      }
  }
}
