// SoftHSM tokens in a private folder.

import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import path from "node:path"

export const SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
export const PIN = "48151623"

/** Why tokens cannot be tried here, or undefined. */
export function noSoftHsm(): string | undefined {
  if (!existsSync(SOFTHSM)) return "SoftHSM is not installed"
  try {
    createRequire(import.meta.url).resolve("pkcs11js")
    return undefined
  } catch {
    return "the optional package pkcs11js is not installed"
  }
}

export interface SoftTokens {
  /** Value of SOFTHSM2_CONF. */
  readonly conf: string
  readonly tokenDir: string
  /** File with the right PIN. */
  readonly pinFile: string
}

/** Tokens with these labels in `dir`. */
export function makeTokens(dir: string, labels: readonly string[]): SoftTokens {
  const tokenDir = path.join(dir, "tokens")
  mkdirSync(tokenDir, { recursive: true })
  const conf = path.join(dir, "softhsm2.conf")
  writeFileSync(
    conf,
    `directories.tokendir = ${tokenDir}\nobjectstore.backend = file\nlog.level = ERROR\n`,
  )
  const pinFile = path.join(dir, "pin")
  writeFileSync(pinFile, `${PIN}\n`, { mode: 0o600 })
  for (const label of labels) {
    const args = ["--init-token", "--free", "--label", label, "--so-pin", "87654321", "--pin", PIN]
    execFileSync("softhsm2-util", args, { env: { ...process.env, SOFTHSM2_CONF: conf } })
  }
  return { conf, tokenDir, pinFile }
}
