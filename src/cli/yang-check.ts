// `keyloom yang check`: are these modules YANG, is this data theirs? The verdict is RFC 7950's.

import { readFileSync } from "node:fs"
import path from "node:path"
import { QkdError } from "../errors.js"
import { checkData } from "../yang/check-data.js"
import type { DataType } from "../yang/check-data.js"
import { compileSchema } from "../yang/schema.js"
import type { Schema } from "../yang/schema.js"
import { YangSearch } from "./yang-search.js"
import type { FoundModule } from "./yang-search.js"

export interface YangCheckOptions {
  readonly data?: readonly string[]
  readonly path?: readonly string[]
  readonly type: DataType
  /** `module:feature,feature`; `module:` for none. */
  readonly features?: readonly string[]
  /** Warnings count as faults. */
  readonly strict?: boolean
  /** Conditions may name identities as modules in the field do (decision 0001). */
  readonly lenient?: boolean
}

/** One thing found wrong. */
export interface Finding {
  readonly severity: "error" | "warning"
  /** File of the module or of the data. */
  readonly file: string
  /** Of a module. */
  readonly line?: number
  /** Instance path, of data. */
  readonly path?: string
  /** RFC 6241 error-tag. */
  readonly tag: string
  readonly appTag?: string
  readonly message: string
}

export interface YangReport {
  readonly valid: boolean
  readonly modules: readonly {
    readonly name: string
    readonly revision: string
    readonly implemented: boolean
  }[]
  readonly findings: readonly Finding[]
}

/**
 * @throws QkdError `invalid-value` for what is wrong with the question rather than with the answer: no such file, no
 *   such module, features of nobody.
 */
export function checkYang(names: readonly string[], options: YangCheckOptions): YangReport {
  const findings: Finding[] = []
  const search = new YangSearch(options.path ?? [])
  let schema: Schema | undefined
  const documents = (options.data ?? []).map((file) => ({ file, text: readText(file) }))
  try {
    const chosen = names.map((name) => search.take(name))
    for (const module of chosen) findings.push(...warningsOf(module))
    schema = compile(search.modules, chosen, options)
  } catch (error) {
    const finding = faultIn(error)
    if (finding === undefined) throw error
    findings.push(finding)
  }
  if (schema !== undefined)
    for (const { file, text } of documents)
      for (const fault of checkData(schema, text, options.type))
        findings.push({ severity: "error", file, ...fault })
  const counts = findings.filter((f) => f.severity === "error" || options.strict === true)
  return {
    valid: counts.length === 0,
    modules: (schema?.modules ?? []).map(({ name, revision, implemented }) => ({
      name,
      revision,
      implemented,
    })),
    findings,
  }
}

function compile(
  modules: readonly FoundModule[],
  chosen: readonly FoundModule[],
  options: YangCheckOptions,
): Schema {
  const outlines = modules.map((m) => m.outline)
  return compileSchema(
    modules.map(({ file, text }) => ({ name: file, text })),
    {
      implement: chosen.map((m) => m.outline.name),
      implementReferenced: true,
      features: featuresOf(options.features ?? [], new Set(outlines.map((o) => o.name))),
      whenProfile: options.lenient === true ? "lenient" : "strict",
    },
  )
}

function featuresOf(
  written: readonly string[],
  known: ReadonlySet<string>,
): Record<string, readonly string[]> {
  const features: Record<string, readonly string[]> = {}
  for (const text of written) {
    const colon = text.indexOf(":")
    const module = text.slice(0, colon)
    if (colon < 0 || !known.has(module))
      throw new QkdError("invalid-value", `--features ${text}: no such module`)
    const names = text.slice(colon + 1)
    if (names !== "*") features[module] = names.split(",").filter((name) => name !== "")
  }
  return features
}

/** A fault in a module's text is an answer; anything else is not. */
function faultIn(error: unknown): Finding | undefined {
  if (!(error instanceof QkdError)) return undefined
  if (error.tag !== "malformed-message" && error.tag !== "too-big") return undefined
  const match = /^(.*):([0-9]+): ([^]*)$/.exec(error.message)
  return {
    severity: "error",
    file: match?.[1] ?? "",
    ...(match?.[2] === undefined ? {} : { line: Number(match[2]) }),
    tag: error.tag,
    message: match?.[3] ?? error.message,
  }
}

function warningsOf({ file, outline }: FoundModule): Finding[] {
  const stem = path.basename(file, ".yang")
  const [name, revision] = stem.split("@")
  const warn = (message: string): Finding => ({
    severity: "warning",
    file,
    line: 1,
    tag: "malformed-message",
    message,
  })
  const found: Finding[] = []
  if (name !== outline.name) found.push(warn(`the file is not named after ${outline.name}`))
  if (revision !== undefined && revision !== outline.revision)
    found.push(
      warn(`the file's name says ${revision}, the module ${outline.revision || "nothing"}`),
    )
  if (outline.revision === "") found.push(warn(`${outline.name} has no revision`))
  return found
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    throw new QkdError("invalid-value", `${file}: cannot be read`, { cause })
  }
}

/** One finding as a line: where, what, and the tags NETCONF would say it with. */
export function findingLine(finding: Finding): string {
  const { file, line, path: where, tag, appTag, message, severity } = finding
  const place = [file, line, where].filter((part) => part !== undefined && part !== "").join(":")
  const tags =
    where === undefined ? "" : ` (${[tag, appTag].filter((t) => t !== undefined).join(", ")})`
  return `${place}: ${severity === "warning" ? "warning: " : ""}${message}${tags}`
}

/** Print the report; the status to exit with. */
export function runYangCheck(
  names: readonly string[],
  options: YangCheckOptions & { readonly json?: boolean },
): number {
  let report: YangReport
  try {
    report = checkYang(names, options)
  } catch (error) {
    if (!(error instanceof QkdError)) throw error
    process.stderr.write(`keyloom: ${error.message}\n`)
    return 2
  }
  if (options.json === true) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
  else {
    for (const finding of report.findings) process.stderr.write(`${findingLine(finding)}\n`)
    if (report.valid) {
      const chosen = report.modules.filter((m) => m.implemented)
      const written = chosen.map((m) => (m.revision === "" ? m.name : `${m.name}@${m.revision}`))
      process.stdout.write(`valid: ${[...written, ...(options.data ?? [])].join(" ")}\n`)
    }
  }
  return report.valid ? 0 : 1
}
