// Instance data against the schema: a pass by ajv for names, shapes and types, then one for all the rest.

import { Ajv } from "ajv"
import type { ErrorObject } from "ajv"
import { ConstraintChecker } from "./constraints.js"
import type { YangFault } from "./fault.js"
import { objectSchema } from "./json-schema.js"
import type { JsonSchema, JsonSchemaOptions } from "./json-schema.js"
import { isArray, isObject } from "./json-text.js"
import type { JsonObject, JsonValue } from "./json-text.js"
import type { ResolvedType, Schema, SchemaNode } from "./schema-types.js"
import { pathOf, pathTo } from "./trail.js"
import type { Trail } from "./trail.js"
import { Misfit, checkValue } from "./values.js"

export type { YangFault } from "./fault.js"

/**
 * - `config`: the whole configuration, nothing else
 * - `data`: configuration and state, whole
 * - `get`: like data, but a filtered part: nothing need be there, no condition is asked
 * - `notification`, `rpc-input`, `rpc-output`: one member, its `module:name`
 */
export type ValidationKind = "config" | "data" | "get" | "notification" | "rpc-input" | "rpc-output"

/**
 * All faults, at most 100; none means valid.
 *
 * @param datastore for notifications and operations: what their references and conditions may speak of. Without it
 *   references are not followed.
 */
export type Validator = (data: JsonObject, datastore?: JsonObject) => readonly YangFault[]

const MAX_FAULTS = 100

/** A validator keeps nothing between calls, so all who share a schema share its validators. */
const compiled = new WeakMap<Schema, Map<ValidationKind, Validator>>()

/** Compiled at the first call for a schema and kind, tens of milliseconds; cheap to have again, cheap to call. */
export function compileValidator(schema: Schema, what: ValidationKind): Validator {
  const known = compiled.get(schema) ?? new Map<ValidationKind, Validator>()
  compiled.set(schema, known)
  const validator = known.get(what) ?? compile(schema, what)
  known.set(what, validator)
  return validator
}

function compile(schema: Schema, what: ValidationKind): Validator {
  switch (what) {
    case "config":
    case "data":
    case "get":
      return compileOne(schema, schema.root, what)
    case "notification":
      return choose(schema.notifications, (node) => compileOne(schema, node, what))
    case "rpc-input":
    case "rpc-output": {
      const part = what === "rpc-input" ? "input" : "output"
      return choose(schema.rpcs, (node) => {
        const inner = node.children.get(`${node.module}:${part}`)
        return compileOne(schema, inner ?? node, what)
      })
    }
  }
}

/** Of the members of one node that is not at the top, an action's input or output: not kept, tens of milliseconds. */
export function compileInnerValidator(
  schema: Schema,
  node: SchemaNode,
  what: "rpc-input" | "rpc-output",
): Validator {
  return compileOne(schema, node, what)
}

/** The JSON Schema of the datastore, of configuration only or with state, for reuse in OpenAPI. */
export function jsonSchemaOf(schema: Schema, what: "config" | "data"): JsonSchema {
  return objectSchema(schema.root, { configOnly: what === "config", required: true })
}

/** The validator of the one member the data holds, compiled when first met. */
function choose(
  nodes: ReadonlyMap<string, SchemaNode>,
  compileNode: (node: SchemaNode) => Validator,
): Validator {
  const met = new Map<string, Validator>()
  return (data, datastore) => {
    const names = Object.keys(data)
    const name = names[0] ?? ""
    const node = nodes.get(name)
    const inner = data[name]
    if (names.length !== 1)
      return [{ tag: "bad-element", path: "/", message: "exactly one member is wanted" }]
    if (node === undefined)
      return [{ tag: "unknown-element", path: `/${name}`, message: `unknown member ${name}` }]
    if (!isObject(inner))
      return [{ tag: "invalid-value", path: `/${name}`, message: "must be a JSON object" }]
    let validator = met.get(name)
    if (validator === undefined) {
      validator = compileNode(node)
      met.set(name, validator)
    }
    return validator(inner, datastore)
  }
}

function compileOne(schema: Schema, node: SchemaNode, what: ValidationKind): Validator {
  const configOnly = what === "config"
  const shape = shapeOf(node, configOnly)
  const checker = new ConstraintChecker(schema, node, {
    withState: !configOnly,
    whole: what !== "get",
  })
  return (data, datastore) => {
    const faults = shape(data)
    // Wrong shapes would make nonsense of everything after.
    if (faults.length > 0) return faults
    return checker.check(data, datastore)
  }
}

type Shape = (data: JsonObject) => readonly YangFault[]

const shapes = { config: new WeakMap<SchemaNode, Shape>(), data: new WeakMap<SchemaNode, Shape>() }

/** The check of names, shapes and types below a node. It wants no more to be there than keys: parts of data pass. */
export function shapeOf(node: SchemaNode, configOnly: boolean): Shape {
  const known = configOnly ? shapes.config : shapes.data
  const shape = known.get(node) ?? compileShape(node, configOnly)
  known.set(node, shape)
  return shape
}

/** Names, shapes and types. Keys are required here; other mandatory nodes are the second pass's. */
function compileShape(node: SchemaNode, configOnly: boolean): Shape {
  const types: { readonly type: ResolvedType; readonly module: string }[] = []
  const known = new Map<ResolvedType, number>()
  const options: JsonSchemaOptions = {
    configOnly,
    required: false,
    bare: true,
    leaf: (leaf, type) => {
      if (isPlain(type)) return undefined
      let number = known.get(type)
      if (number === undefined || types[number]?.module !== leaf.module) {
        number = types.push({ type, module: leaf.module }) - 1
        known.set(type, number)
      }
      return { yang: number }
    },
  }
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    strict: false,
    validateSchema: false,
    addUsedSchema: false,
    inlineRefs: false,
    loopEnum: 64,
    logger: false,
  })
  ajv.addKeyword({
    keyword: "yang",
    schemaType: "number",
    errors: false,
    compile: (number: number) => {
      const found = types[number]
      if (found === undefined) return () => false
      const { type, module } = found
      return (value: JsonValue) => !(checkValue(type, value, module) instanceof Misfit)
    },
  })
  const validate = ajv.compile<JsonObject>(objectSchema(node, options))
  return (data) => {
    if (validate(data)) return []
    return (validate.errors ?? [])
      .slice(0, MAX_FAULTS)
      .map((error) => toFault(error, node, data, types))
  }
}

/** Types whose JSON Schema says everything. */
function isPlain(type: ResolvedType): boolean {
  if (type.base === "enumeration") return (type.enums?.size ?? 0) > 0
  if (type.base === "identityref") return (type.identities?.size ?? 0) > 0
  return /^(u?int(8|16|32)|boolean)$/.test(type.base)
}

function toFault(
  error: ErrorObject,
  root: SchemaNode,
  data: JsonObject,
  types: readonly { readonly type: ResolvedType; readonly module: string }[],
): YangFault {
  const trail = followPointer(root, data, error.instancePath)
  const params = error.params as Readonly<Record<string, unknown>>
  const named = (key: string): string => {
    const value = params[key]
    return typeof value === "string" ? value : ""
  }
  if (error.keyword === "additionalProperties") {
    const name = named("additionalProperty")
    const state = trail.node.members.get(name)
    return {
      tag: "unknown-element",
      path: pathTo(trail, name),
      message:
        state === undefined
          ? `unknown member ${name}`
          : `${state.name} is state, not configuration`,
    }
  }
  if (error.keyword === "required") {
    const name = named("missingProperty")
    return { tag: "missing-element", path: pathTo(trail, name), message: `key ${name} is missing` }
  }
  let message = error.message ?? "is not valid"
  const found = error.keyword === "yang" ? types[Number(error.schema)] : undefined
  if (found !== undefined) {
    const value = checkValue(found.type, error.data as JsonValue, found.module)
    if (value instanceof Misfit) message = value.message
  }
  return { tag: "invalid-value", path: trail.leaf ?? pathOf(trail), message }
}

/** The place an ajv pointer names, as a trail; `leaf` is the path when it ends at a leaf. */
function followPointer(
  root: SchemaNode,
  data: JsonObject,
  pointer: string,
): Trail & { readonly leaf?: string } {
  let trail: Trail = { up: undefined, node: root }
  let value: JsonValue | undefined = data
  const parts = pointer.split("/").slice(1)
  for (let i = 0; i < parts.length; i++) {
    const part = (parts[i] ?? "").replaceAll("~1", "/").replaceAll("~0", "~")
    const node = trail.node.members.get(part)
    if (node === undefined || !isObject(value)) break
    value = value[part]
    if (node.kind === "list" && i + 1 < parts.length && isArray(value)) {
      const position = Number(parts[++i])
      value = value[position]
      trail = {
        up: trail,
        node,
        position: position + 1,
        ...(isObject(value) ? { entry: value } : { entry: {} }),
      }
    } else if (node.kind === "container") trail = { up: trail, node }
    else return { ...trail, leaf: pathTo(trail, node.member) }
  }
  return trail
}
