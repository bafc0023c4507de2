// Two sites on loopback that deliver key streams (ETSI GS QKD 004), in front of real key managers, and a client that
// is not ours.

import assert from "node:assert/strict"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import path from "node:path"
import { createInterface } from "node:readline"
import type { DeliveryRecord } from "../../src/node/delivery-record.js"
import { listenEtsi004 } from "../../src/node/etsi004.js"
import type { Etsi004Options } from "../../src/node/etsi004.js"
import type { Face } from "../../src/node/http-face.js"
import type { SitePolicy } from "../../src/keys/policy.js"
import { HOMES, TwoSites } from "./etsi014-sites.js"
import type { Site } from "./etsi014-sites.js"

export interface Qos {
  readonly key_chunk_size?: number
  readonly max_bps?: number
  readonly min_bps?: number
  readonly jitter?: number
  readonly priority?: number
  readonly timeout?: number
  readonly ttl?: number
  readonly metadata_mimetype?: string
}

export interface Answer {
  readonly status?: number
  readonly key_stream_id?: string
  readonly qos?: Required<Qos>
  readonly index?: number
  readonly key_buffer?: string
  readonly metadata?: { readonly size: number; readonly buffer?: string }
  readonly error?: { readonly message: string; readonly path?: string }
}

export interface Told {
  readonly answers: readonly Answer[]
  readonly tls: string
  readonly ended?: boolean
}

export interface How {
  /** Which connection; one for each SAE where absent. */
  readonly connection?: string
  readonly site?: Site
  readonly tls12?: boolean
  /** As it is, without an end of line. */
  readonly raw?: boolean
  readonly answers?: number
  /** Sent so many bytes at a time. */
  readonly pieces?: number
  /** Waits for the connection to end. */
  readonly ends?: boolean
}

export class StreamSites {
  readonly sites: TwoSites
  readonly audited: DeliveryRecord[] = []
  readonly #faces = new Map<Site, Face>()
  readonly #client: ChildProcessWithoutNullStreams
  readonly #waiting = new Map<number, (told: Told) => void>()
  #calls = 0
  #served = 0

  constructor(options?: ConstructorParameters<typeof TwoSites>[0]) {
    this.sites = new TwoSites(options)
    const script = path.join(import.meta.dirname, "etsi004-client.py")
    this.#client = spawn("/usr/bin/python3", [script, this.sites.folder])
    createInterface({ input: this.#client.stdout }).on("line", (line) => {
      const told = JSON.parse(line) as Told & { id: number }
      this.#waiting.get(told.id)?.(told)
      this.#waiting.delete(told.id)
    })
    this.#client.stderr.on("data", (text: Buffer) => {
      process.stderr.write(text)
    })
  }

  async start(): Promise<void> {
    await this.sites.start()
    for (const site of ["A", "B"] as const) await this.serve(site)
  }

  async serve(site: Site, over: Partial<Etsi004Options> = {}): Promise<void> {
    await this.#faces.get(site)?.close()
    const { host, policy, desk, log } = this.sites.parts(site)
    const face = await listenEtsi004({
      ...{ host, port: this.#faces.get(site)?.port ?? 0, policy, desk, log },
      tls: this.sites.tls(site),
      livesHere: (saeId) => policy().ownsSae(saeId),
      streams: this.sites.network.manager(site === "A" ? 0 : 1).streams,
      audit: (record) => {
        this.audited.push(record)
      },
      ...over,
    })
    this.#faces.set(site, face)
    this.#served += 1
  }

  /** The key manager of a site ends and begins again with what is on its disk. */
  async restart(site: Site): Promise<void> {
    await this.sites.network.restart(site === "A" ? 0 : 1)
    await this.serve(site)
  }

  portOf(site: Site): number {
    return this.#faces.get(site)?.port ?? 0
  }

  policy(site: Site): () => SitePolicy {
    return this.sites.parts(site).policy
  }

  /** `call` is sent as JSON, or as it is where it is text. */
  async ask(who: string | null, call: unknown, how: How = {}): Promise<Told> {
    const site = how.site ?? (HOMES.B.some((sae) => sae === who) ? "B" : "A")
    const id = ++this.#calls
    const request = {
      id,
      who: who === null ? null : encodeURIComponent(who),
      connection:
        how.connection ?? `${who ?? "nobody"} ${site} ${String(how.tls12)} ${this.#served}`,
      port: this.#faces.get(site)?.port,
      text: typeof call === "string" ? call : JSON.stringify(call),
      ...how,
    }
    const told = new Promise<Told>((resolve) => {
      this.#waiting.set(id, resolve)
    })
    this.#client.stdin.write(`${JSON.stringify(request)}\n`)
    return told
  }

  async one(who: string, call: unknown, how: How = {}): Promise<Answer> {
    const { answers } = await this.ask(who, call, how)
    const [answer] = answers
    if (answer === undefined) throw new Error("no answer")
    return answer
  }

  open(
    who: string,
    peer: string,
    ksid?: string,
    qos: Qos = { timeout: 5000 },
    how: How = {},
  ): Promise<Answer> {
    const data = { source: who, destination: peer, qos, ...(ksid && { key_stream_id: ksid }) }
    return this.one(who, { command: "OPEN_CONNECT", data }, how)
  }

  get(who: string, ksid: string, index?: number, how: How = {}, more = {}): Promise<Answer> {
    const data = { key_stream_id: ksid, ...(index !== undefined && { index }), ...more }
    return this.one(who, { command: "GET_KEY", data }, how)
  }

  shut(who: string, ksid: string): Promise<Answer> {
    return this.one(who, { command: "CLOSE", data: { key_stream_id: ksid } })
  }

  /** A stream that both have opened. */
  async both(who: string, peer: string, qos?: Qos): Promise<string> {
    const first = await this.open(who, peer, undefined, qos)
    const { key_stream_id: ksid = "" } = first
    const second = await this.open(peer, who, ksid, qos)
    if (first.status !== 1 || second.status !== 0)
      throw new Error(`not open: ${JSON.stringify([first, second])}`)
    return ksid
  }

  /** Both ends get the same chunk of that index. */
  async assertSame(ksid: string, index: number, pair = ["alice", "bob"]): Promise<void> {
    const [here = "", there = ""] = pair
    const [one, other] = [await this.get(here, ksid, index), await this.get(there, ksid, index)]
    assert.deepEqual([one.status, one.index], [0, index])
    assert.deepEqual(one, other)
  }

  async shutBoth(ksid: string, pair = ["alice", "bob"]): Promise<void> {
    for (const who of pair) await this.shut(who, ksid)
  }

  async close(): Promise<void> {
    this.#client.stdin.end()
    this.#client.kill()
    for (const face of this.#faces.values()) await face.close()
    await this.sites.close()
  }
}

export function assertChunk(answer: Answer, index: number, bytes = 32): void {
  const { status, key_buffer: text = "" } = answer
  const key = Buffer.from(text, "base64")
  assert.deepEqual(
    { status, index: answer.index, bytes: key.length },
    { status: 0, index, bytes },
    JSON.stringify({ ...answer, key_buffer: undefined }),
  )
  assert.equal(key.toString("base64"), text)
}
