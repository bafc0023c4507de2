// How a program of ours ends, for scripts and for whoever keeps it alive. 0: as asked.

export const EXIT_STATUS = {
  /** The answer is no, or it failed. */
  failed: 1,
  /** Wrong usage, file or configuration. */
  wrongInput: 2,
  /** Another controller leads. Whoever keeps processes alive leaves this one: started again, it would be in that one's way. */
  replaced: 3,
} as const
