// One thing changed in a document, as JSON or as XML, without asking the schema: what comes out may be wrong in any of
// the ways data can be, or still be right.

import type { JsonObject, JsonValue } from "../../../src/yang/json.js"
import { childrenOf, parseXml, textOf, writeXml } from "../../../src/yang/xml-tree.js"
import type { XmlElement } from "../../../src/yang/xml-tree.js"
import type { Random } from "./values.js"

const TEXTS = [
  "",
  "x",
  "-1",
  "0",
  "300",
  "65536",
  "4294967296",
  "true",
  "True",
  "1.5",
  " a",
  "a b",
  "m:x",
  "::",
  "9".repeat(21),
]
const VALUES: readonly JsonValue[] = [
  ...TEXTS,
  ...[0, -1, 300, 65536, 4294967296, 1.5, 1e30, true, false, null],
  ...[[], [null], [1], {}, { x: 1 }],
]

function pick<T>(from: readonly T[], random: Random): T {
  const found = from[Math.floor(random() * from.length)]
  if (found === undefined) throw new Error("nothing to pick from")
  return found
}

interface Site {
  readonly holder: Record<string, JsonValue>
  readonly name: string
}

function* sites(value: JsonValue): Iterable<Site> {
  if (Array.isArray(value)) for (const item of value as JsonValue[]) yield* sites(item)
  else if (typeof value === "object" && value !== null) {
    const holder = value as Record<string, JsonValue>
    for (const name of Object.keys(holder)) {
      yield { holder, name }
      yield* sites(holder[name] ?? null)
    }
  }
}

/** The document with one thing changed; what was done, for messages. */
export function breakJson(data: JsonObject, random: Random): { text: string; how: string } {
  const copy = JSON.parse(JSON.stringify(data)) as Record<string, JsonValue>
  const { holder, name } = pick([...sites(copy)], random)
  const value = holder[name] ?? null
  const list = Array.isArray(value) ? (value as JsonValue[]) : undefined
  const ways: [string, () => void][] = [
    ["deleted", () => Reflect.deleteProperty(holder, name)],
    [
      "renamed",
      () => {
        Reflect.deleteProperty(holder, name)
        holder[`${name}x`] = value
      },
    ],
    [
      "of another module",
      () => {
        Reflect.deleteProperty(holder, name)
        holder[`nobody:${name}`] = value
      },
    ],
    ["replaced", () => (holder[name] = pick(VALUES, random))],
    ["replaced", () => (holder[name] = pick(VALUES, random))],
    ["wrapped", () => (holder[name] = [value])],
    [
      "with a stranger inside",
      () => {
        const inner = list?.[0] ?? value
        if (typeof inner === "object" && inner !== null && !Array.isArray(inner))
          (inner as Record<string, JsonValue>)["stranger"] = 1
        else holder["stranger"] = 1
      },
    ],
    [
      "as text",
      () => (holder[name] = typeof value === "string" ? Number(value) || 7 : JSON.stringify(value)),
    ],
  ]
  if (list !== undefined && list.length > 0)
    ways.push(
      ["doubled", () => list.push(list[0] ?? null)],
      ["doubled", () => list.push(JSON.parse(JSON.stringify(list[0])) as JsonValue)],
      ["emptied", () => list.splice(0)],
      ["unwrapped", () => (holder[name] = list[0] ?? null)],
    )
  if (typeof value === "string")
    ways.push(
      ["longer", () => (holder[name] = `${value}~`)],
      ["shorter", () => (holder[name] = value.slice(1))],
      [
        "otherwise qualified",
        () => (holder[name] = value.includes(":") ? value.replace(/^[^:]*:/, "") : `x:${value}`),
      ],
    )
  const [how, change] = pick(ways, random)
  change()
  return { text: JSON.stringify(copy), how: `${name} ${how}` }
}

interface Loose extends XmlElement {
  name: string
  ns: string
  children: (Loose | string)[]
}

function loosen(element: XmlElement): Loose {
  return {
    ...element,
    children: element.children.map((child) => (typeof child === "string" ? child : loosen(child))),
  }
}

function* places(element: Loose): Iterable<{ readonly parent: Loose; readonly child: Loose }> {
  for (const child of element.children)
    if (typeof child !== "string") {
      yield { parent: element, child }
      yield* places(child)
    }
}

/** The same with the XML form, given as text of one or more elements. */
export function breakXml(xml: string, random: Random): { text: string; how: string } {
  const root = loosen(parseXml(`<data>${xml}</data>`))
  const { parent, child } = pick([...places(root)], random)
  const at = parent.children.indexOf(child)
  const { name } = child
  const isLeaf = childrenOf(child).length === 0
  const ways: [string, () => void][] = [
    ["deleted", () => parent.children.splice(at, 1)],
    ["doubled", () => parent.children.push(child)],
    ["renamed", () => (child.name = `${name}x`)],
    ["of another namespace", () => (child.ns = "urn:nobody")],
    ["with text inside", () => child.children.push("text")],
    [
      "with a stranger inside",
      () => child.children.push({ ...child, name: "stranger", children: [] }),
    ],
    ["emptied", () => (child.children = [])],
  ]
  if (isLeaf)
    for (let i = 0; i < 6; i++)
      ways.push([
        "replaced",
        () =>
          (child.children = [
            pick([...TEXTS, `${textOf(child)}~`, textOf(child).slice(1)], random),
          ]),
      ])
  const [how, change] = pick(ways, random)
  change()
  return { text: childrenOf(root).map(writeXml).join(""), how: `${name} ${how}` }
}
