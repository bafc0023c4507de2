// REST on the real deciding loop: a bench's controller served to an operator and an observer, and asked by fetch.

import assert from "node:assert/strict"
import { Access, hashToken } from "../../src/north/access.js"
import { startHttp } from "../../src/north/http.js"
import { OrderGate } from "../../src/north/order-gate.js"
import type { Bench } from "../controller/fakes.js"
import { OBSERVER, OPERATOR } from "./harness.js"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly json: Record<string, unknown>
}

export interface RestHouse {
  readonly url: string
  /** As the operator, unless `headers` say otherwise. */
  ask(
    method: string,
    path: string,
    body?: object,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>
  close(): Promise<void>
}

/** Its nodes do as they are told. */
export async function serveRest(bench: Bench): Promise<RestHouse> {
  bench.south.submit = (event) => bench.submit(event)
  const http = await startHttp({
    host: "127.0.0.1",
    port: 0,
    controller: new OrderGate(bench.controller, (work) => work()),
    access: new Access([
      { name: "ops", role: "operator", sha256: hashToken(OPERATOR) },
      { name: "eye", role: "observer", sha256: hashToken(OBSERVER) },
    ]),
    now: () => bench.now,
  })
  return {
    url: http.url,
    ask: async (method, path, body, headers = {}) => {
      const response = await fetch(`${http.url}/api/v1${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${OPERATOR}`,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const value: unknown = text === "" ? {} : JSON.parse(text)
      assert.ok(value !== null && typeof value === "object")
      return { status: response.status, headers: response.headers, json: { ...value } }
    },
    close: () => http.close(),
  }
}
