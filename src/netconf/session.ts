// What both ends of a session share: hello, framing, deadline, one orderly end. Does not know operations.
//
//   waiting ──hello──▶ open ──▶ ended        every fault before or in framing goes straight to ended

import { QkdError, asQkdError } from "../errors.js"
import { XML_LIMITS, type XmlElement, type XmlLimits } from "../yang/xml-tree.js"
import type { NetconfClock } from "./clock.js"
import { FrameReader, frame, type Framing } from "./framing.js"
import { agreeFraming, helloXml, parseHello, parseMessage, type Hello } from "./messages.js"
import type { BytePipe } from "./pipe.js"

export interface SessionLimits {
  /** Until the other side's hello is there; milliseconds. */
  readonly helloTimeoutMs: number
  /** One message, either way of framing. */
  readonly maxMessageBytes: number
  /** Of the XML inside. */
  readonly maxXmlDepth: number
  readonly maxXmlNodes: number
}

/** What a client sends is small: an edit of thousands of entries still fits. */
export const SERVER_LIMITS: SessionLimits = {
  helloTimeoutMs: 10_000,
  maxMessageBytes: 8 * 1024 * 1024,
  maxXmlDepth: 64,
  maxXmlNodes: 200_000,
}

/** What a node answers to a whole get may be large. */
export const CLIENT_LIMITS: SessionLimits = {
  helloTimeoutMs: 10_000,
  maxMessageBytes: 64 * 1024 * 1024,
  maxXmlDepth: 128,
  maxXmlNodes: 4_000_000,
}

/** What the owner of an endpoint hears. `ended` comes once and is the last call. */
export interface SessionEvents {
  /** The other side's hello was good. */
  opened(hello: Hello): void
  message(element: XmlElement, bytes: number): void
  /** A whole frame that is not acceptable XML. The framing is intact: the owner decides whether to end. */
  badMessage(error: QkdError): void
  ended(reason: QkdError): void
}

export interface EndpointOptions {
  readonly role: "client" | "server"
  readonly hello: Hello
  readonly pipe: BytePipe
  readonly clock: NetconfClock
  readonly limits: SessionLimits
  readonly events: SessionEvents
}

/** The reason of an end that was wanted, by us or by the other side. */
export function closedError(why: string): QkdError {
  return new QkdError("operation-failed", why, { appTag: "closed" })
}

export class SessionEndpoint {
  readonly #options: EndpointOptions
  readonly #reader: FrameReader
  readonly #xmlLimits: XmlLimits
  #framing: Framing = "end-of-message"
  #state: "waiting" | "open" | "ended" = "waiting"
  #held = false
  #cancelDeadline: () => void = () => undefined

  constructor(options: EndpointOptions) {
    this.#options = options
    const { limits } = options
    this.#reader = new FrameReader(limits.maxMessageBytes)
    this.#xmlLimits = {
      ...XML_LIMITS,
      maxBytes: limits.maxMessageBytes,
      maxDepth: limits.maxXmlDepth,
      maxNodes: limits.maxXmlNodes,
    }
  }

  get ended(): boolean {
    return this.#state === "ended"
  }

  get framing(): Framing {
    return this.#framing
  }

  /** Sends our hello without waiting for theirs (RFC 6241 section 8.1) and starts the deadline. */
  start(): void {
    const { pipe, hello, clock, limits } = this.#options
    this.#cancelDeadline = clock.after(limits.helloTimeoutMs, () => {
      this.end(
        new QkdError("operation-failed", `no hello within ${limits.helloTimeoutMs} ms`, {
          appTag: "timeout",
        }),
      )
    })
    pipe.send(frame(helloXml(hello), "end-of-message"))
  }

  /** Bytes from the transport. */
  receive(bytes: Uint8Array): void {
    if (this.#state === "ended") return
    this.#reader.push(bytes)
    this.#pump()
  }

  /** One message out, framed. Nothing leaves after the end. */
  send(message: string): void {
    if (this.#state === "ended") return
    this.#options.pipe.send(frame(message, this.#framing))
  }

  /** One message that is framed already, for several sessions. */
  sendFramed(bytes: Uint8Array): void {
    if (this.#state === "ended") return
    this.#options.pipe.send(bytes)
  }

  /** Takes no more messages until `release`, and reads no more bytes from the transport. */
  hold(): void {
    if (this.#held || this.#state === "ended") return
    this.#held = true
    this.#options.pipe.pause()
  }

  release(): void {
    if (!this.#held || this.#state === "ended") return
    this.#held = false
    this.#options.pipe.resume()
    this.#pump()
  }

  /** Ends the session, once; later calls change nothing. What was sent still leaves. */
  end(reason: QkdError): void {
    if (this.#state === "ended") return
    this.#state = "ended"
    this.#cancelDeadline()
    this.#options.pipe.close()
    this.#options.events.ended(reason)
  }

  #pump(): void {
    while (!this.#held && this.#state !== "ended") {
      let bytes: Uint8Array | undefined
      try {
        bytes = this.#reader.next()
      } catch (error) {
        // RFC 6242 section 4.2: after a framing fault the session must be terminated.
        this.end(asQkdError(error))
        return
      }
      if (bytes === undefined) return
      if (this.#state === "waiting") this.#hello(bytes)
      else this.#message(bytes)
    }
  }

  #hello(bytes: Uint8Array): void {
    const { role, hello, events } = this.#options
    try {
      const from = role === "server" ? "client" : "server"
      const theirs = parseHello(parseMessage(bytes, this.#xmlLimits), from)
      this.#framing = agreeFraming(hello.capabilities, theirs.capabilities)
      if (this.#framing === "chunked") this.#reader.useChunked()
      this.#state = "open"
      this.#cancelDeadline()
      events.opened(theirs)
    } catch (error) {
      this.end(asQkdError(error))
    }
  }

  #message(bytes: Uint8Array): void {
    const { events } = this.#options
    let element: XmlElement
    try {
      element = parseMessage(bytes, this.#xmlLimits)
    } catch (error) {
      events.badMessage(asQkdError(error))
      return
    }
    events.message(element, bytes.length)
  }
}
