// Time as the NETCONF room is given it. This room has no clock and no timers of its own.

/** A clock and an alarm, handed in by whoever owns the sockets. */
export interface NetconfClock {
  /** Milliseconds since the epoch. */
  now(): number
  /**
   * Calls `alarm` once after `ms` milliseconds.
   *
   * @returns the way to cancel; harmless after the alarm.
   */
  after(ms: number, alarm: () => void): () => void
}
