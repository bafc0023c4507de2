// The process that holds a node's session with its token, for as long as it takes to unwrap the sealing key and no
// longer.

import { QkdError } from "../errors.js"
import { loadPkcs11 } from "../pkcs11/pkcs11-module.js"
import { serveToken, type TokenAnswer, withPin } from "../pkcs11/token-serve.js"
import { SealToken } from "./seal-token.js"
import { readSealRequest, type SealOperation, type SealRequest } from "./seal-token-requests.js"

let token: SealToken | undefined

async function openToken(
  request: Extract<SealOperation, { op: "open-token" }>,
): Promise<SealToken> {
  const module = await loadPkcs11()
  const { library, label, qkdnId } = request
  return withPin((pin) => SealToken.open(module, library, label, pin, qkdnId))
}

function opened(): SealToken {
  if (token === undefined) throw new QkdError("operation-failed", "the token is not open")
  return token
}

async function answer(request: SealRequest, bytes: Buffer): Promise<TokenAnswer> {
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

serveToken({
  answer: ({ header, bytes }) => answer(readSealRequest(header, bytes.length), bytes),
  close: () => token?.close(),
})
