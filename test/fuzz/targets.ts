// What is fuzzed: each target takes any text. An answer or a tagged error is fine; anything else is a bug.

import { FrameReader } from "../../src/netconf/framing.js"
import { QkdError } from "../../src/errors.js"
import { checkData } from "../../src/yang/check-data.js"
import { Conditions } from "../../src/yang/conditions.js"
import { parseDataPath, valueAt } from "../../src/yang/data-path.js"
import { compileXPathFilter, filterXPath } from "../../src/yang/filter-xpath.js"
import { filterSubtree } from "../../src/yang/filter.js"
import { parseJson } from "../../src/yang/json.js"
import type { JsonObject } from "../../src/yang/json.js"
import { compileSchema } from "../../src/yang/schema.js"
import { parseFields, selectFields } from "../../src/yang/select.js"
import { childrenOf, parseXml, writeXml } from "../../src/yang/xml-tree.js"
import { parseXPath } from "../../src/yang/xpath-parse.js"
import { compileXsdPattern } from "../../src/yang/xsd-regex.js"

const schema = compileSchema([
  {
    name: "f",
    text: `module f { yang-version 1.1; namespace "urn:f"; prefix f; identity one;
      container top { list row { key id; leaf id { type uint8; } leaf text { type string; } leaf flag { type empty; } }
        leaf n { type int8; } leaf text { type string; } leaf a { type identityref { base one; } }
        container box { leaf-list b { type string; } anydata any; } } }`,
  },
])

const data: JsonObject = {
  "f:top": {
    row: Array.from({ length: 12 }, (_, id) => ({ id, text: `t${id}` })),
    n: 3,
    text: "abc",
    box: { b: ["x", "y"] },
  },
}

const LIMITS = {
  maxBytes: 65_536,
  maxDepth: 64,
  maxNodes: 10_000,
  maxAttributes: 32,
  maxAttributeLength: 4096,
}
const PREFIXES = new Map([["f", "urn:f"]])
const encoder = new TextEncoder()

/** Several readings of one text, of which some may be refused. */
function each(...readings: (() => unknown)[]): void {
  for (const reading of readings)
    try {
      reading()
    } catch (error) {
      if (!(error instanceof QkdError)) throw error
    }
}

function cut(text: string, chunked: boolean): void {
  const bytes = encoder.encode(text)
  const reader = new FrameReader(4096)
  if (chunked) reader.useChunked()
  // In pieces: messages arrive as the network likes.
  for (let at = 0; at < bytes.length; at += 7) {
    reader.push(bytes.subarray(at, at + 7))
    while (reader.next() !== undefined);
  }
}

/** Each throws only what is no tagged error. */
export const TARGETS: Readonly<Record<string, (text: string) => void>> = {
  framing: (text) => {
    each(
      () => {
        cut(text, false)
      },
      () => {
        cut(text, true)
      },
    )
  },
  xml: (text) => {
    each(
      () => {
        // What was read can be written and read again.
        const root = parseXml(text, LIMITS)
        parseXml(writeXml(root))
      },
      () => checkData(schema, text, "data"),
    )
  },
  json: (text) => {
    each(
      () => parseJson(text, { maxBytes: 65_536, maxDepth: 64 }),
      () => checkData(schema, text, "data"),
    )
  },
  yang: (text) => {
    each(() => compileSchema([{ name: "m", text }]))
  },
  xpath: (text) => {
    each(() => {
      const ast = parseXPath(text)
      const conditions = new Conditions(schema, schema.root, data)
      conditions.budget.left = 100_000
      const at = [...conditions.root.descendants()][5] ?? conditions.root
      const expression = { text, ast, prefixes: new Map([["f", "f"]]), module: "f" }
      conditions.evaluate(expression, at)
    })
  },
  filter: (text) => {
    each(
      () => filterSubtree(schema, data, childrenOf(parseXml(`<filter>${text}</filter>`, LIMITS))),
      () => selectFields(schema.root, data, parseFields(schema.root, text)),
      () => valueAt(data, parseDataPath(schema, text)),
      () => {
        const filter = compileXPathFilter(schema, { text, prefixes: PREFIXES })
        filterXPath(schema, data, filter)
      },
    )
  },
  pattern: (text) => {
    each(() => {
      const { matches } = compileXsdPattern(text)
      for (const tried of ["", "ab", "abcabc", "a".repeat(40), "x1.é", text]) matches(tried)
    })
  },
}
