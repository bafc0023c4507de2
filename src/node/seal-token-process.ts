// The process that holds a node's session with its token, for as long as it takes to unwrap the sealing key and no
// longer. pkcs11js takes a PIN only as a string, which cannot be wiped: so it lives here. Ends with its input.

import { closeSync, readFileSync } from "node:fs"
import { asQkdError, QkdError } from "../errors.js"
import { loadPkcs11 } from "../pkcs11/pkcs11-module.js"
import { PIN_FD } from "../pkcs11/token-child.js"
import { encodeFrame, type Frame, FrameReader } from "../transport/frames.js"
import { SealToken } from "./seal-token.js"
import { readSealRequest, type SealOperation, type SealRequest } from "./seal-token-requests.js"

let token: SealToken | undefined

async function openToken(
  request: Extract<SealOperation, { op: "open-token" }>,
): Promise<SealToken> {
  const module = await loadPkcs11()
  const pin = readFileSync(PIN_FD)
  closeSync(PIN_FD)
  try {
    const { library, label, qkdnId } = request
    return SealToken.open(module, library, label, pin.toString("utf8").trimEnd(), qkdnId)
  } finally {
    pin.fill(0)
  }
}

function opened(): SealToken {
  if (token === undefined) throw new QkdError("operation-failed", "the token is not open")
  return token
}

async function answer(
  request: SealRequest,
  bytes: Buffer,
): Promise<{ readonly result?: unknown; readonly bytes?: Buffer }> {
  switch (request.op) {
    case "open-token":
      token = await openToken(request)
      return {}
    case "keys":
      return { result: opened().keys() }
    case "make":
    case "destroy":
      opened()[request.op](request.kekId)
      return {}
    case "seal":
    case "open": {
      const [nonce, aad] = request.parts
      return {
        bytes: opened()[request.op](
          request.kekId,
          bytes.subarray(0, nonce),
          bytes.subarray(nonce, nonce + aad),
          bytes.subarray(nonce + aad),
        ),
      }
    }
  }
}

async function serve({ header, bytes }: Frame): Promise<void> {
  const { id } = header
  let frame: Buffer
  try {
    const { result, bytes: back } = await answer(readSealRequest(header, bytes.length), bytes)
    frame = encodeFrame({ id, ok: true, result }, ...(back === undefined ? [] : [back]))
    back?.fill(0)
  } catch (error) {
    const { tag, appTag, message } = asQkdError(error)
    frame = encodeFrame({ id, ok: false, tag, appTag, message })
  } finally {
    bytes.fill(0)
  }
  process.stdout.write(frame, () => frame.fill(0))
}

// Who is asked to stop is the process that started this one; it closes our input when it is done.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"] as const)
  process.on(signal, () => undefined)

const reader = new FrameReader()
let last = Promise.resolve()
process.stdin.on("data", (chunk: Buffer) => {
  for (const frame of reader.take(chunk)) last = last.then(() => serve(frame))
})
// Killed: nobody hears the answer, and the input is at its end.
process.stdout.on("error", () => undefined)
process.stdin.once("end", () => {
  void last.then(() => {
    token?.close()
    process.exit(0)
  })
})
