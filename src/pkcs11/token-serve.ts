// The process that holds a token's session and nothing else, from its own side: takes the questions of `token-child`, which
// started it, and writes the answers. pkcs11js takes a PIN only as a string, which cannot be wiped: so it lives here, read
// from a descriptor, for as long as the login takes. Ends with its input.

import { closeSync, readFileSync } from "node:fs"
import { asQkdError } from "../errors.js"
import { encodeFrame, type Frame, FrameReader } from "../transport/frames.js"
import { PIN_FD } from "./token-child.js"

export interface TokenAnswer {
  readonly result?: unknown
  /** Wiped once they are written. */
  readonly bytes?: Buffer
}

export interface TokenDuty {
  /** @throws QkdError for what cannot be read or done */
  answer(frame: Frame): Promise<TokenAnswer> | TokenAnswer
  close(): void
  /** Where not all are served in the order they come. */
  readonly queue?: Queue
}

interface Queue {
  push(frame: Frame): void
  take(): Frame | undefined
}

/** So long the answers of a quick token to questions of one kind wait for each other, to leave in one write. */
const TOGETHER_MS = 5

/** Once in a process: the descriptor is closed. */
export function withPin<T>(use: (pin: string) => T): T {
  const pin = readFileSync(PIN_FD)
  closeSync(PIN_FD)
  try {
    return use(pin.toString("utf8").trimEnd())
  } finally {
    pin.fill(0)
  }
}

/** Serves the process's input, one question after the other, until its end. */
export function serveToken(duty: TokenDuty): void {
  const queue = duty.queue ?? inOrder()
  const reader = new FrameReader()
  const { stdin, stdout } = process
  let last = Promise.resolve()
  let ending = false

  let held: { readonly sinceMs: number; readonly op: unknown } | undefined
  const hold = (op: unknown): void => {
    // Nobody waits for a slow import behind a quick proof.
    if (held?.op !== op) release()
    if (held === undefined) stdout.cork()
    held ??= { sinceMs: Date.now(), op }
  }
  const release = (): void => {
    if (held !== undefined) stdout.uncork()
    held = undefined
  }
  const serveAll = async (): Promise<void> => {
    for (let frame = queue.take(); frame !== undefined; frame = queue.take()) {
      hold(frame.header["op"])
      // Who has asked is gone: what it noted of this key says that it may not be in the token.
      const answered = ending ? undefined : await answerOf(duty, frame)
      frame.bytes.fill(0)
      if (answered !== undefined) stdout.write(answered, () => answered.fill(0))
      if (held !== undefined && Date.now() - held.sinceMs >= TOGETHER_MS) release()
      // So that what came meanwhile, or the end of the input, is seen between two calls, not after all that were read before.
      await new Promise((done) => setImmediate(done))
    }
    release()
  }

  // Who is asked to stop is the process that started this one; it closes our input when it is done.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"] as const)
    process.on(signal, () => undefined)
  stdin.on("data", (chunk: Buffer) => {
    for (const frame of reader.take(chunk)) queue.push(frame)
    last = last.then(serveAll)
  })
  // Killed: nobody hears the answer, and the input is at its end.
  stdout.on("error", () => undefined)
  stdin.once("end", () => {
    ending = true
    void last.then(() => {
      duty.close()
      process.exit(0)
    })
  })
}

async function answerOf(duty: TokenDuty, frame: Frame): Promise<Buffer> {
  const { id } = frame.header
  try {
    const { result, bytes } = await duty.answer(frame)
    const answered = encodeFrame({ id, ok: true, result }, ...(bytes === undefined ? [] : [bytes]))
    bytes?.fill(0)
    return answered
  } catch (error) {
    const { tag, appTag, message } = asQkdError(error)
    return encodeFrame({ id, ok: false, tag, appTag, message })
  }
}

function inOrder(): Queue {
  const frames: Frame[] = []
  return { push: (frame) => frames.push(frame), take: () => frames.shift() }
}
