// Prints the OpenAPI 3.1 document from the operations table and the schemas. Deterministic: the committed copy
// under docs/api must equal it.

import type { Operation } from "./operation.js"
import { operations } from "./operations.js"
import { STATUS_OF_TAG } from "./problem.js"
import { SCHEMAS } from "./schemas.js"

/** Schemas that only the WebSocket protocol uses. */
export const WEBSOCKET_SCHEMAS: readonly string[] = [
  "Topics",
  "Since",
  "Init",
  "Subscribe",
  "Unsubscribe",
  "Ready",
  "Resumed",
  "NothingMissed",
  "Snapshot",
  "Unsubscribed",
  "NoticeMessage",
  "Heartbeat",
  "ErrorMessage",
]

function json(shape: string | undefined): object {
  if (shape === undefined) return {}
  return { content: { "application/json": { schema: { $ref: `#/components/schemas/${shape}` } } } }
}

function describe(id: string, operation: Operation): object {
  const answers = Object.entries(operation.answers).map(([status, answer]): [string, object] => [
    status,
    { description: answer.description, ...json(answer.shape) },
  ])
  return {
    operationId: id,
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    ...(operation.access === "open" ? { security: [] } : {}),
    ...(operation.access === "change" ? { "x-role": "operator" } : {}),
    ...(operation.parameters.length === 0
      ? {}
      : {
          parameters: operation.parameters.map((p) => ({
            name: p.name,
            in: p.in,
            ...(p.in === "path" ? { required: true } : {}),
            description: p.description,
            schema: p.schema,
          })),
        }),
    ...(operation.body === undefined
      ? {}
      : { requestBody: { required: true, ...json(operation.body) } }),
    responses: {
      ...Object.fromEntries(answers),
      default: { $ref: "#/components/responses/Problem" },
    },
  }
}

/** The whole document, ready to be served. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const { id, operation } of operations()) {
    const at = (paths[operation.path] ??= {})
    at[operation.method] = describe(id, operation)
  }
  const statuses = Object.entries(STATUS_OF_TAG).map(([tag, all]) => `${tag}: ${all.join(", ")}`)
  return {
    openapi: "3.1.0",
    info: {
      title: "Keyloom REST",
      version: "1",
      summary: "What operators and orchestrators speak to a Keyloom controller",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/api/v1" }],
    security: [{ bearer: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "keyloom",
          description: "Opened by `POST /session`; its name carries the port: `keyloom-8080`",
        },
      },
      responses: {
        Problem: {
          description: `RFC 9457. Statuses by tag: ${statuses.join("; ")}`,
          content: {
            "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
          },
        },
      },
      schemas: Object.fromEntries(
        Object.entries(SCHEMAS).filter(([name]) => !WEBSOCKET_SCHEMAS.includes(name)),
      ),
    },
  }
}
