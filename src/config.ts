// Reads a configuration file: JSON text, checked against one of our own YANG modules, defaults filled in,
// frozen. Reads no file and knows no role; each role maps the outcome to its own native type.

import { QkdError } from "./errors.js"
import { withDefaults } from "./yang/filter.js"
import { decodeJson, type JsonObject, type JsonValue, parseJson } from "./yang/json.js"
import { isObject } from "./yang/json-text.js"
import { compileSchema, type Schema, type SchemaSource } from "./yang/schema.js"
import { compileValidator } from "./yang/validate.js"

/** A process with many nodes reads as many files of the same kind. */
const schemas = new WeakMap<readonly SchemaSource[], Schema>()

/**
 * Parses, checks and freezes a configuration.
 *
 * @param sources YANG text of the module that describes the file, and of what it imports
 * @param container its top container, `module:name`; the file may leave the module's name away at the top
 * @param text the file's content
 * @returns the container's members, every default in use filled in
 * @throws QkdError `malformed-message` for broken JSON (with line), otherwise the first fault with its path:
 *   `unknown-element`, `invalid-value`, `missing-element`, ...
 */
export function readConfig(
  sources: readonly SchemaSource[],
  container: string,
  text: string,
): JsonObject {
  const schema = schemas.get(sources) ?? compileSchema(sources)
  schemas.set(sources, schema)
  const parsed = parseJson(text)
  if (!isObject(parsed))
    throw new QkdError("malformed-message", "the file holds no object", { path: "/" })
  const data = decodeJson(schema, qualified(parsed, container))
  if (data[container] === undefined)
    throw new QkdError("missing-element", `the file holds no ${container}`, {
      path: `/${container}`,
    })
  const complete = withDefaults(schema, data)
  const [fault] = compileValidator(schema, "config")(complete)
  if (fault !== undefined) {
    throw new QkdError(fault.tag, `${fault.path}: ${fault.message}`, {
      path: fault.path,
      ...(fault.appTag !== undefined && { appTag: fault.appTag }),
    })
  }
  const members = complete[container]
  if (!isObject(members))
    throw new QkdError("invalid-value", "expected an object", { path: `/${container}` })
  return freeze(members)
}

function qualified(parsed: JsonObject, container: string): JsonObject {
  const local = container.slice(container.indexOf(":") + 1)
  if (parsed[local] === undefined || parsed[container] !== undefined) return parsed
  const { [local]: members, ...rest } = parsed
  return members === undefined ? parsed : { ...rest, [container]: members }
}

function freeze<T extends JsonValue>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) freeze(member)
    Object.freeze(value)
  }
  return value
}
