// Who answers in bench/paths.ts beside Keyloom: programs that are started with the graph's file and asked line by line, and
// packages of npm asked in this process. Each tells which operations it has.

import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import path from "node:path"
import { createInterface, type Interface } from "node:readline"
import { fileURLToPath } from "node:url"
import { alg, Graph as Graphlib } from "@dagrejs/graphlib"
import createGraph, { type Link } from "ngraph.graph"
import { nba } from "ngraph.path"
import type { BenchGraph, BenchPair } from "./path-graphs.js"

/** The cheapest path; the eight cheapest; two that share no link; with bounds on loss and hops; one link changed. */
export type Operation = "one" | "eight" | "pair" | "limits" | "update"

/** Sum of the costs found, -1 where there is no path; and how long it took. */
export interface Answer {
  readonly value: number
  readonly us: number
}

export interface Peer {
  readonly name: string
  readonly operations: readonly Operation[]
  ask(operation: Operation, first: number, count: number): Promise<readonly Answer[]>
  close(): void
}

/** Compiles the C++ program into a folder; undefined, with a notice, where compiler or Boost are missing. */
export function compileBoost(folder: string): string | undefined {
  const source = fileURLToPath(new URL("paths-boost.cpp", import.meta.url))
  const program = path.join(folder, "paths-boost")
  const args = ["-O3", "-march=native", "-std=c++17", "-o", program, source]
  const { status, stderr } = spawnSync("g++", args, { encoding: "utf8" })
  if (status === 0) return program
  console.log(`without Boost: ${status === null ? "no g++" : (stderr.split("\n")[0] ?? "")}`)
  return undefined
}

/** A script of bench/, run by Debian's Python; undefined, with a notice, where the package is missing. */
export function pythonScript(name: string): readonly string[] | undefined {
  const { status } = spawnSync("/usr/bin/python3", ["-c", `import ${name}`])
  if (status === 0)
    return ["/usr/bin/python3", fileURLToPath(new URL(`paths-${name}.py`, import.meta.url))]
  console.log(`without ${name}: its Debian package is not installed`)
  return undefined
}

export class ProgramPeer implements Peer {
  readonly name: string
  readonly operations: readonly Operation[]
  readonly #child: ChildProcess
  readonly #lines: Interface
  readonly #waiting: ((line: string) => void)[] = []

  constructor(name: string, operations: readonly Operation[], command: readonly string[]) {
    this.name = name
    this.operations = operations
    const [program = "", ...args] = command
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] })
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })
    this.#lines.on("line", (line) => this.#waiting.shift()?.(line))
    child.on("exit", (code) => {
      if (this.#waiting.length > 0) throw new Error(`${name} ended with ${String(code)}`)
    })
  }

  async ask(operation: Operation, first: number, count: number): Promise<readonly Answer[]> {
    const line = await new Promise<string>((resolve) => {
      this.#waiting.push(resolve)
      this.#child.stdin?.write(`${operation} ${first} ${count}\n`)
    })
    return line
      .trim()
      .split(" ")
      .map((one) => {
        const [value = Number.NaN, us = Number.NaN] = one.split(":").map(Number)
        return { value, us }
      })
  }

  close(): void {
    this.#lines.close()
    this.#child.stdin?.end()
  }
}

/** One that answers in this process, question by question. */
export class LocalPeer implements Peer {
  readonly name: string
  readonly operations: readonly Operation[]
  readonly #pairs: readonly BenchPair[]
  readonly #answer: (operation: Operation, question: number, pair: BenchPair) => number

  /** @param pairs asked in turn; `answer` gets the number of the question besides. */
  constructor(
    name: string,
    operations: readonly Operation[],
    pairs: readonly BenchPair[],
    answer: (operation: Operation, question: number, pair: BenchPair) => number,
  ) {
    this.name = name
    this.operations = operations
    this.#pairs = pairs
    this.#answer = answer
  }

  ask(operation: Operation, first: number, count: number): Promise<readonly Answer[]> {
    const answers: Answer[] = []
    for (let question = first; question < first + count; question += 1) {
      const pair = this.#pairs[question % this.#pairs.length]
      if (pair === undefined) continue
      const start = performance.now()
      const value = this.#answer(operation, question, pair)
      answers.push({ value, us: (performance.now() - start) * 1e3 })
    }
    return Promise.resolve(answers)
  }

  close(): void {
    // Nothing is held.
  }
}

export function graphlibPeer({ graph, cost, pairs }: BenchGraph): Peer {
  const made = new Graphlib({ directed: false, multigraph: true })
  for (let node = 0; node < graph.nodeCount; node += 1) made.setNode(String(node))
  for (let link = 0; link < graph.linkCount; link += 1)
    made.setEdge(String(graph.linkA[link]), String(graph.linkB[link]), cost[link], String(link))
  return new LocalPeer("graphlib", ["one"], pairs, (_operation, _question, { from, to }) => {
    // It has no search for one goal: all distances, always.
    const all = alg.dijkstra(
      made,
      String(from),
      (edge) => Number(made.edge(edge)),
      (node) => made.nodeEdges(node) ?? [],
    )
    return all[String(to)]?.distance ?? -1
  })
}

export function ngraphPeer({ graph, cost, pairs }: BenchGraph): Peer {
  const made = createGraph<undefined, number>()
  for (let node = 0; node < graph.nodeCount; node += 1) made.addNode(node)
  for (let link = 0; link < graph.linkCount; link += 1)
    made.addLink(graph.linkA[link] ?? 0, graph.linkB[link] ?? 0, cost[link] ?? 0)
  const finder = nba(made, { distance: (_a, _b, link: Link<number>) => link.data })
  return new LocalPeer("ngraph.path", ["one"], pairs, (_operation, _question, { from, to }) => {
    const nodes = finder.find(from, to)
    let sum = nodes.length === 0 ? -1 : 0
    for (let i = 1; i < nodes.length; i += 1) {
      const a = nodes[i - 1]
      const b = nodes[i]
      if (a !== undefined && b !== undefined)
        sum += made.getLink(b.id, a.id)?.data ?? made.getLink(a.id, b.id)?.data ?? 0
    }
    return sum
  })
}
