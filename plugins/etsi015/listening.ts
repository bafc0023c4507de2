// How a node is listened to: by subscriptions of RFC 8639, with what changes in its state pushed (RFC 8641), where it
// offers both; else by the one subscription of RFC 5277. A session has one kind or the other, never both.

import {
  type DriverHost,
  type NetconfClientSession,
  type NetconfNotification,
  type NodeEvent,
  QkdError,
  SubscriptionClient,
  type SubscriptionNote,
  subscriptionOffer,
} from "../../src/plugin/index.js"
import type { DeviceProfile } from "./profile.js"
import { eventsOfChanges } from "./state-changes.js"
import { NODE_NS, TYPES_NS } from "./wire.js"

/** Virtual links are the controller's own: it makes hundreds, and has nothing to learn from them. */
const PHYSICAL = `<qkdl_type xmlns:t="${TYPES_NS}">t:PHYS</qkdl_type>`

/** What changes seldom and matters at once. Stocks and rates change all the time: they come with each reading. */
function statuses(links: string): string {
  return `<qkd_node xmlns="${NODE_NS}"><qkdn_status/><qkd_interfaces><qkd_interface><qkdi_id/><qkdi_status/></qkd_interface></qkd_interfaces><qkd_links><qkd_link>${links}<qkdl_id/><qkdl_status/></qkd_link></qkd_links></qkd_node>`
}

/** Hundredths of a second between two tellings: a module that flaps is not told of a thousand times. */
const DAMPENING_CS = 50

export interface Listening {
  readonly session: NetconfClientSession
  /** Of the node's model, and of its configuration. */
  readonly notifications: AsyncIterable<NetconfNotification>
  /** What the node pushes of its state; to be called once. Absent where it pushes nothing. */
  readonly onChanges?: (tell: (event: NodeEvent) => void) => void
}

/** By RFC 5277. @throws QkdError as the node refuses. */
export async function listenToStream(
  session: NetconfClientSession,
  profile: DeviceProfile,
): Promise<Listening> {
  await session.createSubscription({ timeoutMs: profile.timeoutMs })
  return { session, notifications: session.notifications }
}

export function offersPush(session: NetconfClientSession): boolean {
  const offer = subscriptionOffer(session.capabilities)
  return offer.streams && offer.push && offer.onChange
}

/**
 * By RFC 8639, with state pushed.
 *
 * @param selects whether the node is known to select by a value as RFC 6241 section 6.2.5 has it, identities included
 * @returns undefined when the node refuses what it offers: then the session is of no use for RFC 5277 either.
 * @throws QkdError app-tag `closed` or `timeout`.
 */
export async function listenToState(
  session: NetconfClientSession,
  profile: DeviceProfile,
  host: DriverHost,
  selects: boolean,
): Promise<Listening | undefined> {
  const { timeoutMs } = profile
  const client = new SubscriptionClient(session, (error) => {
    host.log("warn", "notifications are not read fast enough", { reason: error.message })
    void session.close()
  })
  try {
    await client.establishStream({ stream: "NETCONF", timeoutMs })
    const pushed = await client.establishPush({
      datastore: "operational",
      filter: { subtreeXml: statuses(selects ? PHYSICAL : "") },
      trigger: { dampeningCs: DAMPENING_CS, syncOnStart: false },
      timeoutMs,
    })
    return {
      session,
      notifications: client.events,
      onChanges: (tell) => {
        pushed.listen((note) => {
          for (const event of eventsOf(note, host)) tell(event)
        })
      },
    }
  } catch (error) {
    if (!(error instanceof QkdError) || error.appTag === "closed" || error.appTag === "timeout")
      throw error
    host.log("info", "the node does not push its state", { reason: error.message })
    return undefined
  }
}

function eventsOf(note: SubscriptionNote, host: DriverHost): readonly NodeEvent[] {
  if (note.kind === "changes" && !note.incomplete) return eventsOfChanges(note.edits)
  if (note.kind === "notice" && note.name !== "subscription-resumed") {
    // Its statuses come with each reading still, only later.
    host.log("warn", "the node pushes its state no more", {
      notice: note.name,
      reason: note.reason ?? "",
    })
    return []
  }
  return [{ kind: "resync" }]
}
