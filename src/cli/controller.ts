// `keyloom controller`: store, deciding loop, fleet of node drivers, north faces, wired together.

import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { readConfig } from "../config.js"
import { Controller } from "../controller/controller.js"
import { QkdError } from "../errors.js"
import type { NodeTarget } from "../model/network.js"
import { Access, type TokenEntry } from "../north/access.js"
import { startHttp } from "../north/http.js"
import type { DriverHost } from "../plugin/contract.js"
import { lendDriverHost } from "../plugin/driver-host.js"
import type { LentHost } from "../plugin/host.js"
import { loadNodeDriver } from "../plugin/load.js"
import { Fleet } from "../south/fleet.js"
import { openEmbeddedStore } from "../store/embedded.js"
import { connectNetconfSsh } from "../transport/ssh.js"
import { loadYangFiles } from "../transport/yang-files.js"
import { compileEarly } from "./compile-early.js"
import { exitWhenStopped } from "./exit.js"
import { CONTROLLER_CONFIG_MODULES, inventoryEvents, readInventory } from "./inventory.js"
import { roleLog } from "./log.js"
import { untilAsked } from "./until-asked.js"

interface ControllerConfig {
  readonly store_dir: string
  readonly http: { readonly host: string; readonly port: number }
  readonly token: readonly TokenEntry[]
  readonly inventory_file?: string
}

export async function runController(file: string): Promise<void> {
  compileEarly()
  const stopAsked = untilAsked()
  const log = roleLog("controller")
  const config = readControllerConfig(file)
  const base = path.dirname(path.resolve(file))
  const store = openEmbeddedStore(path.resolve(base, config.store_dir))
  const controller = await Controller.open({
    store,
    now: Date.now,
    newId: randomUUID,
    schedule: (ms, action) => {
      const timer = setTimeout(action, ms)
      return () => {
        clearTimeout(timer)
      }
    },
    epoch: randomUUID(),
    log: (level, message, facts, cause) => {
      log[level]({ ...facts, ...(cause === undefined ? {} : { err: cause }) }, message)
    },
  })
  const fleet = new Fleet({
    submit: (event) => controller.submit(event),
    loadDriver: (name) => loadNodeDriver(name),
    lend: (qkdnId, target, signal) => lend(qkdnId, target, signal, log),
    log: (level, message, facts) => {
      log[level](facts, message)
    },
  })
  const access = new Access(config.token)
  const http = await startHttp({
    host: config.http.host,
    port: config.http.port,
    controller,
    access,
    pageFolder: pageFolder(),
    log: (level, message, facts) => {
      log[level](facts ?? {}, message)
    },
  })
  if (config.inventory_file !== undefined) {
    const inventory = readInventory(path.resolve(base, config.inventory_file))
    for (const event of inventoryEvents(controller.network(), inventory)) {
      const reply = await controller.submit(event)
      if (!reply.ok)
        log.error({ event: event.kind, reason: reply.message }, "the inventory is refused in part")
    }
  }
  controller.start(fleet)
  log.info({ url: http.url }, "controller is up")

  process.on("message", (message) => {
    const { kind, id } = message as { kind: string; id: number }
    if (kind === "login-code")
      process.send?.({ kind, id, code: access.issueLoginCode("operator", "page") })
  })
  process.send?.({ kind: "ready" })

  const ended = await Promise.race([stopAsked.asked, controller.stopped])
  if (ended instanceof QkdError)
    log.error({ reason: ended.message }, "the controller stops by itself")
  await exitWhenStopped(
    (async () => {
      await http.close()
      await controller.stop()
      await fleet.close()
      await store.close()
    })(),
  )
}

function readControllerConfig(file: string): ControllerConfig {
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch (error) {
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause: error })
  }
  const container = "keyloom-controller-config:controller"
  const members: unknown = readConfig(loadYangFiles(CONTROLLER_CONFIG_MODULES), container, text)
  return members as ControllerConfig
}

/** A driver gets a clock, a log, and NETCONF sessions to its own target: nothing else. */
function lend(
  qkdnId: string,
  target: NodeTarget,
  signal: AbortSignal,
  log: ReturnType<typeof roleLog>,
): LentHost<DriverHost> {
  return lendDriverHost({
    signal,
    log: (level, message, facts) => {
      log[level]({ qkdnId, ...facts }, message)
    },
    openNetconf: (sessionSignal) => connectNetconfSsh(target, { signal: sessionSignal }),
  })
}

/** The built page: beside the built program, also when the program runs from its sources. */
function pageFolder(): string {
  const here = path.dirname(fileURLToPath(import.meta.url))
  return here.includes(`${path.sep}dist${path.sep}`)
    ? path.resolve(here, "../../dashboard")
    : path.resolve(here, "../../dist/dashboard")
}
