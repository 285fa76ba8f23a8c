import type { JournalWriter } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';

/** Keeps what is in the journal close behind what is known: at once after each sample, and every `HEARTBEAT` besides. */
export type Recorder = {
  /** Something was appended: have it written, in one go with whatever else came in the meantime. */
  soon(): void;
  stop(): Promise<void>;
};

const HEARTBEAT = 500;

/** What the journal can't take tells itself in its state; what else goes wrong is a bug of ours, told to `onBug`. */
export function startRecorder(journal: JournalWriter, now: () => Millis, onBug: (error: unknown) => void): Recorder {
  let writing: Promise<void> | null = null;
  let again = false;

  async function write(): Promise<void> {
    do {
      again = false;
      await journal.flush(now()).catch(onBug);
    } while (again);
    writing = null;
  }

  function soon(): void {
    again = true;
    writing ??= Promise.resolve().then(write);
  }

  const heartbeat = setInterval(soon, HEARTBEAT);
  return {
    soon,
    async stop() {
      clearInterval(heartbeat);
      soon();
      await writing;
    },
  };
}
