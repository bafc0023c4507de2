// A bare HTTPS client with an SAE's certificate, for load that starting curl a thousand times would slow down.
// Knows nothing of Keyloom.

import { readFileSync } from "node:fs"
import https from "node:https"
import type { Answer, DemoFile } from "./demo.js"

export interface SaeClient {
  get(url: string): Promise<Answer>
  post(url: string, body: object): Promise<Answer>
  close(): void
}

/** Each request rejects when the connection breaks or nothing comes within `timeoutMs`. */
export function saeClient(sae: DemoFile["saes"][number], timeoutMs = 8000): SaeClient {
  const agent = new https.Agent({
    keepAlive: true,
    cert: readFileSync(sae.certFile),
    key: readFileSync(sae.keyFile),
    ca: readFileSync(sae.caFile),
  })
  const ask = (method: string, url: string, body?: object): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const headers =
        text === undefined
          ? {}
          : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }
      const request = https.request(
        url,
        { agent, method, headers, timeout: timeoutMs },
        (response) => {
          let answer = ""
          response.setEncoding("utf8")
          response.on("data", (chunk: string) => (answer += chunk))
          response.on("end", () => {
            resolve({ status: response.statusCode ?? 0, body: answer })
          })
          response.on("error", reject)
        },
      )
      request.on("timeout", () => request.destroy(new Error("no answer in time")))
      request.on("error", reject)
      request.end(text)
    })
  return {
    get: (url) => ask("GET", url),
    post: (url, body) => ask("POST", url, body),
    close: () => {
      agent.destroy()
    },
  }
}
