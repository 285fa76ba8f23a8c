/** The samples of one series, one after the other or side by side. */
export type Loop = {
  /** Begins, or goes on after `halt`. */
  start(): void;
  /** Sends nothing more; what is under way goes on. */
  halt(): void;
  /** Resolves when nothing is under way. */
  drained(): Promise<void>;
};
