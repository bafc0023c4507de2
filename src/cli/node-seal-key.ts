// `keyloom node seal-key`: the sealing key of a node whose configuration has it wrapped in a PKCS#11 token.

import path from "node:path"
import { QkdError } from "../errors.js"
import { createSealingKey, rotateSealingKey, type SealKeyPlace } from "../node/seal-key.js"
import { sealKeyState } from "../node/seal-key.js"
import { readSealingKeyFile } from "../node/sealing-key.js"
import { readNodeFiles } from "./node-files.js"

function placesOf(files: readonly string[]): (SealKeyPlace & { readonly name: string })[] {
  return readNodeFiles(files).map(({ sealingKey, dir, name, qkdnId }, at) => {
    if (sealingKey.kind !== "token")
      throw new QkdError(
        "invalid-value",
        `${files[at] ?? ""}: the sealing key is not in a token (sealing_key_token)`,
      )
    return { setting: sealingKey, dir, name: name === "" ? qkdnId : name }
  })
}

/** @param importFile a sealing key that stores are sealed under already: it stays the key, wrapped in the token */
export async function createSealKey(files: readonly string[], importFile?: string): Promise<void> {
  const places = placesOf(files)
  if (importFile !== undefined && places.length > 1)
    throw new QkdError("invalid-value", "--import is for one node: name one configuration")
  for (const { name, ...place } of places) {
    const former = importFile === undefined ? undefined : await readSealingKeyFile(importFile)
    if (importFile !== undefined && former === undefined)
      throw new QkdError("invalid-value", `there is no ${importFile}`)
    try {
      const kekId = await createSealingKey(place, process.env, former)
      process.stdout.write(
        `${name}: sealing key ${former === undefined ? "made" : "taken over"}, wrapped under key ${kekId} ` +
          `of token ${place.setting.label} in ${place.setting.keyFile}\n`,
      )
      if (importFile !== undefined)
        process.stdout.write(
          `${path.resolve(importFile)} opens the stores still: rotate (keyloom node seal-key rotate), then destroy it\n`,
        )
    } finally {
      former?.wipe()
    }
  }
}

export async function rotateSealKey(files: readonly string[]): Promise<void> {
  for (const { name, ...place } of placesOf(files)) {
    const kekId = await rotateSealingKey(place, process.env)
    process.stdout.write(
      `${name}: a new sealing key, wrapped under key ${kekId}; the former key is destroyed\n`,
    )
  }
}

export async function showSealKey(files: readonly string[]): Promise<void> {
  for (const { name, setting } of placesOf(files)) {
    const { kekId, rotating, others } = await sealKeyState(setting, process.env)
    process.stdout.write(
      `${name}: wrapped under key ${kekId} of token ${setting.label}, which opens it\n`,
    )
    if (rotating) process.stdout.write("  a rotation was broken off: rotate again finishes it\n")
    if (others > 0)
      process.stdout.write(
        `  ${others} other keys of this node are in the token: the next rotation destroys them\n`,
      )
  }
}
