// A moment in which what nobody wants any more may go on arriving: who is still sending does not read, and an answer
// sent meanwhile would be lost with the connection. Counted in parts, not by the clock alone: a process that stands still
// meanwhile has let one of them pass, not all.

const LINGER_MS = 1000
const LINGER_PARTS = 10

/** @returns the way to call it off */
export function linger(over: () => void): () => void {
  let parts = 0
  const timer = setInterval(() => {
    if (++parts < LINGER_PARTS) return
    clearInterval(timer)
    over()
  }, LINGER_MS / LINGER_PARTS)
  return () => {
    clearInterval(timer)
  }
}
