// The peer of bench/hsm-preload: a token's bare import, C_CreateObject in a loop and nothing else. Prints seconds.

import { randomBytes, randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { loadPkcs11 } from "../src/pkcs11/pkcs11-module.js"
import { Pkcs11Token } from "../src/consumer/pkcs11-token.js"

const [library = "", label = "", pinFile = "", count = "0"] = process.argv.slice(2)
const token = Pkcs11Token.open(
  await loadPkcs11(),
  library,
  label,
  readFileSync(pinFile, "utf8").trim(),
)
const startedAt = process.hrtime.bigint()
for (let i = 0; i < Number(count); i++) {
  token.importPlain({ keyId: randomUUID(), peer: "bare", way: "out" }, randomBytes(32))
}
process.stdout.write(`${Number(process.hrtime.bigint() - startedAt) / 1e9}\n`)
token.close()
