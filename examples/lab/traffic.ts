// What travels, and who listens: pings from network to network, counted, and a capture of the wire between.

import { execFile, spawn, type ChildProcess } from "node:child_process"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { promisify } from "node:util"
import type { Gateway } from "./namespaces.js"

const run = promisify(execFile)

export interface PingFigures {
  readonly sent: number
  readonly lost: number
}

/** Pings from behind one gateway to behind the other, until it is stopped. */
export class Pings {
  readonly #child: ChildProcess
  #output = ""

  constructor(from: Gateway, to: Gateway, everyMs: number) {
    this.#child = spawn(
      "ip",
      [
        ...["netns", "exec", from.namespace, "ping", "-n", "-q", "-i", String(everyMs / 1000)],
        ...["-I", from.inside, to.inside],
      ],
      { stdio: ["ignore", "pipe", "ignore"] },
    )
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#output += chunk.toString("utf8")
    })
  }

  async stop(): Promise<PingFigures> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve))
    this.#child.kill("SIGINT")
    await ended
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(this.#output) ?? []
    if (sent === undefined) throw new Error(`ping said nothing of use: ${this.#output}`)
    return { sent: Number(sent), lost: Number(sent) - Number(received) }
  }
}

/**
 * Pings that may get lost over so many rotations, of those sent every 5 ms: the share. Few rotations on a machine with
 * much else to do say nothing of it: there at most 50 ms of silence a rotation, and never more than a fifth of a second.
 */
export function mayLose(sent: number, rotations: number, share: number): number {
  return Math.max(share * sent, Math.min(10 * rotations, 40))
}

/** One ping, yes or no. */
export async function reaches(from: Gateway, to: Gateway): Promise<boolean> {
  const ping = ["ping", "-n", "-c", "1", "-W", "1", "-I", from.inside, to.inside]
  return run("ip", ["netns", "exec", from.namespace, ...ping]).then(
    () => true,
    () => false,
  )
}

/** tcpdump at one end of the wire. */
export class Capture {
  readonly #child: ChildProcess
  readonly file: string

  private constructor(child: ChildProcess, file: string) {
    this.#child = child
    this.file = file
  }

  static async start(at: Gateway, file: string): Promise<Capture> {
    const child = spawn(
      "ip",
      [
        ...["netns", "exec", at.namespace, "tcpdump", "-i", at.wire, "-s", "0", "-U", "-n"],
        ...["-Z", "root", "-w", file],
      ],
      { stdio: ["ignore", "ignore", "pipe"] },
    )
    await new Promise<void>((resolve, reject) => {
      child.once("exit", () => {
        reject(new Error("tcpdump ended"))
      })
      child.stderr.on("data", (chunk: Buffer) => {
        if (chunk.toString().includes("listening")) resolve()
      })
    })
    child.removeAllListeners("exit")
    return new Capture(child, file)
  }

  async stop(): Promise<Buffer> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve))
    this.#child.kill("SIGINT")
    await ended
    return readFileSync(this.file)
  }

  /** Packets of a stopped capture that match a pcap filter. */
  async count(filter: string): Promise<number> {
    const { stdout } = await run("tcpdump", ["-n", "-r", this.file, "-Z", "root", filter], {
      maxBuffer: 512 * 1024 * 1024,
    })
    return stdout.split("\n").filter((line) => line !== "").length
  }
}

/** Every spelling that a careless program might leave of a key: raw, hexadecimal, base64. */
export function spellings(key: Buffer): Buffer[] {
  return [
    key,
    Buffer.from(key.toString("hex")),
    Buffer.from(key.toString("hex").toUpperCase()),
    Buffer.from(key.toString("base64").replace(/=+$/, "")),
    Buffer.from(key.toString("base64url")),
  ]
}

/** How many of the keys are found in a heap of bytes, in any spelling. */
export function keysFound(heap: Buffer, keys: Iterable<Buffer>): number {
  let found = 0
  for (const key of keys) if (spellings(key).some((text) => heap.includes(text))) found += 1
  return found
}

/** Sends bytes in clear over the wire: the positive control of a search in a capture. */
export async function sendInClear(from: Gateway, to: Gateway, bytes: Buffer): Promise<void> {
  const file = `/tmp/keyloom-control-${process.pid}`
  writeFileSync(file, bytes, { mode: 0o600 })
  try {
    const shell = ["bash", "-c", `cat ${file} > /dev/udp/${to.address}/9`]
    await run("ip", ["netns", "exec", from.namespace, ...shell])
  } finally {
    rmSync(file)
  }
}
