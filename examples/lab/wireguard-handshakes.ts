// What became of handshakes, from the words of wireguard-go at LOG_LEVEL=verbose.
//
// It says "invalid response" of any answer that it does not take: of one made with another preshared key, of one that
// comes after it has itself answered the other end (both had begun at once: neither answer is taken, and both wait for
// the next try), and of one to an entry that is gone. Only the first means that keys differ.

export interface RefusedHandshakes {
  readonly unequalKeys: number
  readonly crossed: number
  readonly late: number
}

/** @param log of one interface with one peer, whole */
export function refusedHandshakes(log: string): RefusedHandshakes {
  const refused = { unequalKeys: 0, crossed: 0, late: 0 }
  let why: keyof RefusedHandshakes = "late"
  for (const line of log.split("\n"))
    if (line.includes("Sending handshake initiation")) why = "unequalKeys"
    else if (line.includes("Received handshake initiation")) why = "crossed"
    else if (line.includes("UAPI: Removing")) why = "late"
    else if (line.includes("Received invalid response message")) refused[why] += 1
  return refused
}
