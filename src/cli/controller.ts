// `keyloom controller`: store, deciding loop, fleet of node drivers, north faces, wired together.

import { randomUUID } from "node:crypto"
import { copyFileSync, existsSync, readFileSync, renameSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { Controller } from "../controller/controller.js"
import { QkdError } from "../errors.js"
import { EXIT_STATUS } from "../exit-status.js"
import type { NodeTarget } from "../model/network.js"
import { Access } from "../north/access.js"
import { startHttp } from "../north/http.js"
import { NetworkFace } from "../north/network-face.js"
import type { NorthLog } from "../north/ports.js"
import { restconfFace } from "../north/restconf.js"
import { anyOf, byToken } from "../north/restconf-identity.js"
import { unconfirmedFile } from "../north/unconfirmed-file.js"
import type { DriverHost } from "../plugin/contract.js"
import { lendDriverHost } from "../plugin/driver-host.js"
import type { LentHost } from "../plugin/host.js"
import { loadNodeDriver } from "../plugin/load.js"
import { Fleet } from "../south/fleet.js"
import { NodeSessions } from "../south/node-sessions.js"
import { openEmbeddedStore } from "../store/embedded.js"
import { systemClock } from "../transport/ssh-clock.js"
import { compileEarly } from "./compile-early.js"
import { readControllerConfig, settingsOf, type ControllerConfig } from "./controller-config.js"
import { reoptimiseRounds } from "./controller-reoptimise.js"
import { certifiedUsers, httpsSide, netconfTlsListen, renewTls } from "./controller-tls.js"
import { exitWhenStopped } from "./exit.js"
import { freshId } from "./fresh-ids.js"
import { inventoryEvents, readInventory } from "./inventory.js"
import { roleLog } from "./log.js"
import { markReplaced, replacedIn } from "./replaced-mark.js"
import { untilAsked } from "./until-asked.js"

/** Beside the store: the inventory file as it was last applied. */
const APPLIED_INVENTORY = "inventory-applied.json"

export async function runController(file: string): Promise<void> {
  compileEarly()
  const stopAsked = untilAsked()
  const log = roleLog("controller")
  const config = readControllerConfig(file)
  const base = path.dirname(path.resolve(file))
  const storeDir = path.resolve(base, config.store_dir)
  const leadAbove = await replacedIn(storeDir)
  const store = openEmbeddedStore(storeDir)
  const settings = settingsOf(config)
  const epoch = randomUUID()
  const controller = await Controller.open({
    store,
    ...(config.min_term !== undefined && { minTerm: config.min_term }),
    ...(leadAbove !== undefined && { leadAbove }),
    now: Date.now,
    newId: freshId,
    schedule: later,
    epoch,
    settings,
    log: (level, message, facts, cause) => {
      log[level]({ ...facts, ...(cause === undefined ? {} : { err: cause }) }, message)
    },
  })
  const sessions = new NodeSessions({
    log: (level, message, facts) => {
      log[level](facts, message)
    },
  })
  const leader = { term: controller.term, leaderId: epoch }
  const fleet = new Fleet({
    submit: (event) => controller.submit(event),
    loadDriver: (name) => loadNodeDriver(name),
    lend: (qkdnId, target, signal) => lend(sessions, qkdnId, target, { signal, leader, log }),
    arrival: (qkdnId, target, signal) => sessions.arrival(qkdnId, target, signal),
    onReplaced: (refusal) => {
      controller.stepDown(refusal)
    },
    log: (level, message, facts) => {
      log[level](facts, message)
    },
  })
  if (config.inventory_file !== undefined) {
    const kept = path.join(storeDir, APPLIED_INVENTORY)
    await applyInventory(controller, path.resolve(base, config.inventory_file), kept, log)
  }
  const access = new Access(config.token)
  const say: NorthLog = (level, message, facts) => {
    log[level](facts ?? {}, message)
  }
  const network = await NetworkFace.open({
    controller,
    unconfirmed: unconfirmedFile(path.join(storeDir, "unconfirmed.json")),
    clock: systemClock,
    log: say,
  })
  const reoptimise = reoptimiseRounds({
    ...{ controller, gate: network.gate, setting: config.reoptimise, settings },
    ...{ schedule: later, log: say },
  })
  const tls = await httpsSide(config)
  const http = await startHttp({
    host: config.http.host,
    port: config.http.port,
    ...(tls !== undefined && { tls }),
    controller: network.gate,
    reoptimise: reoptimise.rounds,
    access,
    pageFolder: pageFolder(),
    restconf: restconfFace({
      restconf: network.restconf,
      identify: anyOf(byToken(access), certifiedUsers(config)),
      origin: { loopbackOnly: tls === undefined, origins: [] },
      log: say,
    }),
    log: say,
  })
  const netconf = await listenNetconf(network, config, base)
  const callHome = await awaitCalls(sessions, config, base)
  controller.start(fleet)
  reoptimise.rounds.start()
  process.on("SIGHUP", () => void renewTls({ network, http }, config, log))
  log.info({ url: http.url, term: leader.term, ...netconf, ...callHome }, "controller is up")

  process.on("message", (message) => {
    const { kind, id } = message as { kind: string; id: number }
    if (kind === "login-code")
      process.send?.({ kind, id, code: access.issueLoginCode("operator", "page") })
  })
  process.send?.({ kind: "ready" })

  const ended = await Promise.race([stopAsked.asked, controller.stopped])
  const status = ended instanceof QkdError ? stoppedByItself(ended, log) : 0
  await exitWhenStopped(
    (async () => {
      if (ended instanceof QkdError && ended.appTag === "stale-leader")
        await markReplaced(storeDir, ended)
      await Promise.all([http.close(), network.close(), reoptimise.close()])
      await controller.stop()
      await fleet.close()
      await sessions.close()
      await store.close()
    })(),
    status,
  )
}

/** Tells the operator why, in the log and in a line of its own. @returns the exit status */
function stoppedByItself(reason: QkdError, log: ReturnType<typeof roleLog>): number {
  log.error({ reason: reason.message }, "the controller stops by itself")
  process.stderr.write(`keyloom: ${reason.message}\n`)
  return reason.tag === "in-use" ? EXIT_STATUS.replaced : EXIT_STATUS.failed
}

/** A timer. @returns the way to call it off. */
function later(ms: number, action: () => void): () => void {
  const timer = setTimeout(action, ms)
  return () => {
    clearTimeout(timer)
  }
}

/** Listens for nodes that call home. @returns the ports, for the log. */
async function awaitCalls(
  sessions: NodeSessions,
  { call_home: { ssh, tls } = {} }: ControllerConfig,
  base: string,
): Promise<{ readonly callHomeSshPort?: number; readonly callHomeTlsPort?: number }> {
  const file = (name: string): string => path.resolve(base, name)
  const sshPort = ssh && (await sessions.listenSsh(ssh))
  const tlsPort =
    tls &&
    (await sessions.listenTls({
      host: tls.host,
      port: tls.port,
      files: {
        certFile: file(tls.cert_file),
        keyFile: file(tls.key_file),
        caFile: file(tls.ca_file),
      },
    }))
  return {
    ...(sshPort !== undefined && { callHomeSshPort: sshPort }),
    ...(tlsPort !== undefined && { callHomeTlsPort: tlsPort }),
  }
}

async function listenNetconf(
  network: NetworkFace,
  { netconf, netconfTls: tls, managers }: ControllerConfig,
  base: string,
): Promise<{ readonly netconfPort?: number; readonly netconfTlsPort?: number }> {
  if (netconf === undefined) return {}
  const { port, tlsPort } = await network.listen({
    host: netconf.host,
    port: netconf.port,
    hostKey: readFileSync(path.resolve(base, netconf.host_key_file), "utf8"),
    users: netconf.user.map(({ name, public_key = [], role }) => ({
      name,
      publicKeys: public_key,
      role,
    })),
    ...(tls !== undefined && { tls: await netconfTlsListen(tls) }),
    callHome: managers,
  })
  return { netconfPort: port, ...(tlsPort !== undefined && { netconfTlsPort: tlsPort }) }
}

/** Orders what the inventory file says differently than at the last start, and keeps what it says now. */
async function applyInventory(
  controller: Controller,
  file: string,
  kept: string,
  log: ReturnType<typeof roleLog>,
): Promise<void> {
  const applied = existsSync(kept) ? readInventory(kept) : undefined
  for (const event of inventoryEvents(controller.network(), readInventory(file), applied)) {
    const reply = await controller.submit(event)
    if (!reply.ok)
      log.error({ event: event.kind, reason: reply.message }, "the inventory is refused in part")
  }
  // A file that is not whole would be refused at the next start: it takes its place when it is.
  copyFileSync(file, `${kept}.new`)
  renameSync(`${kept}.new`, kept)
}

/** A driver gets a clock, a log, the controller's term, and NETCONF sessions to its own target: nothing else. */
function lend(
  sessions: NodeSessions,
  qkdnId: string,
  target: NodeTarget,
  {
    signal,
    leader,
    log,
  }: {
    readonly signal: AbortSignal
    readonly leader: NonNullable<DriverHost["leader"]>
    readonly log: ReturnType<typeof roleLog>
  },
): LentHost<DriverHost> {
  return lendDriverHost({
    signal,
    leader,
    log: (level, message, facts) => {
      log[level]({ qkdnId, ...facts }, message)
    },
    openNetconf: (sessionSignal) => sessions.open(qkdnId, target, sessionSignal),
  })
}

/** The built page: beside the built program, also when the program runs from its sources. */
function pageFolder(): string {
  const here = path.dirname(fileURLToPath(import.meta.url))
  return here.includes(`${path.sep}dist${path.sep}`)
    ? path.resolve(here, "../../dashboard")
    : path.resolve(here, "../../dist/dashboard")
}
