// The words that the shapes of REST and WebSocket are written with.

/** A JSON Schema; only what these documents use. */
export type JsonSchema = Readonly<Record<string, unknown>>

export const string = { type: "string" } as const
export const boolean = { type: "boolean" } as const
export const number = { type: "number" } as const
export const count = { type: "integer", minimum: 0 } as const
export const time = { type: "string", format: "date-time" } as const

export function ref(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` }
}

export function list(items: JsonSchema): JsonSchema {
  return { type: "array", items }
}

export function oneOf(...values: string[]): JsonSchema {
  return { type: "string", enum: values }
}

export function bps(what: string): JsonSchema {
  return { type: "number", minimum: 0, description: `${what}, bits per second` }
}

/** A closed object: unknown members are faults. Names ending in `?` are optional. */
export function object(
  members: Readonly<Record<string, JsonSchema>>,
  description?: string,
): JsonSchema {
  const names = Object.keys(members)
  return {
    type: "object",
    ...(description === undefined ? {} : { description }),
    properties: Object.fromEntries(
      Object.entries(members).map(([name, schema]) => [name.replace(/\?$/, ""), schema]),
    ),
    required: names.filter((name) => !name.endsWith("?")),
    additionalProperties: false,
  }
}
