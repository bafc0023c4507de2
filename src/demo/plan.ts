// What a demo network is made of, decided once at its first start and kept in `plan.json`: identities, ports,
// the access token. A later start in the same folder finds the same network again. Holds no key material;
// certificates and keys are made from it by `files.ts`.

import { createHash, randomBytes, randomUUID } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { QkdError } from "../errors.js"
import type { Topology } from "../model/topology.js"
import { HeldPorts } from "./ports.js"
import { writeFileDurably } from "./write-file.js"

export interface PlannedNode {
  readonly name: string
  /** Folder name, safe on every file system. */
  readonly slug: string
  readonly qkdnId: string
  readonly ports: {
    readonly netconf: number
    readonly etsi014: number
    readonly relay: number
    /** Of key streams, where they were asked for once. */
    readonly etsi004?: number
  }
}

export interface PlannedLink {
  /** The topology's id of the link. */
  readonly id: string
  readonly qkdlId: string
  readonly a: { readonly node: string; readonly qkdiId: number }
  readonly b: { readonly node: string; readonly qkdiId: number }
}

export interface Plan {
  readonly format: 1
  readonly topology: Topology
  readonly topologyDigest: string
  /** Bearer token of the demo's operator. */
  readonly token: string
  /** Where the controller's NETCONF listens; absent in folders of older demos, until the next start. */
  readonly controllerPort?: number
  readonly nodes: readonly PlannedNode[]
  readonly links: readonly PlannedLink[]
}

export interface PlannedFaces {
  /** Key streams. */
  readonly etsi004?: boolean
}

/**
 * The plan kept in `dir`, or a new one for `topology`.
 *
 * @param topology absent: whatever the folder holds
 * @param ports held by the caller as long as the demo lives; absent: free when they were chosen
 * @param faces served beside ETSI 014 from now on, also when a later start does not name them
 * @throws QkdError `data-exists` when the folder holds the demo of another topology.
 */
export async function planDemo(
  dir: string,
  topology: Topology | undefined,
  ports?: HeldPorts,
  faces: PlannedFaces = {},
): Promise<Plan> {
  if (ports !== undefined) return planOn(dir, topology, ports, faces)
  const own = new HeldPorts()
  try {
    return await planOn(dir, topology, own, faces)
  } finally {
    await own.release()
  }
}

async function planOn(
  dir: string,
  topology: Topology | undefined,
  ports: HeldPorts,
  faces: PlannedFaces,
): Promise<Plan> {
  const file = path.join(dir, "plan.json")
  if (existsSync(file)) {
    const kept = JSON.parse(readFileSync(file, "utf8")) as Plan
    if (topology !== undefined && kept.topologyDigest !== digestOf(topology)) {
      throw new QkdError(
        "data-exists",
        `${dir} holds the demo of "${kept.topology.name}", which differs from "${topology.name}": choose another --dir or remove the folder`,
      )
    }
    const plan = await withFreePorts(kept, ports, faces)
    if (plan !== kept) writeFileDurably(file, JSON.stringify(plan, null, 2), 0o600)
    return plan
  }
  if (topology === undefined) throw new QkdError("data-missing", `${dir} holds no demo`)
  const plan = await withFreePorts(newPlan(topology), ports, faces)
  writeFileDurably(file, JSON.stringify(plan, null, 2), 0o600)
  return plan
}

function digestOf(topology: Topology): string {
  const { notices: _, ...drawn } = topology
  return createHash("sha256").update(JSON.stringify(drawn)).digest("hex")
}

function newPlan(topology: Topology): Plan {
  const slugs = new Set<string>()
  const nodes = topology.nodes.map((node): PlannedNode => {
    const slug = freshSlug(node.name, slugs)
    slugs.add(slug)
    return {
      name: node.name,
      slug,
      qkdnId: randomUUID(),
      ports: { netconf: 0, etsi014: 0, relay: 0 },
    }
  })
  const modules = new Map<string, number>()
  const nextModule = (node: string): number => {
    const qkdiId = (modules.get(node) ?? 0) + 1
    modules.set(node, qkdiId)
    return qkdiId
  }
  const links = topology.links.map(
    (link): PlannedLink => ({
      id: link.id,
      qkdlId: randomUUID(),
      a: { node: link.a, qkdiId: nextModule(link.a) },
      b: { node: link.b, qkdiId: nextModule(link.b) },
    }),
  )
  return {
    format: 1,
    topology,
    topologyDigest: digestOf(topology),
    token: randomBytes(32).toString("base64url"),
    nodes,
    links,
  }
}

function freshSlug(name: string, taken: ReadonlySet<string>): string {
  const base =
    name
      .normalize("NFKD")
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 40) || "node"
  if (!taken.has(base)) return base
  for (let n = 2; ; n += 1) if (!taken.has(`${base}-${n}`)) return `${base}-${n}`
}

/** Keeps ports that are free, replaces those that are not: peers find the same addresses after a restart. */
async function withFreePorts(plan: Plan, ports: HeldPorts, faces: PlannedFaces): Promise<Plan> {
  const nodes: PlannedNode[] = []
  for (const node of plan.nodes) {
    const { netconf, etsi014, relay, etsi004 = faces.etsi004 === true ? 0 : undefined } = node.ports
    nodes.push({
      ...node,
      ports: {
        netconf: await ports.hold(netconf),
        etsi014: await ports.hold(etsi014),
        relay: await ports.hold(relay),
        ...(etsi004 !== undefined && { etsi004: await ports.hold(etsi004) }),
      },
    })
  }
  const controllerPort = await ports.hold(plan.controllerPort ?? 0)
  const moved = nodes.some((node, i) => JSON.stringify(node) !== JSON.stringify(plan.nodes[i]))
  const same = !moved && controllerPort === plan.controllerPort
  return same ? plan : { ...plan, nodes, controllerPort }
}
