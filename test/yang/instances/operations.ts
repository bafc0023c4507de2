// Draws what operations take and give and what notifications tell, valid and with one thing changed, and asks both of us
// about each.

import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { YangSearch } from "../../../src/cli/yang-search.js"
import { checkData } from "../../../src/yang/check-data.js"
import type { JsonObject } from "../../../src/yang/json.js"
import type { Schema, SchemaNode } from "../../../src/yang/schema.js"
import { encodeXml } from "../../../src/yang/xml.js"
import { refusedOperations } from "../yanglint.js"
import { breakJson, breakXml } from "./breaker.js"
import type { Drawn } from "./compare.js"
import { Maker } from "./maker.js"
import { schemaOfSet, type InstanceSet } from "./sets.js"
import { randomOf } from "./values.js"

type Kind = NonNullable<Drawn["kind"]>

interface Source {
  readonly kind: Kind
  /** Of the operation or the notification. */
  readonly named: SchemaNode
  /** What is inside. */
  readonly inside: SchemaNode
}

export type DrawnOperation = Drawn & { readonly kind: Kind }

function sourcesOf(schema: Schema, modules: ReadonlySet<string>): readonly Source[] {
  const found: Source[] = []
  for (const rpc of schema.rpcs.values())
    for (const [kind, part] of [
      ["rpc", "input"],
      ["reply", "output"],
    ] as const) {
      const inside = rpc.children.get(`${rpc.module}:${part}`)
      if (inside !== undefined && inside.members.size > 0) found.push({ kind, named: rpc, inside })
    }
  for (const named of schema.notificationRoot.members.values())
    found.push({ kind: "notif", named, inside: named })
  return found.filter(({ named }) => modules.has(named.module))
}

/** @param count of documents drawn from each operation's input, output, and each notification. */
export async function drawOperations(
  set: InstanceSet,
  seed: number,
  count: number,
  folder: string,
): Promise<readonly DrawnOperation[]> {
  const schema = schemaOfSet(set)
  const random = randomOf(seed)
  const maker = new Maker(schema, random)
  const names = set.modules.map((module) => path.basename(module, ".yang").replace(/@.*/, ""))
  const own = path.join(folder, `operations-${names.join("+")}-${seed}`)
  mkdirSync(own, { recursive: true })
  const made: { kind: Kind; format: "json" | "xml"; how?: string; text: string }[] = []
  // Few modules have replies, and many of those drawn are not valid.
  for (const { kind, named, inside } of sourcesOf(schema, new Set(names)))
    for (let n = 0; n < count * (kind === "reply" ? 3 : 1); n++) {
      const members = maker.draw(inside)
      const data: JsonObject = { [`${named.module}:${named.name}`]: members }
      const xml = `<${named.name} xmlns="${named.namespace}">${encodeXml(schema, members, inside)}</${named.name}>`
      made.push({ kind, format: "json", text: JSON.stringify(data) })
      made.push({ kind, format: "xml", text: xml })
      if (Object.keys(members).length === 0) continue
      made.push({ kind, format: "json", ...breakJson(data, random) })
      made.push({ kind, format: "xml", ...breakXml(xml, random) })
    }
  const files = made.map(({ kind, format, text }, i) => {
    const file = path.join(own, `${i}.${format}`)
    writeFileSync(file, text)
    return { file, type: kind }
  })
  const search = new YangSearch(set.folders)
  const modules = set.modules.map((module) => search.take(module).file)
  const refused = await refusedOperations(modules, set.folders, files)
  return made.map((one, i) => {
    const fault = checkData(schema, one.text, one.kind)[0]
    const theirs = refused.get(files[i]?.file ?? "")
    return {
      ...one,
      set: names.join(", "),
      ...(fault === undefined ? {} : { ours: `${fault.path}: ${fault.message}` }),
      ...(theirs === undefined ? {} : { theirs }),
    }
  })
}
