// The one place where it is decided what an event means: network and event in; changes, reply and effects out. No
// clock, randomness, socket, file or log. A throw is a bug: the draft is dropped and nothing has happened.

import type { Change, NetworkNode } from "../model/network.js"
import type { NodeEvent } from "../model/node.js"
import { appDisconnected, appNew, appQosUpdate } from "./app-events.js"
import { Draft } from "./draft.js"
import type { Effect, Event, Reply } from "./event.js"
import {
  linkAdded,
  linkChanged,
  linkRemoved,
  nodeAdded,
  nodeChanged,
  nodeRemoved,
} from "./inventory-events.js"
import { alarm } from "./alarm-events.js"
import { bulkCancelled, bulkOrdered } from "./bulk-orders.js"
import { supplied, tendOrders } from "./bulk-life.js"
import {
  maintenanceCancelled,
  maintenanceChanged,
  maintenancePlanned,
} from "./maintenance-orders.js"
import { tendMaintenance } from "./maintenance.js"
import { held, nodeHeard, nodeLost, nodeRead, nodeUnmanaged } from "./node-events.js"
import { pathDeployed, serviceMoved } from "./path-events.js"
import { serviceCancelled, serviceChanged, serviceOrdered } from "./service-events.js"
import { prepareBackups } from "./backups.js"
import { rateProfileSet, tendRateProfiles } from "./rate-profiles.js"
import { revert } from "./restoration.js"
import { watchLoad } from "./load.js"
import { retry } from "./service-life.js"
import { shareSurplus } from "./surplus-sharing.js"
import { nodeSyncFailed, syncAgain } from "./sync-events.js"
import {
  interfaceNews,
  interfaceNew,
  linkDown,
  linkOverloaded,
  linkPerformance,
  releaseHeld,
} from "./topology-events.js"
import { together } from "./transaction.js"
import { type Context, Turn } from "./turn.js"
import type { View } from "./view.js"

export interface Decision {
  readonly changes: readonly Change[]
  readonly reply: Reply
  readonly effects: readonly Effect[]
}

/** Decides on one event. The network is unchanged until the changes are applied. */
export function decide(network: View, event: Event, context: Context): Decision {
  const draft = new Draft(network)
  try {
    const { reply, effects } = decideOn(draft, event, context)
    return { changes: draft.changes(), reply, effects }
  } finally {
    draft.drop()
  }
}

/** Decides on one event within a draft of several; on a throw the draft must be dropped. */
export function decideOn(
  draft: Draft,
  event: Event,
  context: Context,
): { readonly reply: Reply; readonly effects: Effect[] } {
  const turn = new Turn(draft, context)
  const reply = dispatch(turn, event)
  return { reply, effects: turn.effects }
}

const DONE: Reply = { ok: true }

function dispatch(turn: Turn, event: Event): Reply {
  switch (event.kind) {
    case "node-added":
      return nodeAdded(turn, event.node)
    case "node-changed":
      return nodeChanged(turn, event.node)
    case "node-removed":
      return nodeRemoved(turn, event.qkdnId)
    case "link-added":
      return linkAdded(turn, event.link)
    case "link-changed":
      return linkChanged(turn, event.link)
    case "link-removed":
      return linkRemoved(turn, event.qkdlId)
    case "service-ordered":
      return serviceOrdered(turn, event)
    case "service-changed":
      return serviceChanged(turn, event.serviceId, event.terms)
    case "service-cancelled":
      return serviceCancelled(turn, event.serviceId)
    case "bulk-ordered":
      return bulkOrdered(turn, event)
    case "bulk-cancelled":
      return bulkCancelled(turn, event.orderId)
    case "rate-profile-set":
      return rateProfileSet(turn, event.qkdlId, event.profile)
    case "maintenance-planned":
      return maintenancePlanned(turn, event)
    case "maintenance-changed":
      return maintenanceChanged(turn, event)
    case "maintenance-cancelled":
      return maintenanceCancelled(turn, event.maintenanceId)
    case "path-deployed":
      return pathDeployed(turn, event)
    case "service-moved":
      return serviceMoved(turn, event)
    case "transaction":
      return together(turn, event.parts, dispatch)
    case "performance":
      for (const { qkdnId, qkdlId, performance } of event.reports) {
        linkPerformance(turn, qkdnId, qkdlId, performance, turn.now)
        nodeHeard(turn, qkdnId)
      }
      return DONE
    case "wake":
      releaseHeld(turn)
      syncAgain(turn)
      tendMaintenance(turn)
      tendRateProfiles(turn)
      tendOrders(turn)
      retry(turn)
      revert(turn)
      prepareBackups(turn)
      return DONE
    case "surplus-due":
      watchLoad(turn)
      shareSurplus(turn)
      return DONE
    default: {
      // A late report of a node that was removed means nothing any more.
      const node = turn.draft.node(event.qkdnId)
      if (node !== undefined) aboutNode(turn, node, event)
      return DONE
    }
  }
}

type AboutNode = Extract<Event, { readonly qkdnId: string }>

function aboutNode(
  turn: Turn,
  node: NetworkNode,
  event: Exclude<AboutNode, { kind: "node-removed" }>,
): void {
  switch (event.kind) {
    case "node-connected":
    case "node-read":
      nodeRead(turn, node, event.state, {
        session: event.kind === "node-connected" ? "new" : "same",
        confirmed: event.confirmed,
      })
      break
    case "node-lost":
      nodeLost(turn, node, event.reason)
      break
    case "node-unmanaged":
      nodeUnmanaged(turn, node, event.reason)
      break
    case "node-synced":
      held(turn, event.qkdnId, {
        revision: event.revision,
        by: event.provisional === true ? "provisional-answer" : "answer",
      })
      break
    case "node-sync-failed":
      nodeSyncFailed(turn, node, event.revision, event.error)
      break
    case "node-event":
      nodeHeard(turn, event.qkdnId)
      fromNode(turn, turn.draft.node(event.qkdnId) ?? node, event.event, event.atMs)
      break
  }
}

/** Notifications of 015 section 3 and what follows from each. */
function fromNode(turn: Turn, node: NetworkNode, event: NodeEvent, atMs: number): void {
  const { qkdnId } = node
  switch (event.kind) {
    case "app-new":
      appNew(turn, qkdnId, event)
      break
    case "app-qos-update":
      appQosUpdate(turn, qkdnId, event.appId, event.qos, event.priority)
      break
    case "app-disconnected":
      appDisconnected(turn, qkdnId, event.appId)
      break
    case "app-supply":
      supplied(turn, qkdnId, event.appId, event.supply)
      break
    case "interface-new":
      interfaceNew(turn, node, event.qkdInterface)
      break
    case "interface-down":
      interfaceNews(turn, node, event.qkdiId, "FAILED", atMs, event.reason)
      break
    case "interface-out":
      interfaceNews(turn, node, event.qkdiId, "out", atMs)
      break
    case "link-down":
      linkDown(turn, qkdnId, event.qkdlId, atMs, event.reason)
      break
    case "link-performance":
      linkPerformance(turn, qkdnId, event.qkdlId, event.performance, atMs)
      break
    case "link-overloaded":
      linkOverloaded(turn, qkdnId, event.qkdlId, event.performance, atMs)
      break
    case "alarm":
    case "event":
      alarm(turn, node, event, atMs)
      break
    case "resync":
      // The southbound side reads the node again and submits what it read.
      break
  }
}
