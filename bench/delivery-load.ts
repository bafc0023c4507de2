// The two clients of bench/delivery.ts, asked for the same: so many requests as fast as answers come, or at even times. The
// light one is bench/delivery-load.c, built here where there is a C compiler and OpenSSL; the other runs in the bench itself.

import { spawn, spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { asQkdError } from "../src/errors.js"
import type { CertifiedKey } from "../src/transport/pki.js"
import { Client } from "./delivery-client.js"

export interface Side {
  readonly identity: CertifiedKey
  readonly authority: string
}

/** A place to ask for keys. */
export interface Target extends Side {
  readonly port: number
  readonly path: string
  readonly connections: number
  /** Cores that the light client may run on; one where nothing is said. */
  readonly cores?: string | number
}

export interface Load {
  /** As fast as answers come. @returns seconds */
  max(requests: number): Promise<number>
  /**
   * At even times, whether those before are answered or not.
   *
   * @returns milliseconds from when each was due
   */
  paced(requests: number, perS: number): Promise<number[]>
  close(): void
  /** Of the client, where it is a process of its own. */
  readonly pid?: number | undefined
}

export type Connect = (target: Target) => Promise<Load>

/** The light client, or undefined and a line that says why not. @param folder for the program and what it reads */
export function lightClient(folder: string, { identity, authority }: Side): Connect | undefined {
  const program = path.join(folder, "delivery-load")
  const source = path.join(fileURLToPath(new URL(".", import.meta.url)), "..", "..", "bench")
  const args = ["-O2", "-o", program, path.join(source, "delivery-load.c"), "-lssl", "-lcrypto"]
  const { status, stderr } = spawnSync("gcc", args, { encoding: "utf8" })
  if (status !== 0) {
    const why = status === null ? "no gcc" : (stderr.split("\n")[0] ?? "")
    console.log(`without the light client, so that latencies are the client's as well: ${why}`)
    return undefined
  }
  const files = ["client.pem", "client.key", "authority.pem"].map((name) => path.join(folder, name))
  const texts = [identity.certificatePem, identity.privateKeyPem, authority]
  for (const [nth, file] of files.entries()) writeFileSync(file, texts[nth] ?? "", { mode: 0o600 })
  return ({ port, path: target, connections, cores = CLIENT_CORE }) => {
    const words = [String(port), ...files, target, String(connections)]
    return Promise.resolve(new LightLoad(program, words, cores))
  }
}

class LightLoad implements Load {
  readonly #run
  readonly #lines

  constructor(program: string, words: readonly string[], cores: string | number) {
    this.#run = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] })
    pinTo(this.#run.pid, cores)
    this.#lines = createInterface({ input: this.#run.stdout })[Symbol.asyncIterator]()
  }

  get pid(): number | undefined {
    return this.#run.pid
  }

  async max(requests: number): Promise<number> {
    const [seconds = 0] = await this.#told(`max ${requests}`, 1)
    return seconds
  }

  async paced(requests: number, perS: number): Promise<number[]> {
    const us = await this.#told(`paced ${requests} ${perS}`, requests)
    return us.map((each) => each / 1000)
  }

  close(): void {
    this.#run.stdin.end()
  }

  async #told(order: string, count: number): Promise<number[]> {
    this.#run.stdin.write(`${order}\n`)
    const numbers: number[] = []
    while (numbers.length < count) {
      const line = await this.#lines.next()
      if (line.done === true) throw new Error("the light client has ended")
      numbers.push(Number(line.value))
    }
    return numbers
  }
}

/** In this process: its timers are up to a millisecond late, and it shares a core. */
export const ownClient: Connect = async ({ port, path: target, connections, ...side }) => {
  const client = await Client.connect(port, connections, side)
  return {
    max: async (requests) => {
      const began = performance.now()
      let left = requests
      const worker = async (): Promise<void> => {
        while (left-- > 0) await client.get(target)
      }
      await Promise.all(Array.from({ length: connections }, worker))
      return (performance.now() - began) / 1000
    },
    paced: (requests, perS) => paced(client, target, requests, perS),
    close: () => {
      client.close()
    },
  }
}

async function paced(
  client: Client,
  target: string,
  requests: number,
  perS: number,
): Promise<number[]> {
  const began = performance.now()
  const times = new Float64Array(requests)
  let answered = 0
  let failed: unknown
  for (let sent = 0; answered < requests; ) {
    const due = Math.min(requests, Math.ceil(((performance.now() - began) / 1000) * perS))
    for (; sent < due; sent++) {
      const at = began + (1000 * sent) / perS
      client.get(target).then(
        () => {
          times[answered++] = performance.now() - at
        },
        (fault: unknown) => (failed ??= fault),
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (failed !== undefined) throw asQkdError(failed)
  }
  return Array.from(times)
}

/** A server has one core to itself; the client, and the far site that keys are relayed to, share the other. */
export const [SERVER_CORE, CLIENT_CORE] = [0, 1]

/** All threads of a process, and those that it begins later. Where there is no taskset they go where they like. */
export function pinTo(pid: number | undefined, core: number | string): void {
  spawnSync("taskset", ["-a", "-p", "-c", String(core), String(pid)], { stdio: "ignore" })
}
