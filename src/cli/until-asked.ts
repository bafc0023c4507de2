// When a role is to stop: on SIGINT, on SIGTERM, and when the process that started it is gone.

export interface StopAsked {
  readonly asked: Promise<void>
  readonly signal: AbortSignal
}

export function untilAsked(): StopAsked {
  const abort = new AbortController()
  const asked = new Promise<void>((resolve) => {
    const stop = (): void => {
      abort.abort()
      resolve()
    }
    process.on("SIGINT", stop)
    process.on("SIGTERM", stop)
    // A child whose supervisor was killed must not live on, not even to say goodbye: its successor is about to
    // want the ports and stores. Everything kept is safe at any moment.
    if (process.send !== undefined) {
      const orphaned = (): void => process.exit(1)
      process.on("disconnect", orphaned)
      if (!process.connected) orphaned()
    }
  })
  // THREATS I1: SIGUSR1 would open the inspector, and with it all memory.
  process.on("SIGUSR1", () => undefined)
  return { asked, signal: abort.signal }
}
