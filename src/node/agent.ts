// The ETSI GS QKD 015 agent: what a controller reads, writes and hears of this node. Owns the running
// configuration; everything else it says comes from the boards (live figures) and the desk (requests of SAEs).
// Speaks no NETCONF itself: it is the backend of the server, and holds no key.
//
//   edit ─▶ own leaves untouched? ─▶ site policy ─▶ references ─▶ durable write ─▶ key manager, modules, desk
//             (nothing has changed up to here)
//   modules, pools, clock ─▶ boards ─▶ outbox ─▶ notifications

import { QkdError } from "../errors.js"
import type { NodeConfig, NodeEvent, NodeStatus } from "../model/node.js"
import type {
  Caller,
  EditRequest,
  NetconfBackend,
  Origin,
  PastEvent,
  PreparedEdit,
  UnconfirmedAbility,
} from "../netconf/backend.js"
import { OWNER } from "../netconf/datastore.js"
import type { LogReach } from "../netconf/stream.js"
import type { LinkMeasurement, ModuleDescription } from "../plugin/contract.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import { NativeConfigs } from "./agent-config.js"
import { onlyWatches, withAccessRules, withoutAccessRules } from "./agent-access.js"
import { AgentInterfaces } from "./agent-interfaces.js"
import { checkLead, takeLead } from "./agent-leader.js"
import { Outbox } from "./agent-notify.js"
import {
  checkOwnLeaves,
  firstRunning,
  leaderOf,
  originOf,
  refusalOf,
  relayEnabled,
  withOwnLeaves,
} from "./agent-own.js"
import { findViolation, policyError, withinPolicy, type PolicyViolation } from "./agent-policy.js"
import { checkReferences } from "./agent-references.js"
import { Desk } from "./agent-desk.js"
import { stateData } from "./agent-state.js"
import { RunningStore } from "./agent-running.js"
import type { AgentBelow, AgentOptions, AgentServer } from "./agent-options.js"
import { AppBoard, isExpired } from "./app-board.js"
import { LeaderTerms } from "./leader-terms.js"
import { LinkBoard } from "./link-board.js"
import type { ApplicationDesk } from "./ports.js"

/** How often the boards look at stock, silence and expiry. */
const TICK_MS = 500
/** An alarm on a refused entry is told at most so often an entry. */
const VIOLATION_INTERVAL_MS = 1000

const IDLE: AgentBelow = {
  info: () => undefined,
  configure: () => undefined,
  poolFigures: () => undefined,
  deliveredBits: () => 0n,
}

export class Agent implements NetconfBackend {
  readonly schema: Schema
  readonly unconfirmed: UnconfirmedAbility
  /** The configuration to open the NETCONF server with. */
  readonly initial: JsonObject
  readonly #options: AgentOptions
  readonly #desk: Desk
  readonly #links: LinkBoard
  readonly #apps: AppBoard
  readonly #interfaces: AgentInterfaces
  readonly #outbox: Outbox
  readonly #natives = new NativeConfigs()
  readonly #leaders: LeaderTerms
  #config: NodeConfig
  readonly #stored: RunningStore
  #below: AgentBelow = IDLE
  #server: AgentServer | undefined
  #stopTicking: () => void = () => undefined
  #stopping = false
  /** Applications whose time is over, as last handed below. */
  #expired = ""
  readonly #violationToldAt = new Map<string, number>()

  private constructor(options: AgentOptions, running: JsonObject, stored: RunningStore) {
    this.schema = options.schema
    this.#options = options
    this.#leaders = options.leaders ?? new LeaderTerms()
    this.initial = running
    this.#config = this.#natives.of(running)
    this.#stored = stored
    this.unconfirmed = stored
    const periods = { periodS: options.statisticsPeriodS, rows: options.statisticsRows }
    this.#links = new LinkBoard(periods)
    this.#apps = new AppBoard(periods)
    this.#interfaces = new AgentInterfaces(options.qkdiIds)
    this.#outbox = new Outbox(options.qkdnId, () => options.clock.now(), options.log)
    this.#desk = new Desk({
      clock: options.clock,
      timeoutMs: options.requestTimeoutMs,
      controllerListens: () => this.#controllerListens(),
      tell: (event) => {
        this.#outbox.tell(event)
      },
    })
  }

  /**
   * Opens the agent with the configuration it had.
   *
   * @throws QkdError `data-exists` when the folder holds another node's configuration, `malformed-message`
   * or as validation when it cannot be read: a node does not start on half of what it knew.
   */
  static async open(options: AgentOptions): Promise<Agent> {
    const { store, wentBack } = await RunningStore.open(options.store, options.clock, () =>
      firstRunning(options),
    )
    if (wentBack) options.log.warn({}, "a commit that nobody had confirmed is undone")
    const kept = store.running
    if (new NativeConfigs().of(kept).qkdnId !== options.qkdnId)
      throw new QkdError("data-exists", "the folder holds the configuration of another node", {
        path: "/etsi-qkd-sdn-node:qkd_node/qkdn_id",
      })
    const ruled = options.resetAccess === true ? withoutAccessRules(kept) : kept
    const running = withAccessRules(withOwnLeaves(ruled, options))
    const agent = new Agent(options, running, store)
    const known = agent.#interfaces.load(kept)
    agent.#configureBoards()
    if (running !== kept) await store.save(running, appIdsOf(agent.#config))
    for (const qkdiId of known.gone) agent.tell({ kind: "interface-out", qkdiId })
    return agent
  }

  get desk(): ApplicationDesk {
    return this.#desk
  }

  /** Links, applications and peers in force: within policy, expired applications left out. */
  get effective(): NodeConfig {
    const now = this.#options.clock.now()
    const within = withinPolicy(this.#options.guard, this.#config)
    return { ...within, apps: within.apps.filter((app) => !isExpired(app, now)) }
  }

  /** From now on the key manager and the modules are told, and asked for figures. */
  attachBelow(below: AgentBelow): void {
    this.#below = below
    this.#configureAll()
  }

  /** From now on notifications go out, and modules' descriptions go into the configuration. */
  attachServer(server: AgentServer): void {
    this.#server = server
    this.#outbox.connect((event) => {
      server.notify(event)
    })
  }

  /** Starts the regular look at figures. */
  start(): void {
    const again = (): void => {
      this.#stopTicking = this.#options.clock.after(TICK_MS, () => {
        this.tick()
        again()
      })
    }
    again()
  }

  stop(): void {
    this.#stopping = true
    this.#stopTicking()
    this.#desk.close()
  }

  /** One regular look; `start` does it twice a second. */
  tick(): void {
    const now = this.#options.clock.now()
    const events = [
      ...this.#links.tick(now, (qkdlId) => this.#below.poolFigures(qkdlId)),
      ...this.#apps.tick(now, (appId) => this.#below.deliveredBits(appId)),
      ...this.#apps.supplies(now, (appId) => this.#below.supply?.(appId)),
    ]
    if (this.#expiredNow() !== this.#expired) this.#configureAll()
    this.#tellAll(events)
  }

  // --- from the modules -------------------------------------------------------------------------------

  measured(qkdlId: string, measurement: LinkMeasurement): void {
    this.#tellAll(this.#links.measured(qkdlId, measurement, this.#options.clock.now()))
  }

  /** A module is open: what it is goes into the configuration, where 015 has it. */
  async interfaceUp(qkdiId: number, description: ModuleDescription): Promise<void> {
    const change = this.#interfaces.opened(qkdiId, description)
    if (change.changed)
      await this.#server?.datastore.update((running) => this.#interfaces.write(running), {
        despiteLock: true,
      })
    this.#tellAll(change.events)
  }

  interfaceDown(qkdiId: number, reason: string): void {
    this.#tellAll(this.#interfaces.failed(qkdiId, reason))
    const now = this.#options.clock.now()
    for (const link of this.#config.links) {
      if (link.type === "PHYS" && link.local.qkdiId === qkdiId)
        this.#tellAll(this.#links.lost(link.qkdlId, reason, now))
    }
  }

  /** Another version of the site policy is in force: what it no longer allows is let go at once. */
  policyChanged(): void {
    this.#configureAll()
  }

  /** A request of this application's SAEs got no key: counted. */
  requestRefused(appId: string): void {
    this.#apps.refused(appId)
  }

  /** The key manager saw something wrong; what concerns a link is a 015 alarm on it, all is in the log. */
  keyAlarm(alarm: {
    readonly kind: string
    readonly message: string
    readonly qkdlId?: string
  }): void {
    this.#options.log.warn({ ...alarm }, "key manager alarm")
    const { qkdlId, message } = alarm
    if (qkdlId === undefined) return
    const status = this.#links.now(qkdlId)?.status
    this.tell({
      kind: "alarm",
      resource: { kind: "link", qkdlId, ...(status !== undefined && { status }) },
      message,
      severity: "MAJOR",
    })
  }

  tell(event: NodeEvent): void {
    this.#outbox.tell(event)
  }

  // --- NetconfBackend ---------------------------------------------------------------------------------

  state(_running: JsonObject): JsonObject {
    const now = this.#options.clock.now()
    return stateData(this.#config, {
      status: this.#status(),
      interfaces: this.#interfaces.statuses,
      link: (qkdlId) => this.#links.now(qkdlId),
      app: (appId) => {
        const delivered = this.#below.deliveredBits(appId)
        return this.#apps.now(appId, now, delivered, this.#below.supply?.(appId))
      },
      keyManager: this.#below.info(),
      leader: this.#leaders.leader,
    })
  }

  originOf(path: string, guess: Origin): Origin {
    return originOf(path, guess)
  }

  /** @throws QkdError `access-denied` app-tag `stale-leader` */
  allows(operation: string, caller: Caller): boolean {
    checkLead(this.#leaders, operation, caller)
    return true
  }

  prepareEdit(edit: EditRequest): Promise<PreparedEdit> {
    if (edit.caller !== OWNER) {
      // Again, in its turn: it may have waited while another controller came.
      checkLead(this.#leaders, "edit-config", edit.caller)
      checkOwnLeaves(edit.next, edit.previous)
    }
    const config = this.#natives.of(edit.next)
    const violation = findViolation(this.#options.guard, config, this.#config)
    if (violation !== undefined) {
      this.#violated(violation, edit.caller.username)
      return Promise.reject(policyError(violation))
    }
    checkReferences(config, {
      qkdiIds: this.#interfaces.ids,
      relayEnabled: relayEnabled(edit.next),
      settled: this.#config,
    })
    return Promise.resolve({
      commit: async () => {
        await this.#stored.save(edit.next, appIdsOf(config))
        this.#config = config
        this.#configureAll()
        await this.#below.inForce?.()
      },
    })
  }

  rpc(name: string, input: JsonObject, caller: Caller): Promise<JsonObject> {
    if (name === "keyloom-node:lead")
      return takeLead(this.#leaders, leaderOf(input), caller, this.#server, this.#options.log)
    if (name !== "keyloom-node:refuse-application")
      return Promise.reject(new QkdError("operation-not-supported", `no rpc ${name}`))
    const refusal = refusalOf(input)
    const reached = this.#desk.refuse(
      refusal.serverAppId,
      refusal.clientAppIds,
      refusal.appTag,
      refusal.reason,
    )
    this.#options.log.info({ ...refusal, reached }, "the controller refused an application")
    return Promise.resolve({})
  }

  replay(fromMs: number, toMs: number): readonly PastEvent[] {
    return this.#outbox.past(fromMs, toMs)
  }

  replayReach(): LogReach {
    return this.#outbox.reach
  }

  // --- inside -----------------------------------------------------------------------------------------

  #controllerListens(): boolean {
    return this.#server?.audience.some((caller) => !onlyWatches(caller)) === true
  }

  /** After every durable change: below first, so that pools stand when the boards ask for figures. */
  #configureAll(): void {
    const effective = this.effective
    this.#expired = this.#expiredNow()
    try {
      this.#below.configure(effective)
    } catch (error) {
      // The change is durable already: it cannot be taken back, and what is below heals at the next one.
      this.#options.log.error({ err: error }, "the configuration was not taken up below the agent")
    }
    const events = this.#configureBoards()
    this.#desk.configure(effective.apps)
    this.#tellAll(events)
  }

  #configureBoards(): NodeEvent[] {
    const now = this.#options.clock.now()
    this.#apps.configure(this.#config.apps, this.#stored.appCreatedAt, now, (appId) =>
      this.#below.deliveredBits(appId),
    )
    return this.#links.configure(this.#config, now, (qkdlId) => this.#below.poolFigures(qkdlId))
  }

  #expiredNow(): string {
    const now = this.#options.clock.now()
    return this.#config.apps
      .filter((app) => isExpired(app, now))
      .map((app) => app.appId)
      .join()
  }

  /** QKDN-STATUS-TYPES: NEW until a link was configured, DOWN when no module of it works. */
  #status(): NodeStatus {
    if (this.#stopping) return "OUT"
    if (this.#interfaces.allFailed) return "DOWN"
    return this.#config.links.length === 0 ? "NEW" : "OPERATING"
  }

  /** THREATS, trust lines: a violation is refused and raises an alarm. A refused peer has no place in 015's alarm. */
  #violated(violation: PolicyViolation, username: string): void {
    const { resource, path, reason } = violation
    this.#options.log.warn({ path, reason, username }, "refused: outside the site policy")
    const now = this.#options.clock.now()
    for (const [key, at] of this.#violationToldAt)
      if (now - at >= VIOLATION_INTERVAL_MS) this.#violationToldAt.delete(key)
    if (resource.kind === "peer" || this.#violationToldAt.has(path)) return
    this.#violationToldAt.set(path, now)
    this.tell({
      kind: "alarm",
      resource,
      message: `refused: outside the site policy: ${reason}`,
      severity: "MAJOR",
    })
  }

  /** Wherever there might have been something to tell, a figure may have moved. */
  #tellAll(events: readonly NodeEvent[]): void {
    for (const event of events) this.#outbox.tell(event)
    this.#server?.stateChanged()
  }
}

function appIdsOf(config: NodeConfig): string[] {
  return config.apps.map(({ appId }) => appId)
}
