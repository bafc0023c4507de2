// A man in the middle who has broken TLS: he owns the certificates of both ends of a link, reads every frame and
// may drop, repeat, reflect, reorder or change it. What he does not own is the link's key.

import tls from "node:tls"
import type { TLSSocket } from "node:tls"
import type { AddressInfo } from "node:net"
import { encodeFrame, FrameDecoder } from "../../src/node/relay-wire.js"
import type { Frame } from "../../src/node/relay-wire.js"
import type { SiteIdentity } from "./key-network.js"

/** `on`: to whom it was sent. `back`: to who sent it. */
export interface Passed {
  readonly on: Frame[]
  readonly back?: Frame[]
}

export type Tamper = (frame: Frame, from: "dialler" | "listener") => Passed

export const pass: Tamper = (frame) => ({ on: [frame] })

export class RelayProxy {
  tamper: Tamper = pass
  readonly #server: tls.Server
  readonly #sockets = new Set<TLSSocket>()
  #pair: { dialler: TLSSocket; listener: TLSSocket } | undefined

  /** Stands in for `listener` towards `dialler`, and the other way round at `port`. */
  constructor(
    dialler: Pick<SiteIdentity, "tls">,
    listener: Pick<SiteIdentity, "tls">,
    port: number,
  ) {
    this.#server = tls.createServer({
      cert: listener.tls.certificatePem,
      key: listener.tls.privateKeyPem,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: "TLSv1.3",
    })
    this.#server.on("secureConnection", (near) => {
      const far = tls.connect({
        host: "127.0.0.1",
        port,
        cert: dialler.tls.certificatePem,
        key: dialler.tls.privateKeyPem,
        rejectUnauthorized: false,
        minVersion: "TLSv1.3",
      })
      this.#pair = { dialler: near, listener: far }
      this.#carry(near, far, "dialler")
      this.#carry(far, near, "listener")
    })
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve)
    })
    return (this.#server.address() as AddressInfo).port
  }

  /** Says something of his own. */
  inject(to: "dialler" | "listener", frame: Frame): void {
    this.#pair?.[to].write(encodeFrame(frame.kind, frame.body))
  }

  /** Breaks the connection; it will be dialled again. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
  }

  #carry(from: TLSSocket, to: TLSSocket, name: "dialler" | "listener"): void {
    this.#sockets.add(from)
    const decoder = new FrameDecoder()
    from.on("data", (chunk: Buffer) => {
      for (const frame of decoder.feed(chunk)) {
        const { on, back = [] } = this.tamper(frame, name)
        for (const one of on) to.write(encodeFrame(one.kind, one.body))
        for (const one of back) from.write(encodeFrame(one.kind, one.body))
      }
    })
    from.on("error", () => undefined)
    from.on("close", () => {
      this.#sockets.delete(from)
      to.destroy()
    })
  }
}

/** The frame with one bit changed; negative places count from the end. */
export function flipped({ kind, body }: Frame, place: number): Frame {
  const changed = Buffer.from(body)
  const at = place < 0 ? changed.length + place : place
  changed[at] = (changed[at] ?? 0) ^ 1
  return { kind, body: changed }
}

/** Frames are views of a buffer that is overwritten: to keep one, copy it. */
export function copyOf({ kind, body }: Frame): Frame {
  return { kind, body: Buffer.from(body) }
}
