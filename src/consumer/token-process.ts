// The process that holds a token's session and nothing else. pkcs11js takes a PIN only as a string, which cannot be
// wiped: so it lives here, read from a descriptor, for as long as the login takes. Ends with its input.

import { closeSync, readFileSync } from "node:fs"
import { asQkdError, QkdError } from "../errors.js"
import { encodeFrame, type Frame, FrameReader } from "./frames.js"
import type { TokenKey } from "./hsm-token.js"
import { loadPkcs11 } from "./pkcs11-module.js"
import { Pkcs11Token } from "./pkcs11-token.js"
import type { Request } from "./token-requests.js"

const PIN_FD = 3

type Answer = { readonly result?: unknown; readonly bytes?: Buffer }

let token: Pkcs11Token | undefined

async function open(library: string, label: string): Promise<void> {
  const module = await loadPkcs11()
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

/** The bytes of a request in the parts it names. */
function partsOf(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  let at = 0
  return lengths.map((length) => bytes.subarray(at, (at += length)))
}

async function answer(request: Request, bytes: Buffer): Promise<Answer> {
  switch (request.op) {
    case "open":
      await open(request.library, request.label)
      return {}
    case "keys":
      return { result: opened().keys() satisfies TokenKey[] }
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
    case "prove":
      return { bytes: opened().prove(request.keyId, bytes) }
    case "encrypt":
    case "decrypt": {
      const [nonce, aad, data] = partsOf(bytes, request.parts)
      if (nonce === undefined || aad === undefined || data === undefined) {
        throw new QkdError("operation-failed", "a part is missing")
      }
      return { bytes: opened()[request.op](request.keyId, nonce, aad, data) }
    }
    case "spend":
      opened().spend(request.keyId)
      return {}
    case "destroy":
      opened().destroy(request.keyId)
      return {}
  }
}

async function serve({ header, bytes }: Frame): Promise<void> {
  const request = header as unknown as Request
  let frame: Buffer
  try {
    const { result, bytes: back } = await answer(request, bytes)
    frame = encodeFrame({ id: request.id, ok: true, result }, ...(back === undefined ? [] : [back]))
    back?.fill(0)
  } catch (error) {
    const { tag, appTag, message } = asQkdError(error)
    frame = encodeFrame({ id: request.id, ok: false, tag, appTag, message })
  } finally {
    bytes.fill(0)
  }
  process.stdout.write(frame, () => frame.fill(0))
}

// Who is asked to stop is the process that started this one; it closes our input when it is done.
process.on("SIGINT", () => undefined)
process.on("SIGTERM", () => undefined)
process.on("SIGUSR1", () => undefined)

const reader = new FrameReader()
let last = Promise.resolve()
process.stdin.on("data", (chunk: Buffer) => {
  for (const frame of reader.take(chunk)) last = last.then(() => serve(frame))
})
process.stdin.once("end", () => {
  void last.then(() => {
    token?.close()
    process.exit(0)
  })
})
