// A NETCONF server in memory: a small schema, a backend that can refuse, a clock that is moved by hand, pipes
// without sockets. No YANG but what stands here.

import { QkdError } from "../../src/errors.js"
import type { Caller, EditRequest, NetconfBackend } from "../../src/netconf/backend.js"
import { ClientSession, type ClientOptions } from "../../src/netconf/client-session.js"
import type { NetconfClock } from "../../src/netconf/clock.js"
import type { BytePipe, PipeUser } from "../../src/netconf/pipe.js"
import { NetconfServer, type ServerOptions } from "../../src/netconf/server.js"
import type { ServerLimits } from "../../src/netconf/server-limits.js"
import type { SessionReport } from "../../src/netconf/session-report.js"
import {
  PROTOCOL_FEATURES,
  PROTOCOL_IMPORTS,
  PROTOCOL_MODULES,
} from "../../src/netconf/protocol-modules.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import type { JsonObject } from "../../src/yang/json.js"
import { compileSchema, type Schema } from "../../src/yang/schema.js"

export const NS = "urn:keyloom:test:depot"

export const MODULE = `module depot {
  yang-version 1.1;
  namespace "${NS}";
  prefix d;
  revision 2026-01-01;

  container depot {
    leaf name { type string { length "1..20"; } }
    leaf limit { type uint32 { range "0..100"; } }
    list shelf {
      key "id";
      unique "place";
      leaf id { type string; }
      leaf colour { type enumeration { enum red; enum green; } }
      leaf place { type uint8; }
      leaf weight { type uint64; config false; }
      leaf kind { type string; default "open"; }
    }
    leaf mode { type enumeration { enum quiet; enum loud; } default "quiet"; }
    leaf favourite { type leafref { path "../shelf/id"; } }
    leaf-list tag { type string; }
    leaf total { type uint32; config false; }
  }

  rpc empty-shelf {
    input {
      leaf id { type string; mandatory true; }
    }
    output {
      leaf taken { type uint32; }
    }
  }
  rpc ping;

  notification shelf-empty {
    leaf id { type string; }
    leaf colour { type enumeration { enum red; enum green; } }
  }
}
`

let compiled: Schema | undefined

export function depotSchema(): Schema {
  return (compiled ??= compileSchema(
    [{ name: "depot", text: MODULE }, ...loadYangFiles([...PROTOCOL_MODULES, ...PROTOCOL_IMPORTS])],
    { implement: ["depot", ...PROTOCOL_MODULES], features: PROTOCOL_FEATURES },
  ))
}

/** Time that stands still until it is moved. */
export class ManualClock implements NetconfClock {
  #now = Date.UTC(2026, 0, 1)
  #alarms: { at: number; ring: () => void }[] = []

  now(): number {
    return this.#now
  }

  after(ms: number, alarm: () => void): () => void {
    const entry = { at: this.#now + ms, ring: alarm }
    this.#alarms.push(entry)
    return () => {
      this.#alarms = this.#alarms.filter((a) => a !== entry)
    }
  }

  pass(ms: number): void {
    this.#now += ms
    const due = this.#alarms.filter((a) => a.at <= this.#now)
    this.#alarms = this.#alarms.filter((a) => a.at > this.#now)
    for (const { ring } of due) ring()
  }

  get pending(): number {
    return this.#alarms.length
  }
}

export class DepotBackend implements NetconfBackend {
  readonly schema = depotSchema()
  readonly edits: EditRequest[] = []
  readonly log: string[] = []
  refusal: QkdError | undefined
  commitFault: QkdError | undefined
  /** Each preparation waits for it. */
  gate: Promise<void> = Promise.resolve()
  forbidden = new Set<string>()
  replay?: NonNullable<NetconfBackend["replay"]>
  weights: Record<string, string> = {}

  state(): JsonObject {
    const shelf = Object.entries(this.weights).map(([id, weight]) => ({ id, weight }))
    return { "depot:depot": { total: 7, ...(shelf.length === 0 ? {} : { shelf }) } }
  }

  async prepareEdit(edit: EditRequest): Promise<{ commit(): Promise<void>; abort(): void }> {
    this.edits.push(edit)
    await this.gate
    if (this.refusal !== undefined) throw this.refusal
    return {
      commit: () => {
        if (this.commitFault !== undefined) return Promise.reject(this.commitFault)
        this.log.push("commit")
        return Promise.resolve()
      },
      abort: () => {
        this.log.push("abort")
      },
    }
  }

  rpc(name: string, input: JsonObject, caller: Caller): Promise<JsonObject> {
    this.log.push(`${name} ${JSON.stringify(input)} by ${caller.username}`)
    if (input["id"] === "bug") return Promise.reject(new TypeError("a bug with details"))
    return Promise.resolve(name === "depot:empty-shelf" ? { taken: 3 } : {})
  }

  allows(operation: string): boolean {
    return !this.forbidden.has(operation)
  }
}

/** One direction of a pipe: bytes go to `to` in later turns, in order, unless it is paused or stalled. */
export class MemoryPipe implements BytePipe {
  peer: PipeUser | undefined
  closed = false
  /** A peer that does not read: everything stays queued. */
  stalled = false
  /** Cut everything into pieces of this many bytes. */
  pieces = Number.POSITIVE_INFINITY
  otherEnd: MemoryPipe | undefined
  #queue: Uint8Array[] = []
  #held = 0
  #paused = false
  #drained: (() => void)[] = []
  readonly sent: Uint8Array[] = []

  send(bytes: Uint8Array): void {
    if (this.closed) return
    this.sent.push(bytes)
    this.#held += bytes.length
    for (let at = 0; at < bytes.length; at += this.pieces)
      this.#queue.push(bytes.slice(at, at + this.pieces))
    setImmediate(() => {
      this.flow()
    })
  }

  /** Moves what may move. */
  flow(): void {
    while (!this.stalled && this.otherEnd?.reading !== false && this.#queue.length > 0) {
      const next = this.#queue.shift() ?? new Uint8Array(0)
      this.#held -= next.length
      this.peer?.receive(next)
    }
    if (this.#held === 0) for (const call of this.#drained.splice(0)) call()
    if (this.closed && this.#queue.length === 0) this.peer?.closed("other side closed")
  }

  get reading(): boolean {
    return !this.#paused
  }

  queuedBytes(): number {
    return this.#held
  }

  onceDrained(call: () => void): void {
    this.#drained.push(call)
    setImmediate(() => {
      this.flow()
    })
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    setImmediate(() => this.otherEnd?.flow())
  }

  close(): void {
    this.closed = true
    setImmediate(() => {
      this.flow()
    })
  }
}

export interface Depot<B extends NetconfBackend = NetconfBackend> {
  readonly clock: ManualClock
  readonly backend: B
  readonly server: NetconfServer
  readonly reports: SessionReport[]
  /** A client with its hello done. */
  readonly connect: (
    options?: ClientOptions & { username?: string; groups?: readonly string[]; pieces?: number },
  ) => Promise<Connected>
  /** A peer of which every byte is the test's own. */
  readonly raw: (username?: string) => RawPeer
}

export interface Connected {
  readonly client: ClientSession
  readonly toClient: MemoryPipe
  readonly toServer: MemoryPipe
}

export function depot(initial?: JsonObject, limits?: Partial<ServerLimits>): Depot<DepotBackend>
export function depot<B extends NetconfBackend>(
  initial: JsonObject,
  limits: Partial<ServerLimits>,
  backend: B,
  options?: Partial<ServerOptions>,
): Depot<B>
export function depot(
  initial: JsonObject = {},
  limits: Partial<ServerLimits> = {},
  backend: NetconfBackend = new DepotBackend(),
  options: Partial<ServerOptions> = {},
): Depot {
  const clock = new ManualClock()
  const reports: SessionReport[] = []
  const server = new NetconfServer({
    backend,
    initial,
    clock,
    limits,
    report: (report) => reports.push(report),
    ...options,
  })
  return {
    clock,
    backend,
    server,
    reports,
    connect: async ({ username = "alice", groups, pieces, ...options } = {}) => {
      const toServer = new MemoryPipe()
      const toClient = new MemoryPipe()
      toServer.otherEnd = toClient
      toClient.otherEnd = toServer
      if (pieces !== undefined) toServer.pieces = toClient.pieces = pieces
      const who = { username, address: "192.0.2.1", ...(groups === undefined ? {} : { groups }) }
      toServer.peer = server.open(toClient, who)
      const client = new ClientSession(toServer, clock, options)
      toClient.peer = client
      await client.ready()
      await settle() // our hello is there as well
      return { client, toClient, toServer }
    },
    raw: (username = "mallory") => new RawPeer(server, username),
  }
}

export const HELLO_1_1 =
  '<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.1</capability></capabilities></hello>]]>]]>'
export const HELLO_1_0 = HELLO_1_1.replace("base:1.1", "base:1.0")

/** Writes bytes, reads text. */
export class RawPeer {
  readonly pipe = new MemoryPipe()
  readonly #user: PipeUser
  #text = ""
  gone = false

  constructor(server: NetconfServer, username: string) {
    this.pipe.peer = {
      receive: (bytes) => {
        this.#text += new TextDecoder().decode(bytes)
      },
      closed: () => {
        this.gone = true
      },
    }
    this.#user = server.open(this.pipe, { username, address: "192.0.2.66" })
  }

  write(text: string | Uint8Array): void {
    this.#user.receive(typeof text === "string" ? new TextEncoder().encode(text) : text)
  }

  /** One message in chunks. */
  chunk(text: string): void {
    this.write(`\n#${new TextEncoder().encode(text).length}\n${text}\n##\n`)
  }

  hangUp(): void {
    this.#user.closed("hung up")
  }

  /** Everything the server has said since the last time, once it has nothing more to say. */
  async heard(): Promise<string> {
    await settle()
    const text = this.#text
    this.#text = ""
    return text
  }
}

/** Lets everything that can happen without time passing happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** `tag app-tag` of the error, or "none". */
export async function faultOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return "none"
  } catch (error) {
    if (!(error instanceof QkdError)) throw error
    return error.appTag === undefined ? error.tag : `${error.tag} ${error.appTag}`
  }
}

/** XML of the depot with these children. */
export function depotXml(children: string): string {
  return `<depot xmlns="${NS}">${children}</depot>`
}
