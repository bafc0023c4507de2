// What the YANG tests share: the shipped modules, the standard's own files beside the checkout, yanglint.

import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { QkdError } from "../../src/errors.js"
import type { ErrorTag } from "../../src/errors.js"
import { compileSchema } from "../../src/yang/schema.js"
import type { CompileOptions, Schema } from "../../src/yang/schema.js"
import { childrenOf, parseXml } from "../../src/yang/xml-tree.js"
import type { XmlElement } from "../../src/yang/xml-tree.js"

/** The standard's files, outside the repository. */
export const official = path.resolve(
  import.meta.dirname,
  "../../../shared/conformance/etsi-qkd-yang",
)

export const ETSI_MODULES = [
  "ietf-inet-types",
  "ietf-yang-types",
  "etsi-qkd-node-types",
  "etsi-qkd-sdn-node",
]

export const NODE_NS = "urn:etsi:qkd:yang:etsi-qkd-node"
export const TYPES_NS = "urn:etsi:qkd:yang:etsi-qkd-node-types"

/** Skip, saying why, when the official files are not beside the checkout. */
export function needOfficial(test: Mocha.Context): void {
  if (existsSync(official)) return
  console.error(`      skipped: ${official} is not there`)
  test.skip()
}

/** Skip, saying why, when yanglint is not installed. */
export function needYanglint(test: Mocha.Context): void {
  if (spawnSync("yanglint", ["--version"]).status === 0) return
  console.error("      skipped: yanglint (Debian package libyang-tools) is not installed")
  test.skip()
}

let shipped: Schema | undefined

/** The shipped 015 modules, compiled once. */
export function etsiSchema(): Schema {
  shipped ??= compileSchema(loadYangFiles(ETSI_MODULES))
  return shipped
}

const VARIANTS = {
  official: "etsi-qkd-sdn-node@2022-01-30.yang",
  teraflow: "variants/teraflow/etsi-qkd-sdn-node@2022-01-30.yang",
  corrected: "variants/when-corrected/etsi-qkd-sdn-node@2022-01-30.yang",
} as const

export type Variant = keyof typeof VARIANTS

const DEPS = [
  "deps/ietf-inet-types@2013-07-15.yang",
  "deps/ietf-yang-types@2013-07-15.yang",
  "etsi-qkd-node-types@2022-01-30.yang",
]

/** One of the official files, or a variant of them, compiled. */
export function officialSchema(variant: Variant, options: CompileOptions = {}): Schema {
  const files = [...DEPS, VARIANTS[variant]]
  return compileSchema(
    files.map((file) => ({
      name: path.basename(file),
      text: readFileSync(path.join(official, file), "utf8"),
    })),
    options,
  )
}

/** Does yanglint accept an instance of the 015 model? */
export function yanglintAccepts(
  variant: Variant,
  type: "config" | "data" | "notif" | "nc-notif" | "get",
  format: "xml" | "json",
  text: string,
): boolean {
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-yang-"))
  try {
    const file = path.join(folder, `instance.${format}`)
    writeFileSync(file, text)
    const args = ["-p", path.join(official, "deps"), "-p", official, "-t", type]
    const modules = [path.join(official, DEPS[2] ?? ""), path.join(official, VARIANTS[variant])]
    return spawnSync("yanglint", [...args, ...modules, file]).status === 0
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A schema from module texts written in a test; `yang` is the body after namespace and prefix. */
export function schemaOf(
  modules: Readonly<Record<string, string>>,
  options: CompileOptions = {},
): Schema {
  return compileSchema(
    Object.entries(modules).map(([name, body]) => ({
      name,
      text: /^\s*(sub)?module /.test(body)
        ? body
        : `module ${name} { yang-version 1.1; namespace "urn:${name}"; prefix ${name}; ${body} }`,
    })),
    options,
  )
}

/** The child elements of `<config>`, with the usual prefixes declared. */
export function configOf(inner: string, ns = NODE_NS): XmlElement[] {
  return childrenOf(
    parseXml(
      `<config xmlns="${ns}" xmlns:t="${TYPES_NS}" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" ` +
        `xmlns:y="urn:ietf:params:xml:ns:yang:1">${inner}</config>`,
    ),
  )
}

/** For `assert.throws`: a QkdError with that tag and, where given, that path or text. */
export function tagged(
  tag: ErrorTag,
  expected: string | RegExp = /^/,
): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof QkdError) || error.tag !== tag) return false
    return typeof expected === "string" ? error.path === expected : expected.test(error.message)
  }
}
