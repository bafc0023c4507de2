// A node for the driver suite: our own NETCONF server with the 015 schema, over a pipe in memory. Holds what it is
// given, and misbehaves on request. Makes no key and opens no port.

import { QkdError } from "../errors.js"
import { nodeConfigFromData, nodeConfigToData } from "../model/etsi015.js"
import { notificationFromNodeEvent } from "../model/etsi015-notify.js"
import type { NodeConfig } from "../model/node.js"
import type { NetconfBackend } from "../netconf/backend.js"
import type { NetconfClientSession } from "../netconf/client.js"
import { ClientSession } from "../netconf/client-session.js"
import type { NetconfClock } from "../netconf/clock.js"
import type { BytePipe, PipeUser } from "../netconf/pipe.js"
import { NetconfServer } from "../netconf/server.js"
import { loadYangFiles } from "../transport/yang-files.js"
import { compileSchema, type Schema } from "../yang/schema.js"
import type { FakeNode, FakeNodeOptions } from "./conformance.js"

const MODULES = ["ietf-inet-types", "ietf-yang-types", "etsi-qkd-node-types", "etsi-qkd-sdn-node"]
const schemas = new Map<boolean, Schema>()

function schemaFor(keyloom: boolean): Schema {
  const known = schemas.get(keyloom)
  if (known !== undefined) return known
  const names = keyloom ? [...MODULES, "keyloom-node"] : MODULES
  const schema = compileSchema(loadYangFiles(names), { implement: names.slice(2) })
  schemas.set(keyloom, schema)
  return schema
}

/** Time runs this much faster for sessions with a fake node: deadlines of seconds are seen in tests. */
const HASTE = 50

const hastyClock: NetconfClock = {
  now: () => Date.now(),
  after: (ms, alarm) => {
    const timer = setTimeout(alarm, ms / HASTE)
    return () => {
      clearTimeout(timer)
    }
  },
}

/** Server deadlines (a hello within seconds) are not for the haste of tests. */
const patientClock: NetconfClock = {
  now: () => Date.now(),
  after: (ms, alarm) => {
    const timer = setTimeout(alarm, ms)
    return () => {
      clearTimeout(timer)
    }
  },
}

/** Starts one. */
export function startFakeNode(options: FakeNodeOptions): Promise<FakeNode> {
  return Promise.resolve(new MemoryNode(options))
}

class MemoryNode implements FakeNode {
  readonly target = {
    host: "fake.invalid",
    port: 830,
    username: "controller",
    privateKeyFile: "/credentials/never-to-be-logged",
    hostKeyFingerprint: "SHA256:fake",
  }
  readonly #server: NetconfServer
  readonly #qkdnId: string
  readonly #wires = new Set<Wire>()
  readonly #refusals: string[] = []
  #refusal: QkdError | undefined
  #changes = 0

  constructor({ qkdnId, keyloom }: FakeNodeOptions) {
    this.#qkdnId = qkdnId
    const backend: NetconfBackend = {
      schema: schemaFor(keyloom),
      state: () => ({}),
      prepareEdit: () => {
        const refusal = this.#refusal
        this.#refusal = undefined
        if (refusal !== undefined) return Promise.reject(refusal)
        return Promise.resolve({
          commit: () => {
            this.#changes += 1
            return Promise.resolve()
          },
        })
      },
      rpc: (name, input) => {
        if (name !== "keyloom-node:refuse-application")
          return Promise.reject(new QkdError("operation-not-supported", name))
        const said = new Map(Object.entries(input).map(([k, v]) => [k.replace(/^.*:/, ""), v]))
        const clients = said.get("client_app_id")
        const named = Array.isArray(clients) ? clients.join(", ") : ""
        this.#refusals.push(
          `${textOf(said.get("server_app_id"))} > ${named}: ${textOf(said.get("app_tag"))}`,
        )
        return Promise.resolve({})
      },
    }
    const initial = nodeConfigToData({ qkdnId, links: [], apps: [], peers: [] })
    this.#server = new NetconfServer({ backend, initial, clock: patientClock })
  }

  async open(signal: AbortSignal): Promise<NetconfClientSession> {
    const wire = new Wire()
    this.#wires.add(wire)
    const client = new ClientSession(wire.clientPipe, hastyClock)
    wire.client = client
    wire.server = this.#server.open(wire.serverPipe, { username: "controller", address: "memory" })
    const abort = (): void => {
      client.abort(new QkdError("operation-failed", "aborted", { appTag: "closed" }))
      wire.cut("aborted")
    }
    signal.addEventListener("abort", abort, { once: true })
    return client.ready()
  }

  config(): NodeConfig {
    return nodeConfigFromData(this.#server.datastore.running)
  }

  changes(): number {
    return this.#changes
  }

  emit(event: Parameters<FakeNode["emit"]>[0]): void {
    const { name, data } = notificationFromNodeEvent(event, this.#qkdnId)
    this.#server.notify({ [name]: data })
  }

  refuseNext(error: QkdError): void {
    this.#refusal = error
  }

  refusals(): readonly string[] {
    return this.#refusals
  }

  garble(): void {
    const noise = new TextEncoder().encode("\n#99999999999999\nHTTP/1.1 400 Bad Request\r\n\r\n")
    for (const wire of this.#wires) wire.client?.receive(noise)
  }

  hush(): void {
    for (const wire of this.#wires) wire.hushed = true
  }

  drop(): void {
    for (const wire of this.#wires) wire.cut("connection lost")
  }

  close(): Promise<void> {
    this.drop()
    return Promise.resolve()
  }
}

/** Two pipes that are each other's far end. */
class Wire {
  client: PipeUser | undefined
  server: PipeUser | undefined
  /** What the server says is lost. */
  hushed = false
  #cut = false
  readonly clientPipe: BytePipe
  readonly serverPipe: BytePipe

  constructor() {
    this.clientPipe = this.#pipe((bytes) => this.server?.receive(bytes))
    this.serverPipe = this.#pipe((bytes) => {
      if (!this.hushed) this.client?.receive(bytes)
    })
  }

  cut(why: string): void {
    if (this.#cut) return
    this.#cut = true
    this.client?.closed(why)
    this.server?.closed(why)
  }

  #pipe(deliver: (bytes: Uint8Array) => void): BytePipe {
    return {
      // Never in the sender's own turn: a real socket does not either.
      send: (bytes) => {
        setImmediate(() => {
          if (!this.#cut) deliver(bytes)
        })
      },
      queuedBytes: () => 0,
      onceDrained: (call) => {
        call()
      },
      pause: () => undefined,
      resume: () => undefined,
      close: () => {
        setImmediate(() => {
          this.cut("closed by the other side")
        })
      },
    }
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : ""
}
