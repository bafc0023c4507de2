// Strangers, foreign pages and careless clients at the controller of a running network (THREATS N4, N5, T6, T7): REST
// and WebSocket answer each with a clear refusal, nothing is ordered, nobody else notices.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import path from "node:path"
import { WebSocket } from "ws"
import { type Demo, freshDir, removeDir, rest, root, startDemo } from "../support/demo.js"
import { Witness } from "../support/hostile-bystander.js"
import { type Asked, ask, converse, type Reply } from "../support/hostile-http.js"

interface Problem {
  status: number
  tag: string
  detail: string
  path?: string
}

describe("hostile clients of the controller", function () {
  this.timeout(180_000)
  let demo: Demo
  let witness: Witness
  let ordered: string
  const dir = freshDir()

  const base = (): string => demo.file.controller.url
  const events = (): string => `${base().replace("http", "ws")}/api/v1/events`
  const token = (): string => demo.file.controller.token
  const bearer = (): Record<string, string> => ({ authorization: `Bearer ${token()}` })
  const api = (resource: string, asked: Asked = {}): Promise<Reply> =>
    ask(`${base()}/api/v1${resource}`, asked)
  const problemOf = ({ body, headers }: Reply): Problem => {
    assert.match(headers["content-type"] ?? "", /application\/problem\+json/, body)
    assert.doesNotMatch(body, /node_modules|\.[jt]s:\d|at .*\(/, "no inside is shown")
    return JSON.parse(body) as Problem
  }
  const services = async (): Promise<string> =>
    JSON.stringify(
      ((await rest(demo, "GET", "/services")).body as { items: { serviceId: string }[] }).items.map(
        (s) => s.serviceId,
      ),
    )
  const signIn = async (): Promise<string> => {
    const reply = await api("/session", {
      method: "POST",
      headers: { "content-type": "application/json", origin: base() },
      body: JSON.stringify({ token: token() }),
    })
    assert.equal(reply.status, 201, reply.body)
    return reply.headers["set-cookie"]?.[0]?.split(";")[0] ?? assert.fail("no cookie")
  }
  const unharmed = async (): Promise<void> => {
    assert.equal(await services(), ordered, "nothing was ordered or cancelled")
    await witness.unharmed()
  }

  before(async () => {
    demo = await startDemo({ dir, topology: path.join(root, "examples/luxembourg/topology.json") })
    witness = await Witness.of(demo, [["sae-Windhof", "sae-Betzdorf"]])
    ordered = await services()
  })
  after(async () => {
    await witness.close()
    await demo.stop()
    removeDir(dir)
  })

  describe("at REST", () => {
    it("without a good token read and change nothing, and are told only that", async () => {
      const shows: [string, Record<string, string>, string][] = [
        ["no token", {}, ""],
        ["a wrong one", { authorization: `Bearer ${"x".repeat(43)}` }, ""],
        ["a cut one", { authorization: `Bearer ${token().slice(0, -1)}` }, ""],
        ["another scheme", { authorization: `Basic ${btoa(`demo:${token()}`)}` }, ""],
        ["the token in the query", {}, `?token=${token()}`],
        ["the token as access_token", {}, `?access_token=${token()}`],
        ["the token in a cookie", { cookie: `token=${token()}` }, ""],
        ["an invented session", { cookie: `keyloom-${new URL(base()).port}=${token()}` }, ""],
      ]
      const resources = [
        "/network",
        "/nodes",
        "/links",
        "/services",
        "/apps",
        "/events",
        "/session",
      ]
      for (const [what, headers, query] of shows) {
        for (const resource of resources) {
          const reply = await api(resource + query, { headers })
          assert.equal(reply.status, 401, `${what} at ${resource}`)
          assert.equal(problemOf(reply).tag, "access-denied")
          assert(!reply.body.includes("Windhof"))
        }
        const order = await api(`/services${query}`, {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify({ a: "sae-Windhof", b: "sae-Kirchberg", minRateBps: 100 }),
        })
        assert.equal(order.status, 401, what)
      }
    })

    it("on a foreign page cannot ride the browser's cookie", async () => {
      const cookie = await signIn()
      assert.equal((await api("/network", { headers: { cookie } })).status, 200)
      const order = {
        method: "POST",
        body: JSON.stringify({ a: "sae-Windhof", b: "sae-Kirchberg", minRateBps: 100 }),
      }
      const json = { "content-type": "application/json", cookie }
      for (const headers of [
        { ...json, origin: "https://evil.example" },
        { ...json, origin: "null" },
        { ...json, origin: `${base()}.evil.example` },
        { ...json, origin: base().replace(/\d+$/, "1") },
        { ...json, origin: base(), "sec-fetch-site": "cross-site" },
        json,
      ]) {
        assert.equal((await api("/services", { ...order, headers })).status, 403)
        const gone = await api(`/services/${(JSON.parse(ordered) as string[])[0] ?? ""}`, {
          method: "DELETE",
          headers,
        })
        assert.equal(gone.status, 403)
      }
      const read = await api("/network", { headers: { cookie, origin: "https://evil.example" } })
      assert.equal(read.status, 403)
      const codes = await api("/session/codes", {
        method: "POST",
        headers: { cookie, origin: base() },
      })
      assert.equal(codes.status, 403, "a ridden page makes itself no second way in")
      const signOut = await api("/session", {
        method: "DELETE",
        headers: { cookie, origin: base() },
      })
      assert.equal(signOut.status, 204)
      assert.equal((await api("/network", { headers: { cookie } })).status, 401)
    })

    it("under another host's name are sent away (DNS rebinding)", async () => {
      for (const host of [
        "evil.example",
        `evil.example:${new URL(base()).port}`,
        "127.0.0.1.nip.io",
      ])
        assert.equal((await api("/network", { headers: { ...bearer(), host } })).status, 421, host)
    })

    it("are told where an order is wrong", async () => {
      const good = { a: "sae-Windhof", b: "sae-Kirchberg", minRateBps: 100 }
      const orders: [string, RegExp][] = [
        ["", /^\/ /],
        ["{", / JSON line 1 column 2/],
        ["[]", /object/],
        [JSON.stringify({ ...good, colour: "red" }), /^\/colour /],
        [JSON.stringify({ ...good, minRateBps: "100" }), /^\/minRateBps /],
        [JSON.stringify({ ...good, minRateBps: -1 }), /^\/minRateBps /],
        [JSON.stringify({ ...good, minRateBps: 2 ** 40 }), /^\/minRateBps /],
        [`{"a":"sae-Windhof","b":"sae-Kirchberg","minRateBps":1e999}`, / JSON line 1 column \d+/],
        [JSON.stringify({ ...good, a: "x".repeat(300) }), /^\/a /],
        [JSON.stringify({ ...good, avoidNodes: [1] }), /^\/avoidNodes\/0 /],
        [JSON.stringify({ a: "sae-Windhof", minRateBps: 100 }), /^\/b /],
        [`{"a":"sae-Windhof",\n"a":"sae-Betzdorf"}`, / JSON line 2 column \d+.*"?a"?/],
        [`{"avoidNodes":${"[".repeat(100)}${"]".repeat(100)}}`, / JSON deeper than \d+ levels/],
        [`{"__proto__":{"a":1}}`, / JSON line 1 .*__proto__/],
      ]
      for (const [body, where] of orders) {
        const reply = await api("/services", {
          method: "POST",
          headers: { ...bearer(), "content-type": "application/json" },
          body,
        })
        const what = `${body.slice(0, 100)}: ${reply.body}`
        assert([400, 413].includes(reply.status), what)
        const problem = problemOf(reply)
        assert.match(`${problem.path ?? ""} ${problem.detail}`, where, what)
      }
      const unknown = await api("/services", {
        method: "POST",
        headers: { ...bearer(), "content-type": "application/json" },
        body: JSON.stringify({ ...good, b: "sae-nowhere" }),
      })
      assert([400, 404, 409].includes(unknown.status), unknown.body)
      assert.match(problemOf(unknown).detail, /sae-nowhere/)
    })

    it("with another type, a coding or a body too big are refused before it is read", async () => {
      const post = (headers: Record<string, string>, body: string | Buffer): Promise<Reply> =>
        api("/services", { method: "POST", headers: { ...bearer(), ...headers }, body })
      for (const type of ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
        assert.equal((await post({ "content-type": type }, "a=1")).status, 415, type)
      const json = { "content-type": "application/json" }
      assert.equal((await post({ ...json, "content-encoding": "gzip" }, "x")).status, 415)
      const big = Buffer.alloc(10 * 1024 * 1024, 0x20)
      assert.equal((await post(json, big)).status, 413)
      assert.equal((await post({ ...json, "transfer-encoding": "chunked" }, big)).status, 413)
      const stranger = await api("/services", { method: "POST", headers: json, body: big })
      assert.equal(stranger.status, 401, "strangers are not read at all")
    })

    it("are told that there is no such thing", async () => {
      for (const [method, resource, status] of [
        ["GET", `/nodes/${randomUUID()}`, 404],
        ["GET", `/links/${randomUUID()}`, 404],
        ["GET", `/services/${randomUUID()}`, 404],
        ["DELETE", `/services/${randomUUID()}`, 404],
        ["GET", "/services/..%2f..%2fetc%2fpasswd", 404],
        ["GET", "/nodes/%00", 404],
        ["GET", "/keys", 404],
        ["GET", "/../../package.json", 404],
        ["GET", "/nodes/%zz", 400],
        ["GET", "/nodes?limit=100000", 400],
        ["GET", "/nodes?limit=1&limit=2", 400],
        ["GET", "/nodes?cursor=AAAA", 400],
        ["GET", "/nodes?filter=colour:red", 400],
        ["GET", "/nodes?colour=red", 400],
        ["GET", "/events?since=-1", 400],
        ["PUT", "/network", 405],
        ["PATCH", "/services", 405],
      ] as const) {
        const reply = await api(resource, { method, headers: bearer() })
        assert.equal(reply.status, status, `${method} ${resource}: ${reply.body}`)
        assert(problemOf(reply).detail.length > 5)
      }
    })

    it("harm nobody", unharmed)
  })

  describe("at the WebSocket", () => {
    const subscribe = JSON.stringify({ op: "subscribe", id: "1", topics: ["*"] })

    it("without a good token hear nothing of the network", async () => {
      const [mute, words, wrong, init] = await Promise.all([
        converse(events(), {}, []),
        converse(events(), {}, [subscribe]),
        converse(events(), { authorization: "Bearer nonsense" }, [subscribe]),
        converse(events(), {}, [JSON.stringify({ op: "init", token: "nonsense" }), subscribe]),
      ])
      assert.deepEqual([mute.refused, mute.code, mute.messages], [0, 4408, []])
      assert.deepEqual([words.refused, words.code, words.messages], [0, 4401, []])
      assert.equal(wrong.refused, 401)
      assert.deepEqual([init.refused, init.code, init.messages], [0, 4401, []])
      const query = await converse(`${events()}?token=${token()}`, {}, [subscribe])
      assert.deepEqual([query.code, query.messages], [4401, []])
    })

    it("on a foreign page are refused, with token or cookie", async () => {
      const cookie = await signIn()
      for (const headers of [
        { ...bearer(), origin: "https://evil.example" },
        { cookie, origin: "https://evil.example" },
        { cookie, origin: "null" },
        { cookie },
      ] as Record<string, string>[])
        assert.equal((await converse(events(), headers, [])).refused, 403, JSON.stringify(headers))
      const rebound = await converse(events(), { ...bearer(), host: "evil.example" }, [])
      assert.equal(rebound.refused, 421)
      assert.equal(
        (await converse(events().replace("/events", "/nodes"), bearer(), [])).refused,
        404,
      )
      const isPicture = (message: string): boolean => message.includes('"snapshot"')
      const own = await converse(events(), { cookie, origin: base() }, [subscribe], isPicture)
      assert(own.messages.some(isPicture), "our own page is let in")
    })

    it("that send garbage are told so and closed, each alone", async () => {
      const honest = new WebSocket(events(), "keyloom.v1", { headers: bearer() })
      const heard: string[] = []
      honest.on("message", (data: Buffer) => heard.push(data.toString("utf8")))
      await new Promise((resolve, reject) => {
        honest.once("open", resolve)
        honest.once("error", reject)
      })
      honest.send(subscribe)
      const deep = "[".repeat(5000) + "]".repeat(5000)
      const garbage: (string | Buffer)[] = [
        "",
        "garbage",
        "{}",
        "[]",
        "null",
        deep,
        `{"op":"subscribe","op":"subscribe"}`,
        `{"op":"explode"}`,
        `{"op":"subscribe","id":"1","topics":["*"],"colour":"red"}`,
        `{"op":"subscribe","id":"1","topics":"*"}`,
        `{"op":"subscribe","id":"1","topics":["*"],"since":{"epoch":"x","seq":-1}}`,
        `{"op":"init","token":"again"}`,
        Buffer.from(subscribe),
      ]
      for (const word of garbage) {
        const { code, messages } = await converse(events(), bearer(), [word])
        assert.equal(code, 4400, `${word.toString().slice(0, 80)}: ${messages.join(" ")}`)
        const last = JSON.parse(messages.at(-1) ?? "{}") as { op?: string; problem?: Problem }
        assert.equal(last.op, "error", word.toString().slice(0, 80))
        assert((last.problem?.detail ?? "").length > 5)
      }
      const big = await converse(events(), bearer(), ["x".repeat(10 * 1024 * 1024)])
      assert.equal(big.code, 1009, "message too big (RFC 6455)")
      assert.equal(honest.readyState, WebSocket.OPEN)
      assert(heard.some((m) => m.includes('"snapshot"')))
      honest.terminate()
    })

    it("harm nobody", unharmed)
  })

  // Last: afterwards nobody signs in from this address for a minute.
  describe("at the login", () => {
    it("cannot guess login codes for long", async () => {
      const statuses: number[] = []
      for (let i = 0; i < 40; i += 1) {
        const { status } = await api("/session", {
          method: "POST",
          headers: { "content-type": "application/json", origin: base() },
          body: JSON.stringify({ code: randomUUID() }),
        })
        statuses.push(status)
      }
      assert(statuses.every((s) => s === 401 || s === 429))
      assert.equal(statuses.at(-1), 429)
      await unharmed()
    })
  })
})
