// A node, wired together: site policy, agent, key manager, ETSI 014, QKD modules, and the NETCONF server in front.
// Opens in the order in which each part needs the next, closes in the reverse. Keeps nothing module-wide: several
// nodes run in one process. Installs no process handlers; starting and stopping is its caller's.

import path from "node:path"
import { QkdError } from "../errors.js"
import { NetconfServer } from "../netconf/server.js"
import type { NetconfClock } from "../netconf/clock.js"
import type { QkdModuleDriver } from "../plugin/contract.js"
import { loadModuleDriver } from "../plugin/load.js"
import { inOwnProcess } from "../plugin/module-process.js"
import { systemClock } from "../transport/ssh-clock.js"
import type { Schema } from "../yang/schema.js"
import { Agent } from "./agent.js"
import { agentSchema } from "./agent-schema.js"
import { AuditTrail } from "./audit.js"
import { tellHeads } from "./audit-heads.js"
import type { ModuleSetting, NodeSettings } from "./config.js"
import { openConfigStore } from "./config-store.js"
import { lockFolder } from "./dir-lock.js"
import { LeaderTerms } from "./leader-terms.js"
import type { Log } from "./log.js"
import { ModuleHost } from "./modules.js"
import { countingRefusals, openFaces } from "./node-faces.js"
import { startKeyManager } from "./node-keys.js"
import { openNetconf } from "./node-netconf.js"
import { PolicyFile } from "./policy-file.js"

export interface NodeDeps {
  readonly log: Log
  /** `qkdn_version`. */
  readonly version: string
  /** `agentSchema()`; hand one in to share it between the nodes of a process. */
  readonly schema?: Schema
  readonly clock?: NetconfClock
  /** Finds module drivers; the plugin loader where absent. */
  readonly loadDriver?: (setting: ModuleSetting) => Promise<QkdModuleDriver>
}

export interface NodeAddresses {
  readonly netconf: {
    readonly host: string
    readonly port: number
    readonly hostKeyFingerprint: string
    /** Where NETCONF over TLS is served too. */
    readonly tlsPort?: number
  }
  readonly etsi014: { readonly host: string; readonly port: number; readonly url: string }
  readonly relay: { readonly host: string; readonly port: number }
  /** Key streams, where they are configured. */
  readonly etsi004?: { readonly host: string; readonly port: number }
  /** Where SKIP is served too. */
  readonly skip?: { readonly host: string; readonly port: number }
  /** Where neighbouring domains give and take keys. */
  readonly etsi020?: { readonly host: string; readonly port: number }
}

export interface RunningNode {
  readonly qkdnId: string
  readonly name: string
  /** Where it really listens. */
  addresses(): NodeAddresses
  /** Reads the site policy again. On any fault the one in force stays. @returns whether it changed */
  reloadPolicy(): Promise<boolean>
  /**
   * Reads the files of its TLS servers again, revocation lists included; on any fault those in force stay.
   *
   * @returns how many connections ended because their certificates are revoked now.
   */
  renewTls(): Promise<number>
  /** Stops within 2 s; harmless when repeated. */
  stop(): Promise<void>
}

/** All parts together; one that hangs is left behind. */
const CLOSE_MS = 1900
const CLOSE_PART_LEAST_MS = 50

/**
 * Starts a node. Resolves when NETCONF, 014 and relay listen; modules go on opening in the background.
 *
 * @throws QkdError when a part cannot start; what had started is closed again. A faulty module is no reason.
 */
export async function startNode(settings: NodeSettings, deps: NodeDeps): Promise<RunningNode> {
  const opened = new Closers(deps.log)
  try {
    return await open(settings, deps, opened)
  } catch (error) {
    await opened.close()
    throw error
  }
}

async function open(settings: NodeSettings, deps: NodeDeps, opened: Closers): Promise<RunningNode> {
  const { log } = deps
  const clock = deps.clock ?? systemClock
  const unlock = await lockFolder(settings.dir)
  opened.add("lock", unlock)
  const policy = await PolicyFile.open({
    qkdnId: settings.qkdnId,
    policyFile: settings.policy.file,
    markFile: path.join(settings.dir, "policy-mark.json"),
    trust: { signers: settings.policy.signers, threshold: settings.policy.threshold },
  })
  const store = await openConfigStore(settings.dir)
  opened.add("configuration", () => {
    store.close()
    return Promise.resolve()
  })
  const leaders = await LeaderTerms.open(
    path.join(settings.dir, "leader.json"),
    settings.netconf.forgetLeader,
  )
  const agent = await Agent.open({
    leaders,
    qkdnId: settings.qkdnId,
    version: deps.version,
    ...(settings.location !== undefined && { location: settings.location }),
    qkdiIds: settings.modules.map((module) => module.qkdiId),
    statisticsPeriodS: settings.statisticsPeriodS,
    statisticsRows: settings.statisticsRows,
    requestTimeoutMs: settings.requestTimeoutMs,
    resetAccess: settings.netconf.resetAccess,
    schema: deps.schema ?? agentSchema(),
    store,
    guard: policy.guard,
    clock,
    log,
  })

  let offer: ModuleHost["offer"] = () => undefined
  const { manager: keys, close: closeKeys } = await startKeyManager(settings, {
    policy: policy.view,
    log,
    onAlarm: (alarm) => {
      agent.keyAlarm(alarm)
    },
    onChunkRefused: (appId) => {
      agent.requestRefused(appId)
    },
    onLacking: (qkdlId, blockIds) => {
      offer(qkdlId, blockIds)
    },
  })
  opened.add("key manager", closeKeys)
  const audit = await AuditTrail.open(settings.auditFile, () => clock.now())
  const lastHead = tellHeads(audit, log)
  opened.add("audit trail", async () => {
    await audit.close()
    lastHead()
  })
  const faces = await openFaces(settings, {
    policy: () => policy.current,
    keyManager: countingRefusals(keys, (appId) => {
      agent.requestRefused(appId)
    }),
    streams: keys.streams,
    desk: agent.desk,
    border: keys.border,
    lots: keys.lots,
    audit,
    log,
  })
  opened.add("key delivery", () => faces.close())

  const modules = new ModuleHost({
    modules: settings.modules,
    loadDriver: deps.loadDriver ?? driverOf,
    addLinkKey: (qkdlId, blockId, key) => keys.addLinkKey(qkdlId, blockId, key),
    onUp: (qkdiId, description) => agent.interfaceUp(qkdiId, description),
    onDown: (qkdiId, reason) => {
      agent.interfaceDown(qkdiId, reason)
    },
    onMeasurement: (qkdlId, measurement) => {
      agent.measured(qkdlId, measurement)
    },
    clock,
    log,
  })
  opened.add("modules", () => modules.close())
  offer = (qkdlId, blockIds) => {
    modules.offer(qkdlId, blockIds)
  }

  const { host } = settings.etsi014
  const url = settings.etsi014.url ?? `https://${bracketed(host)}:${faces.etsi014.port}`
  const server = netconfServer(agent, clock, log)
  agent.attachServer(server)
  agent.attachBelow({
    info: () => ({
      etsi014Url: url,
      relayHost: settings.relay.advertisedHost ?? settings.relay.host,
      relayPort: keys.relayPort,
      saeIds: policy.guard.saeIds,
      policyVersion: policy.guard.version,
      domains: (policy.current.document.domains ?? []).map(({ name, saes }) => {
        return { name, saeIds: saes, ...keys.border.countsOf(name) }
      }),
    }),
    configure: (effective) => {
      keys.configure(effective)
      modules.configure(effective.links)
    },
    poolFigures: (qkdlId) => keys.poolFigures(qkdlId),
    deliveredBits: (appId) => keys.deliveredBits(appId),
    supply: (appId) => keys.supply(appId),
    inForce: () => faces.inForce(),
  })
  agent.start()
  // NETCONF comes last: whoever connects finds a whole node.
  const netconf = await openNetconf(settings.netconf, server, log)
  opened.add("NETCONF", async () => {
    server.close("the node is stopping")
    await netconf.close()
  })
  opened.add("agent", () => {
    // Closed first of all: whoever waits for the controller is sent away, so that 014 can end its calls.
    agent.stop()
    return Promise.resolve()
  })
  void modules.start()
  const addresses: NodeAddresses = {
    netconf: {
      host: netconf.host,
      port: netconf.port,
      hostKeyFingerprint: netconf.hostKeyFingerprint,
      ...(netconf.tlsPort !== undefined && { tlsPort: netconf.tlsPort }),
    },
    etsi014: { host, port: faces.etsi014.port, url },
    relay: { host: settings.relay.host, port: keys.relayPort },
    ...(faces.skip !== undefined && { skip: faces.skip }),
    ...(faces.etsi004 !== undefined && { etsi004: faces.etsi004 }),
    ...(faces.etsi020 !== undefined && { etsi020: faces.etsi020 }),
  }
  log.info({ qkdnId: settings.qkdnId, name: settings.name, addresses }, "node is up")
  return {
    qkdnId: settings.qkdnId,
    name: settings.name,
    addresses: () => addresses,
    reloadPolicy: async () => {
      const changed = await policy.reload()
      if (!changed) return false
      agent.policyChanged()
      await faces.policyChanged()
      return true
    },
    renewTls: async () => {
      // Both are read before either changes.
      const renewFaces = await faces.renewal()
      return (await netconf.renewTls()) + (await renewFaces())
    },
    stop: () => opened.close(),
  }
}

function netconfServer(agent: Agent, clock: NetconfClock, log: Log): NetconfServer {
  return new NetconfServer({
    backend: agent,
    initial: agent.initial,
    clock,
    candidate: true,
    report: (report) => {
      if (report.kind === "bug") log.error({ err: report.error }, "NETCONF request failed")
      else if (report.kind === "rollback-failed")
        log.error({ err: report.error }, "an unconfirmed commit could not be undone")
      else if (report.kind === "untold")
        log.error({ err: report.error }, "subscribers could not be told")
      else log.info({ ...report.caller, session: report.kind }, "NETCONF session")
    },
  })
}

/** What has been opened, closed in reverse and each within its time. */
class Closers {
  #parts: { readonly name: string; readonly close: () => Promise<unknown> }[] = []
  #closing: Promise<void> | undefined

  constructor(private readonly log: Log) {}

  add(name: string, close: () => Promise<unknown>): void {
    this.#parts.unshift({ name, close })
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const deadline = Date.now() + CLOSE_MS
    for (const { name, close } of this.#parts) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => {
            reject(new QkdError("operation-failed", `${name} did not close`, { appTag: "timeout" }))
          },
          Math.max(CLOSE_PART_LEAST_MS, deadline - Date.now()),
        )
      })
      try {
        await Promise.race([close(), late])
      } catch (error) {
        this.log.warn({ part: name, err: error }, "a part of the node did not close")
      } finally {
        clearTimeout(timer)
      }
    }
  }
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host
}

function driverOf({ driver, process }: ModuleSetting): Promise<QkdModuleDriver> {
  return process === "own" ? Promise.resolve(inOwnProcess(driver)) : loadModuleDriver(driver)
}
