// How far a long run has come, on standard error: one line rewritten on a terminal, a line a tenth where it was asked
// for elsewhere, nothing otherwise. Standard output stays the answer's.

import type { Progress } from "../plan/progress.js"

const EVERY_MS = 100

/** @param asked `--progress`; on a terminal it is shown without. */
export function progressOn(label: string, asked: boolean): Progress {
  const { stderr } = process
  if (stderr.isTTY) {
    let shownAt = Date.now()
    let shown = false
    return (done, total) => {
      const now = Date.now()
      if (done >= total) {
        if (shown) stderr.write("\r\x1b[K")
        return
      }
      if (now - shownAt < EVERY_MS) return
      shownAt = now
      shown = true
      stderr.write(`\r\x1b[Kkeyloom: ${label} ${done} of ${total}`)
    }
  }
  if (!asked) return () => undefined
  let told = 0
  return (done, total) => {
    const tenth = Math.floor((10 * done) / Math.max(1, total))
    if (tenth <= told && done < total) return
    told = tenth
    stderr.write(`keyloom: ${label} ${done} of ${total}\n`)
  }
}
