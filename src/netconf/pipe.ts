// The byte pipe that carries one session. Types only: `src/transport` has pipes over SSH, tests have their own.

/** Bytes out, flow control in. What arrives is handed to the session's `receive`. */
export interface BytePipe {
  /** Takes the bytes; never blocks, never throws. */
  send(bytes: Uint8Array): void
  /** Bytes taken by `send` that have not left yet: how far the peer lags behind. */
  queuedBytes(): number
  /** Calls once when `queuedBytes` has fallen to (nearly) nothing; at once when it is so already. */
  onceDrained(call: () => void): void
  /** Stop and go on reading; between them `receive` may still get what was already read. */
  pause(): void
  resume(): void
  /** Ends the pipe once what was sent has left, within the transport's own deadline. */
  close(): void
}

/** The session's end that a transport feeds. */
export interface PipeUser {
  receive(bytes: Uint8Array): void
  /** The other side sends no more, and may still read: `ssh HOST -s netconf < FILE`. Where absent, `closed` is called. */
  ended?(why: string): void
  /** The transport is gone; nothing is called afterwards. */
  closed(why: string): void
}
