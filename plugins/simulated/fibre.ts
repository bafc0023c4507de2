// The simulated fibre plant: every fibre of a demo network, in one loopback TCP server. Two modules attach to
// the ends of a fibre; while it is whole and both are there, each sees light and their lines pass. A cut takes
// the light from both and tells nobody else. No key byte ever comes here: the ends only exchange nonces, block
// numbers and measurements.

import { createHash, timingSafeEqual } from "node:crypto"
import { createServer, type Server, type Socket } from "node:net"
import { QkdError } from "../../src/plugin/index.js"
import { type FibreEndName, LineReader, parseAttach } from "./lines.js"

export interface FibreSpec {
  readonly id: string
  /** Loss of the quantum channel; told to the modules with the light. */
  readonly lossDb?: number
}

export interface FibreReport {
  readonly id: string
  readonly whole: boolean
  readonly lossDb?: number
  /** Which ends have a module attached. */
  readonly attached: readonly FibreEndName[]
}

interface Fibre {
  readonly id: string
  lossDb: number | undefined
  whole: boolean
  readonly ends: Map<FibreEndName, Socket>
  lit: boolean
}

/** Until a connection has said what it is; mute ones are dropped. */
const ATTACH_DEADLINE_MS = 5000
/** A module that does not read this much is hung, not slow. */
const MAX_UNREAD_BYTES = 1 << 20

export class FibrePlant {
  readonly #tokenDigest: Buffer
  readonly #fibres = new Map<string, Fibre>()
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  /** @param options.token what a module must show to be attached */
  constructor(options: { readonly token: string }) {
    this.#tokenDigest = digest(options.token)
  }

  /** Lays a fibre, whole. @throws QkdError `data-exists` for a second one with the same id. */
  add(fibre: FibreSpec): void {
    if (this.#fibres.has(fibre.id))
      throw new QkdError("data-exists", `a fibre ${fibre.id} is already laid`)
    const { id, lossDb } = fibre
    this.#fibres.set(id, { id, lossDb, whole: true, ends: new Map(), lit: false })
  }

  /** Breaks a fibre; harmless when it is broken already. @throws QkdError `data-missing` for an unknown one. */
  cut(id: string): void {
    const fibre = this.#known(id)
    fibre.whole = false
    this.#shine(fibre)
  }

  /** Splices a fibre; harmless when it is whole. @throws QkdError `data-missing` for an unknown one. */
  mend(id: string): void {
    const fibre = this.#known(id)
    fibre.whole = true
    this.#shine(fibre)
  }

  /** Bends or relaxes a fibre: the modules see the new loss at once, as a new light. */
  setLossDb(id: string, lossDb: number): void {
    const fibre = this.#known(id)
    fibre.lossDb = lossDb
    this.#darken(fibre)
    this.#shine(fibre)
  }

  state(): readonly FibreReport[] {
    return [...this.#fibres.values()].map(({ id, whole, lossDb, ends }) => ({
      id,
      whole,
      ...(lossDb === undefined ? {} : { lossDb }),
      attached: [...ends.keys()].sort(),
    }))
  }

  /**
   * Starts taking modules on loopback. May be called again after a failure.
   *
   * @param port 0 takes a free one
   */
  async listen(port: number): Promise<{ port: number; close(): Promise<void> }> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.#accept(socket)
    })
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen({ host: "127.0.0.1", port, exclusive: true }, resolve)
    })
    this.#server = server
    const address = server.address()
    const taken = typeof address === "object" && address !== null ? address.port : port
    return { port: taken, close: () => this.close() }
  }

  /** Hangs up on every module. The fibres stay laid; `listen` starts again. */
  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    if (server !== undefined)
      await new Promise<void>((done) =>
        server.close(() => {
          done()
        }),
      )
  }

  #known(id: string): Fibre {
    const fibre = this.#fibres.get(id)
    if (fibre === undefined) throw new QkdError("data-missing", `no fibre is called ${id}`)
    return fibre
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    const reader = new LineReader()
    let place: { readonly fibre: Fibre; readonly end: FibreEndName } | undefined
    socket.setTimeout(ATTACH_DEADLINE_MS, () => socket.destroy())
    socket.on("data", (chunk) => {
      const lines = reader.push(chunk)
      if (lines === null) {
        socket.destroy()
        return
      }
      for (const line of lines) {
        if (place === undefined) {
          place = this.#attach(socket, line)
          if (place === undefined) return
        } else this.#carry(place.fibre, place.end, socket, line)
      }
    })
    socket.on("error", () => undefined)
    socket.on("close", () => {
      this.#sockets.delete(socket)
      if (place === undefined || place.fibre.ends.get(place.end) !== socket) return
      place.fibre.ends.delete(place.end)
      this.#shine(place.fibre)
    })
  }

  #attach(socket: Socket, line: string): { fibre: Fibre; end: FibreEndName } | undefined {
    const wanted = parseAttach(line)
    const fibre = wanted === undefined ? undefined : this.#fibres.get(wanted.fibreId)
    const entitled =
      wanted !== undefined && timingSafeEqual(digest(wanted.token), this.#tokenDigest)
    if (wanted === undefined || fibre === undefined || !entitled) {
      socket.end(entitled ? "rno such fibre\n" : "rnot entitled\n")
      return undefined
    }
    socket.setTimeout(0)
    // A module that came back before its old connection was missed takes its own place.
    const old = fibre.ends.get(wanted.end)
    if (old !== undefined) {
      fibre.ends.delete(wanted.end)
      this.#shine(fibre)
      old.destroy()
    }
    fibre.ends.set(wanted.end, socket)
    // The first thing a module hears is whether there is light.
    if (!(fibre.whole && fibre.ends.size === 2)) send(socket, 'l{"on":false}')
    this.#shine(fibre)
    return { fibre, end: wanted.end }
  }

  #carry(fibre: Fibre, from: FibreEndName, socket: Socket, line: string): void {
    if (!fibre.lit || fibre.ends.get(from) !== socket) return
    const other = fibre.ends.get(from === "a" ? "b" : "a")
    if (other !== undefined) send(other, `f${line}`)
  }

  #shine(fibre: Fibre): void {
    const lit = fibre.whole && fibre.ends.size === 2
    if (lit === fibre.lit) return
    fibre.lit = lit
    const light =
      lit && fibre.lossDb !== undefined ? { on: lit, lossDb: fibre.lossDb } : { on: lit }
    for (const socket of fibre.ends.values()) send(socket, `l${JSON.stringify(light)}`)
  }

  #darken(fibre: Fibre): void {
    const { whole } = fibre
    fibre.whole = false
    this.#shine(fibre)
    fibre.whole = whole
  }
}

function send(socket: Socket, line: string): void {
  if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy()
  else socket.write(`${line}\n`, "latin1")
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest()
}
