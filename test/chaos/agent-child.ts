// A process of real node agents: ETSI 015 agent, NETCONF over SSH, configuration on disk; no keys below. Tells its
// parent what each node holds, and cuts its connections when told to. Killed and started again by `agents.ts`.

import { mkdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { nodeConfigFromData } from "../../src/model/etsi015.js"
import type { NodeConfig } from "../../src/model/node.js"
import { NetconfServer } from "../../src/netconf/server.js"
import { Agent } from "../../src/node/agent.js"
import { withGroups } from "../../src/node/agent-access.js"
import type { AgentBelow } from "../../src/node/agent-options.js"
import { agentSchema } from "../../src/node/agent-schema.js"
import { openConfigStore } from "../../src/node/config-store.js"
import { listenNetconfSsh, type SshListener } from "../../src/transport/ssh.js"
import { systemClock } from "../../src/transport/ssh-clock.js"

export interface AgentSetup {
  readonly qkdnId: string
  readonly name: string
  readonly dir: string
  /** 0 at the first start. */
  readonly port: number
  readonly qkdiIds: readonly number[]
}

export type AgentRequest =
  | { readonly id: number; readonly kind: "start"; readonly agents: readonly AgentSetup[] }
  | { readonly id: number; readonly kind: "configs" }
  | { readonly id: number; readonly kind: "cut"; readonly qkdnId: string }

export interface AgentAnswer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

const MEASURE_MS = 1000

class Site {
  readonly #agent: Agent
  readonly #server: NetconfServer
  readonly #setup: AgentSetup
  #listener: SshListener | undefined

  private constructor(agent: Agent, setup: AgentSetup) {
    this.#agent = agent
    this.#setup = setup
    this.#server = new NetconfServer({
      backend: agent,
      initial: agent.initial,
      clock: systemClock,
      candidate: true,
    })
    agent.attachServer(this.#server)
    agent.attachBelow(this.#below())
    agent.start()
    // Modules that always see each other: paths are to fail by nodes, not by light.
    setInterval(() => {
      this.#measure()
    }, MEASURE_MS).unref()
  }

  static async open(setup: AgentSetup, schema: ReturnType<typeof agentSchema>): Promise<Site> {
    mkdirSync(setup.dir, { recursive: true })
    const agent = await Agent.open({
      qkdnId: setup.qkdnId,
      version: "chaos",
      qkdiIds: setup.qkdiIds,
      statisticsPeriodS: 60,
      statisticsRows: 2,
      requestTimeoutMs: 5000,
      schema,
      store: await openConfigStore(setup.dir),
      guard: {
        version: 1,
        saeIds: [`sae-${setup.name}`],
        mayConfigureLink: () => undefined,
        mayConfigureApp: () => undefined,
        mayConfigurePeer: () => undefined,
      },
      clock: systemClock,
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    })
    const site = new Site(agent, setup)
    await site.listen(setup.port)
    return site
  }

  get qkdnId(): string {
    return this.#setup.qkdnId
  }

  get port(): number {
    return this.#listener?.port ?? 0
  }

  async listen(port: number): Promise<void> {
    const keys = path.dirname(this.#setup.dir)
    this.#listener = await listenNetconfSsh({
      server: withGroups(this.#server, () => ["controller"]),
      host: "127.0.0.1",
      port,
      hostKey: readFileSync(path.join(keys, "host.key"), "utf8"),
      users: new Map([["controller", [readFileSync(path.join(keys, "user.pub"), "utf8")]]]),
    })
  }

  /** Every connection ends; the next ones are welcome. */
  async cut(): Promise<void> {
    const { port } = this
    await this.#listener?.close()
    await this.listen(port)
  }

  /** What the node's own datastore holds. */
  config(): NodeConfig {
    return nodeConfigFromData(this.#server.datastore.running)
  }

  #measure(): void {
    for (const link of this.config().links)
      if (link.type === "PHYS" && link.enabled)
        this.#agent.measured(link.qkdlId, { generating: true, skrBps: 100_000, qber: 0.02 })
  }

  #below(): AgentBelow {
    return {
      info: () => ({
        etsi014Url: "https://127.0.0.1:1",
        relayHost: "127.0.0.1",
        relayPort: 1,
        saeIds: [`sae-${this.#setup.name}`],
        policyVersion: 1,
      }),
      configure: () => {
        this.#measure()
      },
      poolFigures: () => undefined,
      deliveredBits: () => 0n,
    }
  }
}

function nothing(): void {
  // Chaos is loud enough.
}

const sites: Site[] = []

async function answer(request: AgentRequest): Promise<unknown> {
  switch (request.kind) {
    case "start": {
      const schema = agentSchema()
      for (const setup of request.agents) sites.push(await Site.open(setup, schema))
      return sites.map(({ qkdnId, port }) => [qkdnId, port])
    }
    case "configs":
      return sites.map((site) => site.config())
    case "cut":
      await sites.find((site) => site.qkdnId === request.qkdnId)?.cut()
      return undefined
  }
}

process.on("message", (message) => {
  const request = message as AgentRequest
  answer(request).then(
    (result) => process.send?.({ id: request.id, result }),
    (error: unknown) => process.send?.({ id: request.id, error: String(error) }),
  )
})
process.on("disconnect", () => process.exit(0))
