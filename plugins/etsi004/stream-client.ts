// A client of ETSI GS QKD 004 V2.1.1 as it is carried here: mutual TLS, a line of JSON a call (decision 0057). Key bits
// go from the line into a Secret; no string ever holds them, and the line is wiped.

import tls, { type TLSSocket } from "node:tls"
import {
  isObject,
  type JsonObject,
  type JsonValue,
  QkdError,
  readBase64,
  type Secret,
  unmovedBuffer,
} from "../../src/plugin/index.js"

export interface ClientOptions {
  readonly host: string
  readonly port: number
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly authorityPem: string
  readonly timeoutMs: number
}

export interface StreamAnswer {
  /** Absent: the call was refused, as `error` says. */
  readonly status?: number
  readonly index?: number
  readonly key?: Secret
  readonly qos?: JsonObject
  readonly error?: string
}

const CLOSED = "the connection was closed"
const NEWLINE = 0x0a
const QUOTE = 0x22
const MAX_LINE_BYTES = 1 << 18
const KEY_MEMBER = Buffer.from('"key_buffer"')

/** One call at a time: the next is sent when the last one's answer is here. */
export class StreamClient {
  readonly #options: ClientOptions
  #socket: TLSSocket | undefined
  #line: Buffer = Buffer.alloc(0)
  #answered: ((answer: StreamAnswer | QkdError) => void) | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /**
   * @param waitMs how long the other end may take, beside what its answer needs on the way
   * @throws QkdError app-tags `node-unreachable`, `timeout`; `malformed-message` for what is no answer
   */
  call(command: string, data: JsonObject, waitMs = 0): Promise<StreamAnswer> {
    const mine = this.#turn.then(() => this.#call(command, data, waitMs))
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  /** The call under way fails, and all later ones: nothing is connected again. */
  close(): void {
    this.#closed = true
    this.#fail(unreachable(CLOSED))
  }

  async #call(command: string, data: JsonObject, waitMs: number): Promise<StreamAnswer> {
    if (this.#closed) throw unreachable(CLOSED)
    const socket = await this.#connected()
    const { timeoutMs } = this.#options
    const answer = await new Promise<StreamAnswer | QkdError>((resolve) => {
      const timer = setTimeout(() => {
        this.#fail(new QkdError("operation-failed", "no answer in time", { appTag: "timeout" }))
      }, timeoutMs + waitMs)
      this.#answered = (said) => {
        clearTimeout(timer)
        this.#answered = undefined
        resolve(said)
      }
      socket.write(`${JSON.stringify({ command, data })}\n`)
    })
    if (answer instanceof QkdError) throw answer
    return answer
  }

  #connected(): Promise<TLSSocket> {
    const socket = this.#socket
    if (socket !== undefined && !socket.destroyed) return Promise.resolve(socket)
    const { host, port, certificatePem, privateKeyPem, authorityPem, timeoutMs } = this.#options
    return new Promise((resolve, reject) => {
      const opened = tls.connect({
        ...{ host, port, cert: certificatePem, key: privateKeyPem, ca: [authorityPem] },
        minVersion: "TLSv1.2",
        servername: /^[0-9.]+$|:/.test(host) ? "" : host,
      })
      const refused = (why: string): void => {
        clearTimeout(timer)
        opened.destroy()
        reject(unreachable(why))
      }
      const timer = setTimeout(() => {
        refused("no connection in time")
      }, timeoutMs)
      opened.once("error", (error: Error) => {
        refused(error.message)
      })
      opened.once("secureConnect", () => {
        if (this.#closed) {
          refused(CLOSED)
          return
        }
        clearTimeout(timer)
        opened.removeAllListeners("error")
        opened.on("error", (error: Error) => {
          this.#fail(unreachable(error.message))
        })
        opened.on("close", () => {
          if (this.#socket === opened) this.#fail(unreachable("the connection ended"))
        })
        opened.on("data", (chunk: Buffer) => {
          this.#take(chunk)
        })
        opened.setNoDelay(true)
        this.#socket = opened
        resolve(opened)
      })
    })
  }

  #take(chunk: Buffer): void {
    const line = unmovedBuffer(this.#line.length + chunk.length)
    line.set(this.#line)
    line.set(chunk, this.#line.length)
    this.#line.fill(0)
    chunk.fill(0)
    this.#line = line
    const end = line.indexOf(NEWLINE)
    if (end < 0) {
      if (line.length > MAX_LINE_BYTES) this.#fail(malformed("an answer without end"))
      return
    }
    const answered = this.#answered
    // Nobody has asked for more than one answer.
    if (answered === undefined || end + 1 < line.length) {
      this.#fail(malformed("an answer that nobody asked for"))
      return
    }
    this.#line = Buffer.alloc(0)
    try {
      answered(readAnswer(line.subarray(0, end)))
    } catch (cause) {
      const fault = cause instanceof QkdError ? cause : malformed("no answer")
      answered(fault)
      this.#fail(fault)
    } finally {
      line.fill(0)
    }
  }

  #fail(error: QkdError): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#line.fill(0)
    this.#line = Buffer.alloc(0)
    socket?.destroy()
    this.#answered?.(error)
  }
}

/** @throws QkdError `malformed-message`, without anything of the line. */
export function readAnswer(line: Buffer): StreamAnswer {
  let key: Secret | undefined
  try {
    const at = line.indexOf(KEY_MEMBER)
    if (at >= 0) {
      const start = line.indexOf(QUOTE, at + KEY_MEMBER.length) + 1
      const end = start === 0 ? -1 : line.indexOf(QUOTE, start)
      // Nothing but what stands between name and text of a member.
      const between = line.toString("latin1", at + KEY_MEMBER.length, Math.max(0, start))
      if (end < 0 || !/^\s*:\s*"$/.test(between)) throw malformed("an answer that is cut off")
      key = readBase64(line.subarray(start, end))
      line.fill(0x20, start, end)
    }
    let value: JsonValue | undefined
    try {
      value = JSON.parse(line.toString("utf8")) as JsonValue
    } catch {
      // Its message would hold a piece of the line.
    }
    if (!isObject(value)) throw malformed("an answer that is no object")
    const { status, index, qos, error } = value
    if (status === undefined && error === undefined) throw malformed("an answer without status")
    return {
      ...(whole(status, "status") !== undefined && { status: whole(status, "status") ?? 0 }),
      ...(whole(index, "index") !== undefined && { index: whole(index, "index") ?? 0 }),
      ...(isObject(qos) && { qos }),
      ...(error !== undefined && { error: wordsOf(error) }),
      ...(key !== undefined && { key }),
    }
  } catch (cause) {
    key?.wipe()
    throw cause
  }
}

function whole(value: JsonValue | undefined, name: string): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value
  throw malformed(`an answer whose ${name} is no number`)
}

function wordsOf(error: JsonValue): string {
  const said = isObject(error) ? error["message"] : error
  return typeof said === "string" ? said.slice(0, 200) : "refused"
}

function malformed(what: string): QkdError {
  return new QkdError("malformed-message", `the maker's key manager sent ${what}`)
}

function unreachable(why: string): QkdError {
  return new QkdError("operation-failed", why, { appTag: "node-unreachable" })
}
