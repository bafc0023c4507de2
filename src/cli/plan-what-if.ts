// `keyloom plan what-if`: a change of the network, and what becomes of its services; as JSON, as lines to read, as a
// picture.

import { QkdError } from "../errors.js"
import { rateWords } from "../plan/map-scales.js"
import { changeNetwork, type ChangedNetwork } from "../plan/network-change.js"
import { drawLoads } from "../plan/pictures.js"
import type { Effects } from "../plan/standing.js"
import { type CarriedRate, type MovedService, whatIf, type WhatIf } from "../plan/what-if.js"
import { loadLinearPrograms } from "./highs.js"
import { writePicture } from "./plan-files.js"
import { readSource, type SourceOptions, standingOn, type StandingOptions } from "./plan-source.js"
import { figure, table } from "./table.js"

export interface PlanWhatIfOptions extends SourceOptions, StandingOptions {
  readonly without?: readonly string[]
  readonly add?: readonly string[]
  readonly json?: boolean
  readonly svg?: string
}

/** @throws QkdError with the file or option and the place of the fault. */
export async function planWhatIf(options: PlanWhatIfOptions): Promise<void> {
  const { without = [], add = [], online = false, split = false } = options
  if (without.length + add.length === 0)
    throw new QkdError("missing-element", "--without or --add says what changes")
  const source = await readSource(options)
  const change = changeNetwork(source.topology, without, add)
  for (const notice of change.topology.notices) process.stderr.write(`keyloom: ${notice}\n`)
  const make = await loadLinearPrograms()
  const standing = standingOn(source, change.before, options, make)
  const { answer, effects } = whatIf(change, standing, make, { online, split })
  if (options.svg !== undefined) writePicture(options.svg, pictureOf(change, answer, effects))
  process.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : wordsOf(answer))
}

function wordsOf(answer: WhatIf): string {
  const { removed, added, before, after, plannedAnew, lost, reduced, moved, gained } = answer
  const row = (name: string, rate: CarriedRate): string[] => [
    name,
    figure(rate.carriedBps),
    String(rate.services),
    rate.boundBps === undefined ? "" : figure(rate.boundBps),
  ]
  const right = { right: true }
  const list = (head: string, body: string): string => (body === "" ? "" : `${head}\n${body}`)
  return [
    ...removed.map(({ kind, id }) => `without ${kind} ${id}\n`),
    ...added.map(
      ({ id, from, to, lengthKm, skrBps }) =>
        `with a new link ${id}: ${from} - ${to}, ${figure(lengthKm)} km, ${figure(skrBps)} bit/s\n`,
    ),
    `offered ${figure(before.offeredBps)} bit/s\n`,
    table(
      [
        { head: "" },
        { head: "carried bit/s", ...right },
        { head: "services", ...right },
        { head: "at most", ...right },
      ],
      [row("before", before), row("after", after), row("planned anew", plannedAnew)],
    ),
    list(
      `lost ${lost.length}`,
      table(
        [{ head: "service" }, { head: "bit/s", ...right }, { head: "why" }],
        lost.map(({ id, rateBps, reason }) => [id, figure(rateBps), reason]),
      ),
    ),
    list(
      `reduced ${reduced.length}`,
      table(
        [{ head: "service" }, { head: "before bit/s", ...right }, { head: "after", ...right }],
        reduced.map(({ id, beforeBps, afterBps }) => [id, figure(beforeBps), figure(afterBps)]),
      ),
    ),
    list(`moved ${moved.length}`, moved.map(movedWords).join("")),
    list(
      `gained ${gained.length}`,
      table(
        [{ head: "service" }, { head: "bit/s", ...right }, { head: "path" }],
        gained.map(({ id, rateBps, paths }) => [id, figure(rateBps), waysWords(paths)]),
      ),
    ),
    lost.length + reduced.length + moved.length + gained.length === 0
      ? "no service is touched\n"
      : "",
  ].join("")
}

function movedWords({ id, from, to }: MovedService): string {
  return `  ${id}\n    from  ${waysWords(from)}\n    to    ${waysWords(to)}\n`
}

function waysWords(ways: MovedService["from"]): string {
  return ways
    .map(({ nodes, rateBps }) =>
      ways.length === 1 ? nodes.join(" - ") : `${figure(rateBps)} bit/s ${nodes.join(" - ")}`,
    )
    .join("; ")
}

/** The network after the change, with what went and what came. */
function pictureOf(change: ChangedNetwork, answer: WhatIf, { allocation }: Effects): string {
  const { topology, after, removed, added } = change
  const plus = new Map(added.map((link, i) => [link, added.length === 1 ? "new" : `new ${i + 1}`]))
  const changes = [
    ...removed.map(({ kind, id }) => `without ${kind === "srlg" ? "group" : kind} ${id}`),
    ...answer.added.map(({ from, to }) => `with ${from} - ${to}`),
  ]
  const { lost, moved, reduced, gained } = answer
  return drawLoads({
    title: `${topology.name} ${changes.join(", ")}`,
    subtitle: `${rateWords(answer.before.carriedBps)} carried before, ${rateWords(answer.after.carriedBps)} after: ${lost.length} services lost, ${reduced.length} reduced, ${moved.length} moved, ${gained.length} gained`,
    topology,
    network: after,
    allocation,
    gone: new Set(removed.flatMap(({ links }) => links)),
    goneNodes: new Set(removed.filter(({ kind }) => kind === "node").map(({ id }) => id)),
    badges: plus,
    badgeRows: answer.added.map(({ from, to, skrBps }, i) => ({
      sample: { kind: "badge", words: plus.get(added[i] ?? -1) ?? "" },
      words: `${from} - ${to}, ${rateWords(skrBps)}`,
    })),
  })
}
