// Networks that the tests of the north faces and the page run on.

import type { Topology } from "../../src/model/topology.js"

/** Three sites in Luxembourg; public facts, lengths estimated. */
export const luxembourg: Topology = {
  name: "Luxembourg",
  nodes: [
    { name: "Windhof", place: "HITEC, Windhof", lat: 49.6475, lon: 5.96, relay: true },
    { name: "Kirchberg", place: "Luxembourg-Kirchberg", lat: 49.6265, lon: 6.16, relay: true },
    { name: "Betzdorf", place: "SES, Betzdorf", lat: 49.6935, lon: 6.33, relay: true },
  ],
  links: [
    {
      id: "windhof-kirchberg",
      a: "Windhof",
      b: "Kirchberg",
      lengthKm: 20.4,
      lossDb: 5.5,
      module: "IDQ Clavis",
      srlg: [],
    },
    {
      id: "kirchberg-betzdorf",
      a: "Kirchberg",
      b: "Betzdorf",
      lengthKm: 20.1,
      lossDb: 5.4,
      module: "ThinkQuantum QUKY",
      srlg: [],
    },
  ],
  saes: [],
  notices: [],
}

/** `n` sites in a ring, with a second fibre between the first two. */
export function ring(n: number): Topology {
  const names = Array.from({ length: n }, (_, i) => `Site ${i + 1}`)
  return {
    name: `ring of ${n}`,
    nodes: names.map((name) => ({ name, relay: true })),
    links: [
      ...names.map((a, i) => ({
        id: `l${i + 1}`,
        a,
        b: names[(i + 1) % n] ?? "",
        lengthKm: 20,
        lossDb: 5,
        srlg: [],
      })),
      { id: "l1b", a: "Site 1", b: "Site 2", lengthKm: 30, lossDb: 8, srlg: [] },
    ],
    saes: [],
    notices: [],
  }
}
