// A token process without a token, for token-serve.test.ts: says the PIN's length, echoes, refuses, or waits for a file.

import { existsSync } from "node:fs"
import { QkdError } from "../../src/errors.js"
import { serveToken, withPin } from "../../src/pkcs11/token-serve.js"

const served: unknown[] = []

serveToken({
  answer: async ({ header, bytes }) => {
    served.push(header["n"])
    switch (header["op"]) {
      case "pin":
        return { result: withPin((pin) => pin.length) }
      case "wait":
        while (!existsSync(String(header["file"])))
          await new Promise((done) => setTimeout(done, 20))
        return {}
      case "refuse":
        throw new QkdError("access-denied", "not this one", { appTag: "policy" })
      case "served":
        return { result: [...served] }
      default:
        return { bytes: Buffer.from(bytes) }
    }
  },
  close: () => undefined,
})
