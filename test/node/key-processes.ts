// The parent's side of `key-child.ts`: starts, asks and kills key managers in processes of their own.

import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { ChildAnswer, ChildRequest } from "./key-child.js"

type Unnumbered<T> = T extends unknown ? Omit<T, "id"> : never

export interface ChildProgram {
  readonly script: string
  readonly args: readonly string[]
  readonly execArgv: readonly string[]
}

const AS_IT_STANDS: ChildProgram = {
  script: fileURLToPath(new URL("./key-child.ts", import.meta.url)),
  args: [],
  execArgv: ["--import", "tsx"],
}

export class KeyProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >()
  readonly #exited: Promise<void>
  #next = 0

  /** @param program what runs `key-child.ts`; as it stands where absent */
  constructor(program: ChildProgram = AS_IT_STANDS) {
    const { script, args, execArgv } = program
    this.#child = fork(script, args, {
      execArgv: [...execArgv],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    })
    this.#child.on("message", ({ id, result, error }: ChildAnswer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(error))
    })
    this.#exited = new Promise((resolve) => {
      this.#child.on("exit", () => {
        for (const { reject } of this.#waiting.values()) reject(new Error("killed"))
        this.#waiting.clear()
        resolve()
      })
    })
  }

  ask(request: Unnumbered<ChildRequest>): Promise<unknown> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      if (!this.#child.connected) reject(new Error("killed"))
      else
        this.#child.send({ ...request, id }, (error) => {
          if (error !== null) reject(new Error("killed"))
        })
    })
  }

  /** SIGKILL: no farewell, no flush. */
  kill(): Promise<void> {
    this.#child.kill("SIGKILL")
    return this.#exited
  }
}
