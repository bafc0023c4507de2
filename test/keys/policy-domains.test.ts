// Neighbouring domains in a site policy: who they are, whom the site stands for, and what a controller may do with that.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import { mayConfigureApp } from "../../src/keys/policy-decisions.js"
import { parsePolicy } from "../../src/keys/policy-document.js"
import type { AppConfig } from "../../src/model/app.js"
import { node, peer, pin, policyDocument } from "./policy-fixture.js"

const north = {
  name: "north",
  spkiSha256: [pin("north")],
  url: "https://10.0.0.2:8443",
  saes: ["north.bob", "north.ben"],
}
const at = (over: object): unknown => ({ ...policyDocument(), domains: [{ ...north, ...over }] })

describe("a domain in a site policy", () => {
  const policy = parsePolicy(at({}))

  it("is known by its pins, and stood for by the site", () => {
    assert.equal(policy.domainByPin(pin("north"))?.name, "north")
    assert.equal(policy.domainOf("north.bob")?.name, "north")
    assert.equal(policy.homeOf("north.bob"), node(1))
    assert.equal(policy.standsFor("north.bob"), true)
    assert.equal(policy.standsFor("bob"), false)
    assert.equal(policy.ownsSae("north.bob"), false, "nobody here has its certificate")
  })

  it("lets no other node claim its SAEs", () => {
    const open = parsePolicy({ ...policyDocument({ peers: [peer(2)] }), domains: [north] })
    assert.equal(open.mayClaim(node(2), "somebody"), true)
    assert.equal(open.mayClaim(node(2), "north.bob"), false)
  })

  for (const [what, over, where] of [
    ["no pins", { spkiSha256: [] }, "/domains/0/spkiSha256"],
    ["a pin that is an SAE's", { spkiSha256: [pin("alice")] }, "/domains/0/spkiSha256/0"],
    ["an SAE that is the site's own", { saes: ["alice"] }, "/domains/0/saes/0"],
    ["an SAE that is another site's", { saes: ["bob"] }, "/peers/1/saes/0"],
    ["an SAE that no URI can name", { saes: ["a b"] }, "/domains/0/saes/0"],
    ["an origin in clear", { url: "http://10.0.0.2" }, "/domains/0/url"],
    ["more than an origin", { url: "https://10.0.0.2/x" }, "/domains/0/url"],
    ["a name and password", { url: "https://a:b@10.0.0.2" }, "/domains/0/url"],
    ["no URL", { url: "north" }, "/domains/0/url"],
    ["an unknown member", { mode: "synchronous" }, "/domains/0/mode"],
  ] as const)
    it(`is refused: ${what}`, () => {
      assert.throws(
        () => parsePolicy(at(over)),
        (error) => {
          return error instanceof QkdError && error.path === where
        },
      )
    })

  it("has its SAEs' applications at this node, towards nodes that may claim the others", () => {
    const app: AppConfig = {
      ...{ appId: "a", type: "CLIENT", priority: 0, qos: {}, backingQkdlIds: ["l"] },
      ...{ serverAppId: "north.bob", clientAppIds: ["bob"] },
      ...{ localQkdnId: node(1), remoteQkdnId: node(3) },
    }
    assert.equal(mayConfigureApp(policy, app).allowed, true)
    for (const over of [
      { remoteQkdnId: node(4) },
      { serverAppId: "alice", clientAppIds: ["north.bob"] },
      { serverAppId: "north.zoe" },
    ])
      assert.equal(mayConfigureApp(policy, { ...app, ...over }).allowed, false)
  })
})
