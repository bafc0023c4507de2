// A fibre is cut in a whole running network: germany50 as `keyloom demo` starts it, real node agents in processes of
// their own, services ordered over REST with backups. From the cut until the last service hit stands on its new path at
// every node of it, while applications of those services go on fetching keys. Prints figures, and the processor time that
// controller and nodes took meanwhile, which says more than the clock where others use the machine too; every key is
// compared at both ends. Needs ../shared and `npm run build`. Run: npx tsx bench/restoration-live.ts [SERVICES]

import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { WebSocket } from "ws"
import {
  type Demo,
  eventually,
  fibre,
  freshDir,
  type KeyContainer,
  removeDir,
  rest,
  startDemo,
} from "../test/support/demo.js"
import { saeClient, type SaeClient } from "../test/support/https-client.js"

const SERVICES = Number(process.argv[2] ?? 500)
/** Services hit whose applications fetch keys all the while. */
const ASKING = 40
const GERMANY50 = new URL("../../shared/data/topologies/sndlib/germany50.json", import.meta.url)

interface ServiceView {
  readonly serviceId: string
  readonly state: string
  readonly reason?: string
  readonly a: { readonly saeId: string }
  readonly b: { readonly saeId: string }
  readonly path?: { readonly hops: readonly { readonly qkdlId: string }[] }
  readonly backup?: object
}

interface NoticeView {
  readonly op: string
  readonly time: string
  readonly type: string
  readonly id: string
  readonly message?: string
}

async function servicesOf(demo: Demo): Promise<ServiceView[]> {
  const { body } = await rest(demo, "GET", "/network")
  return [...(body as { services: ServiceView[] }).services]
}

async function order(demo: Demo): Promise<void> {
  const names = demo.file.nodes.map(({ name }) => name)
  const pairs = names.flatMap((a, n) => names.slice(n + 1).map((b) => [a, b] as const))
  const step = pairs.length / SERVICES
  for (let n = 0; n < SERVICES; n += 1) {
    const [a, b] = pairs[Math.floor(n * step)] ?? ["", ""]
    const terms = { minRateBps: 1, priority: n % 8, protection: "restore" }
    const { status, body } = await rest(demo, "POST", "/services", {
      a: `sae-${a}`,
      b: `sae-${b}`,
      ...terms,
    })
    if (status !== 201) throw new Error(`order refused: ${JSON.stringify(body)}`)
  }
}

async function listen(demo: Demo): Promise<{ notices: NoticeView[]; close: () => void }> {
  const notices: NoticeView[] = []
  const url = `${demo.file.controller.url.replace("http", "ws")}/api/v1/events`
  const headers = { authorization: `Bearer ${demo.file.controller.token}` }
  const socket = new WebSocket(url, "keyloom.v1", { headers })
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject)
    socket.once("open", () => {
      socket.send(JSON.stringify({ op: "subscribe", id: "b", topics: ["link", "service"] }))
    })
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString("utf8")) as NoticeView
      if (message.op === "snapshot") resolve()
      if (message.op === "notice") notices.push(message)
    })
  })
  return {
    notices,
    close: () => {
      socket.terminate()
    },
  }
}

interface Count {
  fetched: number
  /** By status and the node's words. */
  refused: Map<string, number>
  different: number
  /** Connections that ended while a call was on its way. */
  broken: number
}

/** Fetches keys of services in turn until told to stop. */
async function fetchKeys(
  demo: Demo,
  services: readonly ServiceView[],
  clients: Map<string, SaeClient>,
  count: Count,
  isOver: () => boolean,
): Promise<void> {
  const client = (saeId: string): SaeClient => {
    const known = clients.get(saeId)
    if (known !== undefined) return known
    const sae = demo.file.saes.find((one) => one.saeId === saeId)
    if (sae === undefined) throw new Error(`no ${saeId}`)
    const made = saeClient(sae, 30_000)
    clients.set(saeId, made)
    return made
  }
  const urlOf = (saeId: string, peer: string, method: string): string => {
    const node = demo.file.nodes.find(({ name }) => `sae-${name}` === saeId)
    return `${node?.etsi014 ?? ""}/api/v1/keys/${encodeURIComponent(peer)}/${method}`
  }
  const fetchOne = async (a: string, b: string): Promise<void> => {
    const enc = await client(a).post(urlOf(a, b, "enc_keys"), { number: 1 })
    if (enc.status !== 200) {
      const { message = "" } = JSON.parse(enc.body) as { message?: string }
      const words = `${enc.status} ${message}`
      count.refused.set(words, (count.refused.get(words) ?? 0) + 1)
      return
    }
    const { keys } = JSON.parse(enc.body) as KeyContainer
    const key_IDs = keys.map(({ key_ID }) => ({ key_ID }))
    const dec = await client(b).post(urlOf(b, a, "dec_keys"), { key_IDs })
    const same =
      dec.status === 200 &&
      (JSON.parse(dec.body) as KeyContainer).keys.every(({ key }, n) => key === keys[n]?.key)
    if (same) count.fetched += 1
    else count.different += 1
  }
  while (!isOver()) {
    for (const { a, b } of services) {
      if (isOver()) return
      // A connection kept alive may be closed by the node just as it is used again: that call never was.
      await fetchOne(a.saeId, b.saeId).catch(() => (count.broken += 1))
    }
  }
}

/** Processor time of the controller and of all node processes, seconds; nothing where there is no /proc. */
function processorTime(demo: Demo): { readonly controller: number; readonly nodes: number } {
  const sums = { controller: 0, nodes: 0 }
  if (!existsSync("/proc/self/stat")) return sums
  const rows = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(demo.process.pid)])
  for (const row of rows.toString().trim().split("\n")) {
    const pid = row.trim().split(" ")[0] ?? ""
    // Counted in hundredths of a second, after the command's name in brackets (proc_pid_stat(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
    const seconds = (Number(fields[11]) + Number(fields[12])) / 100
    sums[row.includes(" controller --config ") ? "controller" : "nodes"] += seconds
  }
  return sums
}

function busiest(services: readonly ServiceView[]): string {
  const load = new Map<string, number>()
  for (const { path } of services)
    for (const { qkdlId } of path?.hops ?? []) load.set(qkdlId, (load.get(qkdlId) ?? 0) + 1)
  const [most] = [...load].sort((x, y) => y[1] - x[1])
  if (most === undefined) throw new Error("no service has a path")
  return most[0]
}

async function run(demo: Demo): Promise<void> {
  const started = Date.now()
  await order(demo)
  const services = await eventually(
    async () => {
      const all = await servicesOf(demo)
      return all.every(({ state }) => state === "active") ? all : undefined
    },
    "all services active",
    300_000,
  )
  const backed = services.filter(({ backup }) => backup !== undefined).length
  const seconds = ((Date.now() - started) / 1000).toFixed(1)
  console.log(`${services.length} services active after ${seconds} s, ${backed} with a backup`)
  const qkdlId = busiest(services)
  const link = demo.file.links.find((one) => one.qkdlId === qkdlId)
  if (link === undefined) throw new Error("no such link")
  const hit = services.filter(({ path }) => path?.hops.some((hop) => hop.qkdlId === qkdlId))
  const ids = new Set(hit.map(({ serviceId }) => serviceId))

  const { notices, close } = await listen(demo)
  const clients = new Map<string, SaeClient>()
  let over = false
  const count: Count = { fetched: 0, refused: new Map(), different: 0, broken: 0 }
  const asking = hit.slice(0, ASKING)
  const loads = [0, 1, 2, 3].map((n) =>
    fetchKeys(
      demo,
      asking.filter((_, place) => place % 4 === n),
      clients,
      count,
      () => over,
    ),
  )
  await eventually(
    () => Promise.resolve(count.fetched >= asking.length ? true : undefined),
    "keys of every service asked",
    120_000,
  )
  const before = count.fetched
  const spent = processorTime(demo)
  await fibre(demo, "cut", link.a, link.b)
  const moved = (): NoticeView[] =>
    notices.filter(({ type, id }) => type === "service.moved" && ids.has(id))
  await eventually(
    () => Promise.resolve(new Set(moved().map(({ id }) => id)).size >= ids.size ? true : undefined),
    "every service hit has moved",
    300_000,
  )
  const now = processorTime(demo)
  await new Promise((done) => setTimeout(done, 1000))
  over = true
  await Promise.all(loads)
  for (const client of clients.values()) client.close()
  close()

  const at = ({ time }: NoticeView): number => Date.parse(time)
  const down = notices.find(({ type, id }) => type === "link.down" && id === qkdlId)
  const zero = down === undefined ? Number.NaN : at(down)
  const times = moved()
    .map((notice) => at(notice) - zero)
    .sort((x, y) => x - y)
  const backup = notices.filter(
    ({ type, id, message }) =>
      type === "service.moving" && ids.has(id) && message === "to its backup",
  )
  const lastBegun = Math.max(...backup.map((notice) => at(notice) - zero))
  console.log(`link ${link.a} - ${link.b} cut, ${hit.length} services hit`)
  console.log(`  all decided after        ${lastBegun} ms, ${backup.length} to their backups`)
  console.log(
    `  first new path standing  ${times[0] ?? Number.NaN} ms after the link was told down`,
  )
  console.log(`  half of them             ${times[times.length >> 1] ?? Number.NaN} ms`)
  console.log(`  the last                 ${times.at(-1) ?? Number.NaN} ms`)
  const each = (seconds: number): string => ((seconds * 1000) / hit.length).toFixed(1)
  console.log(
    `  processor time           ${each(now.controller - spent.controller)} ms a service at the controller, ${each(now.nodes - spent.nodes)} ms at all nodes together`,
  )
  const refused = [...count.refused].map(([words, n]) => `${n} answered ${words}`)
  console.log(
    `  keys meanwhile           ${count.fetched - before} fetched and equal at both ends, ${count.different} not equal or lost, ${count.broken} connections broken, ${refused.length === 0 ? "none refused" : refused.join(", ")}`,
  )
}

if (!existsSync(GERMANY50)) console.log("skipped: ../shared is not here")
else {
  const dir = freshDir()
  const demo = await startDemo({ dir, topology: fileURLToPath(GERMANY50), readyMs: 300_000 })
  try {
    await run(demo)
  } finally {
    await demo.stop()
    removeDir(dir)
  }
}
