// The depot with the modules of subscriptions, and what tests of subscriptions ask of it in raw XML.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
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
import type { ServerOptions } from "../../src/netconf/server.js"
import type { ServerLimits } from "../../src/netconf/server-limits.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { DepotBackend, MODULE, NS, depot, depotXml, settle, type Depot } from "./fixture.js"

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

export const RUNNING = "<yp:datastore>ds:running</yp:datastore>"
export const OPERATIONAL = "<yp:datastore>ds:operational</yp:datastore>"
export const ON_CHANGE = "<yp:on-change/>"
export const subtree = (inside: string): string =>
  `<yp:datastore-subtree-filter>${depotXml(inside)}</yp:datastore-subtree-filter>`
export const xpath = (text: string): string =>
  `<yp:datastore-xpath-filter xmlns:d="${NS}">${text}</yp:datastore-xpath-filter>`
export const SHELVES = {
  "depot:depot": {
    name: "north",
    shelf: [
      { id: "a", colour: "red" },
      { id: "b", colour: "green" },
    ],
  },
}

/** Lets what was changed be looked for. */
export async function look(depot: Depot<SubscribedBackend>): Promise<void> {
  await settle()
  depot.clock.pass(50)
  await settle()
}

export async function edit(client: NetconfClientSession, inside: string): Promise<void> {
  await client.editConfig("running", depotXml(inside))
}

/** `operation target` of each edit. */
export function editsIn(xml: string): string[] {
  return [...xml.matchAll(/<operation>([a-z]+)<\/operation><target>([^<]+)<\/target>/g)].map(
    ([, operation, target]) => `${operation ?? ""} ${target ?? ""}`,
  )
}

export async function refusal(promise: Promise<unknown>): Promise<QkdError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof QkdError) return error
    throw error
  }
  throw new assert.AssertionError({ message: "was not refused" })
}
