// A controller with its YANG northbound, without sockets: a ring of four nodes that obey, a NETCONF server over it in
// memory, clients that log in as operator or observer. Holds no assertions.

import type { Event, LinkInventory, NodeInventory } from "../../src/core/event.js"
import type { LinkStatus } from "../../src/model/link.js"
import type { UnconfirmedAbility } from "../../src/netconf/backend.js"
import { NetworkBackend } from "../../src/north/network-backend.js"
import { networkSchema } from "../../src/north/network-schema.js"
import { OrderGate } from "../../src/north/order-gate.js"
import type { Store } from "../../src/controller/ports.js"
import { MemoryStore } from "../../src/store/memory.js"
import type { Schema } from "../../src/yang/schema.js"
import { childrenOf, textOf, type XmlElement } from "../../src/yang/xml-tree.js"
import { Bench } from "../controller/fakes.js"
import { depot, type Connected, type Depot } from "../netconf/fixture.js"

export const NETWORK_NS = "urn:keyloom:yang:keyloom-network"
export const CONNECTIVITY_NS = "urn:keyloom:yang:keyloom-connectivity"

let compiled: Schema | undefined
export function schema(): Schema {
  return (compiled ??= networkSchema())
}

/** `nodeId("a")`, `linkId("ab")`, `appId(1)`: readable in failures. */
export function nodeId(name: string): string {
  return `aaaaaaaa-0000-4000-8000-0000000000${name.charCodeAt(0).toString(16)}`
}
export function linkId(ends: string): string {
  const hex = Buffer.from(ends).toString("hex")
  return `bbbbbbbb-0000-4000-8000-${hex.padStart(12, "0")}`
}
export function appId(n: number): string {
  return `cccccccc-0000-4000-8000-${String(n).padStart(12, "0")}`
}

export function node(name: string, more: Partial<NodeInventory> = {}): NodeInventory {
  return {
    qkdnId: nodeId(name),
    name,
    place: `Site ${name}`,
    lat: 49.5 + name.charCodeAt(0) / 1000,
    lon: 6.25,
    relay: true,
    driver: "etsi015",
    target: {
      host: "127.0.0.1",
      port: 830,
      username: "controller",
      privateKeyFile: `/etc/keyloom/${name}.ssh`,
      hostKeyFingerprint: `SHA256:${"A".repeat(43)}`,
    },
    saeIds: [`sae-${name}`],
    ...more,
  }
}

export function link(ends: string, more: Partial<LinkInventory> = {}): LinkInventory {
  const [a = "", b = ""] = ends
  return {
    qkdlId: linkId(ends),
    name: ends,
    a: { qkdnId: nodeId(a), qkdiId: ends.charCodeAt(1) },
    b: { qkdnId: nodeId(b), qkdiId: ends.charCodeAt(0) },
    lengthKm: 12.5,
    lossDb: 3,
    epsilon: 1e-10,
    srlg: [`duct-${a}`],
    skrBps: 1000,
    ...more,
  }
}

export class Site {
  readonly gate: OrderGate

  private constructor(
    readonly bench: Bench,
    readonly backend: NetworkBackend,
    readonly netconf: Depot<NetworkBackend>,
  ) {
    this.gate = new OrderGate(bench.controller, (work) => backend.ordered(work))
  }

  /** Nodes a, b, c, d in a ring; SAEs `sae-a` to `sae-d`; every link up. */
  static async open(
    options: { unconfirmed?: UnconfirmedAbility; store?: Store; empty?: true } = {},
  ): Promise<Site> {
    const bench = await Bench.open(options.store ?? new MemoryStore())
    if (options.store === undefined && options.empty === undefined) {
      for (const name of "abcd") await bench.submit({ kind: "node-added", node: node(name) })
      for (const ends of ["ab", "bc", "ad", "dc"]) {
        await bench.submit({ kind: "link-added", link: link(ends) })
      }
    }
    const backend = new NetworkBackend({
      controller: bench.controller,
      schema: schema(),
      startedMs: bench.now,
      log: () => undefined,
      ...(options.unconfirmed === undefined ? {} : { unconfirmed: options.unconfirmed }),
    })
    const netconf = depot(backend.initial, {}, backend, { candidate: true })
    backend.attach(netconf.server)
    const site = new Site(bench, backend, netconf)
    for (const name of "abcd") await site.connectNode(name)
    for (const ends of ["ab", "bc", "ad", "dc"]) await site.status(ends, "ACTIVE")
    bench.south.submit = (event: Event) => bench.submit(event)
    await bench.settle()
    return site
  }

  async connectNode(name: string): Promise<void> {
    await this.bench.connect(nodeId(name))
  }

  async status(ends: string, status: LinkStatus): Promise<void> {
    for (const name of ends) {
      await this.bench.submit({
        kind: "node-event",
        qkdnId: nodeId(name),
        atMs: this.bench.now,
        event: { kind: "event", resource: { kind: "link", qkdlId: linkId(ends), status } },
      })
    }
    await this.bench.settle()
  }

  /** `vera` is an observer, everybody else an operator. */
  async login(username = "olga"): Promise<Connected["client"]> {
    const groups = [username === "vera" ? "observer" : "operator"]
    return (await this.netconf.connect({ username, groups })).client
  }
}

/** `<qkd_app>` entries as XML, to stand in `config`. */
export function appsXml(...apps: string[]): string {
  return `<qkd_network xmlns="${NETWORK_NS}"><qkd_apps xmlns="${CONNECTIVITY_NS}">${apps.join("")}</qkd_apps></qkd_network>`
}

export function appXml(n: number, a: string, b: string, more = "", attributes = ""): string {
  return `<qkd_app ${attributes}><app_id>${appId(n)}</app_id><server_app_id>sae-${a}</server_app_id><client_app_id>sae-${b}</client_app_id>${more}</qkd_app>`
}

export function linksXml(...links: string[]): string {
  return `<qkd_network xmlns="${NETWORK_NS}"><qkd_links><qkd_phys_links>${links.join("")}</qkd_phys_links></qkd_links></qkd_network>`
}

export function nodesXml(...nodes: string[]): string {
  return `<qkd_network xmlns="${NETWORK_NS}"><qkd_nodes>${nodes.join("")}</qkd_nodes></qkd_network>`
}

export function rpcXml(name: string, input: string): string {
  return `<${name} xmlns="${CONNECTIVITY_NS}">${input}</${name}>`
}

/** All elements of that name, anywhere below. */
export function all(name: string, roots: readonly XmlElement[]): XmlElement[] {
  return roots.flatMap((root) => [
    ...(root.name === name ? [root] : []),
    ...all(name, childrenOf(root)),
  ])
}

/** The text of the first element of that name, anywhere below. */
export function text(name: string, roots: readonly XmlElement[]): string | undefined {
  const [first] = all(name, roots)
  return first === undefined ? undefined : textOf(first)
}
