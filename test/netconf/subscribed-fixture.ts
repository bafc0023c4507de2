// The depot with the modules of subscriptions, and clients that speak to it in raw XML.

import { compileSchema, type Schema } from "../../src/yang/schema.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import type { NetconfClientSession } from "../../src/netconf/client.js"
import {
  NOTIFICATION_SOURCES,
  NOTIFICATION_FEATURES,
  NOTIFICATION_MODULES,
} from "../../src/netconf/notification-modules.js"
import type { NetconfBackend } from "../../src/netconf/backend.js"
import type { JsonObject } from "../../src/yang/json.js"
import type { ServerLimits, ServerOptions } from "../../src/netconf/server.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { DepotBackend, MODULE, depot, type Depot } from "./fixture.js"

export const SN_NS = "urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"
export const YP_NS = "urn:ietf:params:xml:ns:yang:ietf-yang-push"
export const DS_NS = "urn:ietf:params:xml:ns:yang:ietf-datastores"

let compiled: Schema | undefined

export function subscribedSchema(): Schema {
  return (compiled ??= compileSchema(
    [{ name: "depot", text: MODULE }, ...loadYangFiles(NOTIFICATION_SOURCES)],
    { implement: ["depot", ...NOTIFICATION_MODULES], features: NOTIFICATION_FEATURES },
  ))
}

/** Keeps what it told, as agents do. */
export class SubscribedBackend extends DepotBackend {
  override readonly schema = subscribedSchema()
  kept: { timeMs: number; event: JsonObject }[] = []
  override replay: NonNullable<NetconfBackend["replay"]> = (fromMs, toMs) =>
    this.kept.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs)
}

export function subscribedDepot(
  initial: JsonObject = {},
  limits: Partial<ServerLimits> = {},
  subscriptions: ServerOptions["subscriptions"] = {},
): Depot<SubscribedBackend> {
  return depot(initial, limits, new SubscribedBackend(), { subscriptions })
}

/** Notifications as XML text, as they come. */
export function heard(client: NetconfClientSession): string[] {
  const got: string[] = []
  void (async () => {
    for await (const { event } of client.notifications) got.push(writeXml(event))
  })()
  return got
}

export function establishXml(inside: string): string {
  return `<establish-subscription xmlns="${SN_NS}" xmlns:yp="${YP_NS}" xmlns:ds="${DS_NS}">${inside}</establish-subscription>`
}

/** The id given to a new subscription. */
export async function establish(client: NetconfClientSession, inside: string): Promise<number> {
  const reply = writeXml(await client.rpc(establishXml(inside)))
  return Number(/<id[^>]*>(\d+)</.exec(reply)?.[1])
}
