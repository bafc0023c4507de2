// Somebody with the right SSH key talks nonsense to the nodes of a running network (THREATS N4): every message gets
// its rpc-error or ends its own session, as RFC 6241 and 6242 say; nobody else notices and nothing is configured.

import assert from "node:assert/strict"
import path from "node:path"
import { type Demo, freshDir, removeDir, root, startDemo } from "../support/demo.js"
import { Witness } from "../support/hostile-bystander.js"
import {
  BASE,
  chunked,
  helloOf,
  NODE_NS,
  RawNetconf,
  rpcErrorOf,
  rpcOf,
  TYPES_NS,
} from "../support/hostile-netconf.js"

const BOMB = Array.from(
  { length: 10 },
  (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`,
).join("")
const deep = (levels: number): string => "<a>".repeat(levels) + "</a>".repeat(levels)

describe("hostile NETCONF with the right key", function () {
  this.timeout(180_000)
  let demo: Demo
  let witness: Witness
  const dir = freshDir()

  const target = (name = "Kirchberg"): Demo["file"]["nodes"][number]["netconf"] =>
    (demo.file.nodes.find((n) => n.name === name) ?? assert.fail()).netconf

  before(async () => {
    demo = await startDemo({ dir, topology: path.join(root, "examples/luxembourg/topology.json") })
    witness = await Witness.of(demo, [["sae-Windhof", "sae-Betzdorf"]])
  })
  after(async () => {
    await witness.close()
    await demo.stop()
    removeDir(dir)
  })

  /** Runs `attack` in a session of its own, which is closed whatever happens. */
  const within = async (
    attack: (session: RawNetconf) => Promise<void>,
    open: () => Promise<RawNetconf> = () => RawNetconf.open(target()),
  ): Promise<void> => {
    const session = await open()
    try {
      await attack(session)
    } finally {
      session.close()
    }
  }

  describe("messages that cannot be read", () => {
    const messages: [string, string | Buffer, RegExp][] = [
      ["no XML at all", "GET / HTTP/1.1\r\n\r\n", /malformed-message/],
      ["an element left open", `<rpc xmlns="${BASE}" message-id="1"><get>`, /malformed-message/],
      ["two documents in one", rpcOf("<get/>") + rpcOf("<get/>"), /malformed-message/],
      ["an undeclared prefix", rpcOf("<x:get/>"), /malformed-message/],
      ["an undefined entity", rpcOf("<get>&nobody;</get>"), /malformed-message/],
      ["a zero byte", rpcOf("<get>\0</get>"), /malformed-message/],
      ["bytes that are not UTF-8", Buffer.from([0x3c, 0xff, 0xfe, 0x3e]), /malformed-message/],
      ["UTF-16", Buffer.from(rpcOf("<get/>"), "utf16le"), /malformed-message/],
      ["a DOCTYPE", `<!DOCTYPE rpc>${rpcOf("<get/>")}`, /malformed-message/],
      [
        "an entity bomb",
        `<!DOCTYPE rpc [<!ENTITY e0 "ha">${BOMB}]>${rpcOf("<get>&e10;</get>")}`,
        /malformed-message/,
      ],
      [
        "an external entity",
        `<!DOCTYPE rpc [<!ENTITY x SYSTEM "file:///etc/passwd">]>${rpcOf("<get>&x;</get>")}`,
        /malformed-message/,
      ],
      ["nesting of 100 levels", rpcOf(deep(100)), /too-big|malformed-message/],
      ["nesting of 100 000 levels", rpcOf(deep(100_000)), /too-big|malformed-message/],
      ["300 000 elements", rpcOf(`<get>${"<a/>".repeat(300_000)}</get>`), /too-big/],
      [
        "1000 attributes",
        rpcOf(`<get ${Array.from({ length: 1000 }, (_, i) => `a${i}="1"`).join(" ")}/>`),
        /too-big/,
      ],
    ]
    for (const [what, message, tag] of messages) {
      it(`get an rpc-error and the session goes on: ${what}`, () =>
        within(async (session) => {
          const body = typeof message === "string" ? Buffer.from(message) : message
          session.write(`\n#${body.length}\n`)
          session.write(body)
          session.write("\n##\n")
          const answer = await session.next()
          const error = rpcErrorOf(answer) ?? assert.fail(answer)
          assert.match(error.tag, tag, answer)
          assert.equal(error.type, "rpc", answer)
          assert(!answer.includes("root:"), "no file of the machine is shown")
          assert.equal(
            rpcErrorOf(await session.ask("<get-config><source><running/></source></get-config>")),
            undefined,
          )
        }))
    }

    it("end a session of base:1.0, which knows no such error", () =>
      within(
        async (session) => {
          session.write(`<rpc xmlns="${BASE}" message-id="1"><get>]]>]]>`)
          await session.end()
        },
        () => RawNetconf.open(target(), "1.0"),
      ))

    it("harm nobody else", () => witness.unharmed())
  })

  describe("rpcs that are none", () => {
    const NOT_OURS = "urn:nobody:knows"
    const rpcs: [string, string, string, string][] = [
      ["without message-id", `<rpc xmlns="${BASE}"><get/></rpc>`, "rpc", "missing-attribute"],
      ["without an operation", `<rpc xmlns="${BASE}" message-id="1"/>`, "rpc", "missing-element"],
      ["with two operations", rpcOf("<get/><get/>"), "rpc", "unknown-element"],
      ["of no namespace", '<rpc message-id="1"><get/></rpc>', "rpc", "unknown-namespace"],
      ["of another kind", `<reply xmlns="${BASE}" message-id="1"/>`, "rpc", "unknown-element"],
      ["of an operation nobody knows", rpcOf("<explode/>"), "protocol", "unknown-element"],
      [
        "of a namespace nobody knows",
        rpcOf(`<get xmlns="${NOT_OURS}"/>`),
        "protocol",
        "unknown-namespace",
      ],
      [
        "to copy from nowhere",
        rpcOf("<copy-config><target><running/></target></copy-config>"),
        "protocol",
        "missing-element",
      ],
      [
        "on a datastore that is not there",
        rpcOf("<get-config><source><startup/></source></get-config>"),
        "protocol",
        "operation-not-supported",
      ],
      [
        "to a parameter nobody knows",
        rpcOf("<get><everything/></get>"),
        "protocol",
        "unknown-element",
      ],
      [
        "with an XPath filter that would never end",
        rpcOf('<get><filter type="xpath" select="//*[//*[//*]]"/></get>'),
        "application",
        "resource-denied",
      ],
      [
        "with a filter of a kind nobody knows",
        rpcOf('<get><filter type="regex" select=".*"/></get>'),
        "protocol",
        "bad-attribute",
      ],
      [
        "to kill a session that is not there",
        rpcOf("<kill-session><session-id>4294967295</session-id></kill-session>"),
        "protocol",
        "invalid-value",
      ],
      [
        "to kill what is no session",
        rpcOf("<kill-session><session-id>1e9</session-id></kill-session>"),
        "protocol",
        "invalid-value",
      ],
      [
        "to unlock what another holds or nobody",
        rpcOf("<unlock><target><running/></target></unlock>"),
        "protocol",
        "operation-failed",
      ],
    ]
    for (const [what, message, type, tag] of rpcs) {
      it(`get an rpc-error: ${what}`, () =>
        within(async (session) => {
          const answer = await session.tell(message)
          const error = rpcErrorOf(answer) ?? assert.fail(answer)
          assert.equal(error.tag, tag, answer)
          assert.equal(error.type, type, answer)
          assert(error.message.length > 5, answer)
          assert.match(await session.ask("<get/>"), /<data/)
        }))
    }

    it("harm nobody else", () => witness.unharmed())
  })

  describe("edits that are no configuration", () => {
    const id = (): string =>
      (demo.file.nodes.find((n) => n.name === "Kirchberg") ?? assert.fail()).qkdnId
    const link = (): string => (demo.file.links[0] ?? assert.fail()).qkdlId
    const ofLink = (inner: string): string =>
      `<qkd_links><qkd_link><qkdl_id>${link()}</qkdl_id>${inner}</qkd_link></qkd_links>`
    const edits: [string, () => string, string, RegExp][] = [
      ["an unknown namespace", () => '<x xmlns="urn:nobody:knows">1</x>', "unknown-namespace", /./],
      ["an unknown leaf", () => "<qkdn_colour>red</qkdn_colour>", "unknown-element", /qkd_node/],
      [
        "a uuid that is none",
        () => "<qkd_links><qkd_link><qkdl_id>../../etc</qkdl_id></qkd_link></qkd_links>",
        "invalid-value",
        /qkdl_id/,
      ],
      [
        "a boolean that is none",
        () => ofLink("<qkdl_enable>maybe</qkdl_enable>"),
        "invalid-value",
        /qkdl_enable/,
      ],
      [
        "an integer out of range",
        () => ofLink("<qkdl_local><qkdi_id>4294967296</qkdi_id></qkdl_local>"),
        "invalid-value",
        /qkdi_id/,
      ],
      [
        "a negative integer",
        () => ofLink("<qkdl_local><qkdi_id>-1</qkdi_id></qkdl_local>"),
        "invalid-value",
        /qkdi_id/,
      ],
      [
        "a decimal that is none",
        () => ofLink("<phys_channel_att>NaN</phys_channel_att>"),
        "invalid-value",
        /phys_channel_att/,
      ],
      [
        "an identity of another base",
        () => ofLink(`<qkdl_type xmlns:t="${TYPES_NS}">t:CLIENT</qkdl_type>`),
        "invalid-value",
        /qkdl_type/,
      ],
      [
        "a leaf with children",
        () => "<qkdn_location_id><a/></qkdn_location_id>",
        "invalid-value",
        /qkdn_location_id/,
      ],
      [
        "a list entry without its key",
        () => "<qkd_links><qkd_link><qkdl_enable>true</qkdl_enable></qkd_link></qkd_links>",
        "missing-element",
        /qkd_link/,
      ],
      [
        "a leaf given twice",
        () => "<qkdn_location_id>a</qkdn_location_id><qkdn_location_id>b</qkdn_location_id>",
        "bad-element",
        /qkdn_location_id/,
      ],
      [
        "measured values",
        () => ofLink("<qkdl_performance><skr>999999999</skr></qkdl_performance>"),
        "unknown-element",
        /skr|performance/,
      ],
      [
        "an edit operation nobody knows",
        () => `<qkd_links xmlns:nc="${BASE}" nc:operation="explode"/>`,
        "bad-attribute",
        /qkd_links/,
      ],
    ]
    for (const [what, inner, tag, where] of edits) {
      it(`are refused with tag and path: ${what}`, () =>
        within(async (session) => {
          const before = await session.ask("<get-config><source><running/></source></get-config>")
          const answer = await session.ask(
            `<edit-config><target><running/></target><config><qkd_node xmlns="${NODE_NS}"><qkdn_id>${id()}</qkdn_id>${inner()}</qkd_node></config></edit-config>`,
          )
          const error = rpcErrorOf(answer) ?? assert.fail(answer)
          assert.equal(error.tag, tag, answer)
          assert(error.message.length > 5, answer)
          assert.match(error.path ?? "no path", where, answer)
          assert.match(answer, /<error-path [^>]*xmlns:/, "its prefixes are declared")
          assert.equal(
            await session.ask("<get-config><source><running/></source></get-config>"),
            before,
          )
        }))
    }

    it("are refused: the node itself deleted", () =>
      within(async (session) => {
        const answer = await session.ask(
          `<edit-config><target><running/></target><config><qkd_node xmlns="${NODE_NS}" xmlns:nc="${BASE}" nc:operation="delete"/></config></edit-config>`,
        )
        assert.equal(rpcErrorOf(answer)?.tag, "data-missing", answer)
      }))

    it("harm nobody else", () => witness.unharmed())
  })

  describe("framing that is none", () => {
    const headers: [string, string][] = [
      ["a chunk of no bytes", "\n#0\n\n##\n"],
      ["a leading zero", "\n#007\n<hello>\n##\n"],
      ["a negative size", "\n#-5\nabcde\n##\n"],
      ["a size beyond 32 bits", "\n#4294967296\n"],
      ["a size of many digits", `\n#${"9".repeat(5000)}`],
      ["a size that is no number", "\n#abc\n"],
      ["an end before any chunk", "\n##\n"],
      ["no line feed before the header", "#5\nhello\n##\n"],
      ["end-of-message framing after base:1.1", `${rpcOf("<get/>")}]]>]]>`],
      ["a chunk larger than any message may be", "\n#4294967295\n"],
      ["a chunk that announces less than it brings", `\n#3\n${rpcOf("<get/>")}\n##\n`],
    ]
    for (const [what, bytes] of headers) {
      it(`ends the session: ${what}`, () =>
        within(async (session) => {
          session.write(bytes)
          await session.end()
        }))
    }

    const frame = Buffer.alloc(64 * 1024, 0x20)
    it("ends the session when a message never ends, in chunks", () =>
      within(async (session) => {
        for (let i = 0; i < 400 && !session.ended; i += 1) {
          session.write(`\n#${frame.length}\n`)
          session.write(frame)
          if (i % 16 === 0) await new Promise((done) => setImmediate(done))
        }
        await session.end()
      }))

    it("ends the session when a message never ends, without delimiter", () =>
      within(
        async (session) => {
          for (let i = 0; i < 400 && !session.ended; i += 1) {
            session.write(frame)
            if (i % 16 === 0) await new Promise((done) => setImmediate(done))
          }
          await session.end()
        },
        () => RawNetconf.open(target(), "1.0"),
      ))

    const hellos: [string, string][] = [
      ["an rpc instead of a hello", `${rpcOf("<get/>")}]]>]]>`],
      ["a hello of another namespace", helloOf("1.1").replace(BASE, "urn:nobody:knows")],
      [
        "a hello with a session-id",
        helloOf("1.1").replace("</hello>", "<session-id>1</session-id></hello>"),
      ],
      ["a hello without capabilities", `<hello xmlns="${BASE}"/>]]>]]>`],
      ["a hello of no common version", helloOf("7.7")],
      ["a hello with a DOCTYPE", `<!DOCTYPE hello [<!ENTITY e0 "ha">${BOMB}]>${helloOf("1.1")}`],
      ["a chunked hello", chunked(helloOf("1.1").replace("]]>]]>", "")) + "]]>]]>"],
    ]
    for (const [what, hello] of hellos) {
      it(`ends the session: ${what}`, () =>
        within(
          async (session) => {
            session.write(hello)
            await session.end()
          },
          () => RawNetconf.connect(target()),
        ))
    }

    it("gives back the lock of a session that was ended for it", async () => {
      const lock = "<lock><target><running/></target></lock>"
      await within(async (session) => {
        assert.match(await session.ask(lock), /<ok\/>/)
        await within(async (other) => {
          assert.equal(rpcErrorOf(await other.ask(lock))?.tag, "lock-denied")
        })
        session.write("\n#0\n")
        await session.end()
      })
      await within(async (session) => {
        assert.match(await session.ask(lock), /<ok\/>/)
      })
    })

    it("harms nobody else, at any node", async () => {
      for (const { netconf } of demo.file.nodes) {
        const session = await RawNetconf.open(netconf)
        session.write("\n#12\nhalf an")
        session.close()
      }
      await witness.unharmed()
    })
  })
})
