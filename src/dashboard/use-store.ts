// Lets a component follow the store, at most once per drawn frame however many notices come.

import { useEffect, useState } from "preact/hooks"
import type { Store } from "./store.js"

/** Re-renders when the store changed; returns its version. */
export function useStore(store: Store): number {
  const [version, setVersion] = useState(store.version)
  useEffect(() => {
    let waiting = 0
    const stop = store.subscribe(() => {
      if (waiting !== 0) return
      // A hidden page gets no frames; the timer keeps its picture no older than a second.
      const tell = (): void => {
        cancelAnimationFrame(frame)
        clearTimeout(waiting)
        waiting = 0
        setVersion(store.version)
      }
      const frame = requestAnimationFrame(tell)
      waiting = setTimeout(tell, 1000)
    })
    return () => {
      stop()
      clearTimeout(waiting)
    }
  }, [store])
  return version
}

/** The time, every second: for ages. */
export function useClock(): number {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now())
    }, 1000)
    return () => {
      clearInterval(timer)
    }
  }, [])
  return now
}
