// A far end whose key store is new says so along the path, and keys kept ready for it go (THREATS D2).

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import type { VirtLinkConfig } from "../../src/model/link.js"
import { VolatileStore } from "../../src/node/key-store.js"
import { LinkTable } from "../../src/node/link-table.js"
import type { RelayPeer } from "../../src/node/relay-peer.js"
import { decodeVoid } from "../../src/node/relay-wire.js"
import { StoreNews } from "../../src/node/store-news.js"
import { makeIdentity, policyOf } from "./key-network.js"

const [near, relay, far] = [makeIdentity(1), makeIdentity(2), makeIdentity(3)]
const sites = [near, relay, far]

const path: VirtLinkConfig = {
  type: "VIRT",
  qkdlId: randomUUID(),
  enabled: true,
  local: { qkdnId: near.qkdnId },
  remote: { qkdnId: far.qkdnId },
  nextHops: [],
  prevHop: relay.qkdnId,
}

function newsOf(site: typeof near, lost: string[], now: () => number): StoreNews {
  const links = new LinkTable(policyOf(site, sites), site.qkdnId, () => assert.fail("no link"))
  links.configure({ links: [path], apps: [], peers: [] })
  return new StoreNews({
    links,
    store: new VolatileStore(() => 0, randomBytes),
    signKey: site.signKey,
    steadyMs: now,
    onLost: (qkdnId) => lost.push(qkdnId),
  })
}

/** What is told to the neighbour on the path. */
function told(news: StoreNews): ReturnType<typeof decodeVoid>[] {
  const heard: ReturnType<typeof decodeVoid>[] = []
  const peer = {
    qkdnId: relay.qkdnId,
    send: (kind: string, body: Buffer) => {
      assert.equal(kind, "store")
      return heard.push(decodeVoid(body)) > 0
    },
  } as unknown as RelayPeer
  news.tell([peer])
  return heard
}

describe("news of a key store", () => {
  it("reach the far end of each path once, and its keys kept ready go", () => {
    const lost: string[] = []
    const [first] = told(newsOf(far, [], () => 0))
    const [second] = told(newsOf(far, [], () => 0))
    assert.ok(first && second)
    const here = newsOf(near, lost, () => 0)
    assert.equal(here.hear(first), true)
    assert.equal(here.hear(first), true)
    assert.deepEqual(lost, [far.qkdnId], "told again, it is no news")
    assert.equal(here.hear(second), true)
    assert.deepEqual(lost, [far.qkdnId, far.qkdnId], "another store")
  })

  it("count for nothing when another says so", () => {
    const lost: string[] = []
    const [news] = told(newsOf(far, [], () => 0))
    assert.ok(news)
    const here = newsOf(near, lost, () => 0)
    assert.equal(here.hear({ ...news, transferId: randomUUID() }), false)
    assert.equal(here.hear({ ...news, destination: relay.qkdnId }), false)
    assert.equal(here.hear({ ...news, signature: randomBytes(64) }), false)
    assert.deepEqual(lost, [])
  })

  it("are told as long as the store is young", () => {
    let now = 0
    const news = newsOf(far, [], () => now)
    assert.equal(told(news).length, 1)
    now = 3_600_000
    assert.equal(told(news).length, 0)
  })
})
