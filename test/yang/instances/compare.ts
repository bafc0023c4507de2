// Draws documents, valid ones and ones with one thing changed, and asks both of us about each.

import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { checkData } from "../../../src/yang/check-data.js"
import { encodeXml } from "../../../src/yang/xml.js"
import { refusedFiles } from "../yanglint.js"
import { breakJson, breakXml } from "./breaker.js"
import { Maker } from "./maker.js"
import { schemaOfSet } from "./sets.js"
import type { InstanceSet } from "./sets.js"
import { randomOf } from "./values.js"

export interface Drawn {
  readonly set: string
  readonly format: "json" | "xml"
  /** Absent for data. */
  readonly kind?: "rpc" | "reply" | "notif"
  /** What was changed; absent for a document that should be valid. */
  readonly how?: string
  readonly text: string
  /** What we find wrong. */
  readonly ours?: string
  /** What yanglint finds wrong. */
  readonly theirs?: string
}

/** @param count of valid documents; of each some are broken in one way, as JSON and as XML. */
export async function drawAndCompare(
  set: InstanceSet,
  seed: number,
  count: number,
  folder: string,
): Promise<readonly Drawn[]> {
  const schema = schemaOfSet(set)
  const random = randomOf(seed)
  const maker = new Maker(schema, random)
  const made: { format: "json" | "xml"; how?: string; text: string }[] = []
  for (let tries = 0; tries < count * 4 && made.length < count * 6; tries++) {
    const data = maker.make()
    if (data === undefined || Object.keys(data).length === 0) continue
    const xml = encodeXml(schema, data)
    made.push({ format: "json", text: JSON.stringify(data) }, { format: "xml", text: xml })
    for (let i = 0; i < 2; i++) {
      made.push({ format: "json", ...breakJson(data, random) })
      made.push({ format: "xml", ...breakXml(xml, random) })
    }
  }
  const names = set.modules.map((module) => path.basename(module, ".yang"))
  const own = path.join(folder, `${names.join("+")}-${seed}`)
  mkdirSync(own, { recursive: true })
  const files = made.map(({ format, text }, i) => {
    const file = path.join(own, `${i}.${format}`)
    writeFileSync(file, text)
    return { file, type: "data" }
  })
  const refused = await refusedFiles(set.modules, set.folders, files)
  return made.map((one, i) => {
    const fault = checkData(schema, one.text, "data")[0]
    const theirs = refused.get(files[i]?.file ?? "")
    return {
      ...one,
      set: names.join(", "),
      ...(fault === undefined ? {} : { ours: `${fault.path}: ${fault.message}` }),
      ...(theirs === undefined ? {} : { theirs }),
    }
  })
}
