// The end of a role process: as soon as everything is closed, and in time even when something is not.

const EXIT_MS = 2000

export async function exitWhenStopped(stopped: Promise<unknown>, status = 0): Promise<never> {
  const late = new Promise((done) => setTimeout(done, EXIT_MS))
  await Promise.race([stopped.catch(() => undefined), late])
  process.exit(status)
}
