// The north faces over TLS: beyond loopback they speak nothing else.

import assert from "node:assert/strict"
import https from "node:https"
import type { OutgoingHttpHeaders } from "node:http"
import type { HttpsSide } from "../../src/north/https-options.js"
import { createAuthority, issueServerCertificate, validFor } from "../../src/transport/pki.js"
import { closeAll, house, OPERATOR } from "./harness.js"
import { SocketClient } from "./socket-client.js"

interface Reply {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

describe("the north faces over TLS", () => {
  let ca: string
  let tls: HttpsSide
  before(() => {
    const authority = createAuthority("test", validFor(1))
    const server = issueServerCertificate(authority, "controller", ["127.0.0.1"], validFor(1))
    tls = { identity: server, authorities: [] }
    ca = authority.certificatePem
  })
  afterEach(closeAll)

  function ask(url: string, headers: OutgoingHttpHeaders, body?: object): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const request = https.request(
        url,
        { ca, agent: false, method: body === undefined ? "GET" : "POST", headers },
        (response) => {
          response.resume()
          resolve({ status: response.statusCode, headers: response.headers })
        },
      )
      request.on("error", reject)
      request.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  it("answer with HSTS, set Secure cookies and carry the WebSocket", async () => {
    const here = await house({ tls })
    assert.match(here.http.url, /^https:/)
    const bearer = { Authorization: `Bearer ${OPERATOR}` }
    const read = await ask(`${here.http.url}/api/v1/network`, bearer)
    assert.equal(read.status, 200)
    assert.match(String(read.headers["strict-transport-security"]), /max-age/)
    const headers = { "Content-Type": "application/json", Origin: here.http.url }
    const code = here.access.issueLoginCode()
    const login = await ask(`${here.http.url}/api/v1/session`, headers, { code })
    assert.equal(login.status, 201)
    assert.match(String(login.headers["set-cookie"]), /; Secure/)
    const plain = here.http.url.replace("https:", "http:")
    const foreign = await ask(
      `${here.http.url}/api/v1/session`,
      { ...headers, Origin: plain },
      { code },
    )
    assert.equal(foreign.status, 403, "the page of the plain address is another origin")
    const client = new SocketClient(here.http.url, bearer, { ca })
    await client.next("ready")
  })

  it("do not answer plain HTTP", async () => {
    const here = await house({ tls })
    await assert.rejects(() => fetch(`${here.http.url.replace("https:", "http:")}/api/v1/healthz`))
  })
})
