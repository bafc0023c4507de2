// An honest ncclient session that stays open while others misbehave, and a look at whether the network still is what
// it was: the controller's own sessions, the configuration, a pair of keys.

import assert from "node:assert/strict"
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import {
  decKeys,
  type Demo,
  type DemoFile,
  encKeys,
  eventually,
  type KeyContainer,
  rest,
} from "./demo.js"

const SCRIPT = `
import json, sys
from ncclient import manager
host, port, user, key = sys.argv[1:5]
SESSIONS = '<netconf-state xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><sessions/></netconf-state>'
with manager.connect(host=host, port=int(port), username=user, key_filename=key, hostkey_verify=False,
                     allow_agent=False, look_for_keys=False, timeout=60) as m:
    print(json.dumps(m.session_id), flush=True)
    for line in sys.stdin:
        order = line.strip()
        if order == "config":
            print(json.dumps(m.get_config("running").data_xml), flush=True)
        elif order == "sessions":
            print(json.dumps(m.get(filter=("subtree", SESSIONS)).data_xml), flush=True)
        elif order == "subscribe":
            m.create_subscription()
            print("null", flush=True)
        elif order == "heard":
            notes = []
            while True:
                note = m.take_notification(block=False)
                if note is None:
                    break
                notes.append(note.notification_xml)
            print(json.dumps(notes), flush=True)
        else:
            break
`

/** One ncclient session at one node, kept open. */
export class Bystander {
  readonly #lines: string[] = []
  readonly #waiting: ((line: string | undefined) => void)[] = []
  #said = ""
  #over = false

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#lines.push(line)
      else waiting(line)
    })
    child.stderr.on("data", (chunk: Buffer) => (this.#said += chunk.toString("utf8")))
    child.stdin.on("error", () => undefined)
    child.once("close", () => {
      this.#over = true
      for (const waiting of this.#waiting.splice(0)) waiting(undefined)
    })
  }

  static async open(target: DemoFile["nodes"][number]["netconf"]): Promise<Bystander> {
    const { host, port, username, privateKeyFile } = target
    const args = ["-c", SCRIPT, host, String(port), username, privateKeyFile]
    const bystander = new Bystander(spawn("/usr/bin/python3", args))
    await bystander.#line()
    return bystander
  }

  /** The running configuration, read over the session that was opened at the start. */
  async config(): Promise<string> {
    return (await this.#ask("config")) as string
  }

  async subscribe(): Promise<void> {
    await this.#ask("subscribe")
  }

  /** Notifications that came since the last call. */
  async heard(): Promise<string[]> {
    return (await this.#ask("heard")) as string[]
  }

  /** The sessions the node has, as `id user login-time`. */
  async sessions(): Promise<string[]> {
    const xml = (await this.#ask("sessions")) as string
    return [...xml.matchAll(/<session>(.*?)<\/session>/g)].map(([, each = ""]) =>
      ["session-id", "username", "login-time"]
        .map((leaf) => new RegExp(`<${leaf}>([^<]*)<`).exec(each)?.[1] ?? "?")
        .join(" "),
    )
  }

  async close(): Promise<void> {
    if (this.#over) return
    const gone = new Promise((resolve) => this.child.once("close", resolve))
    const hard = setTimeout(() => this.child.kill("SIGKILL"), 5000)
    this.child.stdin.end("end\n")
    await gone
    clearTimeout(hard)
  }

  async #ask(order: string): Promise<unknown> {
    this.child.stdin.write(`${order}\n`)
    return JSON.parse(await this.#line()) as unknown
  }

  async #line(): Promise<string> {
    const line =
      this.#lines.shift() ??
      (this.#over
        ? undefined
        : await new Promise<string | undefined>((resolve) => this.#waiting.push(resolve)))
    if (line === undefined) throw new Error(`the honest session is over: ${this.#said}`)
    return line
  }
}

/** A key for both SAEs: asked for, fetched, equal, and gone afterwards. */
export async function exchangeKey(demo: Demo, master: string, slave: string): Promise<void> {
  const enc = await encKeys(demo, master, slave)
  assert.equal(enc.status, 200, `${master} -> ${slave}: ${enc.body}`)
  const { keys } = JSON.parse(enc.body) as KeyContainer
  const ids = keys.map((k) => k.key_ID)
  const dec = await decKeys(demo, slave, master, ids)
  assert.equal(dec.status, 200, `${slave} <- ${master}: ${dec.body}`)
  assert.deepEqual((JSON.parse(dec.body) as KeyContainer).keys, keys)
  assert.equal(Buffer.from(keys[0]?.key ?? "", "base64").length, 32)
  assert.equal((await decKeys(demo, slave, master, ids)).status, 400, "a key is given once")
}

export async function reaches(demo: Demo): Promise<string[]> {
  const { body } = await rest(demo, "GET", "/network")
  return (body as { nodes: { reach: string }[] }).nodes.map((n) => n.reach)
}

/** What must not change while somebody attacks. */
export class Witness {
  private constructor(
    private readonly demo: Demo,
    private readonly bystanders: ReadonlyMap<string, Bystander>,
    private readonly sessions: ReadonlyMap<string, readonly string[]>,
    private readonly configs: ReadonlyMap<string, string>,
    private readonly pairs: readonly (readonly [string, string])[],
    private readonly seq: number,
  ) {}

  /** Uses the pairs once, so that paths stand, then remembers sessions and configuration of every node. */
  static async of(demo: Demo, pairs: readonly (readonly [string, string])[]): Promise<Witness> {
    for (const [master, slave] of pairs) await exchangeKey(demo, master, slave)
    await eventually(async () => {
      const { body } = await rest(demo, "GET", "/services")
      const { items } = body as { items: { state: string }[] }
      return items.length > 0 && items.every((s) => s.state === "active") ? true : undefined
    }, "the services are active")
    const bystanders = new Map<string, Bystander>()
    const sessions = new Map<string, readonly string[]>()
    const configs = new Map<string, string>()
    for (const { name, netconf } of demo.file.nodes) {
      const bystander = await Bystander.open(netconf)
      bystanders.set(name, bystander)
      sessions.set(name, await bystander.sessions())
      configs.set(name, await bystander.config())
    }
    const { body } = await rest(demo, "GET", "/network")
    return new Witness(demo, bystanders, sessions, configs, pairs, (body as { seq: number }).seq)
  }

  /** Every honest session still is the same one, nothing is configured otherwise, keys come and are equal. */
  async unharmed(): Promise<void> {
    for (const [name, bystander] of this.bystanders) {
      const now = await bystander.sessions()
      for (const session of this.sessions.get(name) ?? [])
        assert(now.includes(session), `${name} lost the session ${session}: ${now.join("; ")}`)
      assert.equal(await bystander.config(), this.configs.get(name), `${name} is configured anew`)
    }
    assert.deepEqual(
      await reaches(this.demo),
      this.demo.file.nodes.map(() => "connected"),
    )
    assert.deepEqual(await this.#lostNodes(), [], "the controller lost a node in between")
    for (const [master, slave] of this.pairs) await exchangeKey(this.demo, master, slave)
  }

  async close(): Promise<void> {
    for (const bystander of this.bystanders.values()) await bystander.close()
  }

  /** Nodes the journal calls anything but connected since the start. */
  async #lostNodes(): Promise<string[]> {
    const query = `?since=${this.seq}&without=link.performance&limit=1000`
    const { body } = await rest(this.demo, "GET", `/events${query}`)
    const { items } = body as { items: { topic: string; value: { reach?: string } | null }[] }
    return items
      .filter((n) => n.topic === "node" && n.value?.reach !== "connected")
      .map((n) => JSON.stringify(n.value))
  }
}
