// Cores that are slower than the machine's, and as many as one likes: processes that each get a share of a core, by the
// kernel's own means (control groups, version 1 or 2; for root). So two of them can be compared with one on a machine whose
// two cores also have a client to carry.

import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs"
import path from "node:path"

const ROOT = "/sys/fs/cgroup"
/** Short, so that nobody waits long for his turn. */
const PERIOD_US = 4000

type Quota = (share: number) => readonly (readonly [file: string, text: string])[]

export class SlowCores {
  readonly #quota: Quota
  readonly #root: string
  readonly #made: string[] = []

  private constructor(root: string, quota: Quota) {
    this.#root = root
    this.#quota = quota
  }

  /** Undefined where there are none to be had. */
  static open(): SlowCores | undefined {
    const first = path.join(ROOT, "cpu")
    const us = (share: number): string => String(Math.round(share * PERIOD_US))
    const cores = existsSync(path.join(first, "cpu.cfs_quota_us"))
      ? new SlowCores(first, (share) => [
          ["cpu.cfs_period_us", String(PERIOD_US)],
          ["cpu.cfs_quota_us", us(share)],
        ])
      : new SlowCores(ROOT, (share) => [["cpu.max", `${us(share)} ${PERIOD_US}`]])
    try {
      cores.#make(1)
      return cores
    } catch {
      cores.close()
      return undefined
    }
  }

  /** Puts a process, with all its threads, on a core of its own that is so much of a real one. */
  put(pid: number, share: number): void {
    writeFileSync(path.join(this.#make(share), "cgroup.procs"), String(pid))
  }

  /** Once the processes have ended. */
  close(): void {
    for (const folder of this.#made.splice(0)) rmdirSync(folder)
  }

  #make(share: number): string {
    const folder = path.join(this.#root, `keyloom-bench-${process.pid}-${this.#made.length}`)
    mkdirSync(folder)
    this.#made.push(folder)
    for (const [file, text] of this.#quota(share)) writeFileSync(path.join(folder, file), text)
    return folder
  }
}
