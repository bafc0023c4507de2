// Who may do what: tokens, one-time codes, sessions, origins, host names (THREATS.md T6, T7).

import assert from "node:assert/strict"
import { Access, demand, hashToken, LOGIN_CODE_TTL_MS } from "../../src/north/access.js"
import { hostIsOurs, isLoopback, originIsOurs } from "../../src/north/origin.js"
import { QkdError } from "../../src/errors.js"
import { closeAll, house, OBSERVER } from "./harness.js"

const order = { a: "sae-windhof", b: "sae-betzdorf", minRateBps: 256 }

describe("access", () => {
  afterEach(closeAll)

  it("knows a token by its hash and refuses a hash that is none", () => {
    const access = new Access([{ name: "x", role: "observer", sha256: hashToken("right") }])
    assert.deepEqual(access.byToken("right"), { name: "x", role: "observer", by: "token" })
    assert.equal(access.byToken("wrong"), undefined)
    assert.equal(access.byToken(""), undefined)
    assert.throws(
      () => new Access([{ name: "x", role: "observer", sha256: "right" }]),
      (error) => error instanceof QkdError && error.path === "/tokens/0/sha256",
    )
  })

  it("lets a login code be used once, and not after five minutes", () => {
    let now = 1000
    const access = new Access([], () => now)
    const code = access.issueLoginCode("observer")
    assert.equal(access.tradeCode("x" + code), undefined)
    assert.equal(access.tradeCode(code)?.role, "observer")
    assert.equal(access.tradeCode(code), undefined)
    const late = access.issueLoginCode()
    now += LOGIN_CODE_TTL_MS
    assert.equal(access.tradeCode(late), undefined)
  })

  it("ends a session when it is closed or its time is over", () => {
    let now = 1000
    const access = new Access([], () => now)
    const { id } = access.openSession({ name: "x", role: "operator", by: "token" })
    assert.equal(access.bySession(id)?.principal.by, "cookie")
    access.closeSession(id)
    assert.equal(access.bySession(id), undefined)
    const other = access.openSession({ name: "x", role: "operator", by: "token" })
    now += 24 * 3_600_000
    assert.equal(access.bySession(other.id), undefined)
  })

  it("holds a bounded number of codes and sessions", () => {
    const access = new Access([])
    const first = access.issueLoginCode()
    for (let i = 0; i < 64; i += 1) access.issueLoginCode()
    assert.equal(access.tradeCode(first), undefined)
    const who = { name: "x", role: "operator", by: "token" } as const
    for (let i = 0; i < 1024; i += 1) access.openSession(who)
    assert.throws(() => access.openSession(who), QkdError)
  })

  it("lets an observer read and not change", () => {
    const observer = { name: "x", role: "observer", by: "token" } as const
    assert.equal(demand(observer, "read"), observer)
    assert.throws(() => demand(observer, "change"), QkdError)
    assert.throws(() => demand(undefined, "read"), QkdError)
  })

  it("tells our own page from others, also behind a rebound name", () => {
    const plain = { loopbackOnly: true, origins: [] }
    assert.ok(originIsOurs(plain, "http://127.0.0.1:80", "127.0.0.1:80"))
    assert.ok(originIsOurs(plain, "http://localhost:9000", "localhost:9000"))
    assert.ok(!originIsOurs(plain, "http://127.0.0.1:81", "127.0.0.1:80"))
    assert.ok(!originIsOurs(plain, "https://127.0.0.1:80", "127.0.0.1:80"))
    assert.ok(!originIsOurs(plain, "http://evil.example", "evil.example"))
    assert.ok(!originIsOurs(plain, "null", "127.0.0.1:80"))
    assert.ok(!originIsOurs(plain, "http://127.0.0.1:80@evil.example", "127.0.0.1:80"))
    assert.ok(!hostIsOurs(plain, "evil.example:8080"))
    assert.ok(!hostIsOurs(plain, undefined))
    assert.ok(hostIsOurs({ loopbackOnly: false, origins: [] }, "keyloom.example"))
    const proxied = { loopbackOnly: true, origins: ["https://keyloom.example"] }
    assert.ok(originIsOurs(proxied, "https://keyloom.example", "keyloom.example"))
    for (const name of ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"]) {
      assert.ok(isLoopback(name), name)
    }
    for (const name of ["10.0.0.1", "127.0.0.1.example", "0.0.0.0", "::"]) {
      assert.ok(!isLoopback(name), name)
    }
  })

  it("speaks plain HTTP on loopback only", async () => {
    await assert.rejects(
      () => house({ host: "0.0.0.0" }),
      (error) => error instanceof QkdError && error.path === "/tls",
    )
  })

  it("answers strangers 401 before reading anything, and observers 403 when they order", async () => {
    const { call } = await house()
    const stranger = await call("/api/v1/network", { token: null })
    assert.equal(stranger.status, 401)
    assert.match(stranger.headers.get("www-authenticate") ?? "", /^Bearer/)
    assert.equal(stranger.json.tag, "access-denied")
    assert.equal((await call("/api/v1/network", { token: "wrong" })).status, 401)
    const tooBigAndStrange = await call("/api/v1/services", {
      method: "POST",
      token: null,
      text: "x".repeat(100_000),
    })
    assert.equal(tooBigAndStrange.status, 401)
    assert.equal((await call("/api/v1/network", { token: OBSERVER })).status, 200)
    const observed = await call("/api/v1/services", {
      method: "POST",
      token: OBSERVER,
      body: order,
    })
    assert.equal(observed.status, 403)
  })

  it("refuses a host name that is not ours, against DNS rebinding", async () => {
    const { http } = await house()
    const { request } = await import("node:http")
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(
        `${http.url}/api/v1/healthz`,
        { headers: { Host: "rebound.example" } },
        (response) => {
          response.resume()
          resolve(response.statusCode)
        },
      )
        .on("error", reject)
        .end()
    })
    assert.equal(status, 421)
  })
})

describe("sessions of the page", () => {
  afterEach(closeAll)

  async function signIn(
    here: Awaited<ReturnType<typeof house>>,
  ): Promise<{ cookie: string; origin: string }> {
    const code = here.access.issueLoginCode()
    const origin = here.http.url
    const answer = await here.call("/api/v1/session", {
      method: "POST",
      token: null,
      body: { code },
      headers: { Origin: origin },
    })
    assert.equal(answer.status, 201)
    const set = answer.headers.get("set-cookie") ?? ""
    assert.match(set, /HttpOnly/)
    assert.match(set, /SameSite=Strict/)
    assert.match(set, new RegExp(`^keyloom-${here.http.port}=`))
    const again = await here.call("/api/v1/session", {
      method: "POST",
      token: null,
      body: { code },
      headers: { Origin: origin },
    })
    assert.equal(again.status, 401, "a code is good once")
    return { cookie: set.split(";")[0] ?? "", origin }
  }

  it("trades a code for a cookie, once, and ends when signed out", async () => {
    const here = await house()
    const { cookie, origin } = await signIn(here)
    const who = await here.call("/api/v1/session", { token: null, headers: { Cookie: cookie } })
    assert.equal(who.status, 200)
    assert.equal(who.json.role, "operator")
    const out = await here.call("/api/v1/session", {
      method: "DELETE",
      token: null,
      headers: { Cookie: cookie, Origin: origin },
    })
    assert.equal(out.status, 204)
    const after = await here.call("/api/v1/session", { token: null, headers: { Cookie: cookie } })
    assert.equal(after.status, 401)
  })

  it("refuses a foreign page that rides on the cookie (T7)", async () => {
    const here = await house()
    const { cookie, origin } = await signIn(here)
    const post = (headers: Record<string, string>): Promise<{ status: number }> =>
      here.call("/api/v1/services", {
        method: "POST",
        token: null,
        body: order,
        headers: { Cookie: cookie, ...headers },
      })
    assert.equal((await post({ Origin: "http://evil.example" })).status, 403)
    assert.equal((await post({})).status, 403, "no origin at all")
    assert.equal((await post({ Origin: origin, "Sec-Fetch-Site": "cross-site" })).status, 403)
    const read = await here.call("/api/v1/network", {
      token: null,
      headers: { Cookie: cookie, Origin: "http://evil.example" },
    })
    assert.equal(read.status, 403)
    assert.equal(here.controller.network().services.size, 0)
    assert.equal((await post({ Origin: origin })).status, 201)
  })

  it("gives login codes to bearer tokens and not to pages", async () => {
    const here = await house()
    const { cookie, origin } = await signIn(here)
    const byPage = await here.call("/api/v1/session/codes", {
      method: "POST",
      token: null,
      headers: { Cookie: cookie, Origin: origin },
    })
    assert.equal(byPage.status, 403)
    const byToken = await here.call("/api/v1/session/codes", { method: "POST" })
    assert.equal(byToken.status, 201)
    assert.equal(here.access.tradeCode(String(byToken.json.code))?.role, "operator")
  })

  it("slows down guessing and never logs what was tried", async () => {
    const here = await house({ limits: { loginsPerMinute: 3 } })
    const statuses: number[] = []
    for (let i = 0; i < 5; i += 1) {
      const { status } = await here.call("/api/v1/session", {
        method: "POST",
        token: null,
        body: { code: "guess-guess" },
      })
      statuses.push(status)
    }
    assert.deepEqual(statuses, [401, 401, 401, 429, 429])
    assert.ok(here.log.some((line) => line.includes("login refused")))
    assert.ok(!here.log.join().includes("guess-guess"))
  })
})
