// Instance paths: the instance-identifier type's value (RFC 7950 section 9.13, RFC 7951 section 6.11) and the
// paths of error messages. Syntax only; whether the instance exists is not asked here.

import type { JsonValue } from "./json-text.js"

export interface InstancePredicate {
  /** `.` for a leaf-list's value; a key's name otherwise; absent for a position. */
  readonly key?: string
  readonly keyModule?: string
  readonly value: string
}

export interface InstanceStep {
  readonly module: string
  readonly name: string
  readonly predicates: readonly InstancePredicate[]
}

const STEP = /\s*\/\s*(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*)\s*/y
const PREDICATE =
  /\[\s*(?:(\.)|(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*))\s*=\s*(?:"([^"]*)"|'([^']*)')\s*\]\s*/y
const POSITION = /\[\s*([1-9][0-9]*)\s*\]\s*/y

/** The steps of a path, with module names; undefined when it is none. */
export function parseInstanceId(
  text: string,
  resolve: (prefix: string) => string | undefined,
): readonly InstanceStep[] | undefined {
  const steps: InstanceStep[] = []
  let at = 0
  let module: string | undefined
  while (at < text.length) {
    STEP.lastIndex = at
    const step = STEP.exec(text)
    if (step === null) return undefined
    at = STEP.lastIndex
    // Without a prefix: the parent's module (RFC 7951 6.11). XML values carry one on every step.
    if (step[1] !== undefined) module = resolve(step[1])
    if (module === undefined) return undefined
    const predicates: InstancePredicate[] = []
    while (text[at] === "[") {
      PREDICATE.lastIndex = at
      const predicate = PREDICATE.exec(text)
      if (predicate !== null) {
        const keyModule = predicate[2] === undefined ? module : resolve(predicate[2])
        if (keyModule === undefined) return undefined
        predicates.push({
          key: predicate[1] ?? predicate[3] ?? "",
          keyModule,
          value: predicate[4] ?? predicate[5] ?? "",
        })
        at = PREDICATE.lastIndex
        continue
      }
      POSITION.lastIndex = at
      const position = POSITION.exec(text)
      if (position === null) return undefined
      predicates.push({ value: position[1] ?? "" })
      at = POSITION.lastIndex
    }
    steps.push({ module, name: step[2] ?? "", predicates })
  }
  return steps.length === 0 ? undefined : steps
}

/** A string literal XPath can hold; a value with both quotes keeps its double ones as `&quot;`. */
export function quoteValue(value: string): string {
  if (!value.includes("'")) return `'${value}'`
  return value.includes('"') ? `"${value.replaceAll('"', "&quot;")}"` : `"${value}"`
}

/** RFC 7951 form: module names where they change. */
export function writeInstanceId(steps: readonly InstanceStep[]): string {
  let module = ""
  return steps
    .map((step) => {
      const name = step.module === module ? step.name : `${step.module}:${step.name}`
      module = step.module
      const predicates = step.predicates.map((p) => {
        if (p.key === undefined) return `[${p.value}]`
        const key = p.keyModule === step.module ? p.key : `${p.keyModule ?? ""}:${p.key}`
        return `[${key}=${quoteValue(p.value)}]`
      })
      return `/${name}${predicates.join("")}`
    })
    .join("")
}

/** The canonical RFC 7951 form of an instance-identifier value; undefined when it is none. */
export function canonicalInstanceId(
  text: string,
  resolve: (prefix: string) => string | undefined,
): JsonValue | undefined {
  const steps = parseInstanceId(text, resolve)
  return steps === undefined ? undefined : writeInstanceId(steps)
}
