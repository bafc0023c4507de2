// The 014 source holds to the contract of QKD modules, against key managers that are not ours.

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import etsi014 from "../../../plugins/etsi014/index.js"
import { moduleChecks } from "../../../src/plugin/index.js"
import type { ModuleTarget, TestLink } from "../../../src/plugin/index.js"
import { IndependentKme } from "../../support/independent-kme.js"

const SAES = ["link-end-a", "link-end-b"] as const

/** The maker's key managers at both ends of a link. A cut fibre is: no more keys. */
export async function makeTestLink(): Promise<TestLink & { readonly kme: IndependentKme }> {
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-014-"))
  const kme = await IndependentKme.start(folder, SAES)
  const target = (end: 0 | 1): ModuleTarget => {
    const { saeId: _own, ...access } = kme.access[end]
    const side = end === 0 ? "master" : "slave"
    const peerSaeId = SAES[1 - end] ?? ""
    const options = { ...access, side, peerSaeId, pollMs: 100, silentMs: 1500, keysPerRequest: 4 }
    return { qkdiId: 1, options }
  }
  return {
    kme,
    a: target(0),
    b: target(1),
    cut: () => void kme.order("empty"),
    mend: () => void kme.order("fill"),
    close: async () => {
      await kme.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

describe("link keys over ETSI 014", () => {
  for (const check of moduleChecks(etsi014, makeTestLink))
    it(check.name, () => check.run()).timeout(60_000)
})
