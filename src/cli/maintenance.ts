// `keyloom maintenance`: links and nodes of a running network planned out for a time, shown, called off. What follows from it is
// the controller's.

import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import { askController, type ControllerAddress, readFromController } from "./controller-client.js"
import { table } from "./table.js"

interface Shown extends ControllerAddress {
  readonly json?: boolean
}

export interface PlanMaintenance extends Shown {
  readonly link?: string
  readonly node?: string
  readonly begin?: string
  readonly end: string
  readonly reason: string
}

/** @throws QkdError as `askController`. */
export async function planMaintenance(options: PlanMaintenance): Promise<void> {
  const { link, node, begin, end, reason } = options
  const body = {
    ...(link === undefined ? {} : { link }),
    ...(node === undefined ? {} : { node }),
    ...(begin === undefined ? {} : { begin }),
    ...{ end, reason },
  }
  const answer = await askController(options, "/maintenance", { method: "POST", body })
  await show(options, answer, [windowIn(answer)])
}

/** @throws QkdError as `askController`. */
export async function listMaintenance(options: Shown): Promise<void> {
  const answer = await readFromController(options, "/maintenance?limit=1000&sort=begin")
  const { items } = windowIn(answer)
  if (items === undefined || !isArray(items)) throw foreign()
  await show(options, items, items.map(windowIn))
}

/** @throws QkdError as `askController`. */
export async function changeMaintenance(
  id: string,
  options: Shown & Partial<Pick<PlanMaintenance, "begin" | "end" | "reason">>,
): Promise<void> {
  const resource = `/maintenance/${encodeURIComponent(id)}`
  const { qkdlId, qkdnId, begin, end, reason } = windowIn(
    await readFromController(options, resource),
  )
  const body = {
    ...(qkdlId === undefined ? { node: text(qkdnId) } : { link: text(qkdlId) }),
    begin: options.begin ?? text(begin),
    end: options.end ?? text(end),
    reason: options.reason ?? text(reason),
  }
  const answer = await askController(options, resource, { method: "PUT", body })
  await show(options, answer, [windowIn(answer)])
}

/** @throws QkdError as `askController`. */
export async function cancelMaintenance(id: string, options: ControllerAddress): Promise<void> {
  const resource = `/maintenance/${encodeURIComponent(id)}`
  await askController(options, resource, { method: "DELETE" })
}

async function show(
  options: Shown,
  answer: JsonValue,
  windows: readonly JsonObject[],
): Promise<void> {
  if (options.json === true) process.stdout.write(`${JSON.stringify(answer)}\n`)
  else if (windows.length === 0) process.stdout.write("none is planned\n")
  else {
    const targets = await Promise.all(windows.map((one) => targetOf(options, one)))
    process.stdout.write(wordsOf(windows, targets))
  }
}

/** What goes out, by its name; by its id where it has none, or is gone by now. */
async function targetOf(options: Shown, { qkdlId, qkdnId }: JsonObject): Promise<string> {
  const kind = qkdlId === undefined ? "node" : "link"
  const id = text(qkdlId ?? qkdnId)
  const resource = `/${kind}s/${encodeURIComponent(id)}`
  const found = await readFromController(options, resource).catch(() => undefined)
  const name = found !== undefined && isObject(found) ? text(found["name"]) : ""
  return `${kind} ${name === "" ? id : name}`
}

function wordsOf(windows: readonly JsonObject[], targets: readonly string[]): string {
  const columns = [
    { head: "id" },
    { head: "of" },
    { head: "begin" },
    { head: "end" },
    { head: "state" },
    { head: "cannot move", right: true },
    { head: "by" },
    { head: "reason" },
  ]
  const rows = windows.map((one, at) => [
    text(one["maintenanceId"]),
    targets[at] ?? "",
    text(one["begin"]),
    text(one["end"]),
    text(one["state"]),
    one["staying"] !== undefined && isArray(one["staying"]) ? String(one["staying"].length) : "",
    text(one["by"]),
    text(one["reason"]),
  ])
  return table(columns, rows)
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : ""
}

function windowIn(answer: JsonValue): JsonObject {
  if (!isObject(answer)) throw foreign()
  return answer
}

function foreign(): QkdError {
  return new QkdError("operation-failed", "the answer is not one of a Keyloom controller")
}
