// Bare sockets for knocking on every door: what a scanner, a mute peer or a babbler would open. Knows no protocol.

import { readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import path from "node:path"
import type { Demo } from "./demo.js"

export interface Door {
  readonly what: string
  readonly port: number
}

/** Where key managers listen for one another; a scanner would find it, a test reads it. */
export function relayPortOf(demo: Demo, name: string): number {
  const slug = name.toLowerCase()
  const file = path.join(demo.dir, "nodes", slug, "node.json")
  const config = JSON.parse(readFileSync(file, "utf8")) as {
    "keyloom-node-config:node": { relay: { port: number } }
  }
  return config["keyloom-node-config:node"].relay.port
}

/** Every TCP port of the demo. */
export function doorsOf(demo: Demo): Door[] {
  const { port: control } = JSON.parse(
    readFileSync(path.join(demo.dir, "control.json"), "utf8"),
  ) as { port: number }
  const { port: fibres } = JSON.parse(readFileSync(path.join(demo.dir, "fibres.json"), "utf8")) as {
    port: number
  }
  return [
    ...demo.file.nodes.flatMap((node) => [
      { what: `NETCONF of ${node.name}`, port: node.netconf.port },
      { what: `ETSI 014 of ${node.name}`, port: Number(new URL(node.etsi014).port) },
      { what: `relay of ${node.name}`, port: relayPortOf(demo, node.name) },
    ]),
    { what: "controller", port: Number(new URL(demo.file.controller.url).port) },
    { what: "demo control", port: control },
    { what: "fibre plant", port: fibres },
  ]
}

/** A socket that is open, or was refused or dropped at once. */
export async function knock(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1")
  socket.on("error", () => undefined)
  socket.on("data", () => undefined)
  await new Promise<void>((resolve) => {
    socket.once("connect", resolve)
    socket.once("close", () => {
      resolve()
    })
  })
  return socket
}

/** What came back until the other end closed, or until `forMs` were over. Never throws. */
export function babble(port: number, bytes: string | Uint8Array, forMs: number): Promise<Babbled> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    const heard: Buffer[] = []
    const done = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ closed, heard: Buffer.concat(heard).toString("latin1") })
    }
    const timer = setTimeout(() => {
      done(false)
    }, forMs)
    socket.on("error", () => undefined)
    socket.on("data", (chunk: Buffer) => heard.push(chunk))
    socket.once("close", () => {
      done(true)
    })
    socket.write(bytes)
  })
}

export interface Babbled {
  /** The other end let go. */
  readonly closed: boolean
  readonly heard: string
}
