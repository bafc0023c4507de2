// The process that holds a token's session and nothing else. pkcs11js takes a PIN only as a string, which cannot be
// wiped: so it lives here, read from a descriptor, for as long as the login takes. Ends with its input.

import { closeSync, readFileSync } from "node:fs"
import { asQkdError, QkdError } from "../errors.js"
import { lockFolder } from "../node/dir-lock.js"
import { encodeFrame, type Frame, FrameReader } from "../transport/frames.js"
import type { TokenKey } from "./hsm-token.js"
import { loadPkcs11 } from "../pkcs11/pkcs11-module.js"
import { PIN_FD } from "../pkcs11/token-child.js"
import { Pkcs11Token } from "./pkcs11-token.js"
import { TokenQueue } from "./token-queue.js"
import { readRequest, type Request } from "./token-requests.js"

/** The process of a service that was killed ends with the call it is in. */
const LOCK_WAIT_MS = 10_000
const LOCK_TRY_MS = 50
const MAKING_MS = 1000

type Answer = { readonly result?: unknown; readonly bytes?: Buffer }

let token: Pkcs11Token | undefined

/** Before the PIN is read: who has to wait has not tried it. */
async function lock(dir: string): Promise<void> {
  const until = Date.now() + LOCK_WAIT_MS
  for (;;) {
    try {
      await lockFolder(dir)
      return
    } catch (error) {
      if (!(error instanceof QkdError) || error.tag !== "in-use" || Date.now() > until) throw error
      await new Promise((done) => setTimeout(done, LOCK_TRY_MS))
    }
  }
}

async function open({ library, label, lockDir }: Extract<Request, { op: "open" }>): Promise<void> {
  const module = await loadPkcs11()
  if (lockDir !== undefined) await lock(lockDir)
  const pin = readFileSync(PIN_FD)
  closeSync(PIN_FD)
  try {
    token = Pkcs11Token.open(module, library, label, pin.toString("utf8").trimEnd())
  } finally {
    pin.fill(0)
  }
}

function opened(): Pkcs11Token {
  if (token === undefined) throw new QkdError("operation-failed", "the token is not open")
  return token
}

async function answer(request: Request, bytes: Buffer): Promise<Answer> {
  switch (request.op) {
    case "open":
      await open(request)
      return {}
    case "keys":
      return { result: opened().keys() satisfies TokenKey[] }
    case "sweep":
      // Who is alive has made his object whole by then: other programs may use the token, too.
      if (opened().halves > 0) await new Promise((done) => setTimeout(done, MAKING_MS))
      return { result: opened().sweep() }
    case "import-plain":
      opened().importPlain(request.key, bytes)
      return {}
    case "import-wrapped":
      opened().importWrapped(request.key, bytes, request.by)
      return {}
    case "wrapping-key": {
      const { modulus, publicExponent } = opened().makeWrappingKey()
      return {
        result: [modulus.length, publicExponent.length],
        bytes: Buffer.concat([modulus, publicExponent]),
      }
    }
    case "kek":
      opened().takeKek(bytes)
      return {}
    case "prove": {
      let at = 0
      const transcripts = request.parts.map((length) => bytes.subarray(at, (at += length)))
      return { bytes: Buffer.concat(opened().prove(request.keyId, transcripts)) }
    }
    case "encrypt":
    case "decrypt": {
      const [nonce, aad] = request.parts
      return {
        bytes: opened()[request.op](
          request.keyId,
          bytes.subarray(0, nonce),
          bytes.subarray(nonce, nonce + aad),
          bytes.subarray(nonce + aad),
        ),
      }
    }
    case "spend":
      opened().spend(request.keyId)
      return {}
    case "destroy":
      opened().destroy(request.keyId)
      return {}
  }
}

async function serveAll(): Promise<void> {
  for (let frame = queue.take(); frame !== undefined; frame = queue.take()) await serve(frame)
}

async function serve({ header, bytes }: Frame): Promise<void> {
  const { id } = header
  let frame: Buffer
  try {
    // Whoever asked is gone: what it noted of this key says that it may not be in the token.
    if (ending) return
    const { result, bytes: back } = await answer(readRequest(header, bytes.length), bytes)
    frame = encodeFrame({ id, ok: true, result }, ...(back === undefined ? [] : [back]))
    back?.fill(0)
  } catch (error) {
    const { tag, appTag, message } = asQkdError(error)
    frame = encodeFrame({ id, ok: false, tag, appTag, message })
  } finally {
    bytes.fill(0)
  }
  process.stdout.write(frame, () => frame.fill(0))
  // So that what came meanwhile, or the end of the input, is seen between two calls, not after all that were read before.
  await new Promise((done) => setImmediate(done))
}

// Who is asked to stop is the process that started this one; it closes our input when it is done.
process.on("SIGINT", () => undefined)
process.on("SIGTERM", () => undefined)
process.on("SIGUSR1", () => undefined)

const reader = new FrameReader()
const queue = new TokenQueue()
let last = Promise.resolve()
let ending = false
process.stdin.on("data", (chunk: Buffer) => {
  for (const frame of reader.take(chunk)) queue.push(frame)
  last = last.then(serveAll)
})
// Killed: nobody hears the answer, and the input is at its end.
process.stdout.on("error", () => undefined)
process.stdin.once("end", () => {
  ending = true
  void last.then(() => {
    token?.close()
    process.exit(0)
  })
})
