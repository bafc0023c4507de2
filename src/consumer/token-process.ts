// What a site's token does for its consumer, in the process that holds the session.

import { QkdError } from "../errors.js"
import { lockFolder } from "../node/dir-lock.js"
import type { TokenKey } from "./hsm-token.js"
import { loadPkcs11 } from "../pkcs11/pkcs11-module.js"
import { serveToken, type TokenAnswer, withPin } from "../pkcs11/token-serve.js"
import { partsIn } from "../pkcs11/token-values.js"
import { Pkcs11Token } from "./pkcs11-token.js"
import { TokenQueue } from "./token-queue.js"
import { readRequest, type Request } from "./token-requests.js"

/** The process of a service that was killed ends with the call it is in. */
const LOCK_WAIT_MS = 10_000
const LOCK_TRY_MS = 50
const MAKING_MS = 1000

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
  token = withPin((pin) => Pkcs11Token.open(module, library, label, pin))
}

function opened(): Pkcs11Token {
  if (token === undefined) throw new QkdError("operation-failed", "the token is not open")
  return token
}

async function answer(request: Request, bytes: Buffer): Promise<TokenAnswer> {
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
      const transcripts = partsIn(bytes, request.parts)
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

serveToken({
  answer: ({ header, bytes }) => answer(readRequest(header, bytes.length), bytes),
  close: () => token?.close(),
  queue: new TokenQueue(),
})
