// `keyloom reoptimise`: better places for the services of a running network, shown or moved to; as a table to read, as JSON.
// What is moved, and whether it may be, is the controller's.

import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import { askController, type ControllerAddress } from "./controller-client.js"
import { table } from "./table.js"

export interface ReoptimiseOptions extends ControllerAddress {
  readonly dryRun?: boolean
  /** How long to wait for the end, seconds. */
  readonly wait: number
  readonly json?: boolean
}

/**
 * Ends with status 1 when moves were left undone.
 *
 * @throws QkdError as `askController`; `operation-failed` when the answer is none of a controller's.
 */
export async function reoptimise(options: ReoptimiseOptions): Promise<void> {
  const dryRun = options.dryRun ?? false
  const answer = await askController(options, "/reoptimisation", {
    method: "POST",
    body: { dryRun },
    ...(!dryRun && { waitS: options.wait }),
  })
  const plan = planIn(answer)
  process.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : wordsOf(plan))
  if (plan.outcome?.["state"] === "ended") process.exitCode = 1
}

interface Plan {
  readonly moves: readonly JsonObject[]
  /** What the controller says of the whole, and then a line for each move. */
  readonly head: readonly string[]
  readonly outcome: JsonObject | undefined
}

function planIn(answer: JsonValue): Plan {
  const foreign = (): never => {
    throw new QkdError("operation-failed", "the answer is not one of a Keyloom controller")
  }
  if (!isObject(answer)) return foreign()
  const { moves, text, outcome } = answer
  if (!isArray(moves) || !isArray(text) || !moves.every(isObject)) return foreign()
  return {
    moves,
    head: text.slice(0, text.length - moves.length).map(String),
    outcome: outcome !== undefined && isObject(outcome) ? outcome : undefined,
  }
}

function wordsOf({ moves, head, outcome }: Plan): string {
  const right = { right: true }
  const lines = head.map((line) => `${line}\n`).join("")
  const rows = moves.map((move) => [
    textOf(move["group"]),
    textOf(move["name"]),
    textOf(move["rateBps"]),
    move["from"] === undefined ? "waits" : pathsOf(move["from"], move["fromBeside"]),
    pathsOf(move["to"], move["toBeside"]),
    textOf(move["worth"]),
    textOf(move["nodes"]),
  ])
  const columns = [
    { head: "group", ...right },
    { head: "service" },
    { head: "bit/s", ...right },
    { head: "leaves" },
    { head: "takes" },
    { head: "worth" },
    { head: "nodes told", ...right },
  ]
  return `${lines}${table(columns, rows)}${endOf(outcome, moves.length)}`
}

function endOf(outcome: JsonObject | undefined, moves: number): string {
  if (outcome === undefined) return moves === 0 ? "" : "nothing was moved: this was a dry run\n"
  if (moves === 0) return "nothing to move\n"
  switch (outcome["state"]) {
    case "done":
      return "all of it is done\n"
    case "ended":
      return `${textOf(outcome["moved"])} of ${moves} done, the rest is left: ${textOf(outcome["reason"])}\n`
    default:
      return "still moving: each move is told by the notices service.moving and service.moved\n"
  }
}

/** Links by name where they have one; several paths apart. */
function pathsOf(first: JsonValue | undefined, beside: JsonValue | undefined): string {
  const others = beside !== undefined && isArray(beside) ? beside : []
  return [first ?? [], ...others].map(linksOf).join(" and ")
}

function linksOf(path: JsonValue): string {
  if (!isArray(path)) return ""
  return path
    .map((link) => (isObject(link) ? textOf(link["name"] ?? link["qkdlId"]) : ""))
    .join(", ")
}

function textOf(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return ""
  return typeof value === "string" ? value : JSON.stringify(value)
}
