// An agent behind a real NETCONF server over SSH on loopback, with an in-memory key manager below it: what the
// agent's tests talk to. Time is the machine's; the boards are ticked by hand where a test wants it.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { KeyManagerInfo, NodeConfig, NodeEvent } from "../../src/model/node.js"
import { nodeEventFromNotification } from "../../src/model/etsi015-notify.js"
import { NODE_MODULE } from "../../src/model/etsi015-values.js"
import { nodeStateFromData } from "../../src/model/etsi015.js"
import type { NetconfClientSession } from "../../src/netconf/client.js"
import { NetconfServer } from "../../src/netconf/server.js"
import { Agent } from "../../src/node/agent.js"
import { ACCESS_GROUPS, type AccessGroup, withGroups } from "../../src/node/agent-access.js"
import type { AgentBelow, AgentOptions } from "../../src/node/agent-options.js"
import type { SitePolicyGuard } from "../../src/node/agent-policy.js"
import { agentSchema } from "../../src/node/agent-schema.js"
import { memoryConfigStore } from "../../src/node/config-store.js"
import { SILENT } from "../../src/node/log.js"
import type { PoolFigures } from "../../src/node/ports.js"
import { systemClock } from "../../src/transport/ssh-clock.js"
import { generateSshKey } from "../../src/transport/ssh-keys.js"
import { connectNetconfSsh, listenNetconfSsh, type SshListener } from "../../src/transport/ssh.js"
import { decodeXml, encodeXml } from "../../src/yang/xml.js"
import { isObject, type JsonObject } from "../../src/yang/json-text.js"
import type { Schema } from "../../src/yang/schema.js"
import { SELF } from "./agent-fixtures.js"

export const DOWN = "etsi-qkd-sdn-node"

let compiled: Schema | undefined
/** One for all tests: it is immutable. */
export function schema(): Schema {
  return (compiled ??= agentSchema())
}

export const ALLOW_ALL: SitePolicyGuard = {
  version: 7,
  saeIds: ["sae-self"],
  mayConfigureLink: () => undefined,
  mayConfigureApp: () => undefined,
  mayConfigurePeer: () => undefined,
}

/** Pools and counters a test sets; remembers what it was configured with. */
export class FakeBelow implements AgentBelow {
  readonly configured: NodeConfig[] = []
  readonly pools = new Map<string, PoolFigures>()
  readonly delivered = new Map<string, bigint>()

  info(): KeyManagerInfo {
    return {
      etsi014Url: "https://127.0.0.1:4014",
      relayHost: "127.0.0.1",
      relayPort: 4020,
      saeIds: ["sae-self"],
      policyVersion: 7,
      domains: [{ name: "north", saeIds: ["sae-north"], handovers: 3, intakes: 5 }],
    }
  }

  configure(effective: NodeConfig): void {
    this.configured.push(effective)
  }

  poolFigures(qkdlId: string): PoolFigures | undefined {
    return this.pools.get(qkdlId)
  }

  deliveredBits(appId: string): bigint {
    return this.delivered.get(appId) ?? 0n
  }
}

export class AgentSite {
  readonly below = new FakeBelow()
  readonly #open: NetconfClientSession[] = []

  private constructor(
    readonly agent: Agent,
    readonly server: NetconfServer,
    readonly listener: SshListener,
    readonly keyFile: string,
    readonly dir: string,
    /** Of the server, as OpenSSH writes it. */
    readonly hostKey: string,
  ) {}

  static async open(more: Partial<AgentOptions> = {}): Promise<AgentSite> {
    const dir = mkdtempSync(path.join(tmpdir(), "keyloom-agent-"))
    const agent = await Agent.open({
      qkdnId: SELF,
      version: "keyloom test",
      location: "cellar",
      qkdiIds: [1, 2, 3],
      statisticsPeriodS: 60,
      statisticsRows: 10,
      requestTimeoutMs: 5000,
      schema: schema(),
      store: memoryConfigStore(),
      guard: ALLOW_ALL,
      clock: systemClock,
      log: SILENT,
      ...more,
    })
    const server = new NetconfServer({
      backend: agent,
      initial: agent.initial,
      clock: more.clock ?? systemClock,
      candidate: true,
    })
    const user = generateSshKey("controller")
    const keyFile = path.join(dir, "controller.ssh")
    writeFileSync(keyFile, user.privateKey, { mode: 0o600 })
    const host = generateSshKey("host")
    const listener = await listenNetconfSsh({
      server: withGroups(server, (name) => ACCESS_GROUPS.filter((group) => group === name)),
      host: "127.0.0.1",
      port: 0,
      hostKey: host.privateKey,
      users: new Map(ACCESS_GROUPS.map((group) => [group, [user.publicKey]])),
    })
    const site = new AgentSite(agent, server, listener, keyFile, dir, host.publicKey)
    agent.attachServer(server)
    agent.attachBelow(site.below)
    return site
  }

  /** A user of that group, and of that name. */
  async client(username: AccessGroup = "controller"): Promise<NetconfClientSession> {
    const session = await connectNetconfSsh({
      host: "127.0.0.1",
      port: this.listener.port,
      username,
      privateKeyFile: this.keyFile,
      hostKeyFingerprint: this.listener.hostKeyFingerprint,
    })
    this.#open.push(session)
    return session
  }

  async close(): Promise<void> {
    this.agent.stop()
    await Promise.all(this.#open.map((session) => session.close().catch(() => undefined)))
    this.server.close()
    await this.listener.close()
    rmSync(this.dir, { recursive: true, force: true })
  }
}

export type Members = Readonly<Record<string, unknown>>

/** `qkd_node` with these members, as XML. */
export function nodeXml(members: JsonObject): string {
  return encodeXml(schema(), { [`${DOWN}:qkd_node`]: members })
}

/** Native state, read by get. */
export async function readState(
  session: NetconfClientSession,
): Promise<ReturnType<typeof nodeStateFromData>> {
  return nodeStateFromData(decodeXml(schema(), await session.get()))
}

/** The next notifications of a session, natively, until `enough` says so. */
export async function eventsUntil(
  session: NetconfClientSession,
  enough: (events: readonly NodeEvent[]) => boolean,
): Promise<NodeEvent[]> {
  const events: NodeEvent[] = []
  const reader = session.notifications[Symbol.asyncIterator]()
  while (!enough(events)) {
    const next = await reader.next()
    if (next.done === true) throw new Error(`the session ended after ${JSON.stringify(events)}`)
    const data = decodeXml(schema(), [next.value.event], schema().notificationRoot)
    for (const [name, members] of Object.entries(data)) {
      const event = isObject(members)
        ? nodeEventFromNotification(name.replace(/^.*:/, `${NODE_MODULE}:`), members)
        : undefined
      if (event !== undefined) events.push(event)
    }
  }
  return events
}
