// Runs a demo network: the fibres, a controller and all nodes, in one process group on loopback. Starts the
// processes, keeps them alive, cuts and mends fibres when asked, stops everything. It tells nodes and controller
// nothing that happens to a fibre: their modules see it.

import { mkdirSync, rmSync } from "node:fs"
import path from "node:path"
import { asQkdError, QkdError } from "../errors.js"
import type { Topology } from "../model/topology.js"
import { lossDbOf } from "../model/topology.js"
import { lockFolder } from "../node/dir-lock.js"
import { startChild, type Child } from "./children.js"
import { openControl } from "./control.js"
import { writeControllerFiles, type ControllerFiles } from "./controller-files.js"
import { writeNodeFiles, type DemoFiles } from "./files.js"
import { planDemo, type Plan, type PlannedFaces } from "./plan.js"
import { HeldPorts, LOOPBACK } from "./ports.js"
import { openFibres } from "./fibres.js"
import { waitUntilUp, type Progress } from "./watch.js"
import { writeFileDurably } from "./write-file.js"

export interface DemoOptions {
  readonly dir: string
  readonly topology: Topology | undefined
  /** Where the page and the API are to be; 0 takes a free port, a busy one is stepped over. */
  readonly port: number
  readonly faces?: PlannedFaces
  /** The program's main file, started again for every role. */
  readonly entry: string
  readonly signal: AbortSignal
  /** Lines for people, before the ready line. */
  readonly say: (line: string) => void
}

export interface RunningDemo {
  readonly plan: Plan
  readonly url: string
  /** The controller's NETCONF, as `ssh` takes it. */
  readonly netconf: { readonly host: string; readonly port: number; readonly username: string }
  readonly progress: Progress
  /** A fresh page address with a one-time login in its fragment. */
  pageUrl(): Promise<string>
  stop(): Promise<void>
}

/** Sites share processes beyond this number: fifty of them do not fit two cores and their memory one by one. */
const MAX_NODE_PROCESSES = 4
const NODES_DEADLINE_MS = 60_000
const LINK_PATIENCE_MS = 20_000
const LOGIN_CODE_MS = 5000

/**
 * Starts the demo in `dir` and resolves when it is up.
 *
 * @throws QkdError `in-use` when a demo already runs there.
 */
export async function startDemo(options: DemoOptions): Promise<RunningDemo> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 })
  const leave = await takeFolder(options.dir)
  try {
    return await startIn(options, leave)
  } catch (error) {
    await leave()
    throw error
  }
}

async function startIn(options: DemoOptions, leave: () => Promise<void>): Promise<RunningDemo> {
  const { dir, say } = options
  rmSync(path.join(dir, "demo.json"), { force: true })
  // Released by the end of this process at the latest: its children listen there as long as it lives.
  const ports = new HeldPorts()
  const plan = await planDemo(dir, options.topology, ports, options.faces)
  const fibres = await openFibres(
    dir,
    plan.links.map((link) => fibreOf(plan, link.id)),
  )
  const files = await writeNodeFiles(dir, plan, fibres)
  const httpPort = await (options.port === 0 ? ports.hold(0) : ports.holdFrom(options.port))
  if (options.port !== 0 && httpPort !== options.port)
    say(`  port ${options.port} is taken, using ${httpPort}`)
  const url = `http://${LOOPBACK}:${httpPort}`
  const controllerFiles = writeControllerFiles(dir, plan, files, httpPort)
  const children: Child[] = []
  const logs = path.join(dir, "logs")
  mkdirSync(logs, { recursive: true, mode: 0o700 })

  const stop = async (): Promise<void> => {
    await control.close()
    await Promise.all(children.map((child) => child.stop()))
    await fibres.close()
    await ports.release()
    rmSync(path.join(dir, "demo.json"), { force: true })
    await leave()
  }
  let controller: Child | undefined
  let codes = 0
  const pageUrl = async (): Promise<string> => {
    if (controller === undefined)
      throw new QkdError("operation-failed", "the controller is not running")
    const code = await loginCode(controller, (codes += 1))
    return `${url}/#login=${code}`
  }
  const control = await openControl(dir, async (request) => {
    if (request.verb === "url") return pageUrl()
    const links = linksBetween(plan, request.a, request.b, request.link)
    for (const link of links) fibres.set(link.id, request.verb === "cut" ? "cut" : "whole")
    return `${request.verb === "cut" ? "Cut" : "Mended"}: ${links.map((link) => link.id).join(", ")}`
  })

  try {
    for (const [i, group] of groupsOf(files.nodes, MAX_NODE_PROCESSES).entries()) {
      const configs = group.flatMap((node) => ["--config", node.configFile])
      children.push(
        startChild(
          `nodes-${i + 1}`,
          options.entry,
          ["node", ...configs],
          path.join(logs, `nodes-${i + 1}.log`),
        ),
      )
    }
    controller = startChild(
      "controller",
      options.entry,
      ["controller", "--config", controllerFiles.configFile],
      path.join(logs, "controller.log"),
    )
    children.push(controller)
    await Promise.race([Promise.all(children.map((child) => child.ready)), aborted(options.signal)])
    const progress = await waitUntilUp(url, plan, {
      deadlineMs: NODES_DEADLINE_MS,
      linkPatienceMs: LINK_PATIENCE_MS,
      signal: options.signal,
    })
    for (const waiting of progress.waitingFor) say(`  link not generating: ${waiting}`)
    writeFileDurably(
      path.join(dir, "demo.json"),
      JSON.stringify(describe(plan, files, controllerFiles, url), null, 2),
      0o600,
    )
    const netconf = {
      host: LOOPBACK,
      port: controllerFiles.netconfPort,
      username: files.operatorUser,
    }
    return { plan, url, netconf, progress, pageUrl, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** `demo.json`: what a test, a script or a person needs to use the running demo. */
function describe(plan: Plan, files: DemoFiles, controller: ControllerFiles, url: string): object {
  return {
    pid: process.pid,
    controller: {
      url,
      token: plan.token,
      netconf: {
        host: LOOPBACK,
        port: controller.netconfPort,
        username: files.operatorUser,
        privateKeyFile: files.operatorKeyFile,
        hostKeyFingerprint: controller.hostKeyFingerprint,
      },
      restconf: `${url}/restconf`,
    },
    nodes: plan.nodes.map((node, i) => ({
      qkdnId: node.qkdnId,
      name: node.name,
      etsi014: `https://${LOOPBACK}:${node.ports.etsi014}`,
      ...(node.ports.etsi004 !== undefined && {
        etsi004: { host: LOOPBACK, port: node.ports.etsi004 },
      }),
      netconf: {
        host: LOOPBACK,
        port: node.ports.netconf,
        username: files.operatorUser,
        privateKeyFile: files.operatorKeyFile,
        hostKeyFingerprint: files.nodes[i]?.hostKeyFingerprint,
      },
    })),
    links: plan.links.map((link) => ({ qkdlId: link.qkdlId, a: link.a.node, b: link.b.node })),
    saes: files.saes.map((sae) => ({
      saeId: sae.saeId,
      node: sae.node,
      certFile: sae.certFile,
      keyFile: sae.keyFile,
      caFile: sae.caFile,
    })),
  }
}

/** @throws QkdError `in-use` */
async function takeFolder(dir: string): Promise<() => Promise<void>> {
  try {
    return await lockFolder(dir)
  } catch (cause) {
    const { tag, message } = asQkdError(cause)
    const by = /^process (\d+) /.exec(message)?.[1]
    if (tag !== "in-use" || by === undefined) throw cause
    throw new QkdError("in-use", `a demo already runs in ${dir} (process ${by})`, { cause })
  }
}

function fibreOf(plan: Plan, id: string): { id: string; lossDb: number } {
  const link = plan.topology.links.find((l) => l.id === id)
  if (link === undefined) throw new QkdError("operation-failed", `the plan has no fibre ${id}`)
  return { id, lossDb: lossDbOf(link) }
}

function linksBetween(plan: Plan, a: string, b: string, only: string | undefined): Plan["links"] {
  const names = plan.nodes.map((node) => node.name)
  const find = (asked: string): string => {
    const found =
      names.find((n) => n === asked) ?? names.find((n) => n.toLowerCase() === asked.toLowerCase())
    if (found === undefined)
      throw new QkdError(
        "data-missing",
        `no site is called "${asked}"; there are: ${names.join(", ")}`,
      )
    return found
  }
  const [from, to] = [find(a), find(b)]
  const links = plan.links.filter(
    (link) =>
      ((link.a.node === from && link.b.node === to) ||
        (link.a.node === to && link.b.node === from)) &&
      (only === undefined || link.id === only),
  )
  if (links.length === 0) {
    throw new QkdError(
      "data-missing",
      `no fibre${only === undefined ? "" : ` "${only}"`} joins ${from} and ${to}`,
    )
  }
  return links
}

/** Deals things out so that neighbours in the list end up in different groups. */
function groupsOf<T>(things: readonly T[], most: number): T[][] {
  const groups: T[][] = Array.from({ length: Math.min(most, things.length) }, () => [])
  for (const [i, thing] of things.entries()) groups[i % groups.length]?.push(thing)
  return groups
}

function loginCode(controller: Child, id: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new QkdError("operation-failed", "the controller did not answer", { appTag: "timeout" }),
      )
    }, LOGIN_CODE_MS)
    controller.onMessage((message) => {
      if (message.kind !== "login-code" || message.id !== id) return
      clearTimeout(timer)
      resolve(message.code)
    })
    controller.send({ kind: "login-code", id })
  })
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      reject(new QkdError("operation-failed", "stopped before it was up", { appTag: "closed" }))
    })
  })
}
