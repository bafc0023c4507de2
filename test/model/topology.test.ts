import assert from "node:assert/strict"
import { existsSync, readFileSync } from "node:fs"
import { QkdError } from "../../src/errors.js"
import { readTopology } from "../../src/model/topology-file.js"
import { greatCircleKm, lossDbOf } from "../../src/model/topology.js"

const shared = new URL("../../../shared/data/topologies/", import.meta.url)
const shipped = new URL("../../examples/luxembourg/topology.json", import.meta.url)

function refused(text: string, name = "net.json"): QkdError {
  try {
    readTopology(text, name)
  } catch (error) {
    assert(error instanceof QkdError)
    return error
  }
  return assert.fail("was accepted")
}

describe("a topology in Keyloom's own form", () => {
  it("gives the shipped Luxembourg network with an SAE at every site", () => {
    const net = readTopology(readFileSync(shipped, "utf8"), "topology.json")
    assert.deepEqual(
      net.saes.map((s) => s.id),
      ["sae-Windhof", "sae-Kirchberg", "sae-Betzdorf"],
    )
    assert.deepEqual(
      net.links.map((l) => l.id),
      ["windhof-kirchberg", "kirchberg-betzdorf"],
    )
    assert(net.nodes.every((n) => n.relay))
  })

  it("says the same as the mission's data, word for number", function () {
    if (!existsSync(shared)) {
      console.log("      skipped: ../shared is not here")
      this.skip()
    }
    const theirs = readTopology(readFileSync(new URL("luxembourg-lab.json", shared), "utf8"), "x")
    const ours = readTopology(readFileSync(shipped, "utf8"), "x")
    assert.deepEqual(ours.nodes, theirs.nodes)
    assert.deepEqual(ours.links, theirs.links)
  })

  it("tells parallel links without ids apart", () => {
    const net = readTopology(
      '{"name":"n","nodes":[{"name":"A"},{"name":"B"}],"links":[{"a":"A","b":"B","lossDb":3},{"a":"A","b":"B","lossDb":4}]}',
      "n.json",
    )
    assert.deepEqual(
      net.links.map((l) => l.id),
      ["a-b", "a-b-2"],
    )
  })

  it("says so when it has to assume a length", () => {
    const net = readTopology(
      '{"name":"n","nodes":[{"name":"A"},{"name":"B"}],"links":[{"a":"A","b":"B"}]}',
      "n.json",
    )
    assert.equal(net.notices.length, 1)
    assert.match(net.notices[0] ?? "", /a-b: no length/)
  })

  it("takes the length of a link between placed sites from the map", () => {
    const net = readTopology(
      '{"name":"n","nodes":[{"name":"A","lat":49,"lon":6},{"name":"B","lat":50,"lon":6}],"links":[{"a":"A","b":"B"}]}',
      "n.json",
    )
    const km = greatCircleKm({ lat: 49, lon: 6 }, { lat: 50, lon: 6 })
    assert(Math.abs(km - 111.19) < 0.1)
    const [link] = net.links
    assert(link !== undefined)
    assert.equal(link.lengthKm, Math.round(km * 1.4 * 100) / 100)
    assert(Math.abs(lossDbOf(link) - km * 1.4 * 0.2) < 0.01)
  })

  const wrong: [string, string, string, RegExp][] = [
    [
      "an unknown field",
      '{"name":"n","nodes":[{"name":"A","colour":1}],"links":[]}',
      "/nodes/0",
      /unknown field "colour"/,
    ],
    [
      "a link to nowhere",
      '{"name":"n","nodes":[{"name":"A"}],"links":[{"a":"A","b":"Z"}]}',
      "/links/0/b",
      /no node is called "Z"/,
    ],
    [
      "a link from a site to itself",
      '{"name":"n","nodes":[{"name":"A"}],"links":[{"a":"A","b":"A"}]}',
      "/links/0",
      /itself/,
    ],
    [
      "two sites of one name",
      '{"name":"n","nodes":[{"name":"A"},{"name":"A"}],"links":[]}',
      "/nodes/1/name",
      /second/,
    ],
    [
      "a negative loss",
      '{"name":"n","nodes":[{"name":"A"},{"name":"B"}],"links":[{"a":"A","b":"B","lossDb":-1}]}',
      "/links/0/lossDb",
      />= 0/,
    ],
    [
      "an SAE at no site",
      '{"name":"n","nodes":[{"name":"A"}],"links":[],"saes":[{"id":"s","node":"B"}]}',
      "/saes/0/node",
      /no node/,
    ],
    ["a missing name", '{"nodes":[{"name":"A"}],"links":[]}', "/", /name/],
  ]
  for (const [what, text, path, message] of wrong) {
    it(`refuses ${what}, naming ${path}`, () => {
      const error = refused(text)
      assert.equal(error.path, path)
      assert.match(error.message, message)
      assert.match(error.message, /^net\.json: /)
    })
  }

  it("refuses broken JSON with the line", () => {
    assert.match(refused('{"name":"n",\n"nodes":[}\n').message, /line 2/)
  })

  it("refuses an empty file", () => {
    assert.match(refused("  \n").message, /empty/)
  })
})

describe("a topology from elsewhere", () => {
  it("reads NetworkX node-link JSON, taking dist as kilometres", () => {
    const net = readTopology(
      '{"directed":false,"multigraph":false,"graph":{"name":"g"},"nodes":[{"id":0,"name":"X","pos":[6.1,49.6]},{"id":1}],"edges":[{"source":0,"target":1,"dist":61.63,"ecmp":{}}]}',
      "g.json",
    )
    assert.equal(net.name, "g")
    assert.deepEqual(net.nodes[0], { name: "X", lat: 49.6, lon: 6.1, relay: true })
    assert.deepEqual(net.links[0], { id: "x-1", a: "X", b: "1", lengthKm: 61.63, srlg: [] })
  })

  it("joins both directions of a directed file into one link", () => {
    const net = readTopology(
      '{"directed":true,"nodes":[{"id":0},{"id":1}],"links":[{"source":0,"target":1,"dist":5},{"source":1,"target":0,"dist":5}]}',
      "g.json",
    )
    assert.equal(net.links.length, 1)
  })

  it("refuses an edge to an unknown id, naming it", () => {
    const error = refused('{"directed":false,"nodes":[{"id":0}],"edges":[{"source":0,"target":7}]}')
    assert.equal(error.path, "/edges/0/target")
  })

  it("reads the whole of germany50", function () {
    if (!existsSync(shared)) {
      console.log("      skipped: ../shared is not here")
      this.skip()
    }
    const net = readTopology(
      readFileSync(new URL("sndlib/germany50.json", shared), "utf8"),
      "germany50.json",
    )
    assert.equal(net.nodes.length, 50)
    assert.equal(net.links.length, 88)
    assert.deepEqual(net.notices, [])
  })

  const zoo = (nodes: string, edges: string): string =>
    `<?xml version="1.0" encoding="utf-8"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">
    <key attr.name="Latitude" attr.type="double" for="node" id="d29"/><key attr.name="Longitude" attr.type="double" for="node" id="d32"/>
    <key attr.name="label" attr.type="string" for="node" id="d33"/><key attr.name="Network" attr.type="string" for="graph" id="d0"/>
    <graph edgedefault="undirected"><data key="d0">Zoo net</data>${nodes}${edges}</graph></graphml>`

  it("reads GraphML as the Topology Zoo writes it, with lengths from the coordinates", () => {
    const net = readTopology(
      zoo(
        `<node id="0"><data key="d29">49.6</data><data key="d32">6.1</data><data key="d33">Lux</data></node>
         <node id="1"><data key="d29">49.75</data><data key="d32">6.64</data><data key="d33">Trier</data></node>
         <node id="2"><data key="d33">Lux</data></node>`,
        `<edge source="0" target="1"/><edge source="1" target="2"/>`,
      ),
      "zoo.graphml",
    )
    assert.equal(net.name, "Zoo net")
    assert.deepEqual(
      net.nodes.map((n) => n.name),
      ["Lux", "Trier", "Lux 2"],
    )
    const km = greatCircleKm({ lat: 49.6, lon: 6.1 }, { lat: 49.75, lon: 6.64 }) * 1.4
    assert.equal(net.links[0]?.lengthKm, Math.round(km * 100) / 100)
    assert.equal(net.notices.length, 1)
  })

  it("refuses broken XML with the line", () => {
    assert.match(refused("<graphml>\n<graph></graphml>", "z.graphml").message, /line 2|2:\d+/)
  })

  it("refuses an entity bomb", () => {
    const error = refused('<!DOCTYPE g [<!ENTITY a "aaaa">]><graphml>&a;</graphml>', "z.graphml")
    assert.equal(error.tag, "malformed-message")
  })

  it("refuses an edge that names no node", () => {
    const error = refused(zoo('<node id="0"/>', '<edge source="0" target="9"/>'), "z.graphml")
    assert.equal(error.path, "/graphml/graph/edge[1]/@target")
  })
})
